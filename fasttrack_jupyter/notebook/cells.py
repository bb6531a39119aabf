"""A notebook as cells, each with what its marks make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fasttrack_jupyter.errors import InvalidNotebook
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
    """What Python runs (sh, for a shell cell); what IPython alone understands was replaced, line for line."""
    kind: CellKind
    task: str | None = None
    options: TaskOptions = field(default_factory=TaskOptions)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook, read."""

    name: str
    """The pipeline's name."""
    cells: tuple[Cell, ...]
    """The code cells, in order."""
    path: str | None
    """The file's name, without its folder."""
    defaults: PipelineOptions
    language: str = "python"
    problems: tuple[Problem, ...] = ()
    """Warnings and notices about what was read."""


def read_notebook(data: bytes, name: str) -> Notebook:
    """The notebook in ``data``; ``name`` is its file's name.

    Raises:
        InvalidNotebook: ``problems`` tell each cell and line.
    """
    raise InvalidNotebook(f"{name} cannot be read")
