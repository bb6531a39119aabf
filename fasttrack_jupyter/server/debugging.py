"""Debug notebooks of failed tasks, written where the file browser finds them, and the fixes that come back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager
from pydantic import Field

from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server.notebooks import saved_content


class DebugFile(View):
    """A debug notebook that was written: a contents path."""

    path: str


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


class DebugNotebooks:
    """Writes and reads by Jupyter's contents manager; asks the engine in a thread, so that the loop stays free.

    ``root`` is where contents are on the disk; None where they are on none.
    """

    def __init__(self, contents: ContentsManager, home: Home, root: str | None) -> None:
        self._contents: Any = contents  # Jupyter leaves its methods untyped, and any of them may be async
        self._home, self._root = home, root

    async def write(self, job: str, path: str) -> DebugFile:
        """Write the debug notebook of a task instance beside the job's source, or else into the contents root.

        Raises:
            NotFound, Conflict, BadRequest: see :func:`fasttrack_jupyter.api.debugging.debug_notebook_of`.
        """
        name, folder, content = await asyncio.to_thread(self._made, job, path)
        free = await ensure_async(self._contents.increment_filename(name, folder, insert="-"))
        target = f"{folder}/{free}".strip("/")
        await ensure_async(self._contents.save({"type": "notebook", "content": content}, target))
        return DebugFile(path=target)

    def _made(self, job: str, path: str) -> tuple[str, str, Any]:
        """Name, folder (a contents path) and content."""
        from fasttrack_jupyter.api.client import connect
        from fasttrack_jupyter.api.debugging import debug_notebook_of

        root = Path(self._root) if self._root is not None else None
        with connect(self._home.path) as client:
            made = debug_notebook_of(client, job, path, within=root)
        folder = made.folder.relative_to(root).as_posix() if root is not None and made.folder is not None else "."
        return made.name, "" if folder == "." else folder, json.loads(made.content)

    async def fix(self, request: FixRequest) -> FixView:
        """What the notebook changes in its original, as that is saved.

        Raises:
            BadRequest: it is no debug notebook, or tells of no original, or of one that is too large.
            NotFound: the original is not there (any more).
            Forbidden: it lies outside of what the file browser shows.
            InvalidNotebook: it cannot be read.
        """
        from fasttrack_jupyter.notebook.debugging import what_is_debugged

        origin = what_is_debugged(request.content).get("origin")
        if not isinstance(origin, str):
            raise BadRequest(
                "this debug notebook tells of no notebook that its cells came from",
                hint="A command is mended in the files that it runs; for cells: fasttrack fix FILE --into NB.ipynb.",
            )
        target = _below(PurePosixPath(request.path.strip("/")).parent, origin)
        is_hidden = not self._contents.allow_hidden and await ensure_async(self._contents.is_hidden(target))
        if is_hidden or not await ensure_async(self._contents.file_exists(target)):
            raise NotFound(f"there is no notebook {target!r} any more", hint="fasttrack fix --into names another one.")
        original = await saved_content(self._contents, target)
        return await asyncio.to_thread(_fixed, request.content, original, target)


def _below(folder: PurePosixPath, origin: str) -> str:
    """The contents path of ``origin``, which is relative to ``folder``. Raises Forbidden where it leaves the root."""
    parts = [part for part in folder.parts if part != "."]
    for part in PurePosixPath(origin).parts:
        if part == "/" or (part == ".." and not parts):
            raise Forbidden(f"{origin!r} is outside of what the file browser shows", hint="Use: fasttrack fix FILE.")
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def _fixed(debug: Any, original: Any, target: str) -> FixView:
    from fasttrack_jupyter.notebook.cells_json import text_of
    from fasttrack_jupyter.notebook.fixing import fix_of

    fix = fix_of(json.dumps(debug).encode(), json.dumps(original).encode(), PurePosixPath(target).name)
    before = [text_of(cell["source"]) for cell in original["cells"]]
    return FixView(
        path=target,
        diff=fix.diff,
        cells=tuple(FixedCell(index=i, before=before[i], after=text) for i, text in fix.sources.items()),
        conflicts=fix.conflicts,
        own=fix.own,
    )
