"""What one container of each task is given: what it asks for, the backend's defaults, what a plan made of it. Pure.

Thousands of tasks ask for the same few things, so each of those is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.resources import ResourceSlots


class Demands:
    """What tasks ask for on one backend: their own slots, and its ``default`` for the rest."""

    def __init__(self, pipeline: Pipeline, default: ResourceSlots) -> None:
        self._pipeline, self._default = pipeline, default
        self._known: dict[ResourceSlots | None, ResourceSlots] = {}

    def of(self, task: Task) -> ResourceSlots:
        """The slots of one container of ``task``."""
        known = self._known.get(task.resources)
        if known is None:
            known = ResourceSlots({**self._default, **self._pipeline.slots_of(task)})
            self._known[task.resources] = known
        return known


class GivenSlots:
    """What the tasks of a job are given: as its plan says, or else as they ask; ``default`` by backend."""

    def __init__(self, job: PipelineJob, pipeline: Pipeline, default: Callable[[str], ResourceSlots]) -> None:
        self._job, self._pipeline, self._default = job, pipeline, default
        self._record: Mapping[str, Any] = job.options.get("plan", {})
        self._demands: dict[str, Demands] = {}

    def of(self, path: str, task: Task) -> ResourceSlots:
        """The slots of one container of an instance of ``task``."""
        if "slots" in (entry := self._record.get(path, {})):
            return ResourceSlots.parse(entry["slots"])
        return self._asked(backend_of(self._job, path), task)

    def of_roll(self, roll: Roll) -> list[ResourceSlots]:
        """The same of all instances of a job."""
        top = [self.of(path, task) for path, task in zip(roll.names[: roll.first], roll.tasks, strict=False)]
        return top + [self.of_inside(roll, ordinal) for ordinal in range(roll.first, len(roll))]

    def of_inside(self, roll: Roll, ordinal: int) -> ResourceSlots:
        """The slots of one container of an instance that is inside of others, and where they are."""
        return self._asked(backend_of(self._job, roll.names[roll.top(ordinal)]), roll.tasks[ordinal])

    def _asked(self, name: str, task: Task) -> ResourceSlots:
        if (demands := self._demands.get(name)) is None:
            demands = self._demands[name] = Demands(self._pipeline, self._default(name))
        return demands.of(task)
