"""Opening a database and bringing its schema up to date.

A migration is a numbered SQL file. It runs in one transaction that also records it (in
``user_version`` and in the table ``migrations``), so that it happened whole or not at all; and
before the first one touches an existing database, a copy of it is kept as ``<db>.v<N>.bak``.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from fasttrack_jupyter import __version__
from fasttrack_jupyter.errors import BadRequest, StoreError, StoreTooNew
from fasttrack_jupyter.store.faults import store_error

OLDEST_SQLITE = (3, 33, 0)
"""The first with UPDATE … FROM; all that has JSON and window functions, too."""

JOURNAL_MODES = frozenset({"wal", "delete", "truncate", "persist"})
_BUSY_MS = 10_000
_CACHE_KIB = 8_000


def migrations() -> dict[int, tuple[str, str]]:
    """``{number: (name, SQL)}`` of the migrations that this version knows."""
    found = {}
    for entry in files("fasttrack_jupyter.store").joinpath("migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name):
            found[int(match[1])] = (match[2], entry.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def connect(path: str, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode (transactions are ours), usable from any one thread at a time."""
    con = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000, cached_statements=256
    )
    con.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    con.execute("PRAGMA temp_store = MEMORY")
    if readonly:
        con.execute("PRAGMA query_only = ON")
    return con


def open_database(path: str, *, journal_mode: str, now: float) -> sqlite3.Connection:
    """The writer's connection to the database at ``path``, made if new, its schema up to date.

    Raises:
        StoreTooNew: a later version wrote it.
        StoreFull, StoreError: it could not be opened, backed up or migrated.
    """
    if journal_mode not in JOURNAL_MODES:
        raise BadRequest(f"no such journal mode: {journal_mode!r}", hint=f"one of {', '.join(sorted(JOURNAL_MODES))}")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"this Python uses SQLite {sqlite3.sqlite_version}; FastTrack needs 3.33 or later",
            hint="use another Python, for example `uv python install`",
        )
    if path != ":memory:":
        _make_private(Path(path))
    try:
        con = connect(path)
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    with _closed_on_error(con), _mapped(path):
        if path != ":memory:":
            con.execute(f"PRAGMA journal_mode = {journal_mode}")
        con.execute("PRAGMA synchronous = FULL")
        migrate(con, path, now)
    return con


def migrate(con: sqlite3.Connection, path: str, now: float, known: Mapping[int, tuple[str, str]] | None = None) -> None:
    """Apply the migrations of ``known`` (default: all of this version's) that ``con`` has not seen."""
    known = migrations() if known is None else known
    version, newest = con.execute("PRAGMA user_version").fetchone()[0], max(known)
    if version > newest:
        raise StoreTooNew(
            f"the store {path} has schema {version}; this FastTrack ({__version__}) knows up to {newest}",
            hint="upgrade FastTrack, or choose another FASTTRACK_HOME",
        )
    if version < newest and version > 0 and path != ":memory:":
        _back_up(con, Path(f"{path}.v{version}.bak"))
    for number, (name, sql) in known.items():
        if number > version:
            _apply(con, number, name, sql, now)


def _apply(con: sqlite3.Connection, number: int, name: str, sql: str, now: float) -> None:
    record = (
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL, version TEXT NOT NULL);"
        f"INSERT INTO migrations VALUES ({number}, '{name}', {round(now * 1e6)}, '{__version__}');"
        f"PRAGMA user_version = {number};"
    )
    try:
        con.executescript(f"BEGIN IMMEDIATE;\n{sql}\n{record}\nCOMMIT;")
    except sqlite3.Error:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise


def _back_up(con: sqlite3.Connection, target: Path) -> None:
    """Copy the whole database to ``target``, 0600, complete or absent."""
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    _make_private(partial)
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        con.backup(copy)
    finally:
        copy.close()
    partial.replace(target)


def _make_private(path: Path) -> None:
    """Create the file with mode 0600 before SQLite sees it; its -wal and -shm files inherit the mode."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_mode & 0o077:
                os.fchmod(fd, 0o600)
        finally:
            os.close(fd)
    except OSError as error:
        raise StoreError(f"the store {path} cannot be opened: {error.strerror}", hint="check its folder") from error


@contextlib.contextmanager
def _closed_on_error(con: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        con.close()
        raise


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path) from error
