"""``gc``: old jobs go, and with them what nothing refers to any more. Never what a kept job still shows."""

from __future__ import annotations

from collections.abc import Sequence

from fasttrack_jupyter.engine.ports import ExecutionBackend, JobFilter, JobStore
from fasttrack_jupyter.engine.views import GcView
from fasttrack_jupyter.model.job import PipelineJob, attempt_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED

DAY = 86_400.0
_PAGE = 500


async def all_jobs(store: JobStore) -> list[PipelineJob]:
    """Every job of the home, newest first."""
    found: list[PipelineJob] = []
    while page := await store.jobs(JobFilter(limit=_PAGE, before=found[-1].id if found else None)):
        found += page
    return found


def expired(jobs: Sequence[PipelineJob], *, keep_jobs: int, before: float) -> list[PipelineJob]:
    """Of ``jobs`` (newest first): ended before ``before``, and not among the newest ``keep_jobs`` of their pipeline."""
    seen: dict[str, int] = {}
    found = []
    for job in jobs:
        seen[job.pipeline] = seen.get(job.pipeline, 0) + 1
        is_old = job.ended_at is not None and job.ended_at < before
        if job.status in JOB_ENDED and is_old and seen[job.pipeline] > keep_jobs:
            found.append(job)
    return found


class GarbageCollector:
    """Collects the garbage of one home and one backend."""

    def __init__(self, store: JobStore, backend: ExecutionBackend) -> None:
        self._store, self._backend = store, backend

    async def collect(self, *, keep_jobs: int, older_than_days: float, now: float, dry_run: bool) -> GcView:
        """Remove, or with ``dry_run`` only tell, old jobs, their logs, and outputs that no kept job refers to."""
        jobs = await all_jobs(self._store)
        gone = expired(jobs, keep_jobs=keep_jobs, before=now - older_than_days * DAY)
        return await self.remove(jobs, gone, dry_run=dry_run)

    async def remove(self, jobs: Sequence[PipelineJob], gone: Sequence[PipelineJob], *, dry_run: bool) -> GcView:
        """Remove the jobs ``gone`` out of ``jobs`` (all of them); rows first, so that nothing shown is missing."""
        gone_ids = {job.id for job in gone}
        kept = [job for job in jobs if job.id not in gone_ids]
        attempts = [
            attempt_id(job.id, row.ordinal, number)
            for job in gone
            for row in await self._store.instances(job.id)
            for number in range(1, row.attempts + 1)
        ]
        doomed = await self._doomed_outputs(gone, kept)
        if dry_run:
            size = sum([await self._size(folder, path) for folder, path in doomed])
        else:
            await self._store.delete_jobs(sorted(gone_ids))
            size = await self._backend.remove_sessions(attempts)
            for folder, path in doomed:
                size += await self._backend.remove(folder, [path])
        names, swept = await self._backend.sweep({job.code for job in kept if job.code}, dry_run=dry_run)
        return GcView(
            dry_run=dry_run,
            jobs=tuple(f"{job.pipeline}#{job.index}" for job in gone),
            folders=tuple(f"{folder}/{path}" for folder, path in doomed),
            environments=tuple(names),
            bytes=size + swept,
        )

    async def _doomed_outputs(self, gone: Sequence[PipelineJob], kept: Sequence[PipelineJob]) -> list[tuple[str, str]]:
        """Output folders of the jobs that go, less those that a job that stays has reused."""
        in_use = {
            (job.folder, row.outputs_dir)
            for job in kept
            if job.pipeline in {g.pipeline for g in gone}
            for row in await self._store.instances(job.id)
            if row.outputs_dir
        }
        in_use |= {
            (job.folder, entry["outputs_dir"])
            for job in kept
            for entry in job.options.get("plan", {}).values()
            if entry.get("outputs_dir")
        }
        doomed = set()
        for job in gone:
            for attempt in await self._store.attempts(job.id):
                if (outputs_dir := attempt.data.get("outputs_dir")) and (job.folder, outputs_dir) not in in_use:
                    doomed.add((job.folder, outputs_dir))
        return sorted(doomed)

    async def _size(self, folder: str, path: str) -> int:
        return sum(entry.size for entry in await self._backend.files(folder, path) if not entry.is_dir)
