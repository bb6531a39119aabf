"""From a debug notebook back: what was changed in its cells, in the cells of the notebook that they came from.

A cell travels with its IPython lines replaced, line for line (``%%fasttrack_task train`` became a comment). So a change
is found between the cell as it travelled and as it is in the debug notebook, and made in the original by line
numbers: lines that were not changed stay as their author wrote them, marks always. Where the original is not any
more what travelled, that is a conflict, and nothing of that cell is changed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.notebook.cells import read_notebook
from fasttrack_jupyter.notebook.cells_json import read_json, text_of
from fasttrack_jupyter.notebook.debugging import MARK, what_is_debugged
from fasttrack_jupyter.notebook.travel.marked import unmark

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fix:
    """What is to be done to the original."""

    changed: tuple[str, ...]
    """Labels of the cells that change: ``cell 5``."""
    conflicts: tuple[str, ...]
    """In words, what cannot be put back, and why."""
    own: int
    """How many cells of the debug notebook are new, and stay where they are."""
    diff: str
    """Unified, by cells; empty if nothing changes."""
    content: bytes
    """The original's file, with the changes."""
    sources: Mapping[int, str]
    """The new text by the cell's index among all cells of the original."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A code cell of the original: as its author wrote it, and as it travels. Both have as many lines."""

    index: int
    label: str
    id: str | None
    raw: list[str]
    travelled: list[str]


@dataclass(frozen=True, slots=True)
class _Edit:
    """A cell of the debug notebook whose text is not any more what it was."""

    label: str
    id: str | None
    line: int
    """Where in the original's cell it begins, from 1."""
    is_part: bool
    base: list[str]
    now: list[str]


def fix_of(debug: bytes, original: bytes, name: str) -> Fix:
    """What the debug notebook's changes are in the ``original``, whose file is called ``name``.

    Raises:
        BadRequest: the first is no debug notebook, or of a plain command, which has no cells.
        InvalidNotebook: the original cannot be read; the problems tell its cells.
    """
    content = _json(debug)
    about = what_is_debugged(content)
    edits, own, known = _edits(content)
    if not known:
        raise BadRequest(
            f"the task {about['task']!r} is a command: it has no cells that a fix could be put into",
            hint="Change the files that it runs, beside the pipeline's file.",
        )
    cells = list(_whole(original, name) if about.get("whole") else _marked(original, name))
    texts = {cell.index: list(cell.raw) for cell in cells}
    changed: dict[int, str] = {}
    conflicts: list[str] = []
    for edit in sorted(edits, key=lambda edit: -edit.line):  # from below: lines above keep their numbers
        found = _find(edit, cells)
        if isinstance(found, str):
            conflicts.append(found)
            continue
        cell, start = found
        texts[cell.index] = _changed(texts[cell.index], cell, start, edit)
        changed[cell.index] = cell.label
    sources = {index: "\n".join(texts[index]) for index in sorted(changed)}
    old = {cell.index: cell for cell in cells}
    diff = "".join(_diff(old[index], text, name) for index, text in sources.items())
    labels = tuple(changed[index] for index in sources)
    return Fix(labels, tuple(conflicts), own, diff, _written(original, sources), sources)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise BadRequest(f"the debug notebook is not JSON: {error}", hint="Save it again in Jupyter.") from error


def _edits(content: Json) -> tuple[list[_Edit], int, int]:
    """The changed cells; how many cells are new; how many have an original."""
    edits, own, known = [], 0, 0
    for cell in content.get("cells", ()):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        told = cell.get("metadata", {}).get(MARK)
        if not isinstance(told, dict):
            own += bool(text_of(cell.get("source", "")).strip())
            continue
        base, now = told.get("base"), text_of(cell.get("source", "")).rstrip("\n")
        if not isinstance(base, str):
            continue
        known += 1
        if base != now:
            line = told.get("line")
            is_part = told.get("kind") == "definition"
            place = line if isinstance(line, int) else 1
            edits.append(
                _Edit(str(told.get("label", "")), cell.get("id"), place, is_part, base.split("\n"), now.split("\n"))
            )
    return edits, own, known


def _marked(original: bytes, name: str) -> Iterator[_Cell]:
    """The cells of a notebook whose cells are tasks."""
    travelled = {cell.key: cell.source.split("\n") for cell in read_notebook(original, name).cells}
    for raw in read_json(original, name).cells:
        lines = raw.text.split("\n")
        yield _Cell(_index(raw.label), raw.label, raw.id, lines, travelled.get(raw.key, lines))


def _whole(original: bytes, name: str) -> Iterator[_Cell]:
    for raw in read_json(original, name).cells:
        lines = raw.text.split("\n")
        cell: Json = {"cell_type": "code", "source": raw.text, "metadata": {"fasttrack": dict(raw.metadata)}}
        unmark({"cells": [cell]})
        travelled = str(cell["source"]).split("\n")
        yield _Cell(_index(raw.label), raw.label, raw.id, lines, travelled if len(travelled) == len(lines) else lines)


def _index(label: str) -> int:
    return int(label.rpartition(" ")[2]) - 1


def _find(edit: _Edit, cells: Sequence[_Cell]) -> tuple[_Cell, int] | str:
    """The cell, and the line (from 0) in it, that the edited one came from; or in words why there is none."""
    found = [(cell, start) for cell in cells for start in _starts(edit, cell) if len(cell.raw) == len(cell.travelled)]
    if len(found) > 1:
        at_home = [(cell, start) for cell, start in found if edit.label == cell.label or edit.id == cell.id]
        found = [one for one in at_home if one[1] == edit.line - 1] or at_home or found
    if len(found) == 1:
        return found[0]
    what = edit.label or "a cell"
    if found:
        return f"{what}: the same text is in {' and '.join(cell.label for cell, _ in found)}"
    return f"{what} was changed in the notebook since, or is gone"


def _starts(edit: _Edit, cell: _Cell) -> Iterator[int]:
    size = len(edit.base)
    if not edit.is_part:
        if edit.base == cell.travelled:
            yield 0
        return
    for start in range(len(cell.travelled) - size + 1):
        if cell.travelled[start : start + size] == edit.base:
            yield start


def _changed(text: list[str], cell: _Cell, start: int, edit: _Edit) -> list[str]:
    """``text`` (of the cell, changed below ``start`` at most) with the edit made."""
    made: list[str] = []
    end = start + len(edit.base)
    for kind, i, j, k, m in difflib.SequenceMatcher(None, edit.base, edit.now, autojunk=False).get_opcodes():
        old = text[start + i : start + j]
        if kind == "equal":
            made += old
            continue
        made += [line for line in old if line.startswith("%%")]  # a mark became a comment: it is not lost with it
        made += edit.now[k:m]
    return [*text[:start], *made, *text[end:]]


def _diff(cell: _Cell, text: str, name: str) -> str:
    lines = difflib.unified_diff(
        cell.raw, text.split("\n"), f"{name} {cell.label}", f"{name} {cell.label} (fixed)", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def _written(original: bytes, sources: Mapping[int, str]) -> bytes:
    """The file with other texts in some cells, written as Jupyter writes it; what they had shown is forgotten."""
    content = json.loads(original.decode("utf-8-sig"))
    for index, text in sources.items():
        cell = content["cells"][index]
        cell["source"] = text.splitlines(keepends=True) if isinstance(cell.get("source"), list) else text
        cell["outputs"], cell["execution_count"] = [], None
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
