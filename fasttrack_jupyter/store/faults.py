"""SQLite's errors as ours: the one place where they are told apart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fasttrack_jupyter.errors import StoreError, StoreFull

_NO_SPACE = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE,
}  # fmt: skip
"""How a full disk or a spent quota shows itself: most often FULL, else a write, sync or growth that failed."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def store_error(error: sqlite3.Error, path: str) -> StoreError:
    """What ``error`` means to the user of the database at ``path``."""
    extended = getattr(error, "sqlite_errorcode", None) or 0
    code = extended & 0xFF  # the primary code is in the low byte
    name = Path(path).name
    if extended in _NO_SPACE:
        return StoreFull(
            f"the store {name} could not write: {error}; nothing was recorded",
            hint=f"free some space on the disk that holds {Path(path).parent}; what waits is tried again",
        )
    if code in _DAMAGED:
        return StoreError(
            f"the store {path} is damaged or no FastTrack store: {error}",
            hint=f"move it aside (a copy made before the last upgrade may lie beside it as {name}.v*.bak)",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"the store {name} is held by another program: {error}", hint="close the other program and try again"
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(f"the store {path} cannot be opened for writing: {error}", hint="check its permissions")
    return StoreError(f"the store {name} failed: {error}", hint="restart the engine; `fasttrack doctor` tells more")
