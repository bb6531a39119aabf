"""What a session that has ended noted of itself: metrics, parameters and tags, metadata of its artifacts.

A task writes what it likes: files are opened without waiting and without following a link, only so much is read of
them, and what makes no sense is left out.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Any

from fasttrack_jupyter.backends.local.fresh import read_small
from fasttrack_jupyter.model.metrics import ARTIFACT_LIST, METRICS, MetricTable, parse_artifacts

_PAGE, _MOST = 1 << 20, 16 << 20
"""Bytes that are read at once, and of one file in all: of a larger one its beginning and its end."""
_LARGEST_LIST = 512 << 10


def noted_in(outputs: str) -> dict[str, Any]:
    """``{metrics, params, tags}``, as far as there are any; see :meth:`MetricTable.facts`. Blocks."""
    table = MetricTable()
    with contextlib.suppress(OSError):
        fd = os.open(f"{outputs}/{METRICS}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if stat.S_ISREG(found.st_mode):
                _read_onto(table, fd, found.st_size - _MOST)
        finally:
            os.close(fd)
    return table.facts()


def _read_onto(table: MetricTable, fd: int, too_many: int) -> None:
    """All of a file but ``too_many`` bytes in its middle."""
    left, table.truncated = _MOST, too_many > 0
    while left > 0 and (page := os.read(fd, min(_PAGE, left))):
        table.feed(page)
        left -= len(page)
        if too_many > 0 and left <= _MOST // 2:
            os.lseek(fd, too_many, os.SEEK_CUR)
            table.feed(b"\n")
            too_many = 0
    table.feed(b"\n")  # a last line that was broken off


def artifacts_in(outputs: str) -> dict[str, dict[str, Any]]:
    """By artifact, the metadata that the task wrote down."""
    try:
        return parse_artifacts(read_small(f"{outputs}/{ARTIFACT_LIST}", _LARGEST_LIST))
    except OSError:
        return {}
