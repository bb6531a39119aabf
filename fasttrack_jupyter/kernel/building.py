"""This kernel's cells as what is sent to the engine."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.errors import BadRequest, InvalidPipeline
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.ways import Way, way_of

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.kernel.session import Session
    from fasttrack_jupyter.model.problems import Problem
    from fasttrack_jupyter.notebook.build import Built

_NO_TASK = {
    Way.MARKED: (
        "is a task yet",
        (
            "Write %%fasttrack_task NAME as the first line of a cell and run it; %fasttrack says more. --split makes a "
            "task of every cell, --whole of the notebook."
        ),
    ),
    Way.SPLIT: ("can be a task", "Run the cells that are to be tasks, then this one."),
}
_LABELS = re.compile(r"  # .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Made:
    """A pipeline made of cells: its YAML, and the files that travel with it as text."""

    built: Built
    files: Mapping[str, str]
    given: Mapping[str, Any]
    """Parameters that papermill gave this notebook: a job of it gets them as well."""

    @property
    def text(self) -> str:
        """The YAML."""
        return self.built.text

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings and notices."""
        return self.built.problems

    @property
    def file_name(self) -> str:
        """What the YAML is called beside its files."""
        return f"{self.built.folder.removesuffix('.cells')}.fasttrack.yaml"


def made_of(session: Session, stem: str | None = None, way: Way = Way.MARKED) -> Made:
    """The pipeline that this kernel's cells are; ``stem`` begins its files' names (default: the notebook's own).

    Whole it is the notebook as it was saved.

    Raises:
        BadRequest: no cell is marked, or none has run; the notebook is saved nowhere.
        InvalidNotebook: the problems tell cell and line.
    """
    from fasttrack_jupyter.notebook.build import build

    if way is Way.WHOLE:
        return _whole(session)
    notebook = _with_tagged(session.notebook(way))
    if not notebook.tasks:
        raise BadRequest(f"no cell that ran in this kernel {_NO_TASK[way][0]}", hint=_NO_TASK[way][1])
    given = _given(notebook)
    cells = tuple(replace(cell, kind=CellKind.SKIP) if _is_papermill_s(cell) else cell for cell in notebook.cells)
    folder = Path(session.source).parent
    built = build(replace(notebook, cells=cells), stem=stem, beside=lambda name: (folder / name).is_file())
    return Made(built, {path: data.decode() for path, data in built.files.items()}, given)


def _whole(session: Session) -> Made:
    """The notebook as one task. Raises BadRequest where its file cannot be read, InvalidNotebook."""
    from fasttrack_jupyter.notebook.build_whole import build_whole

    path = session.path
    try:
        content = path.read_bytes() if path is not None else None
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}", hint="Save the notebook.") from error
    if path is None or content is None:
        raise BadRequest(
            "--whole runs the notebook as it is saved, and nobody has told this kernel where that is",
            hint="In a terminal: fasttrack run NOTEBOOK.ipynb --whole.",
        )
    built = build_whole(content, path.name)
    return Made(replace(built, problems=(*built.problems, *session.unsaved())), {}, {})


def has_changed(session: Session, job: Job) -> bool:
    """Whether the cells are not any more what ``job`` was made of, as far as this kernel knows; labels do not count."""
    sent = session.sent.get(job.id)
    if sent is None:
        return False
    try:
        yaml = next((text for path, text in sent.items() if path.endswith(".yaml")), "")
        made = made_of(session, way=way_of(yaml))
    except (BadRequest, InvalidPipeline):
        return True  # a cell is half written
    return _code(sent) != _code({**made.files, made.file_name: made.text})


def _code(files: Mapping[str, str]) -> dict[str, str]:
    """Cells and definitions, and the YAML without the comments that tell the cells' numbers."""
    yaml = {path: _LABELS.sub("", text) for path, text in files.items() if path.endswith(".yaml")}
    return yaml | {path: text for path, text in files.items() if is_code(path)}


def is_code(path: str) -> bool:
    """Whether a file holds a cell or a definition: all else that travels is ours."""
    return PurePath(path).name.startswith(("cell-", "def-"))


def _is_papermill_s(cell: Cell) -> bool:
    return cell.kind is CellKind.PLAIN and cell.source.startswith("# Parameters\n")


def _with_tagged(notebook: Notebook) -> Notebook:
    """The notebook with the parameters that papermill knew by a tag, which it does not tell the kernel.

    It puts its own cell right behind the tagged one, and at the top where none is tagged.
    """
    cells = list(notebook.cells)
    for place, cell in enumerate(cells[1:], 1):
        if _is_papermill_s(cell) and cells[place - 1].kind is CellKind.PLAIN:
            cells[place - 1] = replace(cells[place - 1], kind=CellKind.PARAMS)
    return replace(notebook, cells=tuple(cells))


def _given(notebook: Notebook) -> dict[str, Any]:
    """What papermill's own cell says of the notebook's parameters, by name.

    papermill writes the values that it was given into a cell behind the one with the defaults, under ``# Parameters``
    (https://papermill.readthedocs.io/en/latest/usage-parameterize.html), and tells the kernel nothing but its text.
    """
    from fasttrack_jupyter.notebook.build_params import params_of

    params, _ = params_of(notebook)
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if _is_papermill_s(cell):
            for statement in ast.parse(cell.source).body:
                match statement:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in params:
                        with suppress(ValueError):  # what is no literal is no parameter of a job
                            found[name] = ast.literal_eval(value)
    return found
