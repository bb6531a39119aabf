"""The one thread that writes.

Callers put what they want done into a queue and await a future. The thread takes all that waits:
``record`` calls that stand next to each other share one transaction and one fsync (group commit:
the slower the disk, the larger the groups, the same latency). So do functions that stand next to each other, each
behind a savepoint of its own. Futures are completed by one ``call_soon_threadsafe`` per transaction.

A call that must not happen (a status was not the expected one) costs only its own caller: the
group is rolled back and its calls are applied one by one. Any other error of the database goes to
every caller of the transaction, of which then nothing was written; the thread goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from fasttrack_jupyter.errors import FastTrackError, StoreError
from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.lifecycle import JOB_ENDED
from fasttrack_jupyter.store import changes as batches
from fasttrack_jupyter.store.faults import store_error
from fasttrack_jupyter.store.places import Places

T = TypeVar("T")
_LARGEST_GROUP = 5_000
"""Changes per transaction: bounds how long a caller waits for its neighbours (about 0.1 s)."""
_FUNCTION = 50
"""As how many changes a function counts."""


@dataclass(slots=True)
class _Call:
    """What one caller waits for: changes to record, or a function to run as if in a transaction of its own."""

    future: asyncio.Future[Any]
    changes: Sequence[Change] = ()
    function: Callable[[Session], Any] | None = None
    outcome: Any = None
    error: Exception | None = None


class Session:
    """What a function on the writer's thread may use, inside its open transaction."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self.con = con
        self.places = Places(con)
        self.last_seq: int = max(
            con.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0],
            con.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone()[0],
        )
        con.execute(batches.BATCH_TABLE)


