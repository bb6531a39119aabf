"""Notebooks as pipelines: what is open in the browser, saved or not, as YAML and the files that travel with it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager

from fasttrack_jupyter.api.failures import parsed
from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.server.apart import SMALL, apart
from fasttrack_jupyter.server.building import NotebookBuild

LARGEST = 64 << 20
"""Bytes of a saved notebook that is read: Jupyter checks all of it where everybody else's calls wait."""


class Notebooks:
    """Builds notebooks so that the server's loop stays free: what is large is neither read nor copied on it.

    ``root`` is where contents are on the disk; None where they are on none.
    """

    def __init__(self, contents: ContentsManager, root: str | None) -> None:
        self._contents: Any = contents  # Jupyter leaves its methods untyped, and any of them may be async
        self._words = (root,) if root is not None else ()

    async def built(self, body: bytes, may_read: Callable[[], Awaitable[None]]) -> bytes:
        """The answer (a NotebookPipeline as JSON) to a NotebookBuild; ``may_read`` is asked where a file is read.

        Raises:
            BadRequest: there is neither ``content`` nor ``path``.
            NotFound: there is no notebook at ``path``.
            InvalidNotebook: it cannot become a pipeline; the problems tell their cells and lines.
            And what ``may_read`` raises.
        """
        if len(body) > SMALL:
            return await apart("build", (body,), *self._words)
        request = parsed(NotebookBuild, body)
        if request.content is not None:
            return await apart("build", (body,), *self._words)
        await may_read()
        if not request.path:
            raise BadRequest("no notebook was given", hint="Send its content, or its path.")
        text = await saved_text(self._contents, request.path.strip("/"))
        head = NotebookBuild(path=request.path).model_dump_json(exclude={"content"})
        try:
            return await apart("build", (head[:-1], ',"content":', text, "}"), *self._words)
        except BadRequest as error:
            raise BadRequest(f"{request.path} is no notebook", hint="Open it in Jupyter, and save it anew.") from error


async def saved_text(contents: Any, path: str) -> str:
    """The JSON of the notebook at a contents path, unread: Jupyter checks what it reads as a notebook, on its loop.

    Raises:
        NotFound: there is none.
        BadRequest: it is too large.
    """
    is_hidden = not contents.allow_hidden and await ensure_async(contents.is_hidden(path))
    if is_hidden or not await ensure_async(contents.file_exists(path)):
        raise NotFound(f"there is no notebook {path!r}")
    size = (await ensure_async(contents.get(path, content=False))).get("size") or 0
    if size > LARGEST:
        message = f"{path} has {size >> 20:,} MiB; {LARGEST >> 20} MiB can be read"
        raise BadRequest(message, hint="Clear the notebook's outputs, and save it.")
    if not path.endswith(".ipynb"):  # what another contents manager shows as one
        return json.dumps((await ensure_async(contents.get(path, content=True, type="notebook")))["content"])
    return str((await ensure_async(contents.get(path, content=True, type="file", format="text")))["content"])
