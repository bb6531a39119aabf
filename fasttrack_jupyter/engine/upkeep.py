"""``gc``: old jobs go, and with them what nothing refers to any more. Never what a kept job still shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.sessions import outputs_dir_of
from fasttrack_jupyter.engine.storing import JobFilter, JobStore
from fasttrack_jupyter.engine.surroundings import EventBus
from fasttrack_jupyter.engine.views import GcView
from fasttrack_jupyter.model.job import PipelineJob, attempt_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED

DAY = 86_400.0
_PAGE = 500
_REMOVED_AT_ONCE = 100


async def all_jobs(store: JobStore, which: JobFilter | None = None) -> list[PipelineJob]:
    """Every job of the home (or those that ``which`` finds), newest first."""
    found: list[PipelineJob] = []
    while page := await store.jobs(replace(which or JobFilter(), limit=_PAGE, before=found[-1].id if found else None)):
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

    def __init__(self, store: JobStore, backend: ExecutionBackend, bus: EventBus) -> None:
        self._store, self._backend, self._bus = store, backend, bus

    async def collect(self, *, keep_jobs: int, older_than_days: float, now: float, dry_run: bool) -> GcView:
        """Remove, or with ``dry_run`` only tell, old jobs, their logs, and outputs that no kept job refers to."""
        jobs = await all_jobs(self._store)
        gone = expired(jobs, keep_jobs=keep_jobs, before=now - older_than_days * DAY)
        return await self.remove(jobs, gone, now=now, dry_run=dry_run)

    async def remove(
        self, jobs: Sequence[PipelineJob], gone: Sequence[PipelineJob], *, now: float, dry_run: bool
    ) -> GcView:
        """Remove the jobs ``gone`` out of ``jobs`` (all of them); rows first, so that nothing shown is missing."""
        gone_ids = {job.id for job in gone}
        kept = [job for job in jobs if job.id not in gone_ids]
        tries = [
            (job, row, number)
            for job in gone
            for row in await self._store.instances(job.id)
            for number in range(1, row.attempts + 1)
        ]
        attempts = [attempt_id(job.id, row.ordinal, number) for job, row, number in tries]
        in_use = await self._in_use({job.folder for job in gone}, kept, gone_ids)
        written = {(job.folder, outputs_dir_of(job.index, row.path, number)) for job, row, number in tries}
        doomed = sorted(written - in_use)
        if dry_run:
            size = sum([await self._size(folder, path) for folder, path in doomed])
        else:
            await self._store.delete_jobs(sorted(gone_ids), now)
            if gone:
                self._bus.publish(await self._store.last_seq())
            size = await self._backend.remove_sessions(attempts)
            for folder, paths in _by_folder(doomed):
                size += await self._backend.remove(folder, paths)
        needed = await self._store.kept_means(gone_ids) | {job.code for job in kept if job.code}
        names, swept = await self._backend.sweep(needed, dry_run=dry_run)
        return GcView(
            dry_run=dry_run,
            jobs=tuple(f"{job.pipeline}#{job.index}" for job in gone),
            folders=tuple(f"{folder}/{path}" for folder, path in doomed),
            environments=tuple(names),
            bytes=size + swept,
        )

    async def _in_use(self, folders: set[str], kept: Sequence[PipelineJob], gone: set[str]) -> set[tuple[str, str]]:
        """``(folder, path)`` of the outputs that jobs which stay still show, or will once they have started."""
        in_use = await self._store.kept_outputs(folders, gone)
        for job in kept:
            if job.folder in folders:
                plan = job.options.get("plan", {}).values()
                in_use |= {(job.folder, entry["outputs_dir"]) for entry in plan if entry.get("outputs_dir")}
        return in_use

    async def _size(self, folder: str, path: str) -> int:
        return sum(entry.size for entry in await self._backend.files(folder, path) if not entry.is_dir)


def _by_folder(places: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """``(folder, path)`` in order as ``(folder, some paths)``: neither a call for each, nor one that lasts."""
    for folder, of_one in groupby(places, key=lambda place: place[0]):
        paths = [path for _, path in of_one]
        for first in range(0, len(paths), _REMOVED_AT_ONCE):
            yield folder, paths[first : first + _REMOVED_AT_ONCE]
