"""How a cell opens: the ``%%`` lines at its top, which say what it is and in which language it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.notebook.ipython_syntax import Finding
from fasttrack_jupyter.notebook.marks import MARKS, Mark

PYTHON, SHELL, OTHER = "python", "shell", "other"
_SHELLS = {"sh": "sh", "bash": "bash", "/bin/sh": "sh", "/bin/bash": "bash"}
_AS_IN_PYTHON = re.compile(r"^!{1,2}(?=[\w./~$])", re.MULTILINE)
_NOTHING = frozenset({"time", "prun", "capture"})
_SHOWS = frozenset({"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG", "timeit"})
_REMEDIES = {
    "writefile": "keep the file beside the notebook: it travels with the code",
    "file": "keep the file beside the notebook: it travels with the code",
    "timeit": "%%timeit keeps no variables: write %%time, or leave the cell unmarked",
}


@dataclass(slots=True)
class Opening:
    """A cell behind its ``%%`` lines, which became comments: the lines keep their numbers."""

    source: str
    language: str = PYTHON
    mark: Mark | None = None
    line: int = 0
    """Where the mark stands, from 1."""
    rest: str = ""
    """What stands behind it."""
    findings: list[Finding] = field(default_factory=list)
    """What is wrong with its marks."""
    foreign: Finding | None = None
    """Why no task can run it, where it is in another language."""
    is_display: bool = False
    """The cell only shows something or measures: nothing is lost where it is left out."""


def opening_of(text: str) -> Opening:
    """What the ``%%`` lines at the top of ``text`` say."""
    lines = text.split("\n")
    opening = Opening(text)
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        if not line.startswith("%%") or opening.language != PYTHON:
            break
        name, _, rest = line[2:].strip().partition(" ")
        lines[place] = f"# {line}"
        if name in MARKS or name.startswith("fasttrack"):
            _take_mark(opening, name, rest, place + 1)
        else:
            _take_magic(opening, name, rest.strip(), lines, place)
    opening.source = "\n".join(lines)
    return opening


def script_of(source: str) -> str:
    """A shell cell's script. Commands that are written as in a Python cell (``!echo hi``) stand without their sign.

    No command of a shell begins so; ``! grep …``, with a space, is a shell's own "not".
    """
    return _AS_IN_PYTHON.sub("", source)


def _take_mark(opening: Opening, name: str, rest: str, line: int) -> None:
    mark = MARKS.get(name)
    if mark is None:
        hint = did_you_mean(f"%%{name}", [mark.written for mark in MARKS.values() if mark.is_cell])
        opening.findings.append(Finding(line, f"there is no magic %%{name}", hint))
    elif not mark.is_cell:
        opening.findings.append(Finding(line, f"%%{name} marks no cell", f"write {mark.written}, with one %"))
    elif opening.mark is not None:
        message = f"the cell is marked twice: {opening.mark.written} and {mark.written}"
        opening.findings.append(Finding(line, message, "keep one of them"))
    else:
        opening.mark, opening.line, opening.rest = mark, line, rest


def _take_magic(opening: Opening, name: str, rest: str, lines: list[str], place: int) -> None:
    shell = _SHELLS.get(rest if name == "script" else name)
    if name in _NOTHING and not (name == "capture" and rest and not rest.startswith("-")):
        return
    if shell is not None and (not rest or name == "script"):
        opening.language = SHELL
        if shell == "bash":
            _in_bash(lines, place)
        return
    opening.language, opening.is_display = OTHER, name in _SHOWS
    what = f"%%{name} {rest}".strip()
    hint = _REMEDIES.get(name, "leave the cell unmarked, or write it in Python or as a shell script (%%bash)")
    opening.foreign = Finding(place + 1, f"{what}: a task runs Python or a shell script, and nothing else", hint)


def _in_bash(lines: list[str], place: int) -> None:
    """Let bash run the lines behind ``place``: as its input, so that they stand there as they are."""
    end = "END_OF_CELL"
    while end in lines:
        end += "_"
    lines[place] = f"bash -e <<'{end}'"
    lines.append(end)
