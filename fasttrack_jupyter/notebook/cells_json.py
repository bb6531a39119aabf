"""A notebook's file: the JSON of nbformat 2 to 4 (https://nbformat.readthedocs.io/en/latest/format_description.html).

Read without the package nbformat, which is strict about what does not matter here (outputs, metadata of others) and
takes a tenth of a second to import: only code cells, their texts, tags and metadata are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.notebook.travel.record import RUN

MAX_BYTES = 256 << 20
"""Larger files are refused: a notebook is text, and its outputs are not needed."""
_NEWEST = 4


@dataclass(frozen=True, slots=True)
class RawCell:
    """A code cell as its author left it."""

    label: str
    key: str
    text: str
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Its ``metadata.fasttrack``."""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class RawNotebook:
    """A notebook's file."""

    cells: tuple[RawCell, ...]
    metadata: Mapping[str, Any]
    """Its ``metadata.fasttrack``."""
    kale: Mapping[str, Any]
    """Its ``metadata.kubeflow_notebook``."""
    language: str
    ran: Mapping[str, Any] = field(default_factory=dict)
    """Of what a task left of its run: its ``metadata.fasttrack_run``."""


def read_json(data: bytes, name: str) -> RawNotebook:
    """What is in the file called ``name``.

    Raises:
        InvalidNotebook: it is no notebook, or one of a version that is not known.
    """
    content = _content(data, name)
    metadata = _mapping(content.get("metadata"))
    cells = list(_cells(content, name))
    width = max(2, len(str(len(cells))))
    raw = [
        _raw(cell, number, width, name)
        for number, cell in enumerate(cells, 1)
        if cell.get("cell_type") == "code"
    ]  # fmt: skip
    ours = _ours(metadata, name, "metadata.fasttrack", '{"pipeline": "digits"}')
    kale, ran = _mapping(metadata.get("kubeflow_notebook")), _mapping(metadata.get(RUN))
    return RawNotebook(tuple(raw), ours, kale, _language(metadata), ran)


def text_of(source: Any) -> str:
    """A cell's ``source``, which is a text, or a list of texts that are one."""
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def refused(name: str, message: str, hint: str) -> InvalidNotebook:
    """The error of a file that cannot be read at all."""
    problem = Problem(code="bad-notebook", message=message, hint=hint)
    return InvalidNotebook(f"{name or 'the notebook'}: {message}", (problem,), hint=hint)


def _content(data: bytes, name: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        size = f"{len(data) >> 20} MB"
        raise refused(name, f"the file has {size}; {MAX_BYTES >> 20} MB are allowed", "clear the notebook's outputs")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise refused(name, "the file is not UTF-8", "save it again in Jupyter") from None
    except RecursionError:
        raise refused(name, "the file is nested too deeply", "save it again in Jupyter") from None
    except ValueError as error:
        hint = "a notebook is JSON; save it again in Jupyter, and look for marks of a merge (<<<<<<<)"
        raise refused(name, f"the file is not JSON: {error}", hint) from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise refused(name, "the file is JSON, but no notebook (it has no nbformat)", "give a file that Jupyter saved")
    return content


def _cells(content: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    version = content["nbformat"]
    if not 2 <= version <= _NEWEST:
        told = "newer than this FastTrack knows" if version > _NEWEST else "too old"
        raise refused(name, f"nbformat {version} is {told}", "open it in Jupyter and save it as nbformat 4")
    sheets = [content] if version == _NEWEST else content.get("worksheets", [])
    for sheet in sheets if isinstance(sheets, list) else [None]:
        cells = sheet.get("cells", []) if isinstance(sheet, dict) else None
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            raise refused(name, "its cells are no list of cells", "save it again in Jupyter")
        yield from cells


def _raw(cell: dict[str, Any], number: int, width: int, name: str) -> RawCell:
    metadata = _mapping(cell.get("metadata"))
    tags = metadata.get("tags")
    identity = cell.get("id")
    return RawCell(
        label=f"cell {number}",
        key=f"{number:0{width}}",
        text=_text(cell, number, name),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        metadata=_ours(metadata, name, f"cell {number}: metadata.fasttrack", '{"task": "train"}'),
        id=identity if isinstance(identity, str) else None,
    )


def _text(cell: Mapping[str, Any], number: int, name: str) -> str:
    """The cell's text; ``input`` is the name of it before nbformat 4."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise refused(name, f"cell {number}: its source is no text", "save it again in Jupyter")
    if not _is_whole(source):
        raise refused(name, f"cell {number} holds half a character (a lone surrogate)", "retype it")
    return source.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _ours(metadata: Mapping[str, Any], name: str, what: str, example: str) -> Mapping[str, Any]:
    ours = metadata.get("fasttrack")
    if ours is None:
        return {}
    if not isinstance(ours, Mapping) or not _is_whole(json.dumps(ours, ensure_ascii=False)):
        raise refused(name, f"{what} is no object of whole texts", f"write {example}")
    return ours


def _is_whole(text: str) -> bool:
    """Whether all of it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _language(metadata: Mapping[str, Any]) -> str:
    """What the notebook is written in; Python where it does not say."""
    for block, key in (("language_info", "name"), ("kernelspec", "language"), ("kernel_info", "language")):
        language = _mapping(metadata.get(block)).get(key)
        if isinstance(language, str) and language.strip():
            return "python" if language.lower() in ("python", "ipython", "python3") else language
    return "python"
