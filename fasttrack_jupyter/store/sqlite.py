"""SqliteStore: jobs, task instances, attempts and events in one SQLite file.

- One thread writes (:mod:`.writer`): it groups what waits into one transaction and one fsync.
- Reads run on threads and connections of their own and, in WAL mode, never wait for the writer; what was
  acknowledged before a read began is seen by it.
- ``seq`` is given by the writer in the order of commits and survives deletions; no clock is involved.
- ``synchronous=FULL``: what was acknowledged survives a power cut.

The journal mode is a setting because WAL needs shared memory, which network file systems lack.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike, fspath
from queue import SimpleQueue
from typing import TypeVar

from fasttrack_jupyter.engine.storing import JobFilter, JobTally, NewJob, PipelineRecord, TaskHistory
from fasttrack_jupyter.model.job import Attempt, Change, JobEvent, PipelineJob, TaskInstance
from fasttrack_jupyter.store import jobs, queries, tallies
from fasttrack_jupyter.store.cache import CacheTable
from fasttrack_jupyter.store.faults import store_error
from fasttrack_jupyter.store.schema import connect, open_database
from fasttrack_jupyter.store.triggers import TriggerTable
from fasttrack_jupyter.store.writer import Writer

T = TypeVar("T")
_READERS = 2


class SqliteStore(CacheTable, TriggerTable):
    """A :class:`~fasttrack_jupyter.engine.storing.JobStore`; make one with :meth:`open`.

    Every method raises StoreError where the database fails, and StoreFull where a write finds no
    space; then nothing of that call was written, and the store can be used on.
    """

    def __init__(self, path: str, writer: Writer) -> None:
        self._path, self._writer = path, writer
        self._connections: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._readers: ThreadPoolExecutor | None = None
        if path != ":memory:":
            self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="fasttrack-store-read")

    @classmethod
    async def open(
        cls, path: str | PathLike[str], *, journal_mode: str = "wal", clock: Callable[[], float] = time.time
    ) -> SqliteStore:
        """The store at ``path``, made (mode 0600) or brought up to date; ``:memory:`` for one that is not kept.

        Raises:
            StoreTooNew: a later version wrote it.
            StoreFull, StoreError: it could not be opened or migrated.
        """
        name = fspath(path)
        con = await asyncio.to_thread(open_database, name, journal_mode=journal_mode, now=clock())
        store = cls(name, Writer(con, name))
        if store._readers is not None:
            for _ in range(_READERS):
                store._connections.put(connect(name, readonly=True))
        return store

    async def ensure_pipeline(self, name: str, source: str | None, now: float) -> PipelineRecord:
        """See :meth:`JobStore.ensure_pipeline`."""
        return await self._writer.call(lambda session: jobs.ensure_pipeline(session, name, source, now))

    async def create_job(self, job: NewJob) -> PipelineJob:
        """See :meth:`JobStore.create_job`. A job made with the same ``options["key"]`` comes back as well."""
        return await self._writer.call(lambda session: jobs.create(session, job))

    async def record(self, changes: Sequence[Change]) -> int:
        """See :meth:`JobStore.record`.

        Beyond the contract: ``started_at`` is when the first attempt was seen RUNNING, or its end if it never was;
        ``reason`` and ``exit_code`` are cleared when a new attempt begins; ``notes`` add up; ``commit`` is kept
        as well; a job's change may carry ``priority``. A change to the status that a row has already only tells.
        """
        return await self._writer.record(changes)

    async def events(self, after: int, limit: int, job_id: str | None = None) -> list[JobEvent]:
        """See :meth:`JobStore.events`."""
        return await self._read(lambda con: queries.events(con, after, limit, job_id))

    async def last_seq(self) -> int:
        """See :meth:`JobStore.last_seq`."""
        return self._writer.last_seq

    async def unfinished(self) -> list[PipelineJob]:
        """See :meth:`JobStore.unfinished`."""
        return await self._read(queries.unfinished)

    async def job(self, job_id: str) -> PipelineJob:
        """See :meth:`JobStore.job`."""
        return await self._read(lambda con: queries.job(con, job_id))

    async def job_by_key(self, key: str) -> PipelineJob | None:
        """The job that was made with ``options["key"] == key``."""
        return await self._read(lambda con: queries.job_by_key(con, key))

    async def find_job(self, word: str) -> PipelineJob:
        """See :meth:`JobStore.find_job`."""
        return await self._read(lambda con: queries.find_job(con, word))

    async def jobs(self, which: JobFilter) -> list[PipelineJob]:
        """See :meth:`JobStore.jobs`."""
        return await self._read(lambda con: queries.jobs(con, which))

    async def counts(self, which: JobFilter) -> list[JobTally]:
        """See :meth:`JobStore.counts`."""
        return await self._read(lambda con: tallies.counts(con, which))

    async def tags(self) -> list[tuple[str, int]]:
        """See :meth:`JobStore.tags`."""
        return await self._read(tallies.tags)

    async def held_slots(
        self, backend: str, start: float, end: float, buckets: int
    ) -> list[tuple[Mapping[str, str], list[float]]]:
        """See :meth:`JobStore.held_slots`."""
        return await self._read(lambda con: tallies.held_slots(con, backend, start, end, buckets))

    async def instances(self, job_id: str, path: str | None = None) -> list[TaskInstance]:
        """See :meth:`JobStore.instances`."""
        return await self._read(lambda con: queries.instances(con, job_id, path))

    async def attempts(self, job_id: str, path: str | None = None) -> list[Attempt]:
        """See :meth:`JobStore.attempts`."""
        return await self._read(lambda con: queries.attempts(con, job_id, path))

    async def kept_outputs(self, folders: Collection[str], gone: Collection[str]) -> set[tuple[str, str]]:
        """See :meth:`JobStore.kept_outputs`."""
        return await self._read(lambda con: queries.kept_outputs(con, folders, gone))

    async def standing_in(self, folder: str, outputs_dir: str, limit: int) -> list[tuple[str, str]]:
        """See :meth:`JobStore.standing_in`."""
        return await self._read(lambda con: queries.standing_in(con, folder, outputs_dir, limit))

    async def kept_means(self, gone: Collection[str]) -> set[str]:
        """See :meth:`JobStore.kept_means`."""
        return await self._read(lambda con: queries.kept_means(con, gone))

    async def latest_successes(self, pipeline: str) -> Mapping[str, TaskInstance]:
        """See :meth:`JobStore.latest_successes`."""
        return await self._read(lambda con: queries.latest_successes(con, pipeline))

    async def history(self, pipeline: str) -> Mapping[str, TaskHistory]:
        """See :meth:`JobStore.history`."""
        return await self._read(lambda con: queries.history(con, pipeline))

    async def annotate(
        self, job_id: str, at: float, *, name: str | None, tags: Sequence[str] | None, note: str | None
    ) -> None:
        """See :meth:`JobStore.annotate`."""
        await self._writer.call(lambda session: jobs.annotate(session, job_id, at, name, tags, note))

    async def pipelines(self) -> list[PipelineRecord]:
        """See :meth:`JobStore.pipelines`."""
        return await self._read(queries.pipelines)

    async def pipeline(self, name: str) -> PipelineRecord | None:
        """See :meth:`JobStore.pipeline`."""
        return await self._read(lambda con: queries.pipeline(con, name))

    async def delete_pipeline(self, name: str) -> None:
        """See :meth:`JobStore.delete_pipeline`."""
        await self._writer.call(lambda session: jobs.delete_pipeline(session, name))

    async def delete_jobs(self, job_ids: Sequence[str], at: float) -> None:
        """See :meth:`JobStore.delete_jobs`."""
        await self._writer.call(lambda session: jobs.delete(session, job_ids, at))

    async def aclose(self) -> None:
        """See :meth:`JobStore.aclose`. Closing twice is closing once."""
        await self._writer.aclose()
        if self._readers is not None:
            await asyncio.to_thread(self._readers.shutdown)
            while not self._connections.empty():
                self._connections.get().close()

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._readers is None:
            return await self._writer.call(lambda session: query(session.con))
        self._writer.check_open()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, query)

    def _read_here(self, query: Callable[[sqlite3.Connection], T]) -> T:
        con = self._connections.get()
        try:
            # One transaction, so that a query of several statements looks at one moment.
            con.execute("BEGIN")
            return query(con)
        except sqlite3.Error as error:
            raise store_error(error, self._path) from error
        finally:
            con.rollback()
            self._connections.put(con)
