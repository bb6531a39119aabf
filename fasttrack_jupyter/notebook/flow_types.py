"""What :func:`.flow.flow_of` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fasttrack_jupyter.model.problems import Problem


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement of an earlier task's cell that defines: imports, functions, classes. It travels as source."""

    name: str
    """Its first name: fit for a file's name, but not unique if a notebook defines a name twice."""
    names: tuple[str, ...]
    """All names that it binds."""
    label: str
    """Of its cell: "cell 3"."""
    line: int
    """Of its first line in the cell, decorators included; from 1."""
    source: str
    """The statement as it stands in the cell: whole lines, not indented."""


class Apart(NamedTuple):
    """Two variables of a task, at its end: one is changed in place by a later task, the other is used after that.

    Where both are, or hold, one object that can change, the notebook and the pipeline differ.
    """

    one: str
    other: str
    changer: str
    """The later task."""
    how: str
    """``columns`` where it changes whole columns of frames only, and leaves their memory as it is; else ``any``."""


@dataclass(frozen=True, slots=True)
class TaskFlow:
    """What comes into one task, and what goes out."""

    name: str
    inputs: Mapping[str, str]
    """Variable → the task whose version is taken."""
    outputs: tuple[str, ...]
    """Variables that later tasks take from it, and ``--out``."""
    optional: tuple[str, ...]
    """Further variables that it assigns: kept if they can be."""
    definitions: tuple[Definition, ...]
    """In the order in which they must run."""
    common: tuple[str, ...]
    """Keys of the common cells that travel with it, in order. They run first; inputs are laid over what they assign."""
    params: tuple[str, ...]
    watched: Mapping[str, str]
    """Input → a later task that reads the same version of it: it must not change here."""
    after: tuple[str, ...]
    apart: tuple[Apart, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """A notebook's tasks in the order in which they first appear, and everything that is wrong or in doubt."""

    tasks: tuple[TaskFlow, ...]
    problems: tuple[Problem, ...]
