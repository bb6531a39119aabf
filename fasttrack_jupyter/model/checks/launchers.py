"""Distributed training (``launcher``), and pipelines that wait for others (``after``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.launchers import GPU, MOST_RANKS, Launcher, accelerators_in, launch_of
from fasttrack_jupyter.model.pipeline import Pipeline, RunOn, Task, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.yaml_events import Path

_WITHOUT_COMMAND = (TaskType.DEPLOYMENT, TaskType.APPROVAL, TaskType.NOTEBOOK)


def check_launchers(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with the launcher of each task, those inside of others too."""
    todo: deque[tuple[Path, Task, ResourceSlots]] = deque(
        (("tasks", number), task, pipeline.slots_of(task)) for number, task in enumerate(pipeline.tasks)
    )
    while todo:
        path, task, slots = todo.popleft()
        if task.launcher is not None:
            yield from _launcher((*path, "launcher"), task, task.launcher, slots)
        inside = enumerate(task.tasks)
        todo += [((*path, "tasks", i), each, ResourceSlots({**slots, **(each.resources or {})})) for i, each in inside]


def _launcher(at: Path, task: Task, launcher: Launcher, slots: ResourceSlots) -> Iterator[Finding]:
    if task.tasks:
        message = f"task {task.name!r} has tasks inside, and no command that a launcher could start"
        yield Finding("launcher-unused", at, message, "move it to the task inside that trains", at_key=True)
        return
    if task.type in _WITHOUT_COMMAND:
        message = f"task {task.name!r} of type {task.type} has no command that a launcher could start"
        yield Finding("launcher-unused", at, message, "remove it, or set type: custom", at_key=True)
        return
    if launcher.processes_per_node == GPU and not accelerators_in(slots):
        message = f"task {task.name!r} starts one process for each accelerator, and asks for none"
        hint = "add resources: {cuda.device: 1}, or write how many processes each container runs"
        yield Finding("no-accelerator", (*at, "processes_per_node"), message, hint, GPU)
    launch = launch_of(launcher, slots)
    if launch is not None and (ranks := launch.processes * task.cluster_size) > MOST_RANKS:
        message = f"task {task.name!r} would have {ranks} ranks; {MOST_RANKS} is the most"
        yield Finding("too-many-ranks", at, message, "lower cluster_size, or processes_per_node")
    if "run_on" in task.model_fields_set and task.run_on is RunOn.MAIN:
        message = f"task {task.name!r} has a launcher, which starts the command on all containers, not on main1 only"
        yield Finding("run-on-unused", (*at[:-1], "run_on"), message, "remove run_on", "main", Severity.WARNING)


def check_after(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with the pipelines that are waited for."""
    seen: dict[str, Path] = {}
    for number, after in enumerate(pipeline.after):
        path: Path = ("after", number)
        name = after.pipeline
        if not name.strip():
            yield Finding("no-name", path, "a pipeline to wait for has no name", "write its name", name)
        elif name == pipeline.name:
            message = f"pipeline {name!r} waits for itself: its first job would wait for ever"
            yield Finding("after-itself", path, message, "remove it", name)
        elif name in seen:
            message = f"pipeline {name!r} is waited for twice"
            yield Finding("after-twice", path, message, "keep one of them", name, see=seen[name])
        seen.setdefault(name, path)
