"""Notebooks as pipelines: what is open in the browser, saved or not, as YAML and the files that travel with it."""

from __future__ import annotations

import asyncio
import json
from pathlib import PurePosixPath
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager
from pydantic import Field

from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.model.problems import Problem

LARGEST = 64 << 20
"""Bytes of a saved notebook that is read: Jupyter checks all of it where everybody else's calls wait."""
_UNNAMED = "Untitled.ipynb"


class NotebookBuild(View):
    """A notebook to build: ``content`` as it is open, else what lies at ``path`` (a contents path, which names it)."""

    path: str | None = Field(default=None, max_length=4096)
    content: dict[str, Any] | None = None
    """The notebook's JSON (nbformat 4); outputs are not needed."""


class NotebookTask(View):
    """A task, and the cells that it is made of as people call them (``cell 5``), in order."""

    name: str
    cells: tuple[str, ...]


class NotebookPipeline(View):
    """What a notebook became; nothing was written.

    ``text`` is the YAML; ``files`` (relative path → text) belong beside it, all of them below ``folder``.
    ``problems`` are warnings and notices: with an error there is no answer but ``invalid_notebook``.
    """

    name: str
    text: str
    folder: str
    files: dict[str, str]
    problems: tuple[Problem, ...]
    tasks: tuple[NotebookTask, ...]


class Notebooks:
    """Builds notebooks in a thread, so that the server's loop stays free."""

    def __init__(self, contents: ContentsManager) -> None:
        self._contents: Any = contents  # Jupyter leaves its methods untyped, and any of them may be async

    async def built(self, request: NotebookBuild) -> NotebookPipeline:
        """The pipeline of a notebook.

        Raises:
            BadRequest: there is neither ``content`` nor ``path``.
            NotFound: there is no notebook at ``path``.
            InvalidNotebook: it cannot become a pipeline; the problems tell their cells and lines.
        """
        content = request.content
        if content is None:
            content = await self._read(request.path)
        name = PurePosixPath(request.path or _UNNAMED).name or _UNNAMED
        return await asyncio.to_thread(_pipeline, content, name)

    async def _read(self, path: str | None) -> Any:
        if not path:
            raise BadRequest("no notebook was given", hint="Send its content, or its path.")
        path = path.strip("/")
        is_hidden = not self._contents.allow_hidden and await ensure_async(self._contents.is_hidden(path))
        if is_hidden or not await ensure_async(self._contents.file_exists(path)):
            raise NotFound(f"there is no notebook {path!r}")
        return await saved_content(self._contents, path)


async def saved_content(contents: Any, path: str) -> Any:
    """The JSON of the notebook at a contents path. Raises BadRequest for one that is too large."""
    size = (await ensure_async(contents.get(path, content=False))).get("size") or 0
    if size > LARGEST:
        message = f"{path} has {size >> 20:,} MiB; {LARGEST >> 20} MiB can be read"
        raise BadRequest(message, hint="Clear the notebook's outputs, and save it.")
    return (await ensure_async(contents.get(path, content=True, type="notebook")))["content"]


def _pipeline(content: Any, name: str) -> NotebookPipeline:
    from fasttrack_jupyter.notebook.build import build  # a server needs neither until it is asked
    from fasttrack_jupyter.notebook.cells import CellKind, read_notebook

    notebook = read_notebook(json.dumps(content).encode(), name)
    built = build(notebook)
    cells: dict[str, list[str]] = {}
    for cell in notebook.cells:
        if cell.task is not None and cell.kind in (CellKind.TASK, CellKind.SHELL):
            cells.setdefault(cell.task, []).append(cell.label)
    return NotebookPipeline(
        name=built.name,
        text=built.text,
        folder=built.folder,
        files={path: data.decode() for path, data in built.files.items()},
        problems=built.problems,
        tasks=tuple(NotebookTask(name=task, cells=tuple(labels)) for task, labels in cells.items()),
    )
