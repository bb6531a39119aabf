"""Opening stores: new, older, newer, damaged; and who may read them."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest, StoreError, StoreTooNew
from fasttrack_jupyter.store.schema import migrate, migrations, open_database
from fasttrack_jupyter.store.sqlite import SqliteStore


def make_v1(path: Path) -> None:
    """A store as the first version wrote it, with one unfinished job of one running task."""
    con = sqlite3.connect(path, isolation_level=None)
    migrate(con, str(path), 1.0, {1: migrations()[1]})
    con.executescript(
        """
        INSERT INTO pipelines (num, name, folder, created_at, last_index)
          VALUES (1, 'digits', 'digits-abc123', 1000000, 1);
        INSERT INTO texts VALUES (1, x'00', x'00');
        INSERT INTO jobs (num, id, pipeline, idx, folder, text, backend, params, status, created_at, options)
          VALUES (1, 'j1', 1, 1, 'digits-abc123', 1, 'local', '{"lr": 1}', 'RUNNING', 1000000, '{}');
        INSERT INTO instances (num, path, status, attempts) VALUES ((1 << 24) + 0, 'train', 'RUNNING', 1);
        INSERT INTO attempts (instance, number, status, created_at) VALUES ((1 << 24) + 0, 1, 'RUNNING', 2000000);
        INSERT INTO events VALUES (1, 1000000, 1, NULL, 'JobCreated', 0, 'PENDING', NULL, NULL, NULL);
        """
    )
    con.execute("UPDATE texts SET text = ?", (zlib.compress(b"name: digits\n"),))
    con.close()


def version_of(path: Path) -> int:
    """``user_version`` of the database at ``path``."""
    con = sqlite3.connect(path)
    try:
        return int(con.execute("PRAGMA user_version").fetchone()[0])
    finally:
        con.close()


def test_a_store_of_an_older_version_is_brought_up_to_date(kit: Any) -> None:
    """Its jobs are there, what is new has its default, and a copy from before lies beside it."""
    make_v1(kit.path)

    async def scenario(store: SqliteStore) -> None:
        (job,) = await store.unfinished()
        assert (job.id, job.text, job.params, job.name, job.tags, job.priority) == (
            "j1", "name: digits\n", {"lr": 1}, "", (), 0,
        )  # fmt: skip
        assert [attempt.id for attempt in await store.attempts("j1")] == ["j1-0-1"]
        await store.annotate("j1", 1.0, name="kept", tags=["x"], note=None)
        assert (await store.create_job(kit.new_job())).index == 2

    kit.run(scenario)
    backup = kit.path.with_name("store.db.v1.bak")
    assert version_of(backup) == 1
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert version_of(kit.path) == max(migrations())


def test_migrations_record_themselves(kit: Any) -> None:
    """Number, name and version of the product; opening again applies nothing."""

    async def nothing(_store: SqliteStore) -> None:
        return None

    kit.run(nothing)
    kit.run(nothing)
    con = sqlite3.connect(kit.path)
    applied = con.execute("SELECT number, name FROM migrations ORDER BY number").fetchall()
    con.close()
    assert applied == [(number, name) for number, (name, _sql) in migrations().items()]
    assert list(kit.path.parent.glob("*.bak")) == []


def test_a_migration_that_fails_changes_nothing(kit: Any) -> None:
    """Half of it is none of it: the store stays what it was."""
    make_v1(kit.path)
    con = sqlite3.connect(kit.path, isolation_level=None)
    broken = {1: migrations()[1], 2: ("broken", "ALTER TABLE jobs ADD COLUMN half TEXT; CREATE TABLE jobs (x);")}
    with pytest.raises(sqlite3.OperationalError):
        migrate(con, str(kit.path), 1.0, broken)
    assert "half" not in [row[1] for row in con.execute("PRAGMA table_info(jobs)")]
    con.close()
    assert version_of(kit.path) == 1


def test_a_store_of_a_later_version_is_left_alone(kit: Any) -> None:
    """With both versions named; the file is not written to."""
    con = sqlite3.connect(kit.path)
    con.execute("PRAGMA user_version = 99")
    con.close()
    with pytest.raises(StoreTooNew, match="schema 99"):
        asyncio.run(SqliteStore.open(kit.path))
    assert version_of(kit.path) == 99


def test_a_file_that_is_no_store_is_told(kit: Any) -> None:
    """With what to do; the file stays."""
    kit.path.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreError, match="damaged") as error:
        asyncio.run(SqliteStore.open(kit.path))
    assert "move it aside" in error.value.hint
    assert kit.path.read_bytes().startswith(b"this is not")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """In the words of the operating system."""
    with pytest.raises(StoreError, match="No such file"):
        asyncio.run(SqliteStore.open(tmp_path / "gone" / "store.db"))


def test_an_old_sqlite_is_told(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made, with a remedy."""
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 26, 0))
    with pytest.raises(StoreError, match=r"needs 3\.33 or later"):
        asyncio.run(SqliteStore.open(kit.path))
    assert not kit.path.exists()


def test_an_unknown_journal_mode_is_refused(kit: Any) -> None:
    """It would go into SQL."""
    with pytest.raises(BadRequest, match="journal mode"):
        asyncio.run(SqliteStore.open(kit.path, journal_mode="off; DROP TABLE jobs"))


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_every_journal_mode_works(kit: Any, mode: str) -> None:
    """Also while reads and writes happen at once; nobody but the owner can read any file of it."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await asyncio.gather(*(store.instances(job.id) for _ in range(20)), kit.finish(store, job, "train"))
        modes = {stat.S_IMODE(file.stat().st_mode) for file in kit.path.parent.glob("store.db*")}
        assert modes == {0o600}

    kit.run(scenario, journal_mode=mode)


def test_a_store_that_was_open_to_all_is_closed(kit: Any) -> None:
    """As after a copy by hand."""
    open_database(str(kit.path), journal_mode="wal", now=1.0).close()
    kit.path.chmod(0o644)
    open_database(str(kit.path), journal_mode="wal", now=1.0).close()
    assert stat.S_IMODE(kit.path.stat().st_mode) == 0o600
