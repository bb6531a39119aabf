"""What a rerun from failed keeps of loops and groups that it repeats. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.plan import PlannedTask, Question
from fasttrack_jupyter.engine.views import Decision
from fasttrack_jupyter.engine.whereabouts import top_of
from fasttrack_jupyter.model.job import TaskInstance


def kept_inside(
    question: Question, tasks: Sequence[PlannedTask], opened: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What a rerun from failed need not repeat inside of the loops and groups that it repeats, by their paths.

    ``opened`` says by what the containers of the old job were opened: only if that is the same in the new one are
    those inside the same. ``{job, opened: {path: …}, done: {path: {outputs_dir, outputs}}}``.
    """
    if question.reusable is None:
        return {}
    inside: dict[str, list[str]] = {}
    for path in question.earlier.keys() & question.reusable:
        if (top := top_of(path)) != path:
            inside.setdefault(top, []).append(path)
    found: dict[str, dict[str, Any]] = {}
    for index, task in enumerate(tasks):
        before = [tasks[i] for i in question.graph.upstream[index]]
        is_same = task.path in opened and task.path not in question.changed
        if is_same and task.decision is Decision.RUN and all(x.decision is not Decision.RUN for x in before):
            done = {path: question.earlier[path] for path in inside.get(task.path, ())}
            if done:
                found[task.path] = {
                    "job": next(iter(done.values())).job_index,
                    "opened": {path: data for path, data in opened.items() if top_of(path) == task.path},
                    "done": {path: _left(each.instance) for path, each in done.items()},
                }
    return found


def _left(instance: TaskInstance) -> dict[str, Any]:
    return {"outputs_dir": instance.outputs_dir, "outputs": instance.data.get("outputs", {})}
