"""Errors and problems in words: what happened, where exactly, what to do."""

from __future__ import annotations

import unicodedata
from typing import Any

from fasttrack_jupyter.api.words import clean, plural
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import FastTrackError, InvalidPipeline

_MOST_TASKS = 20
_EXCERPT = 160


def tell(face: Face, error: FastTrackError) -> None:
    """``error: …``, its problems or refused tasks, and the hint, on stderr."""
    problems = error.details.get("problems") or [] if isinstance(error, InvalidPipeline) else []
    if problems:
        tell_problems(face, problems)
        count = sum(problem["severity"] == "error" for problem in problems)
        face.note(f"error: {_file(face)} has {plural(count, 'error')}; {face.undone}")
        return
    refused = error.details.get("tasks")
    if isinstance(refused, dict) and refused:
        _tell_refused(face, refused)
        return
    face.note(f"error: {clean(error.message)}")
    if error.hint:
        face.note(f"hint: {clean(error.hint)}")


def _tell_refused(face: Face, refused: dict[str, Any]) -> None:
    """The refused tasks, each with its reason (and in that, what to do); ``fasttrack plan`` shows the others too."""
    are = "is" if len(refused) == 1 else "are"
    face.note(f"error: {plural(len(refused), 'task')} {are} refused; nothing was started")
    for path, reason in list(refused.items())[:_MOST_TASKS]:
        face.note(f"  {clean(path)}: {clean(str(reason))}")
    if len(refused) > _MOST_TASKS:
        face.note(f"  … and {len(refused) - _MOST_TASKS:,} more")


def _file(face: Face) -> str:
    return str(face.source) if face.source else "the pipeline"


def tell_problems(face: Face, problems: list[dict[str, Any]]) -> None:
    """Each problem with its place, the line it is about, a caret, and its hint, on stderr."""
    lines = _lines(face) if any(problem["line"] for problem in problems) else []
    for problem in problems:
        for line in _one(_place(face, lines, problem), lines, problem):
            face.note(line)


def _place(face: Face, lines: list[str], problem: dict[str, Any]) -> str:
    """``FILE:9:30``; of a notebook, whose lines are not those of the YAML made of it, the cell."""
    name, line = _file(face), problem["line"]
    if not line:
        return name
    if face.source is not None and face.source.suffix.lower() == ".ipynb":
        from fasttrack_jupyter.notebook.build_yaml import place_of

        return f"{name}: {place_of(lines, line)}"
    return f"{name}:{line}:{problem['column']}"


def _lines(face: Face) -> list[str]:
    """The pipeline's lines; none where its file cannot be read any more: the problems stand without them."""
    if face.text is not None:
        return face.text.splitlines()
    if face.source is None:
        return []
    try:
        return face.source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _one(place: str, lines: list[str], problem: dict[str, Any]) -> list[str]:
    line, column = problem["line"], problem["column"]
    told = [f"{place}: {problem['severity']}: {clean(problem['message'])}"]
    if 0 < line <= len(lines):
        told += _excerpt(lines[line - 1], line, max(column, 1))
    if problem["hint"]:
        told.append(f"  hint: {clean(problem['hint'])}")
    return told


def _excerpt(text: str, line: int, column: int) -> list[str]:
    """The source line, and under it a caret at ``column``; a long line is cut around the place."""
    start = max(0, column - 1 - _EXCERPT // 2) if len(text) > _EXCERPT else 0
    before, shown = text[start : column - 1], clean(text[start : start + _EXCERPT])
    gutter = f"{line:>5} | "
    return [gutter + shown, f"{'':>5} | " + _blank(clean(before)) + "^"]


def _blank(text: str) -> str:
    """Blanks as wide as ``text`` is on a terminal; tabs stay tabs."""
    return "".join(
        "\t" if mark == "\t" else "" if unicodedata.combining(mark) else " " * (1 + _is_wide(mark)) for mark in text
    )


def _is_wide(mark: str) -> bool:
    return unicodedata.east_asian_width(mark) in "WF"
