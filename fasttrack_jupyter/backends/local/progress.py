"""How far tasks are: the file ``.progress.json`` that each may keep in its outputs, ``{"fraction": 0.4, "text": "…"}``.

The watchdog looks anyway, and a file that has not changed costs one stat. What is told is rare on purpose, for
each becomes an event that is kept: a percent more, or another text; at most one a second of each session, and where
only the text is new one in a three-hundredth of its age; and :data:`MOST` of all sessions after one look, those
first who have waited longest.

A task writes what it likes. So the file is opened without waiting and without following a link, only so
much is read of it, and what makes no sense is no progress.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.local.fresh import read_small
from fasttrack_jupyter.backends.progress_file import parse_progress
from fasttrack_jupyter.model.artifacts import PROGRESS

MOST = 25
"""Sessions whose progress is told after one look."""
_LARGEST = 16_384
"""Bytes of a file that may be progress."""
_PAUSE = 1.0
"""Seconds between two words about one session."""
_AGES = 300.0
"""A text alone is told after so many parts of the session's age."""
_STEP = 0.01


class Watched(NamedTuple):
    """A session to look at: attempt id, its outputs, when it began."""

    attempt_id: str
    outputs: str
    began: float


class Progress(NamedTuple):
    """What a task says: how far it is, from 0 to 1 (None: it does not say), and a text, as the task wrote it: only who
    knows the task's secrets may cut it."""

    fraction: float | None
    text: str

    def report_data(self) -> dict[str, Any]:
        """As the data of a report carries it."""
        return {"progress": {"fraction": self.fraction, "text": self.text}}


@dataclass(slots=True)
class _Known:
    """What is known of one session's file: which it was when last read, what it said, what was told of it when."""

    identity: tuple[int, int, int] | None = None
    read: Progress | None = None
    told: Progress | None = None
    told_at: float = 0.0


class ProgressReader:
    """Looks at the files of many sessions. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def news(self, sessions: Sequence[Watched], now: float) -> dict[str, Progress]:
        """By attempt id, what is to be told now; of sessions that are not among these everything is forgotten."""
        self._known = {each.attempt_id: self._known.get(each.attempt_id) or _Known() for each in sessions}
        due = []
        for each in sessions:
            known = self._known[each.attempt_id]
            _read_again(known, f"{each.outputs}/{PROGRESS}")
            if _is_due(known, now, now - each.began):
                due.append((known.told_at, each.attempt_id))
        found = {}
        for _, attempt_id in sorted(due)[:MOST]:
            known = self._known[attempt_id]
            assert known.read is not None
            known.told, known.told_at = known.read, now
            found[attempt_id] = known.read
        return found


def remove_progress(outputs: str) -> None:
    """The session has ended: how far it was is no output."""
    with contextlib.suppress(OSError):
        os.unlink(f"{outputs}/{PROGRESS}")


def _is_due(known: _Known, now: float, age: float) -> bool:
    if known.read is None or known.read == known.told:
        return False
    if known.told is None:
        return True
    before, after = known.told.fraction, known.read.fraction
    is_step = before is None or after is None or abs(after - before) >= _STEP - 1e-9
    pause = _PAUSE if before != after and is_step else max(_PAUSE, age / _AGES)
    is_new = is_step or known.read.text != known.told.text
    return is_new and not 0 <= now - known.told_at < pause * 0.9  # looks do not come to the tick


def _read_again(known: _Known, path: str) -> None:
    """Read the file if it is another one than before; one that is gone or makes no sense leaves what was known."""
    try:
        found = os.lstat(path)
        identity = (found.st_ino, found.st_mtime_ns, found.st_size)
        if identity == known.identity or not stat.S_ISREG(found.st_mode):
            return
        known.identity = identity
        told = parse_progress(read_small(path, _LARGEST))
        known.read = known.read if told is None else Progress(*told)
    except OSError:
        return
