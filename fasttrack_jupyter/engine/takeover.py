"""Unfinished jobs of an earlier engine: gone on with, or set aside with the reason, or ended as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fasttrack_jupyter import __version__
from fasttrack_jupyter.engine.machine import CANCEL_REQUESTS
from fasttrack_jupyter.engine.remains import end_unheard, ending
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.staging import Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.whereabouts import Places, backends_of, places_of
from fasttrack_jupyter.errors import InvalidPipeline, NotFound
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import Status


class Takeover:
    """Takes jobs over from the store to the runner."""

    def __init__(self, store: JobStore, runner: JobRunner, stage: Stage, clock: Clock) -> None:
        self._store, self._runner, self._stage, self._clock = store, runner, stage, clock

    async def take_over(self, job: PipelineJob) -> None:
        """Go on with a job of an earlier engine, or say why that cannot be."""
        rows = await self._store.instances(job.id)
        try:
            live = await self._stage.live(job)
            self._runner.resume(live, live.restore(rows, self._clock.now(), await self._ended_at(job, rows)))
        except InvalidPipeline as error:
            why = f"its text cannot be read by FastTrack {__version__}: {error.problems[0]}"
            self._runner.set_aside(job.id, why)
        except Exception as error:
            self._runner.set_aside(job.id, error)
        if job.reason in CANCEL_REQUESTS and self._runner.why_aside(job.id):
            await self.give_up(job)

    async def give_up(self, job: PipelineJob) -> None:
        """End a job that was set aside, with all its sessions."""
        now = self._clock.now()
        live, decision = ending(job, await self._store.instances(job.id), now)
        end_unheard(live, decision, self._gone(live.backends, places_of(job)), now)
        self._runner.resume(live, decision)
        await self._runner.settled()

    async def take_over_of(self, backend: str) -> None:
        """Go on with the jobs that were set aside because a backend was not here, which it is now."""
        for job in await self._store.unfinished():
            if self._runner.why_aside(job.id) and backend in backends_of(job):
                await self.take_over(job)

    def _gone(self, backends: Iterable[str], places: Places) -> dict[str, str]:
        """Those of ``backends`` that are not here, or lead elsewhere, and why."""
        gone = {}
        for name in backends:
            try:
                self._runner.check_backends([name], places)
            except NotFound as error:
                gone[name] = error.message
        return gone

    async def _ended_at(self, job: PipelineJob, rows: Sequence[TaskInstance]) -> dict[str, float]:
        """When the last attempt of each instance that waits for its next one ended."""
        waiting = {row.path: row.attempts for row in rows if row.status is Status.WAITING and row.attempts}
        attempts = await self._store.attempts(job.id) if waiting else []
        return {x.path: x.ended_at for x in attempts if x.ended_at and waiting.get(x.path) == x.number}
