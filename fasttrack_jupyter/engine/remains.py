"""What can be done with a job that cannot go on: show it, and end it.

Its text may be one that this version cannot read, its backend may be gone. Its rows are still
there: they name its task instances and say which of them have sessions. That is enough for a
machine that does nothing but end them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.stimuli import CancelRequested, Decision, SessionReported
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import Change, PipelineJob, TaskInstance
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
    live = LiveJob(
        replace(job, options={}), pipeline, graph, default_slots=ResourceSlots(), seconds=[1.0] * len(rows),
        secret=lambda name: None,
    )  # fmt: skip
    restored = live.restore(rows, at)
    cancelled = live.machine.handle(CancelRequested(None, at))
    instructions = restored.instructions + cancelled.instructions
    return live, Decision(restored.changes + cancelled.changes, instructions)


def ended_unheard(job: PipelineJob, rows: Sequence[TaskInstance], at: float, reason: str) -> list[Change]:
    """The end of a job whose backend is not there to end its sessions; these are CANCELLED for ``reason``."""
    live, decision = ending(job, rows, at)
    changes = decision.changes
    for row in rows:
        status, _, attempt = live.machine.status_of(row.path)
        if status is Status.TERMINATING:
            end = SessionReported(row.path, attempt, Status.CANCELLED, at, reason=reason)
            changes += live.machine.handle(end).changes
    return changes
