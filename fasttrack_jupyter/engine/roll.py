"""The task instances of one job by ordinal: of what task each is, what it uses, which names it sees. No I/O.

A job begins with one instance for each task of its pipeline. A container that is opened adds more: a loop
its iterations (``sweep[2]``), a group its tasks (``sweep[2]/train``). Names are looked up as in any
programming language: first among the siblings, then further out. A *frame* is one such level; it also holds
what is bound there: the parameters of a group, the item of an iteration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.graph import TaskGraph, needed
from fasttrack_jupyter.model.groups import inherit, iteration
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.names import escape_name
from fasttrack_jupyter.model.pipeline import Pipeline, Task

_STEP = re.compile(r"([^\[\]]*)((?:\[[0-9]+\])*)")
_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of names."""

    names: Mapping[str, int]
    """Ordinals of the tasks of this level."""
    outer: Frame | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    """What groups bind here and further out; it comes before the job's own."""
    loops: Mapping[str, Any] = field(default_factory=dict)
    """By task, ``{item, index}`` of the iterations around; and the nearest one's ``index``."""
    item: Any = None
    """Of the nearest iteration."""

    def find(self, name: str) -> int | None:
        """The ordinal of a task that is seen from here."""
        frame: Frame | None = self
        while frame is not None:
            if (found := frame.names.get(name)) is not None:
                return found
            frame = frame.outer
        return None


@dataclass(frozen=True, slots=True)
class _Inside:
    """What is kept of an instance that is inside of a container."""

    parent: int
    frame: Frame
    uses: tuple[str, ...]
    static: str


