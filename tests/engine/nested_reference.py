"""The rules of nested pipelines once more, slowly: what must become of each instance, evaluated over the tree.

Nothing here counts, schedules or remembers: the tasks of a level are evaluated in an order that their
dependencies allow, and what is inside of a container when its turn comes. The job machine is judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.nested_pipelines import T

from fasttrack_jupyter.engine.stimuli import VerdictKind
from fasttrack_jupyter.model.pipeline import RunIf

_UNSATISFIED = {"CANCELLED", "DESTROYED"}
_WITHOUT_RUNNING = {VerdictKind.SKIP: "SKIPPED", VerdictKind.REUSE: "SUCCESS", VerdictKind.FAIL: "FAILURE"}


class End(NamedTuple):
    """How an instance came out, and after how many attempts.

    SUCCESS, FAILURE, SKIPPED, CANCELLED, or DESTROYED: its session ended without a result.
    """

    word: str
    attempts: int = 0


class Seen(NamedTuple):
    """A task that has ended, as others see it."""

    task: T
    end: End


@dataclass
class Reference:
    """An interpreter of one job. The dice are functions of a path: asked again they say the same."""

    verdict: Callable[[str], VerdictKind]
    """What becomes of an instance that is considered."""
    items: Callable[[str], int]
    """How many iterations a loop has."""
    session: Callable[[str, int], str]
    """How an attempt ends: ``success``, ``failure``, ``refused`` (no use to try again) or ``destroyed``."""
    given: Mapping[str, End] = field(default_factory=dict)
    """Ends that depend on when somebody cancelled something."""
    cancelled: frozenset[str] = frozenset()
    """Containers that were cancelled as such, after they were opened."""
    opened: frozenset[str] = frozenset()
    """Of those in ``given``, the containers that were opened."""
    ends: dict[str, End] = field(default_factory=dict)
    """What this finds out, by path."""

    def evaluate(self, tasks: Sequence[T]) -> None:
        """A whole job: what is not final, then what is, which sees all others and the final ones that it names."""
        seen = self._level([task for task in tasks if not task.final], "", {})
        others = list(seen.values())
        for task in in_order([task for task in tasks if task.final]):
            finals = [seen[name] for name in task.waits_for() if seen[name].task.final]
            is_going = not task.skip and foretell(task.run_if, others + finals) == "GO"
            end = self._goes_on(task, task.name, seen) if is_going else End("SKIPPED")
            seen[task.name] = Seen(task, self._keep(task.name, end))

    def _level(self, tasks: Sequence[T], prefix: str, outer: Mapping[str, Seen]) -> dict[str, Seen]:
        """Tasks that are side by side, inside of ``prefix``; gives them, and what they see further out."""
        seen = dict(outer)
        for task in in_order(tasks):
            path = prefix + task.name
            fate = "SKIPPED" if task.skip else foretell(task.run_if, [seen[name] for name in task.waits_for()])
            end = self._goes_on(task, path, seen) if fate == "GO" else End(fate)
            seen[task.name] = Seen(task, self._keep(path, end))
        return seen

    def _keep(self, path: str, end: End) -> End:
        self.ends[path] = end = self.given.get(path, end)
        return end

    def _goes_on(self, task: T, path: str, seen: Mapping[str, Seen]) -> End:
        """What becomes of an instance whose dependencies let it go on."""
        if path in self.given and path not in self.opened:
            return self.given[path]
        kind = self.verdict(path) if task.considered or task.is_container else VerdictKind.RUN
        if kind in _WITHOUT_RUNNING:
            return End(_WITHOUT_RUNNING[kind])
        if task.is_loop:
            each = [Seen(task.iteration, self._iteration(task, f"{path}[{i}]", seen)) for i in range(self.items(path))]
            return around(each, is_cancelled=path in self.cancelled)
        if task.inside:
            level = self._level(task.inside, f"{path}/", seen)
            return around([level[inner.name] for inner in task.inside], is_cancelled=path in self.cancelled)
        return self._runs(task, path)

    def _iteration(self, loop: T, path: str, seen: Mapping[str, Seen]) -> End:
        return self._keep(path, self._goes_on(loop.iteration, path, seen))

    def _runs(self, task: T, path: str) -> End:
        for attempt in range(1, task.attempts + 1):
            how = self.session(path, attempt)
            if how in ("success", "destroyed"):
                return End(how.upper(), attempt)
            if how == "refused":
                break
        return End("FAILURE", attempt)


def in_order(tasks: Sequence[T]) -> list[T]:
    """The same tasks, each behind those of them that it waits for."""
    left, found = list(tasks), []
    while left:
        names = {task.name for task in left}
        ready = next(task for task in left if not task.waits_for() & names)
        left.remove(ready)
        found.append(ready)
    return found


def foretell(run_if: RunIf, seen: Sequence[Seen]) -> str:
    """GO, SKIPPED or CANCELLED, by the text of the rules."""
    failed = [x for x in seen if x.end.word == "FAILURE" or x.end.word in _UNSATISFIED]
    hindering = [x for x in failed if x.end.word in _UNSATISFIED or not x.task.tolerated]
    if run_if is RunIf.ALL_SUCCESS and hindering:
        return "CANCELLED"
    if run_if is RunIf.ANY_FAILED and not failed:
        return "SKIPPED"
    if run_if is RunIf.ONE_SUCCESS and not any(x.end.word == "SUCCESS" for x in seen):
        return "CANCELLED" if failed else "SKIPPED"
    return "GO"


def around(inside: Sequence[Seen], *, is_cancelled: bool) -> End:
    """How a container comes out that was opened."""
    if is_cancelled and any(x.end.word == "CANCELLED" for x in inside):
        return End("CANCELLED")
    words = {x.end.word for x in inside if not x.task.tolerated}
    if "FAILURE" in words:
        return End("FAILURE")
    return End("CANCELLED" if words & _UNSATISFIED else "SUCCESS")
