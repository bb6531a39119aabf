"""Loops and groups: what they may say themselves, and what is wrong with the tasks inside.

The tasks inside of a group are checked as those of a pipeline of their own, which also has the tasks that they
name further out; what is found about these is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from fasttrack_jupyter.model.artifacts import InputRef, accepts
from fasttrack_jupyter.model.checks.conditions import check_conditions
from fasttrack_jupyter.model.checks.edges import check_edges, edge_of, unknown_output
from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.checks.keys import check_keys
from fasttrack_jupyter.model.checks.mentions import Mentions
from fasttrack_jupyter.model.checks.models import check_models
from fasttrack_jupyter.model.checks.names import check_names
from fasttrack_jupyter.model.checks.places import check_places
from fasttrack_jupyter.model.checks.tasks import check_tasks
from fasttrack_jupyter.model.checks.types import said
from fasttrack_jupyter.model.expressions import ExpressionError, parse_template
from fasttrack_jupyter.model.graph import named_by, needed
from fasttrack_jupyter.model.groups import MAX_ITEMS, outside
from fasttrack_jupyter.model.parameters import Parameter
from fasttrack_jupyter.model.pipeline import Pipeline, Task, TaskType
from fasttrack_jupyter.model.yaml_events import Path

MAX_DEPTH = 16
"""Levels of groups inside of each other."""
_NOT_OF_A_GROUP = (
    "command", "notebook", "module_uri", "service", "approval", "retry", "timeout", "cluster_size", "cluster_mode",
    "run_on", "side_effects", "files",
)  # fmt: skip


@dataclass(frozen=True)
class _Level:
    """The inside of one group."""

    path: Path
    group: Task
    outer: Mapping[str, Task]
    """The tasks that are seen from inside, nearer ones first."""
    params: tuple[Parameter, ...]
    bound: frozenset[str]
    """Those that groups give a value: of which type it is, nobody knows before the job."""
    around: tuple[Task, ...]
    """The groups that all of it is inside of, this one last."""

    @property
    def loops(self) -> frozenset[str]:
        """The tasks whose iterations are around."""
        return frozenset(group.name for group in self.around if group.for_each is not None)


def check_groups(pipeline: Pipeline, secrets: Collection[str] | None) -> Iterator[Finding]:
    """Everything that is wrong with loops and groups, and inside of them."""
    todo: list[_Level] = []
    top = _Level((), Task(name=""), {}, pipeline.params, frozenset(), ())
    yield from _level(top, pipeline.tasks, pipeline.by_name, todo)
    while todo:
        level = todo.pop()
        yield from _inside(pipeline, level, secrets)
        seen = {**level.outer, **{task.name: task for task in level.group.tasks}}
        yield from _level(level, level.group.tasks, seen, todo)


def _level(level: _Level, tasks: Collection[Task], seen: Mapping[str, Task], todo: list[_Level]) -> Iterator[Finding]:
    """What is wrong with the loops and groups of one level; their insides come into ``todo``."""
    for number, task in enumerate(tasks):
        at: Path = (*level.path, "tasks", number)
        if not task.is_group:
            yield from _no_group(at, task)
        if task.for_each is not None:
            yield from _loop(at, task)
        if task.is_group and len(level.around) == MAX_DEPTH:
            message = f"groups are inside of each other more than {MAX_DEPTH} times"
            yield Finding("too-deep", at, message, "take some of them out", task.name)
        elif task.is_group:
            yield from _group(at, task)
            own = tuple(Parameter(name=name, type="str", default="") for name in task.parameters)
            others = tuple(param for param in level.params if param.name not in task.parameters)
            bound = level.bound.union(task.parameters)
            todo.append(_Level(at, task, seen, (*others, *own), bound, (*level.around, task)))


def _inside(pipeline: Pipeline, level: _Level, secrets: Collection[str] | None) -> Iterator[Finding]:
    inner = level.group.tasks
    names = {task.name for task in inner}
    used = dict.fromkeys(name for task in inner for name in needed(task) if name not in names and name in level.outer)
    # What a group waits for, and may not because it is final, is told of the group.
    extra = tuple(level.outer[name].model_copy(update={"final": False}) for name in used)
    whole = Pipeline.model_construct(
        name=pipeline.name, tasks=(*inner, *extra), params=level.params, cache=pipeline.cache
    )
    alone = Pipeline.model_construct(name=pipeline.name, tasks=inner)
    suggester = Suggester([*(task.name for task in inner if task.name.isprintable()), *used])
    checks = (
        check_names(alone), check_tasks(alone), check_places(alone), check_models(alone), check_keys(alone),
        check_edges(whole, suggester), check_conditions(whole, level.bound),
        Mentions(whole, suggester, secrets, level.loops).check(),
    )  # fmt: skip
    for check in checks:
        for finding in check:
            if finding.path[:1] == ("tasks",) and len(finding.path) > 1 and int(finding.path[1]) < len(inner):
                see = None if finding.see is None else (*level.path, *finding.see)
                yield replace(finding, path=(*level.path, *finding.path), see=see)
    for number, task in enumerate(inner):
        yield from _not_inside((*level.path, "tasks", number), task)
        yield from _waits_around(level, names, number, task)


def _not_inside(path: Path, task: Task) -> Iterator[Finding]:
    if task.final:
        message = f"task {task.name!r} is inside of a group, and final tasks run at the end of the whole job"
        yield Finding("final-inside", (*path, "final"), message, "set final on the group, or take the task out of it")
    if task.backend is not None:
        message = f"task {task.name!r} is inside of a group, which runs where its outermost group does"
        yield Finding("backend-inside", (*path, "backend"), message, "set backend at that one", task.backend)


def _waits_around(level: _Level, siblings: Collection[str], number: int, task: Task) -> Iterator[Finding]:
    """A group ends with those inside: none of them can wait for it."""
    for name in dict.fromkeys(named_by(task)):
        if name not in siblings and any(level.outer.get(name) is group for group in level.around):
            message = f"task {task.name!r} waits for {name!r}, which it is inside of: both would wait forever"
            hint = f"remove it, name a task inside of {name!r}, or take {task.name!r} out of it"
            yield Finding("waits-for-its-group", (*level.path, *edge_of(number, task, name)), message, hint, name)


def _no_group(path: Path, task: Task) -> Iterator[Finding]:
    for name, spec in task.outputs.items():
        if spec.source is not None:
            message = f"output {name!r} of task {task.name!r} comes from another task, as only that of a group can"
            yield Finding("from-without-group", (*path, "outputs", name, "from"), message, "remove from", spec.source)


def _loop(path: Path, task: Task) -> Iterator[Finding]:
    assert task.for_each is not None
    items, at = task.for_each.items, (*path, "for_each", "item")
    if isinstance(items, list):
        if len(items) > MAX_ITEMS:
            message = f"for_each of task {task.name!r} has {len(items)} items; at most {MAX_ITEMS} are possible"
            yield Finding("too-many-items", at, message, "let each item stand for several", f"{len(items)} items")
    elif not _is_one_expression(items):
        message = f"for_each of task {task.name!r} goes over a list, and this is a text"
        hint = "write a list, [a, b], or one expression that gives one: ${{ tasks.prep.outputs.files }}"
        yield Finding("not-a-list", at, message, hint, items)
    if task.type is TaskType.DEPLOYMENT:
        message = f"deployment {task.name!r} is repeated, and each time it is the same service"
        yield Finding("service-in-loop", (*path, "for_each"), message, "deploy what you choose of a loop's outputs")


def _is_one_expression(text: str) -> bool:
    try:
        template = parse_template(text)
    except ExpressionError:
        return True  # the check of all expressions tells of it
    return len(template.parts) == 1 and not template.is_plain


def _group(path: Path, task: Task) -> Iterator[Finding]:
    for key in _NOT_OF_A_GROUP:
        if key in task.model_fields_set and getattr(task, key) not in (None, "", (), False):
            message = f"task {task.name!r} has tasks inside, and {key} says something of a session"
            own_task = "make it a task inside: {name: …, command: …}"
            hint = own_task if key == "command" else f"move {key} to a task inside"
            yield Finding("not-of-a-group", (*path, key), message, hint, at_key=True)
    inside = {inner.name: inner for inner in task.tasks}
    for name, spec in task.outputs.items():
        at = (*path, "outputs", name)
        if spec.source is None:
            message = f"output {name!r} of group {task.name!r} says not which output of a task inside it is"
            yield Finding("no-source", at, message, f"add from: {{type: {spec.type}, from: task.output}}", name)
            continue
        for written in spec.source.split("|"):
            yield from _source((*at, "from"), task, inside, name, spec.type, written.strip())


def _source(
    path: Path, group: Task, inside: Mapping[str, Task], name: str, kind: str, written: str
) -> Iterator[Finding]:
    who = f"output {name!r} of group {group.name!r}"
    try:
        ref = InputRef.parse(written)
    except ValueError as error:
        message, hint = said(error)
        yield Finding("bad-input", path, f"{who}: {message}", hint, written)
        return
    source = inside.get(ref.task)
    if source is None:
        hint = Suggester(inside).hint(ref.task, "tasks inside")
        yield Finding("unknown-task", path, f"{who} names {ref.task!r}, which is no task inside", hint, written)
    elif ref.output is None:
        yield Finding("bad-input", path, f"{who} names a task, not an output", f"write {ref.task}.<output>", written)
    elif ref.output not in outside(source):
        yield unknown_output(path, who, source, ref.output)
    elif not accepts(kind, outside(source)[ref.output].type):
        message = f"{who} is a {kind}, but {written} is a {outside(source)[ref.output].type}"
        yield Finding("wrong-output-type", path, message, f"set type: {outside(source)[ref.output].type}", written)
