"""Small nested pipelines for tests of the job machine: tasks in a line each, and a store that is a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from fasttrack_jupyter.engine.machine import JobMachine
from fasttrack_jupyter.engine.stimuli import (
    Consider,
    Decision,
    Event,
    InstanceAdmitted,
    InstanceDecided,
    InstancePlan,
    JobStarted,
    Offer,
    SessionReported,
    Verdict,
    VerdictKind,
)
from fasttrack_jupyter.model.job import Change, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import Retry, RunIf

JOB = "j"


@dataclass(frozen=True)
class T:
    """A task; a container where it has others ``inside``, or ``is_loop``. Names are unique within the pipeline."""

    name: str
    needs: str = ""
    """Names of siblings and of tasks further out, with spaces between."""
    inside: tuple[T, ...] = ()
    is_loop: bool = False
    at_once: int | None = None
    run_if: RunIf = RunIf.ALL_SUCCESS
    attempts: int = 1
    tolerated: bool = False
    """``continue_on_failure``."""
    final: bool = False
    considered: bool = False
    """Containers always are."""
    skip: bool = False

    @property
    def is_container(self) -> bool:
        return self.is_loop or bool(self.inside)

    @property
    def iteration(self) -> T:
        """What each iteration of this loop is."""
        return replace(
            self,
            is_loop=False,
            at_once=None,
            needs="",
            run_if=RunIf.ALL_SUCCESS,
            tolerated=False,
            skip=False,
            final=False,
        )

    def waits_for(self) -> set[str]:
        """What it needs, and what those inside need that is not inside."""
        inner = {name for task in self.inside for name in task.waits_for()}
        return set(self.needs.split()) | inner - {task.name for task in self.inside}


@dataclass(frozen=True)
class Place:
    """An instance of ``task``, that sees the ordinals of ``scope``."""

    task: T
    scope: Mapping[str, int]
    is_in_final: bool = False


class Nest:
    """Who knows the tasks of one job (its ``Growth``): what is inside of each container, under which ordinals."""

    def __init__(self, *tasks: T) -> None:
        self.places: list[Place] = []
        self.index: dict[str, int] = {}
        self.plans: list[InstancePlan] = self._add(tasks, "", {}, None, is_in_final=False)

    def machine(self, at_once: int = 500) -> JobMachine:
        """A fresh one on these tasks."""
        return JobMachine(JOB, self.plans, growth=self, cancel_at_once=at_once)

    def task(self, path: str) -> T:
        return self.places[self.index[path]].task

    def expand(self, path: str, data: Mapping[str, Any]) -> Sequence[InstancePlan]:
        """Iterations, as many as ``data`` has ``items``; or the tasks of a group."""
        parent = self.index[path]
        place = self.places[parent]
        is_in_final = place.is_in_final or place.task.final
        if not place.task.is_loop:
            return self._add(place.task.inside, f"{path}/", place.scope, parent, is_in_final=is_in_final)
        plans = []
        for i in range(len(data["items"])):
            self.index[f"{path}[{i}]"] = len(self.places)
            self.places.append(Place(place.task.iteration, place.scope, is_in_final))
            plans.append(self._plan(f"{path}[{i}]", parent))
        return plans

    def collect(self, path: str) -> Mapping[str, Any]:
        """Where it would have left something."""
        return {"outputs_dir": f"jobs/1/{path}"}

    def _add(
        self, tasks: Sequence[T], prefix: str, outer: Mapping[str, int], parent: int | None, *, is_in_final: bool
    ) -> list[InstancePlan]:
        scope = {**outer, **{task.name: i for i, task in enumerate(tasks, len(self.places))}}
        self.places += [Place(task, scope, is_in_final) for task in tasks]
        self.index |= {prefix + task.name: scope[task.name] for task in tasks}
        return [self._plan(prefix + task.name, parent) for task in tasks]

    def _plan(self, path: str, parent: int | None) -> InstancePlan:
        place = self.places[self.index[path]]
        task = place.task
        return InstancePlan(
            path,
            tuple(sorted(place.scope[name] for name in task.waits_for())) if not path.endswith("]") else (),
            Retry(max_attempts=task.attempts),
            task.tolerated,
            Status.SKIPPED if task.skip else None,
            "skip: true" if task.skip else "",
            run_if=task.run_if,
            is_final=task.final,
            is_in_final=place.is_in_final,
            is_considered=task.considered or task.is_container,
            task=path.partition("[")[0],
            parent=parent,
            is_loop=task.is_loop,
            at_once=task.at_once,
        )


@dataclass
class Ledger:
    """What a store would remember of a job on ``tasks``."""

    tasks: tuple[T, ...]
    rows: dict[str, TaskInstance] = field(default_factory=dict)
    """By path, in the order of their ordinals."""
    job: tuple[JobStatus, Result, str] = (JobStatus.PENDING, Result.UNDEFINED, "")

    def __post_init__(self) -> None:
        self.rows = {task.name: TaskInstance(JOB, task.name, i, task.name) for i, task in enumerate(self.tasks)}

    def take(self, decision: Decision) -> Decision:
        """Record all of its changes, as one transaction does; gives it back."""
        for change in decision.changes:
            self._record(change)
        return decision

    def _record(self, change: Change) -> None:
        if change.path is None:
            assert self.job[0] == change.expected, "two changes of the job contradict each other"
            assert isinstance(change.status, JobStatus)
            result = self.job[1] if change.result is None else change.result
            self.job = (change.status, result, self.job[2] if change.reason is None else change.reason)
            return
        row = self.rows[change.path]
        assert row.status == change.expected, "two changes of one instance contradict each other"
        assert row.status not in ENDED, "an ended instance was moved"
        assert isinstance(change.status, Status)
        self.rows[change.path] = replace(
            row,
            status=change.status,
            result=row.result if change.result is None else change.result,
            reason=row.reason if change.reason is None else change.reason,
            attempts=change.attempt,
            expansion=row.expansion if change.expansion is None else change.expansion,
        )
        for path, task in change.instances:
            assert path not in self.rows, "an instance came to be twice"
            self.rows[path] = TaskInstance(JOB, path, len(self.rows), task)

    def revive(self, at_once: int = 500) -> tuple[Nest, JobMachine]:
        """A machine that knows nothing but the rows, and has grown by them; it is not restored yet."""
        nest = Nest(*self.tasks)
        machine = nest.machine(at_once)
        for path in list(self.rows):
            if path not in nest.index:
                parent = path[: path.rindex("[")] if path.endswith("]") else path.rpartition("/")[0]
                machine.grow(parent, self.rows[parent].expansion or {})
            assert nest.index[path] == self.rows[path].ordinal, "an ordinal changed"
        return nest, machine


# -------------------------------------------------------------- for dice

DEEPEST = 3


class Pipelines:
    """Random tasks; those of a level stand in any order."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._count = 0

    def job(self) -> tuple[T, ...]:
        """With final tasks, which only final ones may wait for."""
        others = self._level(self._dice.randint(1, 7), [], 0)
        names = [task.name for task in others]
        finals: list[T] = []
        for _ in range(self._dice.choice([0, 0, 1, 2])):
            finals.append(self._task([*names, *(task.name for task in finals)], 1, is_final=True))
        return tuple(self._shuffled([*others, *finals]))

    def _shuffled(self, tasks: list[T]) -> list[T]:
        self._dice.shuffle(tasks)
        return tasks

    def _level(self, count: int, outer: list[str], depth: int) -> list[T]:
        found: list[T] = []
        for _ in range(count):
            found.append(self._task([*outer, *(task.name for task in found)], depth))
        return self._shuffled(found)

    def _task(self, visible: list[str], depth: int, *, is_final: bool = False) -> T:
        dice = self._dice
        self._count += 1
        name = f"t{self._count}"
        kind = dice.choice(["task", "loop", "group", "loop of groups", "task"])
        inside: list[T] = []
        if "group" in kind and depth < DEEPEST:
            inside = self._level(dice.randint(1, 3), visible, depth + 1)
        is_loop = "loop" in kind
        run_if = dice.choice([*[RunIf.ALL_SUCCESS] * 3, RunIf.ALL_DONE, *RunIf])
        needs = {dice.choice(visible) for _ in range(dice.randint(0, 2))} if visible else set()
        return T(
            name,
            " ".join(sorted(needs)),
            tuple(inside),
            is_loop,
            dice.choice([1, 2, None]) if is_loop else None,
            run_if if needs or is_final else RunIf.ALL_SUCCESS,
            dice.randint(1, 2),
            dice.choice([False, True]),
            is_final,
            dice.choice([False, False, True]),
            dice.randint(1, 15) == 15,
        )


