"""What the server makes of one notebook; it runs this :mod:`.apart`."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from fasttrack_jupyter.api.failures import parsed
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.problems import Problem

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
    ``record`` (its text) belongs beside them as ``made.json``: which files were made, and their digests.
    """

    name: str
    text: str
    folder: str
    files: dict[str, str]
    problems: tuple[Problem, ...]
    tasks: tuple[NotebookTask, ...]
    record: str
    backend: str | None
    """Where the notebook says that its jobs run, if it does."""
    is_elsewhere: bool
    """Whether ``folder`` is a link that leads out of the notebook's folder: nothing may be written there."""


def build(body: bytes, root: str | None = None) -> bytes:
    """The answer to a NotebookBuild that has its ``content``; ``root`` is where contents are on the disk.

    Raises:
        BadRequest: there is no content.
        InvalidNotebook: it cannot become a pipeline.
    """
    request = parsed(NotebookBuild, body)
    if request.content is None:
        raise BadRequest("no notebook was given", hint="Send its content, or its path.")
    path = PurePosixPath((request.path or _UNNAMED).strip("/"))
    folder = Path(root, *path.parent.parts) if root is not None and ".." not in path.parts else None
    return _pipeline(request.content, path.name or _UNNAMED, folder).model_dump_json().encode()


def _pipeline(content: Any, name: str, folder: Path | None) -> NotebookPipeline:
    from fasttrack_jupyter.notebook.build import build as built_of  # a server needs neither until it is asked
    from fasttrack_jupyter.notebook.build_writing import leads_out, record_of
    from fasttrack_jupyter.notebook.cells import CellKind, read_notebook

    notebook = read_notebook(json.dumps(content).encode(), name)
    built = built_of(notebook, beside=(lambda each: (folder / each).is_file()) if folder is not None else None)
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
        record=record_of(built.files),
        backend=built.backend,
        is_elsewhere=folder is not None and leads_out(folder, built.folder),
    )
