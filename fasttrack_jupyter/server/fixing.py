"""What a debug notebook changes in the one that its cells came from; the server runs this :mod:`.apart`."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field

from fasttrack_jupyter.api.failures import parsed
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, Forbidden


class FixRequest(View):
    """A debug notebook, as it is open."""

    path: str = Field(max_length=4096)
    """Its contents path."""
    content: dict[str, Any]
    """Its JSON (nbformat 4)."""


class FixedCell(View):
    """A cell that changes; ``index`` counts all cells of the notebook, from 0."""

    index: int
    before: str
    after: str


class FixView(View):
    """What a debug notebook changes in the one that its cells came from; nothing was written."""

    path: str
    """Contents path of the original."""
    diff: str
    cells: tuple[FixedCell, ...]
    conflicts: tuple[str, ...]
    """In words, what cannot be put back, and why."""
    own: int
    """How many cells are new, and stay in the debug notebook."""


def original_of(body: bytes) -> bytes:
    """The contents path of the notebook that a FixRequest's cells came from.

    Raises:
        BadRequest: it is no debug notebook, or tells of no original.
        Forbidden: that lies outside of what the file browser shows.
    """
    from fasttrack_jupyter.notebook.debugging import what_is_debugged

    request = parsed(FixRequest, body)
    origin = what_is_debugged(request.content).get("origin")
    if not isinstance(origin, str):
        raise BadRequest(
            "this debug notebook tells of no notebook that its cells came from",
            hint="A command is mended in the files that it runs; for cells: fasttrack fix FILE --into NB.ipynb.",
        )
    return _below(PurePosixPath(request.path.strip("/")).parent, origin).encode()


def _below(folder: PurePosixPath, origin: str) -> str:
    """The contents path of ``origin``, which is relative to ``folder``. Raises Forbidden where it leaves the root."""
    parts = [part for part in folder.parts if part != "."]
    for part in PurePosixPath(origin).parts:
        if part == "/" or (part == ".." and not parts):
            raise Forbidden(f"{origin!r} is outside of what the file browser shows", hint="Use: fasttrack fix FILE.")
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def given(body: bytes, original: str) -> tuple[bytes | str, ...]:
    """What :func:`fixed` takes, in parts: where the first of the two ends, and both."""
    return f"{len(body)}\n", body, original


def fixed(both: bytes, target: str) -> bytes:
    """A FixView of the two that :func:`given` put together; ``target`` is the contents path of the original.

    Raises:
        BadRequest: the first is of a plain command.
        InvalidNotebook: the original cannot be read.
    """
    from fasttrack_jupyter.notebook.cells_json import text_of
    from fasttrack_jupyter.notebook.fixing import fix_of

    length, _, rest = both.partition(b"\n")
    debug, original = rest[: int(length)], rest[int(length) :]
    fix = fix_of(json.dumps(json.loads(debug)["content"]).encode(), original, PurePosixPath(target).name)
    cells = json.loads(original)["cells"]
    view = FixView(
        path=target,
        diff=fix.diff,
        cells=tuple(
            FixedCell(index=index, before=text_of(cells[index]["source"]), after=text)
            for index, text in fix.sources.items()
        ),
        conflicts=fix.conflicts,
        own=fix.own,
    )
    return view.model_dump_json().encode()
