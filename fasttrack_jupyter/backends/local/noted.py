"""What a session that has ended noted of itself: metrics, parameters and tags, metadata of its artifacts.

A task writes what it likes: files are opened without waiting and without following a link, only so much is read of
them, and what makes no sense is left out.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from fasttrack_jupyter.backends.local.fresh import read_small
from fasttrack_jupyter.model.metrics import ARTIFACT_LIST, METRICS, MetricTable, parse_artifacts

_PAGE, _MOST = 1 << 20, 32 << 20
"""Bytes that are read at once, and of one file in all: of a larger one its beginning and its end."""
_LARGEST_LIST = 512 << 10


def noted_in(outputs: str) -> dict[str, Any]:
    """``{metrics, params, tags}``, as far as there are any. Blocks."""
    try:
        fd = os.open(f"{outputs}/{METRICS}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return {}
    with os.fdopen(fd, "rb", buffering=0) as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return {}
        table, left, skipped = MetricTable(), _MOST, found.st_size - _MOST
        while left > 0 and (page := file.read(min(_PAGE, left))):
            table.feed(page)
            left -= len(page)
            if skipped > 0 and left <= _MOST // 2:
                file.seek(skipped, os.SEEK_CUR)
                table.feed(b"\n")
                skipped = 0
        table.feed(b"\n")  # a last line that was broken off
    return table.facts()


def artifacts_in(outputs: str) -> dict[str, dict[str, Any]]:
    """By artifact, the metadata that the task wrote down."""
    try:
        return parse_artifacts(read_small(f"{outputs}/{ARTIFACT_LIST}", _LARGEST_LIST))
    except OSError:
        return {}
