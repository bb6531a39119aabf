"""What is known of a job before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fasttrack_jupyter.engine.cache_plan import CachedPlan
from fasttrack_jupyter.engine.demands import Demands
from fasttrack_jupyter.engine.live import plan_record
from fasttrack_jupyter.engine.placing import placed
from fasttrack_jupyter.engine.plan import Earlier, Ground, PlannedTask, expected_seconds
from fasttrack_jupyter.engine.views import Decision, JobRequest, PlanView, Selection, TaskPlan
from fasttrack_jupyter.model.document import Document
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots


@dataclass(frozen=True, slots=True)
class Origin:
    """The job that a new one is a rerun of, and how much of it is kept."""

    job: PipelineJob
    earlier: Mapping[str, Earlier]
    reusable: frozenset[str] | None
    """The tasks that succeeded in it, if the new job is to run the others only."""
    pipeline: Pipeline
    keeps_code: bool
    """With the old job's own code (a plain rerun), not with the files as they are now."""
    undecided: frozenset[str] = frozenset()
    """The tasks that it skipped for a condition."""
    expansions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By path, what its loops and groups were opened by."""

    def params_for(self, pipeline: Pipeline) -> dict[str, Any]:
        """What the old job was given, of what ``pipeline`` still declares; an old default is not one of these."""
        defaults = {param.name: param.default for param in self.pipeline.params}
        declared = {param.name for param in pipeline.params}
        given = self.job.params.items()
        return {name: value for name, value in given if name in declared and value != defaults.get(name)}


@dataclass(frozen=True)
class Prepared:
    """Everything that is needed to make the job, or to show its plan."""

    request: JobRequest
    text: str
    pipeline: Pipeline
    graph: TaskGraph
    params: Mapping[str, Any]
    tasks: Sequence[PlannedTask]
    problems: tuple[Problem, ...]
    document: Document
    seconds: Sequence[float]
    known_seconds: Mapping[str, float]
    files: Mapping[str, str | bytes]
    """Of a new snapshot; see :meth:`ExecutionBackend.put_code`."""
    code: str | None
    """The old job's snapshot, where that is kept; ``files`` are laid over it."""
    grounds: Mapping[str, Ground]
    """By name, the backends that are here and that its tasks run on."""
    cached: CachedPlan
    """What is reused because it was done before."""
    inside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By container that runs again, what inside of it need not; see :mod:`~fasttrack_jupyter.engine.plan_inside`."""

    @property
    def refused(self) -> dict[str, str]:
        """Reason by path of each refused task."""
        return {task.path: task.reason for task in self.tasks if task.decision is Decision.REFUSE}

    @cached_property
    def view(self) -> PlanView:
        """The plan, for people."""
        names = self.graph.names
        return PlanView(
            pipeline=self.pipeline.name,
            backend=self.request.backend,
            problems=_in_order((*self.problems, *placed(self.tasks, self.document))),
            expected_seconds=self._expected(),
            tasks=tuple(
                TaskPlan(
                    path=task.path,
                    task=task.path,
                    decision=task.decision,
                    reason=task.reason,
                    notes=(*task.terms, *task.notes),
                    dependencies=tuple(names[i] for i in self.graph.upstream[index]),
                    expected_seconds=self.known_seconds.get(task.path) if task.decision is Decision.RUN else None,
                    resources=task.slots.written(),
                    backend=task.backend,
                )
                for index, task in enumerate(self.tasks)
            ),
        )

    def options(self) -> dict[str, Any]:
        """What the job must remember of how it was asked for, beside its text."""
        demands = {name: Demands(self.pipeline, ground.default_slots) for name, ground in self.grounds.items()}
        none = Demands(self.pipeline, ResourceSlots())

        def default(planned: PlannedTask) -> ResourceSlots:
            return demands.get(planned.backend, none).of(self.pipeline.by_name[planned.path])

        record = plan_record(self.tasks, default, self.request.backend)
        for path, kept in self.inside.items():
            record.setdefault(path, {})["inside"] = kept
        options: dict[str, Any] = {"plan": record} if record else {}
        if self.request.selection != Selection():
            options["selection"] = self.request.selection.model_dump(mode="json", by_alias=True)
        if self.request.shrink:
            options["shrink"] = True
        if self.request.key:
            options["key"] = self.request.key
        return options | dict(self.cached.options)

    def _expected(self) -> float | None:
        """Length of the critical path of what will run; None where some of it never ran before."""
        runs = {task.path for task in self.tasks if task.decision is Decision.RUN}
        return expected_seconds(self.graph, runs, self.known_seconds)


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """What has a place in the text, in its order; then the rest."""
    return tuple(sorted(problems, key=lambda problem: (problem.line == 0, problem.line, problem.column)))
