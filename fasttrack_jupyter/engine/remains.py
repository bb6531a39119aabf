"""What can be done with a job that cannot go on: show it, and end it.

Its text may be one that this version cannot read, its backend may be gone. Its rows are still
there: they name its task instances and say which of them have sessions. That is enough for a
machine that does nothing but end them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.stimuli import CancelRequested, Decision, Instruction, SessionReported
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.resources import ResourceSlots


def remains_of(job: PipelineJob, rows: Sequence[TaskInstance]) -> tuple[Pipeline, TaskGraph]:
    """As much of a job's pipeline as its rows tell: the tasks' names."""
    tasks = tuple(Task.model_construct(name=row.path) for row in rows)
    pipeline = Pipeline.model_construct(name=job.pipeline, tasks=tasks)
    return pipeline, build_graph(pipeline)


def ending(job: PipelineJob, rows: Sequence[TaskInstance], at: float) -> tuple[LiveJob, Decision]:
    """The job as one that is only to end, and what to record and to do for that."""
    pipeline, graph = remains_of(job, rows)
    whereabouts = {row.path: {"backend": backend_of(job, row.path)} for row in rows}
    live = LiveJob(
        replace(job, options={"plan": whereabouts}), pipeline, graph, default_slots=lambda name: ResourceSlots(),
        seconds=[1.0] * len(rows), secret=lambda name: None,
    )  # fmt: skip
    restored = live.restore(rows, at)
    cancelled = live.machine.handle(CancelRequested(None, at))
    instructions = restored.instructions + cancelled.instructions
    return live, Decision(restored.changes + cancelled.changes, instructions)


def end_unheard(live: LiveJob, decision: Decision, gone: Mapping[str, str], at: float) -> None:
    """Of a job that is only to end: what is on backends that are ``gone`` (name → why) ends there without a word.

    It is CANCELLED for that reason, which goes into ``decision``; nothing is left in it to do there.
    """
    live.backends -= gone.keys()
    decision.instructions = [x for x in decision.instructions if not _is_on(live, x, gone)]
    for path in live.graph.names:
        status, _, attempt = live.machine.status_of(path)
        if status is Status.TERMINATING and live.where(path) in gone:
            reason = f"cancelled; its session was not ended: {gone[live.where(path)]}"
            end = live.machine.handle(SessionReported(path, attempt, Status.CANCELLED, at, reason=reason))
            decision.changes += end.changes
            decision.instructions += [x for x in end.instructions if not _is_on(live, x, gone)]


def _is_on(live: LiveJob, instruction: Instruction, backends: Collection[str]) -> bool:
    path = getattr(instruction, "path", None)
    return path is not None and live.where(path) in backends
