"""SQLite's errors as ours."""

from __future__ import annotations

import sqlite3

import pytest

from fasttrack_jupyter.errors import StoreError, StoreFull
from fasttrack_jupyter.store.faults import store_error

CODES = {name: getattr(sqlite3, name) for name in dir(sqlite3) if name.startswith("SQLITE_")}
ERRORS = {name: code for name, code in CODES.items() if isinstance(code, int) and 0 < code & 0xFF < 100}


def error_of(code: int) -> sqlite3.OperationalError:
    """An error as the module raises it."""
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE"])
def test_no_space_is_told_as_no_space(name: str) -> None:
    """So that jobs pause, rather than fail."""
    assert type(store_error(error_of(CODES[name]), "/x/store.db")) is StoreFull


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_CORRUPT", "damaged"),
        ("SQLITE_NOTADB", "damaged"),
        ("SQLITE_BUSY", "another program"),
        ("SQLITE_READONLY", "cannot be opened for writing"),
        ("SQLITE_CANTOPEN", "cannot be opened for writing"),
        ("SQLITE_IOERR_READ", "failed"),
    ],
)
def test_each_kind_has_its_words(name: str, words: str) -> None:
    """And none of these is taken for a full disk."""
    told = store_error(error_of(CODES[name]), "/x/store.db")
    assert type(told) is StoreError
    assert words in told.message


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_has_a_hint(name: str) -> None:
    """Whatever SQLite may ever say: the store is named, and there is something to do."""
    told = store_error(error_of(ERRORS[name]), "/x/store.db")
    assert "store.db" in told.message
    assert told.hint


def test_an_error_without_a_code_is_mapped_too() -> None:
    """Python's module raises some of its own."""
    assert type(store_error(sqlite3.ProgrammingError("closed"), "/x/store.db")) is StoreError
