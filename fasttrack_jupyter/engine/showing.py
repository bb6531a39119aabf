"""What the store and the runner know of jobs, shown: one job whole, one task instance's session, pipelines."""

from __future__ import annotations

import asyncio
from functools import partial

from fasttrack_jupyter.engine.overviews import SessionView
from fasttrack_jupyter.engine.ports import OnThisMachine
from fasttrack_jupyter.engine.present import JobPresenter, waiting_reasons
from fasttrack_jupyter.engine.remains import remains_of
from fasttrack_jupyter.engine.retelling import Retelling
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.staging import Parsed, Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.engine.views import JobView
from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.lifecycle import JOB_ENDED


class JobShow:
    """Shows the jobs of one home."""

    def __init__(
        self,
        store: JobStore,
        roster: Roster,
        runner: JobRunner,
        stage: Stage,
    ) -> None:
        self._store, self._roster, self._runner, self._stage = store, roster, runner, stage

    async def view(self, job_id: str) -> JobView:
        """One job with its task instances, in the pipeline's order."""
        seq = await self._store.last_seq()  # before the rows are read: they show at least this
        found = await self._store.job(job_id)
        rows = await self._store.instances(found.id)
        try:
            parsed = await self._stage.parse(found)
        except InvalidPipeline:  # of another version of FastTrack: what the rows tell is shown
            parsed = Parsed(*remains_of(found, rows), {})
        live = self._runner.live(found.id)
        waits = await waiting_reasons(live, self._runner.why_waiting, rows) if live else {}
        presenter = JobPresenter(found, parsed, self._roster.default_slots, partial(self._place, found.folder))
        said = live.progress_of if live else lambda path, attempt: None
        return await asyncio.to_thread(presenter.view, rows, waits, self.paused(found), seq, said)

    async def session(self, job: PipelineJob, path: str, number: int, secrets: SecretStore) -> SessionView:
        """What exactly an attempt runs or ran; number 0: what the first one will run, as far as it is known."""
        rows = await self._store.instances(job.id)
        row = next(row for row in rows if row.path == path)
        attempts = await self._store.attempts(job.id, path)
        try:
            parsed = await self._stage.parse(job)
        except InvalidPipeline as error:
            return SessionView(attempt=number, reason=f"the job's text cannot be read: {error.problems[0].message}")
        data = next((attempt.data for attempt in attempts if attempt.number == number), {})
        default = self._roster.default_slots

        def tell() -> SessionView:
            return Retelling(job, parsed, rows, default, secrets.values(job.pipeline)).tell(row, number, data)

        return await asyncio.to_thread(tell)

    def paused(self, job: PipelineJob) -> str | None:
        """Why nothing happens to an unfinished job just now."""
        return None if job.status in JOB_ENDED else self._runner.why_paused(job.id)

    def _place(self, folder: str, backend: str) -> str | None:
        """Where a pipeline folder is on this machine, if it is."""
        found = self._roster.backend(backend) if backend in self._roster else None
        return found.place_of(folder) if isinstance(found, OnThisMachine) else None
