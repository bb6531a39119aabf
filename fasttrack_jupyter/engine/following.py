"""Jobs that wait for jobs of other pipelines (``after``): they get no turn before.

Whether a job may go on follows from the store alone: from when it was made, and from the jobs of the other pipelines.
So nothing is kept of a wait, an engine that was killed in the middle of one begins it again, and an end that it did
not see counts all the same. What is looked at again: everything that waits, when any job has ended, when a patience
is over, and now and then, for jobs may be deleted as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.storing import JobFilter, JobStore
from fasttrack_jupyter.engine.surroundings import Clock, EventBus
from fasttrack_jupyter.model.document import Document
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.following import After, Waiting, look_for
from fasttrack_jupyter.model.job import Change, PipelineJob
from fasttrack_jupyter.model.lifecycle import JobStatus
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.quantities import format_duration

log = logging.getLogger(__name__)

FOLLOWS = "JobFollows"
"""The event that a job waits no more; its data's ``after`` names the jobs that counted."""
_AFTER_TROUBLE = 5.0
"""Seconds, at least, until what could not be looked at is looked at again."""
_AGAIN = 60.0
"""Seconds until everything is looked at again, whatever happens."""
_NEWEST = 200
"""Jobs of a pipeline that are looked at."""


@dataclass(slots=True)
class _Waits:
    live: LiveJob
    reason: str = ""


class Following:
    """The jobs of one home that wait for other pipelines.

    ``go`` is told of one that waits no more, ``give_up`` of one whose patience is over, with the reason; ``is_live``
    says whether the engine still goes on with one.
    """

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        bus: EventBus,
        *,
        go: Callable[[LiveJob], None],
        give_up: Callable[[LiveJob, str], None],
        is_live: Callable[[LiveJob], bool],
    ) -> None:
        self._store, self._clock, self._bus = store, clock, bus
        self._go, self._give_up, self._is_live = go, give_up, is_live
        self._waiting: dict[str, _Waits] = {}
        """By job id."""
        self._news = asyncio.Event()
        self._is_troubled = False
        """Whether something could not be looked at the last time."""
        self._task: asyncio.Task[None] | None = None

    def add(self, live: LiveJob) -> None:
        """A job that has not started; one that names no other pipelines goes on at once."""
        if not live.pipeline.after:
            self._go(live)
            return
        names = ", ".join(after.pipeline for after in live.pipeline.after)
        self._waiting[live.job.id] = _Waits(live, f"waits for a job of pipeline {names}")
        self.look()
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def look(self) -> None:
        """A job has ended: look at those that wait."""
        self._news.set()

    def why(self, job_id: str) -> str | None:
        """In words, what a job waits for; None if for no pipeline."""
        return waits.reason if (waits := self._waiting.get(job_id)) else None

    async def aclose(self) -> None:
        """Look no more; the next engine does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ------------------------------------------------------------------ parts

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):  # somebody's patience may be over
                async with asyncio.timeout(self._until_next()):  # 3.11's `wait_for` may swallow that we are cancelled
                    await self._news.wait()
            self._news.clear()
            self._is_troubled = False
            for waits in list(self._waiting.values()):
                await self._look_at(waits)

    def _until_next(self) -> float | None:
        if not self._waiting:
            return None
        now = self._clock.now()
        ends = [waits.live.job.created_at + after.wait - now for waits, after in self._all() if after.wait is not None]
        return max(_AFTER_TROUBLE if self._is_troubled else 0.05, min([_AGAIN, *ends]))

    def _all(self) -> list[tuple[_Waits, After]]:
        return [(waits, after) for waits in self._waiting.values() for after in waits.live.pipeline.after]

    async def _look_at(self, waits: _Waits) -> None:
        live = waits.live
        if not self._is_live(live) or live.machine.status is not JobStatus.PENDING or live.machine.is_cancelling:
            if self._waiting.get(live.job.id) is waits:
                del self._waiting[live.job.id]
            return
        try:
            found = [(after, await self._find(live.job, after)) for after in live.pipeline.after]
            lacking = [(after, told) for after, told in found if told.job is None]
            waits.reason = "; ".join(told.reason for _, told in lacking) or waits.reason
            if not lacking:
                await self._tell(live, [told.job for _, told in found if told.job is not None])
                self._waiting.pop(live.job.id, None)
                self._go(live)
            elif over := [after for after, _ in lacking if self._is_over(live.job, after)]:
                self._waiting.pop(live.job.id, None)
                self._give_up(live, _in_vain(over[0]))
        except Exception:  # one job's trouble: the others are looked at, and this one again
            log.exception("what job %s waits for cannot be looked at", live.job.id)
            self._is_troubled = True

    async def _find(self, job: PipelineJob, after: After) -> Waiting:
        return await _look(self._store, after, job.created_at)

    def _is_over(self, job: PipelineJob, after: After) -> bool:
        return after.wait is not None and self._clock.now() >= job.created_at + after.wait

    async def _tell(self, live: LiveJob, counted: list[PipelineJob]) -> None:
        """Keep which jobs counted."""
        data = {"after": [{"pipeline": job.pipeline, "index": job.index, "job": job.id} for job in counted]}
        pending = JobStatus.PENDING
        await self._store.record([Change(live.job.id, None, pending, pending, FOLLOWS, self._clock.now(), data=data)])
        self._bus.publish(await self._store.last_seq())


async def _look(store: JobStore, after: After, made_at: float) -> Waiting:
    return look_for(after, made_at, await store.jobs(JobFilter(pipeline=after.pipeline, limit=_NEWEST)))


async def foreseen(store: JobStore, pipeline: Pipeline, document: Document, now: float) -> tuple[Problem, ...]:
    """What a job of ``pipeline`` would wait for, were it made now: notices at their places in its text."""
    found = []
    for number, after in enumerate(pipeline.after):
        if reason := (await _look(store, after, now)).reason:
            hint = ""
            if await store.pipeline(after.pipeline) is None:
                hint = did_you_mean(after.pipeline, [each.name for each in await store.pipelines()])
            line, column = document.position(("after", number))
            found.append(
                Problem(
                    code="waits", message=f"a job of it {reason}", path=("after", number), line=line, column=column,
                    value=after.pipeline, hint=hint, severity=Severity.NOTICE,
                )
            )  # fmt: skip
    return tuple(found)


def _in_vain(after: After) -> str:
    return f"waited {format_duration(after.wait or 0)} in vain for a job of pipeline {after.pipeline} to succeed"
