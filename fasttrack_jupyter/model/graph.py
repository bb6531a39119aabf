"""The DAG of a pipeline, compact and without recursion.

Tasks are numbered by their position in the file; everything here speaks in these numbers, so that
100,000 tasks cost a few lists of small tuples. A task's *upstream* order is a contract: it is the
order of ``/pipeline/input1``, ``/pipeline/input2`` … in its sessions. Explicit ``dependencies``
come first, then the tasks that its ``inputs`` name, then those that ``${{ tasks.* }}`` mentions in
its condition (``when``), in its command and in its environment variables, and what those inside of a
group name outside of it; each task once, at its first appearance. What a final task waits for
besides, namely everything that is not final, is no edge: its sessions see only what it names, and n
final tasks of m others would cost n·m edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from fasttrack_jupyter.model.expressions import ExpressionError, parse_template
from fasttrack_jupyter.model.notebooks import command_of, texts_of
from fasttrack_jupyter.model.pipeline import Pipeline, Task


@dataclass(frozen=True)
class TaskGraph:
    """Who needs whom. ``upstream[i]`` are the tasks that task ``i`` names, in the order of its inputs."""

    names: tuple[str, ...]
    upstream: list[tuple[int, ...]]
    finals: frozenset[int] = frozenset()
    """Tasks that also wait for all others, however those end."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Number of each task by its name."""
        return {name: number for number, name in enumerate(self.names)}

    @cached_property
    def downstream(self) -> list[tuple[int, ...]]:
        """The tasks that wait for each task, in the order of the file."""
        lists: list[list[int]] = [[] for _ in self.names]
        for task, needed in enumerate(self.upstream):
            for other in needed:
                lists[other].append(task)
        return [tuple(tasks) for tasks in lists]

    def topological_order(self) -> list[int]:
        """Every task after all those that it needs; among free ones the file's order decides (Kahn 1962).

        Final tasks come last. Tasks on a cycle, and those behind one, are left out.
        """
        missing = [len(needed) for needed in self.upstream]
        order = [task for task, count in enumerate(missing) if not count]
        for task in order:
            for other in self.downstream[task]:
                missing[other] -= 1
                if not missing[other]:
                    order.append(other)
        return sorted(order, key=self.finals.__contains__) if self.finals else order

    def find_cycle(self) -> list[str] | None:
        """One cycle as ``["a", "b", "a"]`` (a needs b, b needs a), or None where there is none."""
        return next(self.cycles(), None)

    def cycles(self) -> Iterator[list[str]]:
        """Cycles that share no task, as in :meth:`find_cycle`; where they are all broken, others may remain.

        Linear in all: depth first along ``upstream``; each edge is looked at once, and each task
        is told of in one cycle at most.
        """
        done = [False] * len(self.names)
        for task in self.topological_order():
            done[task] = True
        place: dict[int, int] = {}
        for start in range(len(self.names)):
            if not done[start]:
                yield from self._cycles_from(start, done, place)

    def _cycles_from(self, start: int, done: list[bool], place: dict[int, int]) -> Iterator[list[str]]:
        """Depth-first search: ``place`` is each open task's position on the path, ``done`` those left behind."""
        path, turns, told = [start], [iter(self.upstream[start])], set[int]()
        place[start] = 0
        while path:
            other = next((needed for needed in turns[-1] if not done[needed]), None)
            if other is None:
                left = path.pop()
                turns.pop()
                done[left] = True
                del place[left]
            elif other not in place:
                place[other] = len(path)
                path.append(other)
                turns.append(iter(self.upstream[other]))
            elif path[-1] not in told and other not in told:
                cycle = path[place[other] :]
                told.update(cycle)
                yield self._named(cycle)

    def _named(self, cycle: list[int]) -> list[str]:
        """From the cycle's task that comes first in the file, round to it again."""
        first = cycle.index(min(cycle))
        turned = [*cycle[first:], *cycle[: first + 1]]
        return [self.names[task] for task in turned]

    def ancestors(self, tasks: Iterable[int]) -> set[int]:
        """Every task that some of ``tasks`` needs, directly or not; the given ones only if another needs them."""
        return _reach(self.upstream, tasks)

    def descendants(self, tasks: Iterable[int]) -> set[int]:
        """Every task that needs some of ``tasks``, directly or not; the given ones only if they need another."""
        return _reach(self.downstream, tasks)

    def priorities(self, seconds: Sequence[float]) -> list[float]:
        """For each task the seconds from its start to the end of everything behind it, if slots were endless.

        The length of the longest path, the task's own ``seconds`` included; whoever starts the
        largest first keeps the critical path moving (Kelley and Walker 1959). 0 on and behind a cycle.
        """
        longest = [0.0] * len(self.names)
        for task in reversed(self.topological_order()):
            behind = max((longest[other] for other in self.downstream[task]), default=0.0)
            longest[task] = seconds[task] + behind
        return longest


def _reach(edges: Sequence[tuple[int, ...]], tasks: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    todo = list(tasks)
    while todo:
        for other in edges[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def build_graph(pipeline: Pipeline) -> TaskGraph:
    """The graph of ``pipeline``. Names that are no task of it, which validation refuses, are left out."""
    names = tuple(task.name for task in pipeline.tasks)
    index = {name: number for number, name in enumerate(names)}
    upstream = [tuple(dict.fromkeys(index[name] for name in needed(task) if name in index)) for task in pipeline.tasks]
    finals = frozenset(number for number, task in enumerate(pipeline.tasks) if task.final)
    return TaskGraph(names, upstream, finals)


def needed(task: Task) -> Iterator[str]:
    """Names of the tasks that ``task`` waits for, in the order of its inputs; a name may come more than once.

    What those inside of a group name and none of them is comes last: the group waits for it.
    """
    yield from named_by(task)
    inside = {inner.name for inner in task.tasks}
    for inner in task.tasks:
        yield from (name for name in needed(inner) if name not in inside)


def named_by(task: Task) -> Iterator[str]:
    """The same without what those inside of a group name."""
    yield from task.dependencies
    for given in task.inputs.values():
        yield from given.tasks
    opened_by = (text for _, text in texts_of(task)) if task.is_container else ()
    for text in (task.when or "", task.question, command_of(task), *task.environment.envs.values(), *opened_by):
        if "${{" in text:
            yield from _mentioned(text)


def _mentioned(text: str) -> Iterator[str]:
    try:
        references = parse_template(text).references
    except ExpressionError:  # validation tells of it; an expression that cannot be read adds no dependency
        return
    for reference in references:
        if reference.root == "tasks" and reference.names:
            yield str(reference.names[0])
