"""How a marked cell runs: as itself.

A cell magic would hold the cell's text in its hands and have to run it from within a run: line numbers, top-level
``await``, ``from __future__``, the last expression's display and the exception's traceback would all be a
little off. So there is no magic when the cell runs here: before IPython reads it, the line that marks it becomes a
comment, and what is left is an ordinary cell, run the ordinary way. That it is a task is noted when it has run
(:mod:`.session`), from the text as it was typed.

The cell magic itself is left standing where the cell does *not* run here (``--no-run``, mode ``define``, ``--shell``,
``--skip``), where help is asked for, and where something is wrong with the line: it says so, and the cell fails
before anything of it ran. A cell that is marked by its metadata has no such line; where it does not run here it becomes
a call of a magic that nobody types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.notebook.cells_opening import Opening, opening_of
from fasttrack_jupyter.notebook.marks import PARAMS, PIPELINE, TASK, TaskOptions
from fasttrack_jupyter.notebook.marks_reading import kind_by_metadata, read_other_line, read_task_line, wants_help

_OURS = re.compile(
    r"(\w+\s*=\s*)?(%fasttrack|(await\s+)?ft\.)|%(re|un)?load_ext\s+fasttrack|import fasttrack_jupyter\b"
)
"""A line that speaks to FastTrack."""
QUIET = "_fasttrack_cell"
"""The magic that stands for a cell that does not run here and has no mark of its own: its metadata mark it, or it is
marked by a name that does not exist."""
_BELONGS = ("task", "shell", "params", "common")
"""Kinds of cells, in metadata, that a pipeline is made of."""


class Around(Protocol):
    """Who knows how this notebook's cells run, and which cell is about to."""

    @property
    def runs_here(self) -> bool:
        """Whether a marked cell that says nothing of it runs here."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """``metadata.fasttrack`` of the cell that is about to run; empty where nobody tells."""


def options_of(opening: Opening) -> tuple[str | None, TaskOptions]:
    """What the mark's line says: the task's name, where it takes one, and the options. Raises BadRequest."""
    if opening.mark is None:
        return None, TaskOptions()
    if opening.mark.naming:
        return read_task_line(opening.rest)
    return None, read_other_line(opening.mark, opening.rest)


class Transformer:
    """IPython's hook on the lines of a cell (``input_transformers_cleanup``): a marked cell that runs here is bared."""

    has_side_effects = True
    """It has none, but this keeps it away while IPython asks whether an input is complete: a cell magic's ends with
    an empty line."""

    def __init__(self, around: Around) -> None:
        self._around = around

    def __call__(self, lines: list[str]) -> list[str]:
        text = "".join(lines)
        if not text.startswith("%%"):
            return self._by_metadata(lines)
        opening = opening_of(text)
        if opening.mark is None and not any("fasttrack" in finding.message for finding in opening.findings):
            return self._by_metadata(lines)
        return _bared(lines, opening) if self._is_to_run(opening) else _first(lines, opening)

    def _is_to_run(self, opening: Opening) -> bool:
        """Whether the cell runs here; not where something is wrong with its marks: the magic will say it."""
        if wants_help(opening.rest) or any("fasttrack" in finding.message for finding in opening.findings):
            return False
        try:
            _, options = options_of(opening)
        except BadRequest:
            return False
        if options.shell or options.skip:
            return False
        return self._around.runs_here if options.run is None else options.run

    def _by_metadata(self, lines: list[str]) -> list[str]:
        told = self._around.metadata
        kind = kind_by_metadata(told)
        if kind not in _BELONGS:
            return lines
        run = told.get("run")
        runs = run if isinstance(run, bool) else self._around.runs_here
        if runs and kind != "shell" and not told.get("skip") and not told.get("shell"):
            return lines
        return [f"get_ipython().run_cell_magic({QUIET!r}, '', {''.join(lines)!r})\n"]


def _bared(lines: list[str], opening: Opening) -> list[str]:
    """The mark as a comment; another cell magic stays the first line, where IPython wants it."""
    mark = opening.line - 1
    others = [place for place in range(_height(lines)) if place != mark]
    return [*(lines[place] for place in others), f"# {lines[mark]}", *lines[_height(lines) :]]


def _first(lines: list[str], opening: Opening) -> list[str]:
    """The mark's line before any other ``%%`` line: it is its magic that is to be called. One that is none is told.

    A mark that stands alone (``--help``) gets a blank line, since IPython calls no magic of an empty cell.
    """
    if opening.mark is None:
        return [f"get_ipython().run_cell_magic({QUIET!r}, '', {''.join(lines)!r})\n"]
    place = opening.line - 1
    return [lines[place], *lines[:place], *lines[place + 1 :], *(["\n"] if len(lines) == 1 else [])]


def _height(lines: list[str]) -> int:
    """How many lines at the top begin with ``%%`` (blank ones between them count)."""
    height = 0
    for number, line in enumerate(lines, 1):
        if line.startswith("%%"):
            height = number
        elif line.strip():
            break
    return height


def task_named(text: str) -> str | None:
    """The task that a cell's mark names; None where it has no mark, or a wrong one."""
    opening = opening_of(text.lstrip("\n"))
    if opening.mark is None or not opening.mark.naming:
        return None
    try:
        return read_task_line(opening.rest)[0]
    except BadRequest:
        return None


def role_of(text: str) -> tuple[str, str] | None:
    """What a cell is to its notebook, where that is something that there is once: a task's code, the parameters …"""
    if task := task_named(text):
        return TASK.name, task
    mark = opening_of(text.lstrip("\n")).mark
    if mark is PARAMS:
        return PARAMS.name, ""
    is_pipeline = any(line.split(maxsplit=1)[:1] == [PIPELINE.written] for line in text.splitlines())
    return (PIPELINE.name, "") if is_pipeline else None


def is_marked(text: str, metadata: Mapping[str, Any]) -> bool:
    """Whether a cell belongs to a pipeline, by its text or by its metadata."""
    mark = opening_of(text.lstrip("\n")).mark
    told = metadata.get("fasttrack")
    return mark is not None or (isinstance(told, Mapping) and kind_by_metadata(told) in _BELONGS)


def is_work(text: str) -> bool:
    """Whether an unmarked cell does anything but speak to FastTrack: there is a line that is no comment and no such."""
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith("#") and not _OURS.match(line) for line in lines)
