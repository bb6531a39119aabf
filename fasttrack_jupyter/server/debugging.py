"""Debug notebooks of failed tasks, written where the file browser finds them, and the fixes that come back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager

from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server.apart import apart
from fasttrack_jupyter.server.fixing import given
from fasttrack_jupyter.server.notebooks import saved_text


class DebugFile(View):
    """A debug notebook that was written: a contents path."""

    path: str


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

    async def fix(self, body: bytes) -> bytes:
        """What the notebook of a FixRequest changes in its original, as that is saved: a FixView as JSON.

        Raises:
            BadRequest: it is no debug notebook, or tells of no original, or of one that is too large.
            NotFound: the original is not there (any more).
            Forbidden: it lies outside of what the file browser shows.
            InvalidNotebook: it cannot be read.
        """
        target = (await apart("original", (body,))).decode()
        try:
            original = await saved_text(self._contents, target)
        except NotFound as error:
            raise NotFound(f"{error.message} any more", hint="fasttrack fix --into names another one.") from error
        return await apart("fix", given(body, original), target)
