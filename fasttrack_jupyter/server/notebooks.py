"""Notebooks as pipelines: what is open in the browser, saved or not, as YAML and the files that travel with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager

from fasttrack_jupyter.api.failures import error_of, parsed
from fasttrack_jupyter.errors import BadRequest, FastTrackError, NotFound
from fasttrack_jupyter.server.building import FAILED, NotebookBuild, build

LARGEST = 64 << 20
"""Bytes of a saved notebook that is read: Jupyter checks all of it where everybody else's calls wait."""
SMALL = 256 << 10
"""Bytes of a call that is read at once; JSON of that size takes a few milliseconds."""


class Notebooks:
    """Builds notebooks so that the server's loop stays free: small ones in a thread, large ones in a process.

    A thread is not enough for a large one: while JSON of 20 MB is read or written, which is one call in C, no other
    thread of the process runs. ``root`` is where contents are on the disk; None where they are on none.
    """

    def __init__(self, contents: ContentsManager, root: str | None) -> None:
        self._contents: Any = contents  # Jupyter leaves its methods untyped, and any of them may be async
        self._root = root

    async def built(self, body: bytes, may_read: Callable[[], Awaitable[None]]) -> bytes:
        """The answer (a NotebookPipeline as JSON) to a NotebookBuild; ``may_read`` is asked where a file is read.

        Raises:
            BadRequest: there is neither ``content`` nor ``path``.
            NotFound: there is no notebook at ``path``.
            InvalidNotebook: it cannot become a pipeline; the problems tell their cells and lines.
            And what ``may_read`` raises.
        """
        if len(body) > SMALL:
            return await self._built(body)
        request = parsed(NotebookBuild, body)
        if request.content is not None:
            return await self._built(body)
        await may_read()
        text = await self._read(request.path)
        head = NotebookBuild(path=request.path).model_dump_json(exclude={"content"}).encode()
        try:
            return await self._built(head[:-1] + b',"content":' + text + b"}")
        except BadRequest as error:
            raise BadRequest(f"{request.path} is no notebook", hint="Open it in Jupyter, and save it anew.") from error

    async def _built(self, body: bytes) -> bytes:
        if len(body) <= SMALL:
            return await asyncio.to_thread(build, body, self._root)
        return await asyncio.to_thread(_in_a_process, body, self._root)

    async def _read(self, path: str | None) -> bytes:
        """The JSON of a saved notebook, unread: Jupyter checks what it reads as a notebook, on its loop."""
        if not path:
            raise BadRequest("no notebook was given", hint="Send its content, or its path.")
        path = path.strip("/")
        is_hidden = not self._contents.allow_hidden and await ensure_async(self._contents.is_hidden(path))
        if is_hidden or not await ensure_async(self._contents.file_exists(path)):
            raise NotFound(f"there is no notebook {path!r}")
        if not path.endswith(".ipynb"):  # what another contents manager shows as one
            return json.dumps(await saved_content(self._contents, path)).encode()
        await _refuse_huge(self._contents, path)
        found = await ensure_async(self._contents.get(path, content=True, type="file", format="text"))
        return str(found["content"]).encode()


def _in_a_process(body: bytes, root: str | None) -> bytes:
    """As :func:`build`, in a Python of its own. Raises what that has raised."""
    argv = [sys.executable, "-m", "fasttrack_jupyter.server.building", *([root] if root is not None else [])]
    done = subprocess.run(argv, input=body, capture_output=True, check=False)
    if done.returncode == FAILED:
        raise error_of(json.loads(done.stdout))
    if done.returncode:
        raise FastTrackError(
            f"the notebook could not be built: its process ended with {done.returncode}",
            hint="Clear the notebook's outputs; the server's log may tell more.",
        )
    return done.stdout


async def saved_content(contents: Any, path: str) -> Any:
    """The JSON of the notebook at a contents path. Raises BadRequest for one that is too large."""
    await _refuse_huge(contents, path)
    return (await ensure_async(contents.get(path, content=True, type="notebook")))["content"]


async def _refuse_huge(contents: Any, path: str) -> None:
    size = (await ensure_async(contents.get(path, content=False))).get("size") or 0
    if size > LARGEST:
        message = f"{path} has {size >> 20:,} MiB; {LARGEST >> 20} MiB can be read"
        raise BadRequest(message, hint="Clear the notebook's outputs, and save it.")
