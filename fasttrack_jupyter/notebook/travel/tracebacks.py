"""Tracebacks for people: from the first frame in a cell on, without ours."""

from __future__ import annotations

import os
import traceback
from typing import Any, Collection, List

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def traceback_lines(error: BaseException, labels: Collection[str]) -> List[str]:
    """The lines of ``error``'s traceback, each with its line end.

    Frames before the first one in a cell (``labels``), and frames of this folder, are left out, in the causes too.
    """
    told = traceback.TracebackException.from_exception(error)
    _shorten(told, labels, set())
    return list(told.format())


def _shorten(told: Any, labels: Collection[str], seen: Any) -> None:
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    frames = [frame for frame in told.stack if not os.path.abspath(frame.filename).startswith(_HERE)]
    first = next((number for number, frame in enumerate(frames) if frame.filename in labels), 0)
    told.stack[:] = frames[first:]
    for other in [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())]:
        _shorten(other, labels, seen)