# -------------------------------------------------------------- for stories

START = JobStarted(0.0)
GROUP = T("g", inside=(T("a"), T("b", "a")))
SWEEP = T("sweep", is_loop=True, inside=(T("train"), T("test", "train")))


def opened(path: str, items: int = 0) -> InstanceDecided:
    data = {"items": list(range(items))} if items else {"params": {}}
    return InstanceDecided(path, 1.0, Verdict(VerdictKind.EXPAND, data=data))


def decided(path: str, kind: VerdictKind) -> InstanceDecided:
    return InstanceDecided(path, 1.0, Verdict(kind, f"said {kind.value}"))


def begun(*paths: str) -> list[Event]:
    return [InstanceAdmitted(path, 1.0, f"jobs/1/{path}") for path in paths]


def ended(path: str, exit_code: int = 0, attempt: int = 1) -> SessionReported:
    result = Result.FAILURE if exit_code else Result.SUCCESS
    reason = f"exit {exit_code}" if exit_code else ""
    return SessionReported(path, attempt, Status.TERMINATED, 2.0, result, exit_code, reason)


def ran(path: str, exit_code: int = 0) -> list[Event]:
    return [*begun(path), ended(path, exit_code)]


def gone(path: str) -> SessionReported:
    return SessionReported(path, 1, Status.CANCELLED, 3.0, reason="cancelled")


def tell(machine: JobMachine, *events: Event) -> Decision:
    """Hand the machine events in a row; what the last one led to."""
    decision = Decision()
    for event in events:
        decision = machine.handle(event)
    return decision


def job(*tasks: T) -> JobMachine:
    """A job on these that has started."""
    machine = Nest(*tasks).machine()
    machine.handle(START)
    return machine


def loop(items: int = 3, **fields: object) -> JobMachine:
    """A job of one loop over ``items``, which is open; behind it waits ``after``."""
    machine = job(T("sweep", is_loop=True, **fields), T("after", "sweep"))  # type: ignore[arg-type]
    machine.handle(opened("sweep", items))
    return machine


def moves(decision: Decision) -> list[tuple[str | None, str, str]]:
    """``(path, status, reason)`` of each change."""
    return [(c.path, c.status, c.reason or "") for c in decision.changes]


def next_ones(decision: Decision) -> list[str]:
    """Paths of what may go on by this decision: offered, or to be considered."""
    return [i.path for i in decision.instructions if isinstance(i, Offer | Consider)]
