"""The table of executions whose results may be used again, and of what lies in output folders."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from fasttrack_jupyter.engine.caching import CacheEntry, Contents
from fasttrack_jupyter.store.writer import Session, Writer

T = TypeVar("T")
_COLUMNS = (
    "folder, key, pipeline, task, job, idx, path, backend, about, created_at, outputs_dir, outputs, digest, size, "
    "last_used, uses, pinned, num"
)
_WRITTEN = _COLUMNS.partition(", last_used")[0]
_INSERT = f"INSERT INTO cache ({_WRITTEN}, last_used, uses, pinned) VALUES ({', '.join('?' * 17)})"
_IN = "IN (SELECT value FROM json_each(?))"
_MOST_CONTENTS = 200_000
"""Rows that are kept of what lies in folders; the oldest are known by nobody to be old, so all go at once."""


class CacheTable:
    """The part of a store that is a :class:`~fasttrack_jupyter.engine.caching.CacheStore`."""

    _writer: Writer

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        raise NotImplementedError

    def version(self) -> int:
        """See :meth:`CacheStore.version`."""
        return self._writer.version

    async def cache_begin(self, entry: CacheEntry) -> None:
        """See :meth:`CacheStore.cache_begin`."""

        def begin(session: Session) -> None:
            _end(session.con, entry.job_id, entry.path)
            session.con.execute(_INSERT, (*_values(entry), None, 0, 0))

        await self._writer.call(begin)

    async def cache_begun(self, job_id: str, path: str) -> CacheEntry | None:
        """See :meth:`CacheStore.cache_begun`."""
        query = f"SELECT {_COLUMNS} FROM cache WHERE digest IS NULL AND job = ? AND path = ?"
        found = await self._read(lambda con: con.execute(query, (job_id, path)).fetchone())
        return _entry(found) if found else None

    async def cache_running(self, folder: str, key: str) -> list[CacheEntry]:
        """See :meth:`CacheStore.cache_running`."""
        query = f"SELECT {_COLUMNS} FROM cache WHERE digest IS NULL AND folder = ? AND key = ? ORDER BY num"
        return [_entry(row) for row in await self._all(query, folder, key)]

    async def cache_end(self, job_id: str, path: str, entry: CacheEntry | None) -> None:
        """See :meth:`CacheStore.cache_end`. A pin of the entry that is replaced goes over to the new one."""
        await self._writer.call(lambda session: _finish(session.con, job_id, path, entry))

    async def cache_find(self, folder: str, keys: Collection[str]) -> Mapping[str, CacheEntry]:
        """See :meth:`CacheStore.cache_find`."""
        query = f"SELECT {_COLUMNS} FROM cache WHERE digest IS NOT NULL AND folder = ? AND key {_IN}"
        return {entry.key: entry for entry in map(_entry, await self._all(query, folder, json.dumps(list(keys))))}

    async def cache_newest(self, folder: str) -> Mapping[str, CacheEntry]:
        """See :meth:`CacheStore.cache_newest`. Newest is the one that was made, or used, last."""
        query = (
            f"SELECT {_COLUMNS}, max(coalesce(last_used, created_at)) FROM cache "
            "WHERE digest IS NOT NULL AND folder = ? GROUP BY task"
        )
        return {entry.task: entry for entry in (_entry(row[:-1]) for row in await self._all(query, folder))}

    async def cache_used(self, nums: Sequence[int], at: float) -> None:
        """See :meth:`CacheStore.cache_used`."""
        await self._do(
            f"UPDATE cache SET uses = uses + 1, last_used = ? WHERE num {_IN}", round(at * 1e6), json.dumps(nums)
        )

    async def cache_list(self, pipeline: str | None = None, *, num: int | None = None) -> list[CacheEntry]:
        """See :meth:`CacheStore.cache_list`."""
        query = (
            f"SELECT {_COLUMNS} FROM cache WHERE digest IS NOT NULL AND (?1 IS NULL OR pipeline = ?1) "
            "AND (?2 IS NULL OR num = ?2) ORDER BY num DESC"
        )
        return [_entry(row) for row in await self._all(query, pipeline, num)]

    async def cache_pin(self, nums: Collection[int], pinned: bool) -> None:
        """See :meth:`CacheStore.cache_pin`."""
        await self._do(f"UPDATE cache SET pinned = ? WHERE num {_IN}", int(pinned), json.dumps(list(nums)))

    async def cache_drop(self, nums: Collection[int]) -> None:
        """See :meth:`CacheStore.cache_drop`."""
        await self._do(f"DELETE FROM cache WHERE num {_IN}", json.dumps(list(nums)))

    async def cache_drop_places(self, places: Collection[tuple[str, str]]) -> None:
        """See :meth:`CacheStore.cache_drop_places`."""
        rows = json.dumps(list(places))
        await self._do(
            "DELETE FROM cache WHERE (folder, outputs_dir) IN "
            "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
            rows,
        )

    async def contents(self, places: Collection[str]) -> Mapping[str, Contents]:
        """See :meth:`CacheStore.contents`."""
        query = f"SELECT place, stamp, digest, size, files FROM contents WHERE place {_IN}"
        return {row[0]: Contents(*row[1:]) for row in await self._all(query, json.dumps(list(places)))}

    async def keep_contents(self, found: Mapping[str, Contents]) -> None:
        """See :meth:`CacheStore.keep_contents`."""
        rows = [(place, each.stamp, each.digest, each.size, each.files) for place, each in found.items()]

        def keep(session: Session) -> None:
            count = session.con.execute("SELECT count(*) FROM contents").fetchone()[0]
            if count > _MOST_CONTENTS:
                session.con.execute("DELETE FROM contents")
            session.con.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", rows)

        await self._writer.call(keep)

    async def _all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._read(lambda con: con.execute(query, values).fetchall())

    async def _do(self, statement: str, *values: Any) -> None:
        await self._writer.call(lambda session: session.con.execute(statement, values) and None)


def _end(con: sqlite3.Connection, job_id: str, path: str) -> None:
    con.execute("DELETE FROM cache WHERE digest IS NULL AND job = ? AND path = ?", (job_id, path))


def _finish(con: sqlite3.Connection, job_id: str, path: str, entry: CacheEntry | None) -> None:
    _end(con, job_id, path)
    if entry is None:
        return
    old = "FROM cache WHERE digest IS NOT NULL AND folder = ? AND key = ?"
    known = con.execute(f"SELECT last_used, uses, pinned {old}", (entry.folder, entry.key)).fetchone()
    con.execute(f"DELETE {old}", (entry.folder, entry.key))
    con.execute(_INSERT, (*_values(entry), *(known or (None, 0, 0))))


def _values(entry: CacheEntry) -> tuple[Any, ...]:
    return (
        entry.folder, entry.key, entry.pipeline, entry.task, entry.job_id, entry.job_index, entry.path, entry.backend,
        entry.about, round(entry.created_at * 1e6), entry.outputs_dir,
        None if entry.outputs is None else json.dumps(entry.outputs), entry.digest, entry.size,
    )  # fmt: skip


def _entry(row: tuple[Any, ...]) -> CacheEntry:
    (folder, key, pipeline, task, job, index, path, backend, about, created, place, outputs, digest, size, used, uses,
     pinned, num) = row  # fmt: skip
    return CacheEntry(
        folder, key, pipeline, task, job, index, path, backend, about, created / 1e6, place,
        None if outputs is None else json.loads(outputs), digest, size, None if used is None else used / 1e6, uses,
        bool(pinned), num,
    )  # fmt: skip
