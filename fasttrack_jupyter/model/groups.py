"""Tasks that have others inside: what an iteration is, what those inside inherit, what is seen from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.model.artifacts import OutputSpec
from fasttrack_jupyter.model.pipeline import Environment, Pipeline, RunIf, Task
from fasttrack_jupyter.model.resources import ResourceSlots

MAX_ITEMS = 10_000
"""Items of one loop."""
MAX_INSIDE = 100_000
"""Task instances inside of loops and groups, of one job."""
_OF_THE_LOOP = {
    "for_each": None, "when": None, "run_if": RunIf.ALL_SUCCESS, "continue_on_failure": False, "skip": False,
    "final": False,
}  # fmt: skip
"""What is decided once for all iterations."""


def iteration(task: Task) -> Task:
    """A task with a loop as one of its iterations is: without what is decided once for all of them."""
    return task.model_copy(update=_OF_THE_LOOP)


def inherit(group: Task, inner: Task) -> Task:
    """A task inside of a group, with the group's defaults where it says nothing itself."""
    found: dict[str, Any] = {}
    if group.environment != Environment():
        found["environment"] = _merged(group.environment, inner.environment)
    if group.resources:
        found["resources"] = ResourceSlots({**group.resources, **(inner.resources or {})})
    if group.resource_opts.shmem is not None and inner.resource_opts.shmem is None:
        found["resource_opts"] = group.resource_opts
    if group.mounts:
        found["mounts"] = tuple(dict.fromkeys((*group.mounts, *inner.mounts)))
    if group.cache is not None and inner.cache is None:
        found["cache"] = group.cache
    return inner.model_copy(update=found) if found else inner


def _merged(outer: Environment, inner: Environment) -> Environment:
    own = {name: getattr(inner, name) for name in inner.model_fields_set if getattr(inner, name) is not None}
    return outer.model_copy(update={**own, "envs": {**outer.envs, **inner.envs}})


def outside(task: Task) -> Mapping[str, OutputSpec]:
    """The outputs of a task as others see them: of a loop, each value is a list."""
    if task.for_each is None:
        return task.products
    return {name: OutputSpec(type="list") if spec.is_value else spec for name, spec in task.products.items()}


def leaf_tasks(pipeline: Pipeline) -> Iterator[tuple[str, Task]]:
    """All tasks that have sessions, each with where it is (``sweep/train``), and with what it inherits."""
    for task in pipeline.tasks:
        yield from leaves_of(task)


def leaves_of(task: Task) -> Iterator[tuple[str, Task]]:
    """The same of one task: those inside of it, or itself."""
    todo = [(task.name, task)]
    while todo:
        path, task = todo.pop()
        if task.is_group:
            todo += [(f"{path}/{inner.name}", inherit(task, inner)) for inner in reversed(task.tasks)]
        else:
            yield path, task
