"""The table of jobs that the end of another pipeline's job starts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from fasttrack_jupyter.engine.triggers import NewTrigger, Trigger
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.store.writer import Session, Writer

T = TypeVar("T")
_COLUMNS = "num, of, result, pipeline, source, backend, params, created_at, seen, fired_at, job, trouble"
_INSERT = (
    "INSERT INTO triggers (of, result, pipeline, source, backend, params, created_at, seen) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class TriggerTable:
    """The part of a store that is a :class:`~fasttrack_jupyter.engine.triggers.TriggerStore`."""

    _writer: Writer

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        raise NotImplementedError

    async def trigger_add(self, new: NewTrigger) -> int:
        """See :meth:`TriggerStore.trigger_add`."""

        def add(session: Session) -> int:
            values = (
                new.of, new.result, new.pipeline, new.source, new.backend, json.dumps(new.params),
                round(new.created_at * 1e6), new.seen,
            )  # fmt: skip
            known = session.con.execute(
                "SELECT num FROM triggers WHERE of = ? AND source = ?", (new.of, new.source)
            ).fetchone()
            if known:
                raise Conflict(
                    f"jobs of {new.of!r} start {new.source} already (trigger {known[0]})",
                    hint=f"remove that first: fasttrack triggers remove {known[0]}",
                )
            return session.con.execute(_INSERT, values).lastrowid or 0

        return await self._writer.call(add)

    async def triggers(self) -> list[Trigger]:
        """See :meth:`TriggerStore.triggers`."""
        query = f"SELECT {_COLUMNS} FROM triggers ORDER BY num"
        return [_trigger(row) for row in await self._read(lambda con: con.execute(query).fetchall())]

    async def trigger_drop(self, num: int) -> bool:
        """See :meth:`TriggerStore.trigger_drop`."""
        return await self._writer.call(
            lambda session: session.con.execute("DELETE FROM triggers WHERE num = ?", (num,)).rowcount > 0
        )

    async def trigger_fired(self, num: int, seen: int, at: float, job: str | None, trouble: str) -> None:
        """See :meth:`TriggerStore.trigger_fired`."""
        statement = "UPDATE triggers SET seen = ?, fired_at = ?, job = coalesce(?, job), trouble = ? WHERE num = ?"
        values = (seen, round(at * 1e6), job, trouble, num)
        await self._writer.call(lambda session: session.con.execute(statement, values) and None)

    async def triggers_seen(self, seen: int) -> None:
        """See :meth:`TriggerStore.triggers_seen`."""
        statement = "UPDATE triggers SET seen = max(seen, ?)"
        await self._writer.call(lambda session: session.con.execute(statement, (seen,)) and None)


def _trigger(row: tuple[Any, ...]) -> Trigger:
    num, of, result, pipeline, source, backend, params, created, seen, fired, job, trouble = row
    return Trigger(
        of=of, result=result, pipeline=pipeline, source=source, backend=backend, params=json.loads(params),
        created_at=created / 1e6, seen=seen, num=num, fired_at=None if fired is None else fired / 1e6, job=job,
        trouble=trouble,
    )  # fmt: skip