class Writer:
    """Owns the writing connection ``con`` of the database at ``path`` until :meth:`aclose`."""

    def __init__(self, con: sqlite3.Connection, path: str) -> None:
        self._con, self._path = con, path
        self._session = Session(con)
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.last_seq = self._session.last_seq
        """Of the newest event that is durable."""
        self.version = 0
        """Grows after each transaction: whoever reads it, and then the database, misses nothing that came before."""
        self._thread = threading.Thread(target=self._work, name="fasttrack-store", daemon=True)
        self._thread.start()

    async def record(self, changes: Sequence[Change]) -> int:
        """See :meth:`JobStore.record`."""
        return int(await self._put(_Call(self._loop.create_future(), changes)))

    async def call(self, function: Callable[[Session], T]) -> T:
        """Run ``function`` on the writer's thread, in a transaction; what it raises undoes all that it wrote."""
        result: T = await self._put(_Call(self._loop.create_future(), function=function))
        return result

    async def aclose(self) -> None:
        """Do what is queued, then close the connection. Calls after this raise StoreError."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def check_open(self) -> None:
        """Raise StoreError once :meth:`aclose` was called."""
        if self._closed:
            raise StoreError("the store is closed", hint="the engine is shutting down: start it again")

    def _put(self, call: _Call) -> asyncio.Future[Any]:
        self.check_open()
        self._queue.put(call)
        return call.future

    # ------------------------------------------------------------ the thread

    def _work(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                waiting, stop = self._take_waiting(call)
                for group in _groups(waiting):
                    self._do(group)
                    self.last_seq = self._session.last_seq
                    self.version += 1
                    self._answer(group)
                if stop:
                    break
        finally:
            self._con.close()

    def _take_waiting(self, first: _Call) -> tuple[list[_Call], bool]:
        waiting = [first]
        with contextlib.suppress(Empty):
            while (call := self._queue.get_nowait()) is not None:
                waiting.append(call)
            return waiting, True
        return waiting, False

    def _do(self, group: list[_Call]) -> None:
        if group[0].function is None:
            self._record(group)
        else:
            self._attempt(group, lambda: self._run_all(group))

    def _run_all(self, group: list[_Call]) -> None:
        for call in group:
            self._run(call)

    def _run(self, call: _Call) -> None:
        """One function of several in a transaction: what it raises is its caller's alone."""
        assert call.function is not None
        before = self._session.last_seq
        self._con.execute("SAVEPOINT one")
        try:
            call.outcome = call.function(self._session)
        except Exception as error:
            if not self._con.in_transaction:  # the database gave all of it up
                raise
            self._session.last_seq = before
            self._con.execute("ROLLBACK TO one")
            call.error = store_error(error, self._path) if isinstance(error, sqlite3.Error) else error
            if call.error is not error:
                call.error.__cause__ = error
        self._con.execute("RELEASE one")

    def _record(self, group: list[_Call]) -> None:
        good: list[_Call] = []
        prepared: list[batches.Prepared] = []
        for call in group:
            try:
                prepared.append(batches.prepare(self._session.places, call.changes))
                good.append(call)
            except FastTrackError as error:
                call.error = error
            except sqlite3.Error as error:
                call.error = store_error(error, self._path)
            except Exception as error:  # a change that is none: its caller's trouble, never the end of this thread
                call.error = error
        if good:
            self._apply(good, prepared)

    def _apply(self, group: list[_Call], prepared: list[batches.Prepared]) -> None:
        def transaction() -> None:
            session = self._session
            seq = session.last_seq
            session.last_seq = batches.apply(session.con, prepared, seq)
            for call, one in zip(group, prepared, strict=True):
                seq += len(one.rows)
                call.outcome = seq

        self._attempt(group, transaction)
        if not isinstance(group[0].error, batches.MovesRefused):
            self._forget_ended(group)
        elif len(group) == 1:
            group[0].error = batches.refusal(self._con, prepared[0])
        else:
            for call, one in zip(group, prepared, strict=True):
                call.error = None
                self._apply([call], [one])
        self._forget_unwritten(group)

    def _attempt(self, group: list[_Call], transaction: Callable[[], None]) -> None:
        """Run ``transaction`` and commit; on any error nothing is written, and every call of the group has it."""
        before = self._session.last_seq
        try:
            self._con.execute("BEGIN IMMEDIATE")
            transaction()
            self._con.execute("COMMIT")
        except Exception as error:
            self._session.last_seq = before
            self._roll_back()
            mapped = store_error(error, self._path) if isinstance(error, sqlite3.Error) else error
            if mapped is not error:
                mapped.__cause__ = error
            for call in group:
                call.error = mapped

    def _roll_back(self) -> None:
        # SQLite may have rolled back by itself (disk full); and a rollback that fails is repeated by
        # SQLite at the next BEGIN: in both cases the error that led here is the one to tell.
        with contextlib.suppress(sqlite3.Error):
            if self._con.in_transaction:
                self._con.execute("ROLLBACK")

    def _forget_unwritten(self, group: list[_Call]) -> None:
        for call in group:
            for change in call.changes if call.error is not None else ():
                if change.instances:
                    self._session.places.forget(change.job_id)

    def _forget_ended(self, group: list[_Call]) -> None:
        for call in group:
            for change in call.changes:
                if change.path is None and change.status in JOB_ENDED:
                    self._session.places.forget(change.job_id)

    def _answer(self, group: list[_Call]) -> None:
        # The loop may be closed already: then nobody waits any more, and what was written stays.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_complete, group)


def _groups(calls: list[_Call]) -> list[list[_Call]]:
    groups: list[list[_Call]] = []
    size = 0
    for call in calls:
        if groups and (call.function is None) is (groups[-1][0].function is None) and size < _LARGEST_GROUP:
            groups[-1].append(call)
        else:
            groups.append([call])
            size = 0
        size += len(call.changes) if call.function is None else _FUNCTION
    return groups


def _complete(group: list[_Call]) -> None:
    for call in group:
        if call.future.done():  # its caller was cancelled meanwhile
            continue
        if call.error is not None:
            call.future.set_exception(call.error)
        else:
            call.future.set_result(call.outcome)
