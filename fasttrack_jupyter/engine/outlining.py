"""A job's task instances before there is a job: each loop with one iteration, each group with its tasks. Pure.

What is found out about something inside of others is told of the task of the pipeline that it is inside of.
"""

from __future__ import annotations

from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.problems import Problem


def whole_roll(pipeline: Pipeline, graph: TaskGraph) -> Roll:
    """Everything that may come to be, once."""
    roll = Roll(pipeline, graph)
    index = 0
    while index < len(roll):
        task = roll.tasks[index]
        if task.is_container and not task.skip:
            roll.expand(index, {"items": [None]} if task.for_each is not None else {"params": {}})
        index += 1
    return roll


def told_of(roll: Roll, path: str, problem: Problem) -> Problem:
    """A problem of an instance, as one of the task that it is inside of; its path is within that one."""
    index = roll.index[path]
    if roll.parent(index) is None:
        return problem
    steps: list[str | int] = []
    names: list[str] = []
    while (parent := roll.parent(index)) is not None:
        if roll.tasks[parent].for_each is None:
            steps[:0] = ["tasks", index - roll.children(parent).start]
            names.insert(0, roll.tasks[index].name)
        index = parent
    message = f"{'/'.join(names)}: {problem.message}" if names else problem.message
    return problem.model_copy(update={"path": (*steps, *problem.path), "message": message})


def inside_words(task: Task) -> list[str]:
    """What a container will have inside, as a plan tells it."""
    found = []
    if task.for_each is not None:
        items = task.for_each.items
        what = (
            f"{len(items)} items" if isinstance(items, list) else items.removeprefix("${{").removesuffix("}}").strip()
        )
        most = task.for_each.max_parallel
        found.append(f"for each of {what}" + (f", {most} at a time" if most is not None else ""))
    if task.is_group:
        found.append(f"{len(task.tasks)} tasks inside" if len(task.tasks) > 1 else "1 task inside")
    return found
