"""What the analysis writes down of one cell while it walks through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.names_heap import Node


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a cell that cannot be decided from its text, or will not do what it does in the notebook."""

    code: str
    message: str
    line: int
    names: tuple[str, ...] = ()
    hint: str = ""
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True)
class Read:
    """A name whose value from before the cell is used."""

    line: int
    indirect: bool = False
    """By a function or class that the cell uses, not by its own text."""
    forgiven: bool = False
    """The cell copes where the name does not exist (``try … except NameError``, ``"x" in globals()``)."""


@dataclass(frozen=True, slots=True)
class Change:
    """An object changed in place."""

    line: int
    how: str
    """As people write it: ``x.append(…)``."""
    doubtful: bool = False
    """``x += 1`` where ``x`` may be a number."""


class StateUse(StrEnum):
    """What a cell does to something that belongs to the process and not to a variable."""

    SET = "set"
    SEED = "seed"
    DRAW = "draw"


@dataclass(frozen=True, slots=True)
class State:
    """One use of something that belongs to the process: random numbers, options, the environment."""

    label: str
    use: StateUse
    line: int
    users: tuple[str, ...] = ()
    """The modules whose behaviour it changes; empty: anything."""


@dataclass(frozen=True, slots=True)
class FileUse:
    """A path written as text, and what is done to it."""

    path: str
    """Relative to the working folder, or absolute; empty: not known."""
    line: int
    writes: bool
    reads: bool
    asks: bool = False
    """Whether it only asks what is there (a list of names, whether it exists): where it is not, nothing fails."""


@dataclass(slots=True)
class Site:
    """A statement that does nothing but define: it can travel as source."""

    cell: int
    names: tuple[str, ...]
    first: int
    last: int
    loads: dict[str, int] = field(default_factory=dict)
    """Names used while it runs (decorators, defaults, bases), each with the cell that its value is from."""
    effects: str = ""
    """What running it does besides, where it does: then it cannot run a second time."""
    changed: Change | None = None
    """What the rest of its cell does to what it defines: that does not travel with it."""
    is_import: bool = False


@dataclass(slots=True)
class Record:
    """One cell."""

    cell: int
    reads: dict[str, Read] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    """Names bound, with the line."""
    deletes: dict[str, int] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    """Name → the module or member that it is."""
    stars: dict[str, int] = field(default_factory=dict)
    """Modules imported with ``*``, whose names nobody knows."""
    mutations: dict[Node, Change] = field(default_factory=dict)
    """The first change of each object."""
    rewrites: set[Node] = field(default_factory=set)
    """Those changed by more than whole columns (``x["name"] = …``), so that a frame's memory may be changed."""
    identities: dict[Node, int] = field(default_factory=dict)
    """Objects whose identity was asked for, with the line."""
    sites: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    files: list[FileUse] = field(default_factory=list)
    modules: dict[str, int] = field(default_factory=dict)
    """Modules used: root name → line."""
    classes: dict[Node, tuple[str, int]] = field(default_factory=dict)
    """Classes of objects used, and functions held, by their name in the notebook → line."""
    kept: dict[str, int] = field(default_factory=dict)
    """Names bound on some ways only: on the others they keep the value from before."""
    effects: bool = False
    """Has statements at its top that are neither imports, definitions nor assignments."""

    def read(self, name: str, read: Read) -> None:
        """Note a use; a direct one says more than an indirect one, a strict one more than a forgiven one."""
        before = self.reads.get(name)
        if before is None or (before.forgiven, before.indirect) > (read.forgiven, read.indirect):
            self.reads[name] = read

    def find(self, finding: Finding) -> None:
        """Note a finding, once."""
        if finding not in self.findings:
            self.findings.append(finding)
