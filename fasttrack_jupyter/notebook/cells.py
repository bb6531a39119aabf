"""A notebook as cells, each with what its marks make of it.

What a cell is, is said in one of three ways: a magic as its first line wins over ``metadata.fasttrack``, which the
form in JupyterLab writes, and that over tags (papermill's ``parameters``, Kale's). All three end in the same
:class:`Cell`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.notebook.marks import PipelineOptions, TaskOptions


class CellKind(StrEnum):
    """What a cell is to the pipeline."""

    TASK = "task"
    """Python that a task runs."""
    SHELL = "shell"
    """A shell script that a task runs."""
    PARAMS = "params"
    """Assigns the parameters' defaults."""
    COMMON = "common"
    """Travels with every task that uses it."""
    SKIP = "skip"
    """Left out on purpose."""
    PLAIN = "plain"
    """Not marked: belongs to nothing."""
    PIPELINE = "pipeline"
    """Nothing but ``%fasttrack_pipeline`` and its like."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell."""

    label: str
    """What people call it: "cell 5", counted from 1 among all cells of the notebook; in a live kernel "In [5]"."""
    key: str
    """Unique in the notebook, and fit for a file's name: "05"."""
    source: str
    """What runs: Python, or sh for a shell cell. As many lines as the cell has, what IPython alone knows replaced.

    Python always parses, except in a cell that belongs to nothing: what cannot be read there became comments.
    """
    kind: CellKind
    task: str | None = None
    options: TaskOptions = field(default_factory=TaskOptions)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook, read."""

    name: str
    """The pipeline's name."""
    cells: tuple[Cell, ...]
    """The code cells, in order."""
    path: str | None
    """The file's name, without its folder; None for a live kernel."""
    defaults: PipelineOptions
    problems: tuple[Problem, ...] = ()
    """Warnings and notices about what was read."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of its tasks, in order."""
        return tuple(dict.fromkeys(cell.task for cell in self.cells if cell.task is not None))


def read_notebook(data: bytes, name: str, *, split: bool = False) -> Notebook:
    """The notebook in ``data``; ``name`` is its file's name. Nothing is executed.

    With ``split``, a notebook without marks is read as if every code cell were a task (cells of imports alone: common).

    Raises:
        InvalidNotebook: ``problems`` tell each cell and line.
    """
    from fasttrack_jupyter.notebook.cells_json import read_json
    from fasttrack_jupyter.notebook.cells_reading import read_cells

    return read_cells(read_json(data, name), name, split=split)
