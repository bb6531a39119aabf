"""Before a job: per task will run, reused, skipped or refused, each with its reason. Pure.

A plan looks at the pipeline, at which part of it is asked for, at what earlier jobs left behind
and at what the backend has. Nothing is decided later than here: the job keeps the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fasttrack_jupyter.engine.asked import Asked, never_fits, what_exceeds
from fasttrack_jupyter.engine.outlining import inside_words
from fasttrack_jupyter.engine.plan_conditions import with_conditions
from fasttrack_jupyter.engine.plan_services import beside_services
from fasttrack_jupyter.engine.storing import TaskHistory
from fasttrack_jupyter.engine.views import Decision, Selection
from fasttrack_jupyter.engine.whereabouts import LOCAL
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.groups import inherit, leaves_of
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.notebooks import command_of, texts_of
from fasttrack_jupyter.model.pipeline import Pipeline, Task, TaskType
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity

SET_ASIDE = ("skip: true", "outside the partial run")
"""Why a plan leaves a task out, in words."""
OVERSIZED = 4
"""A task that asks for this many times the most it ever used is told so."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A past success of a task: the instance that left its outputs, and the job's index for people."""

    instance: TaskInstance
    job_index: int
    backend: str = LOCAL
    """Where they are."""


def as_asked(slots: ResourceSlots) -> tuple[ResourceSlots, tuple[str, ...]]:
    """Of a backend that takes every amount of a slot as it is."""
    return slots, ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan must know of one backend."""

    capacity: ResourceSlots | None = None
    default_slots: ResourceSlots = field(default_factory=ResourceSlots)
    fit: Callable[[ResourceSlots], tuple[ResourceSlots, tuple[str, ...]]] = as_asked
    """What a container is really given there, and why that is something else, in words."""


_NO_GROUND = Ground()


@dataclass(frozen=True, slots=True)
class Question:
    """All that a plan depends on."""

    pipeline: Pipeline
    graph: TaskGraph
    selection: Selection = field(default_factory=Selection)
    params: Mapping[str, Any] = field(default_factory=dict)
    """The values of its parameters."""
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    """By task: the newest success (on a rerun, the old job's own before others); for what does not run."""
    reusable: frozenset[str] | None = None
    """Reuse every task of these that is not ``changed`` (a rerun from failed); None: everything runs."""
    undecided: frozenset[str] = frozenset()
    """Beside ``reusable``: what the old job skipped for a condition; decided again, and nothing runs because of it."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """By task: which outputs of it cannot be had any more, in words."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """By task: what changed since (``command changed``); such a task runs."""
    where: Sequence[str] = ()
    """By ordinal, the backend where each task would run; empty where that is no question."""
    grounds: Mapping[str, Ground] = field(default_factory=dict)
    """By backend."""
    shrink: bool = False
    preflight: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    history: Mapping[str, TaskHistory] = field(default_factory=dict)

    def backend(self, index: int) -> str:
        """Where a task would run."""
        return self.where[index] if self.where else LOCAL

    def ground(self, index: int) -> Ground:
        """Of the backend where a task would run."""
        return self.grounds.get(self.backend(index), _NO_GROUND)


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """What happens to one task, and why."""

    path: str
    decision: Decision
    reason: str
    slots: ResourceSlots
    """What one container will be given."""
    notes: tuple[str, ...] = ()
    reuse: TaskInstance | None = None
    """Whose outputs stand in (for a reused one, and for a skipped one that has them)."""
    problems: tuple[Problem, ...] = ()
    """What was found about it; each ``path`` leads to a place within the task."""
    backend: str = LOCAL
    """Where it runs; of one that does not, where the outputs are that stand in."""
    terms: tuple[str, ...] = ()
    """On what terms it runs, for the plan alone: the job tells what came of them."""
    is_foreseen: bool = False
    """Of a skipped one: its job will find that out by itself, from its condition."""


def make_plan(question: Question) -> list[PlannedTask]:
    """The plan, in the pipeline's order.

    Raises:
        BadRequest: the selection names a task that the pipeline has not.
    """
    graph = question.graph
    selected = _selected(question)
    runs = _runs(question, selected)
    feeds = {upstream for index in runs for upstream in graph.upstream[index]}
    asked = Asked(question)
    found = []
    for index, task in enumerate(question.pipeline.tasks):
        if index not in runs:
            slots, _ = asked.of(index)
            planned = _plan_rest(question, index, slots, index in selected, index in feeds)
        else:
            planned = _plan_run(question, index, task, asked)
        found.append(planned)
    found = beside_services(question, with_conditions(question, found))
    return _with_carriages(question, found) if len({task.backend for task in found}) > 1 else found


def _with_carriages(question: Question, tasks: Sequence[PlannedTask]) -> list[PlannedTask]:
    """``tasks``, told which of their inputs have to be carried from one backend to another."""
    found = []
    for index, task in enumerate(tasks):
        if task.decision is Decision.RUN:
            upstream = [tasks[i] for i in question.graph.upstream[index]]
            carried = [x for x in upstream if x.backend != task.backend and (x.reuse or x.decision is Decision.RUN)]
            notes = [f"its input {x.path} is carried over from {x.backend}" for x in carried]
            task = replace(task, notes=(*task.notes, *notes)) if notes else task
            if many := _scattered(question, index, tasks):
                why = f"files that {many}, a loop or a group, hands on are not carried to another backend"
                task = replace(task, decision=Decision.REFUSE, reason=f"{why}: let both run on one")
        found.append(task)
    return found


def _scattered(question: Question, index: int, tasks: Sequence[PlannedTask]) -> str:
    """A loop or a group on another backend whose artifacts a task takes; empty if there is none."""
    for given in question.pipeline.tasks[index].inputs.values():
        for ref in given.refs:
            source = question.pipeline.by_name[ref.task]
            spec = source.products.get(ref.output or "")
            is_elsewhere = tasks[question.graph.index[ref.task]].backend != tasks[index].backend
            if source.is_container and is_elsewhere and not (spec is not None and spec.is_value):
                return ref.task
    return ""


def _selected(question: Question) -> set[int]:
    graph, selection = question.graph, question.selection
    chosen = set(range(len(graph.names)))
    if selection.from_:
        start = _indices(question, selection.from_)
        chosen &= graph.descendants(start) | set(start)
    if selection.until:
        end = _indices(question, selection.until)
        chosen &= graph.ancestors(end) | set(end)
    if selection.only:
        only = set(_indices(question, selection.only))
        chosen = chosen | only if selection.from_ or selection.until else only
    return chosen


def _indices(question: Question, names: Sequence[str]) -> list[int]:
    unknown = [name for name in names if name not in question.graph.index]
    if unknown:
        raise BadRequest(
            f"pipeline {question.pipeline.name!r} has no task {unknown[0]!r}",
            hint=f"its tasks are {', '.join(question.graph.names[:20])}",
        )
    return [question.graph.index[name] for name in names]


def _runs(question: Question, selected: set[int]) -> set[int]:
    """What runs: all of the selection, less the skipped, less what a rerun from failed may reuse."""
    graph, tasks = question.graph, question.pipeline.tasks
    runs = {index for index in selected if not tasks[index].skip}
    if question.reusable is not None:
        # What a deployment left may be gone by now, and final tasks see how this job comes out.
        again = {task.name for task in tasks if task.type is TaskType.DEPLOYMENT or task.final}
        good = question.reusable - question.changed.keys() - again
        stale = {i for i in runs if graph.names[i] not in good}
        moving = [i for i in sorted(stale) if graph.names[i] not in question.undecided - question.changed.keys()]
        runs &= stale | graph.descendants(moving)
    return runs


def _plan_rest(question: Question, index: int, slots: ResourceSlots, is_selected: bool, feeds: bool) -> PlannedTask:
    """A task that does not run: skipped, or reused because one that runs needs it."""
    task, name = question.pipeline.tasks[index], question.graph.names[index]
    earlier = question.earlier.get(name)
    if task.skip or not is_selected:
        why = SET_ASIDE[0] if task.skip else SET_ASIDE[1]
        if earlier is None:
            cause = question.gone.get(name, "nothing before it")
            notes = (f"{cause}: what it feeds sees an empty input",) if feeds else ()
            return PlannedTask(name, Decision.SKIP, why, slots, notes, backend=question.backend(index))
        if task.skip or not feeds:
            return PlannedTask(
                name, Decision.SKIP, why, slots, _from(earlier), earlier.instance, backend=earlier.backend
            )
    assert earlier is not None
    changed = (f"its {question.changed[name]} since",) if name in question.changed else ()
    reason = f"reused from job #{earlier.job_index}"
    return PlannedTask(
        name, Decision.REUSE, reason, slots, changed, earlier.instance, backend=earlier.backend
    )  # fmt: skip


def _from(earlier: Earlier) -> tuple[str, ...]:
    return (f"its outputs are those of job #{earlier.job_index}",)


def _plan_run(question: Question, index: int, task: Task, asked: Asked) -> PlannedTask:
    name, where = question.graph.names[index], question.backend(index)
    (slots, changes), too_much = asked.of(index), asked.too_much(index)
    # What exceeds the capacity is said here, once, by whoever knows about shrinking.
    problems = [problem for problem in question.preflight.get(name, ()) if problem.code != "never_fits"]
    notes = [str(problem) for problem in problems if problem.severity is not Severity.ERROR] + list(changes)
    errors = list(dict.fromkeys(str(problem) for problem in problems if problem.severity is Severity.ERROR))
    errors += never_fits(task.containers, too_much)
    problems += what_exceeds(task.containers, too_much)
    found = tuple(problems)
    if errors:
        return PlannedTask(
            name, Decision.REFUSE, "; ".join(errors), slots, tuple(notes), problems=found, backend=where
        )  # fmt: skip
    notes = [*inside_words(task), *notes, *_suggestions(slots, question.history.get(name))]
    why = _why_run(question, index, name)
    return PlannedTask(name, Decision.RUN, why, slots, tuple(notes), problems=found, backend=where)


def _why_run(question: Question, index: int, name: str) -> str:
    if question.reusable is not None:
        if name in question.reusable:
            task, other = question.pipeline.tasks[index], "what it depends on runs again"
            other = "a deployment is brought up to date" if task.type is TaskType.DEPLOYMENT else other
            return question.changed.get(name, "a final task sees how this job comes out" if task.final else other)
        if name in question.undecided:
            return question.changed.get(name, "was skipped: its condition is looked at again")
        return question.gone.get(name, "did not succeed")
    chosen = question.selection
    return "asked for" if chosen.only or chosen.from_ or chosen.until else "part of the pipeline"


def _suggestions(slots: ResourceSlots, history: TaskHistory | None) -> list[str]:
    if history is None or history.samples < 2:
        return []
    found = []
    mem, cpu = slots.get("mem", 0), slots.get("cpu", 0)
    if history.peak_mem and mem > OVERSIZED * history.peak_mem:
        peak = max(history.peak_mem >> 20, 1)
        found.append(f"asks for {format_quantity('mem', mem)} mem, never used more than {peak}m: ask for less")
    if history.peak_cpu and cpu > OVERSIZED * max(history.peak_cpu * 100, 25):
        found.append(f"asks for {format_quantity('cpu', cpu)} cpu, never used more than {history.peak_cpu:.1f}")
    return found


def expected_seconds(graph: TaskGraph, runs: Collection[str], known: Mapping[str, float]) -> float | None:
    """Length of the critical path of those tasks that run; None where one of them is not ``known``, or none runs."""
    if not runs or any(path not in known for path in runs):
        return None
    return max(graph.priorities([known[name] if name in runs else 0.0 for name in graph.names]))


def changes_between(
    old: Pipeline,
    new: Pipeline,
    *,
    files: Sequence[str] = (),
    params: Sequence[str] = (),
    parts: Mapping[str, Collection[str]] | None = None,
) -> dict[str, str]:
    """By task of ``new``: what of it differs from ``old``, in words; unchanged tasks are absent.

    ``files`` and ``params`` have changed too: a file counts as part of a task when the task's
    command names it or ``parts`` has it (by task), a parameter when its command or environment names it.
    """
    found: dict[str, str] = {}
    for task in new.tasks:
        before = old.by_name.get(task.name)
        words = ["is new"] if before is None else _differences(old, before, new, task)
        leaves = [leaf for _, leaf in leaves_of(task)]
        command = " ".join(map(command_of, leaves))
        own = (parts or {}).get(task.name, ())
        words += [f"{name} changed" for name in files if name in command or name in own]
        texts = [text for each in (task, *leaves) for text in (each.when or "", *(text for _, text in texts_of(each)))]
        text = " ".join([command, *texts, *(value for leaf in leaves for value in new.envs_of(leaf).values())])
        words += [f"parameter {name} changed" for name in params if f"params.{name}" in text]
        if words:
            found[task.name] = ", ".join(dict.fromkeys(words))
    return found


def _differences(old: Pipeline, before: Task, new: Pipeline, task: Task) -> list[str]:
    pairs = {
        "command": (command_of(before), command_of(task)),
        "source": (before.module_uri, task.module_uri),
        "image": (old.image_of(before), new.image_of(task)),
        "environment": (old.envs_of(before), new.envs_of(task)),
        "dependencies": (before.dependencies, task.dependencies),
        "inputs": (before.inputs, task.inputs),
        "outputs": (before.outputs, task.outputs),
        "mounts": (old.mounts_of(before), new.mounts_of(task)),
        "cluster size": (before.cluster_size, task.cluster_size),
        "launcher": (before.launcher, task.launcher),
        "service": (before.service, task.service),
        "condition": (before.when, task.when),
        "run_if": (before.run_if, task.run_if),
        "loop": (_items(before), _items(task)),
    }
    if task.is_group or before.is_group:
        pairs["parameters"] = (before.parameters, task.parameters)
        pairs["tasks inside"] = ([each.name for each in before.tasks], [each.name for each in task.tasks])
    words = [f"{word} changed" for word, (then, now) in pairs.items() if then != now]
    inside = {each.name: each for each in before.tasks}
    for each in task.tasks:
        if each.name in inside:
            then, now = inherit(before, inside[each.name]), inherit(task, each)
            words += [f"{each.name}: {word}" for word in _differences(old, then, new, now)]
    return words


def _items(task: Task) -> Any:
    return None if task.for_each is None else task.for_each.items


def is_reusable(instance: TaskInstance) -> bool:
    """Whether this instance left outputs that a later job may use."""
    return instance.status is Status.TERMINATED and instance.result is Result.SUCCESS and bool(instance.outputs_dir)