class Roll:
    """See the module's text. All sequences are by ordinal, and grow."""

    def __init__(self, pipeline: Pipeline, graph: TaskGraph) -> None:
        self.pipeline = pipeline
        self.names = list(graph.names)
        """Paths."""
        self.tasks: list[Task] = list(pipeline.tasks)
        self.upstream = list(graph.upstream)
        """What an instance uses, in the order of ``/pipeline/input1`` …"""
        self.index = dict(graph.index)
        self.first = len(self.names)
        """How many are not inside of others; they have the first ordinals."""
        self._top = Frame(graph.index)
        self._inside: list[_Inside] = []
        self._children: dict[int, range] = {}

    @classmethod
    def of_rows(cls, pipeline: Pipeline, graph: TaskGraph, rows: Iterable[TaskInstance]) -> Roll:
        """A job's roll as its rows tell that it has grown. Raises Conflict if they contradict each other."""
        roll = cls(pipeline, graph)
        for path, data in growth_of(rows, roll):
            roll.expand(roll.index[path], data)
        return roll

    def __len__(self) -> int:
        return len(self.names)

    # ------------------------------------------------------------------ asking

    def parent(self, ordinal: int) -> int | None:
        """The container that an instance is inside of."""
        return self._inside[ordinal - self.first].parent if ordinal >= self.first else None

    def children(self, ordinal: int) -> range:
        """Those inside of a container; empty unless it was opened."""
        return self._children.get(ordinal, range(0))

    def top(self, ordinal: int) -> int:
        """The instance itself, or the outermost container around it."""
        while (parent := self.parent(ordinal)) is not None:
            ordinal = parent
        return ordinal

    def static(self, ordinal: int) -> str:
        """Where its task is in the pipeline: ``sweep[]/train`` for ``sweep[2]/train``."""
        return self._inside[ordinal - self.first].static if ordinal >= self.first else self.names[ordinal]

    def frame(self, ordinal: int) -> Frame:
        """The names that an instance sees."""
        return self._inside[ordinal - self.first].frame if ordinal >= self.first else self._top

    def uses(self, ordinal: int) -> Sequence[str]:
        """The names under which it knows what it uses, as in ``upstream``."""
        if ordinal >= self.first:
            return self._inside[ordinal - self.first].uses
        return [self.names[i] for i in self.upstream[ordinal]]

    def find(self, ordinal: int, name: str) -> int:
        """The ordinal of a task by the name that an instance knows it by. Raises NotFound if it knows none."""
        if (found := self.frame(ordinal).find(name)) is None:
            raise NotFound(f"{self.names[ordinal]} sees no task {name!r}")
        return found

    def inner(self, ordinal: int, name: str) -> int | None:
        """The ordinal of a task inside of an opened group."""
        children = self.children(ordinal)
        return self.frame(children.start).names.get(name) if children else None

    # ------------------------------------------------------------------ growing

    def expand(self, ordinal: int, data: Mapping[str, Any]) -> range:
        """Open a container: those inside come next. ``data``: ``items`` of a loop, ``params`` of a group."""
        start = len(self.names)
        if self.tasks[ordinal].for_each is not None:
            self._add_iterations(ordinal, data["items"])
        else:
            self._add_tasks(ordinal, data.get("params", {}))
        found = self._children[ordinal] = range(start, len(self.names))
        return found

    def _add_iterations(self, ordinal: int, items: Sequence[Any]) -> None:
        task, path, frame = self.tasks[ordinal], self.names[ordinal], self.frame(ordinal)
        each, static = iteration(task), f"{self.static(ordinal)}[]"
        upstream, uses = self.upstream[ordinal], tuple(self.uses(ordinal))
        for number, item in enumerate(items):
            loops = {**frame.loops, "index": number, task.name: {"item": item, "index": number}}
            level = Frame({}, frame, frame.params, loops, item)
            self._add(f"{path}[{number}]", each, upstream, _Inside(ordinal, level, uses, static))

    def _add_tasks(self, ordinal: int, params: Mapping[str, Any]) -> None:
        group, path, outer = self.tasks[ordinal], self.names[ordinal], self.frame(ordinal)
        names = {task.name: len(self.names) + place for place, task in enumerate(group.tasks)}
        frame = Frame(names, outer, {**outer.params, **params}, outer.loops, outer.item)
        static = self.static(ordinal)
        for task in group.tasks:
            inner = inherit(group, task)
            found = {name: at for name in needed(inner) if (at := frame.find(name)) is not None}
            inside = _Inside(ordinal, frame, tuple(found), f"{static}/{task.name}")
            self._add(f"{path}/{task.name}", inner, tuple(found.values()), inside)

    def _add(self, path: str, task: Task, upstream: tuple[int, ...], inside: _Inside) -> None:
        self.index[path] = len(self.names)
        self.names.append(path)
        self.tasks.append(task)
        self.upstream.append(upstream)
        self._inside.append(inside)


def growth_of(rows: Iterable[TaskInstance], roll: Roll) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Which containers to open by what, in order, so that ``roll``, which grows meanwhile, comes to have all ``rows``.

    Raises:
        Conflict: the rows contradict each other.
    """
    opened: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row.expansion is not None:
            opened[row.path] = row.expansion
        if row.ordinal >= len(roll):
            parent = parent_of(row.path)
            if parent is None or parent not in opened:
                raise Conflict(f"task instance {row.path!r} is inside of nothing that was opened")
            yield parent, opened[parent]
        if row.ordinal >= len(roll) or roll.names[row.ordinal] != row.path:
            raise Conflict(f"task instance {row.path!r} is not where it was")


def parent_of(path: str) -> str | None:
    """``sweep[2]`` for ``sweep[2]/train``, ``sweep`` for ``sweep[2]``; None for what is inside of nothing."""
    if path.endswith("]"):
        return path[: path.rindex("[")]
    outer, slash, _ = path.rpartition("/")
    return outer if slash else None


def place_of(path: str) -> str:
    """An instance's path as one of folders: ``sweep/2/train`` for ``sweep[2]/train``, each step a safe name."""
    if "/" not in path and "[" not in path:
        return escape_name(path)
    steps = []
    for step in path.split("/"):
        match = _STEP.fullmatch(step)
        name, indexes = match.groups() if match else (step, "")
        steps += [escape_name(name), *(index[1:-1] for index in _INDEX.findall(indexes))]
    return "/".join(steps)
