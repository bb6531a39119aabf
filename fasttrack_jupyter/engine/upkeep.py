"""``gc``: old jobs go, and with them what nothing refers to any more. Never what a kept job still shows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from fasttrack_jupyter.engine.cache import place_of
from fasttrack_jupyter.engine.carrying import Carrier
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.served import served_here
from fasttrack_jupyter.engine.sessions import outputs_dir_of
from fasttrack_jupyter.engine.storing import JobFilter, JobStore
from fasttrack_jupyter.engine.surroundings import EventBus
from fasttrack_jupyter.engine.views import GcView
from fasttrack_jupyter.engine.whereabouts import LOCAL, backend_of, backends_of
from fasttrack_jupyter.errors import BackendUnreachable, NotFound
from fasttrack_jupyter.model.artifacts import folders_of_places
from fasttrack_jupyter.model.job import PipelineJob, attempt_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED

DAY = 86_400.0
_PAGE = 500
_REMOVED_AT_ONCE = 100

Place = tuple[str, str, str]
"""Backend, pipeline folder, and an output folder in it."""


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
    """Collects the garbage of one home, on all backends that its jobs have anything on.

    Jobs whose services are served from here stay. Those whose backends do not all answer are left alone by
    :meth:`collect`, and refused by :meth:`remove`: what they have there could not be removed, and nobody
    would know of it any more.
    """

    def __init__(self, store: JobStore, roster: Roster, carrier: Carrier, bus: EventBus) -> None:
        self._store, self._roster, self._carrier, self._bus = store, roster, carrier, bus

    async def collect(self, *, keep_jobs: int, older_than_days: float, now: float, dry_run: bool) -> GcView:
        """Remove, or with ``dry_run`` only tell, old jobs, their logs, and outputs that no kept job refers to."""
        jobs = await all_jobs(self._store)
        gone = expired(jobs, keep_jobs=keep_jobs, before=now - older_than_days * DAY)
        answering = {name for name in set().union(*map(backends_of, gone)) if await self._answers(name)}
        serving = await served_here(self._roster)
        gone = [job for job in gone if backends_of(job) <= answering and job.id not in serving]
        return await self.remove(jobs, gone, now=now, dry_run=dry_run)

    async def check_reachable(self, jobs: Sequence[PipelineJob]) -> None:
        """Raises NotFound or BackendUnreachable if one of the backends of ``jobs`` is not here, or does not answer."""
        for name in sorted(set().union(*map(backends_of, jobs))):
            await self._roster.opened(name).folders()

    async def remove(
        self, jobs: Sequence[PipelineJob], gone: Sequence[PipelineJob], *, now: float, dry_run: bool
    ) -> GcView:
        """Remove the jobs ``gone`` out of ``jobs`` (all of them); rows first, so that nothing shown is missing.

        Raises:
            NotFound, BackendUnreachable: a backend of theirs cannot be asked; then nothing was removed.
        """
        await self.check_reachable(gone)
        gone_ids = {job.id for job in gone}
        kept = [job for job in jobs if job.id not in gone_ids]
        sessions, doomed = await self._left_by(gone, kept)
        if not dry_run:
            await self._store.delete_jobs(sorted(gone_ids), now)
            if gone:
                self._bus.publish(await self._store.last_seq())
        size = 0 if dry_run else sum([await self._backend(at).remove_sessions(ids) for at, ids in sessions.items()])
        size += sum([await self._clear(at, doomed, dry_run=dry_run) for at in sorted({at for at, _, _ in doomed})])
        if not dry_run:
            await self._store.cache_drop_places([place[1:] for place in doomed])
        carried, carried_size = await self._sweep_carried(gone, kept, gone_ids, dry_run=dry_run)
        names, swept = await self._sweep(await self._needed(kept, gone_ids), dry_run=dry_run)
        places = {f"{folder}/{path}": None for _, folder, path in doomed} | dict.fromkeys(carried)
        return GcView(
            dry_run=dry_run,
            jobs=tuple(f"{job.pipeline}#{job.index}" for job in gone),
            folders=tuple(places),
            environments=tuple(names),
            bytes=size + carried_size + swept,
        )

    async def _left_by(
        self, gone: Sequence[PipelineJob], kept: Sequence[PipelineJob]
    ) -> tuple[dict[str, list[str]], list[Place]]:
        """By backend the attempts of the jobs ``gone``, and what they wrote that no kept job shows."""
        sessions: dict[str, list[str]] = {}
        written: set[Place] = set()
        for job in gone:
            for row in await self._store.instances(job.id):
                for number in range(1, row.attempts + 1):
                    backend = backend_of(job, row.path)
                    sessions.setdefault(backend, []).append(attempt_id(job.id, row.ordinal, number))
                    written.add((backend, job.folder, outputs_dir_of(job.index, row.path, number)))
        there, reached = {job.id for job in kept}, {LOCAL}.union(*map(backends_of, gone))
        entries = [x for x in await self._store.cache_list() if x.backend in reached and x.job_id not in there]
        written |= {place_of(entry) for entry in entries}  # perhaps pinned when their job went, and no more
        in_use = await self._in_use({place[1] for place in written}, kept, {job.id for job in gone})
        return sessions, sorted(place for place in written if in_use.isdisjoint(_around(place[1], place[2])))

    async def _clear(self, backend: str, doomed: Sequence[Place], *, dry_run: bool) -> int:
        """Remove output folders of one backend; the bytes that are, or would be, free."""
        places = [place[1:] for place in doomed if place[0] == backend]
        if dry_run:
            return sum([await self._size(backend, folder, path) for folder, path in places])
        return sum([await self._backend(backend).remove(folder, paths) for folder, paths in _by_folder(places)])

    async def _sweep_carried(
        self, gone: Sequence[PipelineJob], kept: Sequence[PipelineJob], gone_ids: set[str], *, dry_run: bool
    ) -> tuple[list[str], int]:
        """Remove what was carried to where the jobs ``gone`` ran, and no other job needs there."""

        async def needed(folder: str) -> set[str]:
            kept_now = [job for job in await all_jobs(self._store) if job.id not in gone_ids]
            return {path for _, path in await self._in_use({folder}, kept_now, gone_ids)}

        found, size = [], 0
        several = {(job.folder, name) for job in gone for name in backends_of(job) if len(backends_of(job)) > 1}
        for folder, backend in sorted(several):
            places, freed = await self._carrier.sweep(backend, folder, partial(needed, folder), dry_run=dry_run)
            found += [f"{folder}/{place}" for place in places]
            size += freed
        return found, size

    async def _needed(self, kept: Sequence[PipelineJob], gone: set[str]) -> set[str]:
        return await self._store.kept_means(gone) | {job.code for job in kept if job.code}

    async def _sweep(self, needed: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        """Of all backends that are here and answer; the others are swept another time."""
        found: dict[str, None] = {}
        size = 0
        for name in list(self._roster):
            with contextlib.suppress(NotFound, BackendUnreachable):
                names, swept = await self._roster.opened(name).sweep(needed, dry_run=dry_run)
                found |= dict.fromkeys(names)
                size += swept
        return list(found), size

    async def _answers(self, name: str) -> bool:
        try:
            await self._roster.opened(name).folders()
        except (NotFound, BackendUnreachable):
            return False
        return True

    def _backend(self, name: str) -> ExecutionBackend:
        return self._roster.opened(name)

    async def _in_use(self, folders: set[str], kept: Sequence[PipelineJob], gone: set[str]) -> set[tuple[str, str]]:
        """``(folder, path)`` of the outputs that jobs which stay still show, or will once they have started."""
        in_use = await self._store.kept_outputs(folders, gone)
        in_use |= {(x.folder, x.outputs_dir or "") for x in await self._store.cache_list() if x.pinned}
        for job in kept:
            if job.folder in folders:
                for entry in job.options.get("plan", {}).values():
                    left = [entry, *entry.get("inside", {}).get("done", {}).values()]
                    in_use |= {(job.folder, each["outputs_dir"]) for each in left if each.get("outputs_dir")}
                    in_use |= {(job.folder, place) for each in left for place in folders_of_places(each.get("outputs"))}
        return in_use

    async def _size(self, backend: str, folder: str, path: str) -> int:
        return sum(entry.size for entry in await self._backend(backend).files(folder, path) if not entry.is_dir)


def _around(folder: str, path: str) -> Iterator[tuple[str, str]]:
    """The place, and the folders it is inside of: those of loops and groups."""
    while path:
        yield folder, path
        path = path.rpartition("/")[0]


def _by_folder(places: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """``(folder, path)`` in order as ``(folder, some paths)``: neither a call for each, nor one that lasts."""
    for folder, of_one in groupby(places, key=lambda place: place[0]):
        paths = [path for _, path in of_one]
        for first in range(0, len(paths), _REMOVED_AT_ONCE):
            yield folder, paths[first : first + _REMOVED_AT_ONCE]
