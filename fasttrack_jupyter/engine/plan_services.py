"""What services that a job deploys leave for the tasks behind them: replicas keep their slots when the job goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fasttrack_jupyter.engine.views import Decision
from fasttrack_jupyter.model.pipeline import TaskType
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity, say_quantity

if TYPE_CHECKING:
    from fasttrack_jupyter.engine.plan import PlannedTask, Question


def beside_services(question: Question, planned: Sequence[PlannedTask]) -> list[PlannedTask]:
    """The plan, in which a task is refused that would wait for ever for slots which services before it keep."""
    found, tasks = list(planned), question.pipeline.tasks
    kept: dict[int, ResourceSlots] = {}
    for index, task in enumerate(tasks):
        if task.type is not TaskType.DEPLOYMENT or found[index].decision is not Decision.RUN:
            continue
        of_all = found[index].slots.times(task.containers)
        for later in question.graph.descendants([index]) - {index}:
            if found[later].decision is Decision.RUN and found[later].backend == found[index].backend:
                kept[later] = kept.get(later, ResourceSlots()).plus(of_all)
    for later, slots in kept.items():
        if why := _why_never(question, found[later], slots, tasks[later].containers):
            hint = "ask for less (resources: {cpu: 0.5}) here or at the deployment, or for fewer replicas"
            problem = Problem(code="kept-by-services", message=why, path=("resources",), hint=hint)
            refused = (*found[later].problems, problem)
            found[later] = replace(found[later], decision=Decision.REFUSE, reason=str(problem), problems=refused)
    return found


def _why_never(question: Question, task: PlannedTask, kept: ResourceSlots, containers: int) -> str:
    ground = question.grounds.get(task.backend)
    if ground is None or (capacity := ground.capacity) is None:
        return ""
    asked = task.slots.times(containers)
    short = [slot for slot in asked.plus(kept).exceeding(capacity) if asked.get(slot) and kept.get(slot)]
    words = [
        f"{format_quantity(slot, asked[slot])} {slot}, of which the services before it keep "
        f"{format_quantity(slot, kept[slot])} of {say_quantity(slot, capacity[slot])}"
        for slot in short
    ]
    return f"would wait for ever for {'; '.join(words)}" if words else ""
