"""Forgetting jobs and whole pipelines, with what they left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fasttrack_jupyter.engine.making import JobMaker
from fasttrack_jupyter.engine.overviews import DeletedJobs, JobRefusal
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.served import served_here
from fasttrack_jupyter.engine.storing import JobFilter, JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.upkeep import GarbageCollector, all_jobs
from fasttrack_jupyter.engine.whereabouts import LOCAL, backends_of
from fasttrack_jupyter.errors import Conflict, FastTrackError, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.lifecycle import JOB_ENDED


class JobRemover:
    """Removes jobs and pipelines of one home."""

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        collector: GarbageCollector,
        roster: Roster,
        runner: JobRunner,
        maker: JobMaker,
    ) -> None:
        self._store, self._clock, self._collector = store, clock, collector
        self._roster, self._runner, self._maker = roster, runner, maker

    async def delete(self, jobs: Sequence[PipelineJob]) -> int:
        """Forget ended jobs with their logs, and outputs that no other job refers to; how many. Raises Conflict."""
        gone = {job.id: job for job in jobs}
        serving = await served_here(self._roster)
        for job in gone.values():
            self._check_ended(job)
            _check_serves_nothing(job, serving)
        if gone:
            everything = await all_jobs(self._store)
            await self._collector.remove(everything, list(gone.values()), now=self._clock.now(), dry_run=False)
        return len(gone)

    async def delete_what_can(self, words: Sequence[str]) -> DeletedJobs:
        """Forget those of the jobs that have ended, each named as a person would; the others are told of."""
        found: dict[str, PipelineJob] = {}
        refused, serving = [], await served_here(self._roster)
        for word in dict.fromkeys(words):
            try:
                job = await self._store.find_job(word)
                self._check_ended(job)
                _check_serves_nothing(job, serving)
                await self._collector.check_reachable([job])
                found[job.id] = job
            except FastTrackError as error:
                refused.append(JobRefusal(job=word, code=error.code, message=error.message, hint=error.hint))
        await self.delete(list(found.values()))
        return DeletedJobs(deleted=tuple(found), refused=tuple(refused))

    async def delete_pipeline(self, name: str) -> int:
        """Forget a pipeline: its jobs, its folder, its record; how many jobs. Raises NotFound, Conflict."""
        record = await self._store.pipeline(name)
        if record is None:
            names = [each.name for each in await self._store.pipelines()]
            raise NotFound(f"there is no pipeline {name!r}", hint=did_you_mean(name, names))
        async with self._maker.closed(name):
            jobs = await self._jobs_of(name)
            await self.delete(jobs)
            await self._store.delete_pipeline(name)
            for backend in {LOCAL}.union(*map(backends_of, jobs)):
                await _remove_folder(self._roster.backend(backend), record.folder)
        return len(jobs)

    def _check_ended(self, job: PipelineJob) -> None:
        if job.status not in JOB_ENDED or self._runner.live(job.id):
            raise Conflict(f"job {job.pipeline}#{job.index} has not ended", hint="cancel it first")

    async def _jobs_of(self, pipeline: str) -> list[PipelineJob]:
        return await all_jobs(self._store, JobFilter(pipeline=pipeline))


def _check_serves_nothing(job: PipelineJob, serving: Mapping[str, str]) -> None:
    if job.id in serving:
        name = serving[job.id]
        raise Conflict(
            f"job {job.pipeline}#{job.index} made the service {name!r}, which needs it while it lives",
            hint=f"remove the service first: fasttrack services remove {name}",
        )


async def _remove_folder(backend: ExecutionBackend, folder: str) -> None:
    if any(info.name == folder for info in await backend.folders()):
        await backend.remove_folder(folder)
