"""Why a task failed, as one line in ``.failure.json`` among its outputs: ``KeyError: 'x' (cell 5, line 3)``."""

from __future__ import annotations

import json
import os
from typing import Any, Collection

from .record import write_atomically

FILE = ".failure.json"
LONGEST = 900
"""Signs of the line: with all of them of four bytes the file stays below the 4 KiB that are read."""


def leave(folder: str, line: str) -> None:
    """Write the file into ``folder``; nothing where there is nothing to tell, or no such folder."""
    first = (line.strip().splitlines() or [""])[0]
    text = "".join(sign if sign.isprintable() else " " for sign in first[:LONGEST]).strip()
    if not text:
        return
    try:
        data = json.dumps({"text": text}, ensure_ascii=False).encode("utf-8", "replace")
        write_atomically(os.path.join(folder, FILE), data)
    except OSError:  # a full disk, or started by hand: the exit status says enough
        return


def line_of(error: BaseException, labels: Collection[str]) -> str:
    """The exception's type, the first line of what it says, and where in the cells (``labels``) it happened."""
    place, line = _place(error, labels)
    where = f" ({place}, line {line})" if place else ""
    if type(error).__module__.startswith(str(__package__)):  # ours are told in words
        return _first(error) + where
    said = str(error.msg) if isinstance(error, SyntaxError) else _first(error)
    return told(type(error).__name__, said) + where


def told(name: str, said: str) -> str:
    """``KeyError: 'x'``, or the type alone."""
    lines = said.strip().splitlines()
    return f"{name}: {lines[0].strip()}"[: LONGEST - 100] if lines else name


def _first(error: BaseException) -> str:
    try:
        return (str(error).strip().splitlines() or [""])[0][: LONGEST - 100]
    except Exception:  # somebody's own __str__
        return ""


def _place(error: BaseException, labels: Collection[str]) -> Any:
    """The innermost cell in which it happened, and the line there."""
    if isinstance(error, SyntaxError) and error.filename in labels:
        return error.filename, error.lineno
    found, step = ("", 0), error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in labels:
            found = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return found
