"""A disk without space: nothing is half written, the caller is told, and it goes on once there is space."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import StoreFull
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.store.sqlite import SqliteStore

TASKS = [f"t{n}" for n in range(2_000)]


async def cap_pages(store: SqliteStore, pages: int) -> None:
    """Let the database grow to ``pages`` pages at most (0: as far as it likes)."""

    def cap(session: Any) -> None:
        now = session.con.execute("PRAGMA page_count").fetchone()[0]
        session.con.execute(f"PRAGMA max_page_count = {now + pages if pages else 1 << 30}")

    await store._writer.call(cap)


async def record_until_full(kit: Any, store: SqliteStore, job: Any) -> tuple[int, Any]:
    """Move task after task, with ballast, until there is no space; how many were acknowledged, and the error."""
    for done, task in enumerate(TASKS):
        try:
            ballast = {"ballast": "x" * 3_000}
            await store.record([kit.move(job, task, Status.WAITING, Status.PENDING, attempt=1, data=ballast)])
        except StoreFull as full:
            return done, full
    raise AssertionError("never full")


async def check_whole(store: SqliteStore, job: Any, done: int) -> None:
    """Exactly the first ``done`` moves are there, each with its event."""
    statuses = [instance.status for instance in await store.instances(job.id)]
    assert statuses == [Status.PENDING] * done + [Status.WAITING] * (len(TASKS) - done)
    assert [event.seq for event in await store.events(0, 10_000)] == list(range(1, done + 2))
    assert await store.last_seq() == done + 1


def test_a_database_that_may_not_grow(kit: Any) -> None:
    """StoreFull with a remedy; reads go on; afterwards so do writes, with no seq lost."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job(*TASKS))
        await cap_pages(store, 50)
        done, full = await record_until_full(kit, store, job)
        assert "nothing was recorded" in full.message
        assert "free some space" in full.hint
        await check_whole(store, job, done)
        with pytest.raises(StoreFull):
            await store.create_job(kit.new_job(*TASKS))
        await cap_pages(store, 0)
        await store.record([kit.move(job, TASKS[done], Status.WAITING, Status.PENDING, attempt=1)])
        await check_whole(store, job, done + 1)

    kit.run(scenario)


def test_all_who_share_the_transaction_are_told(kit: Any) -> None:
    """And nothing of any of them is there."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job(*TASKS))
        await cap_pages(store, 1)
        ballast = {"ballast": "x" * 3_000}
        calls = [
            store.record([kit.move(job, task, Status.WAITING, Status.PENDING, data=ballast)]) for task in TASKS[:500]
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(outcomes[-1], StoreFull)
        done = sum(isinstance(outcome, int) for outcome in outcomes)
        await check_whole(store, job, done)

    kit.run(scenario)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_disk_that_is_really_full(kit: Any, tiny_disk: Path, mode: str) -> None:
    """The same on a real file system, also for what was acknowledged before, after opening again."""
    kit.path = tiny_disk / "store.db"
    filler = tiny_disk / "filler"

    async def until_full(store: SqliteStore) -> tuple[Any, int]:
        job = await store.create_job(kit.new_job(*TASKS))
        filler.write_bytes(b"x" * 1_500_000)
        done, full = await record_until_full(kit, store, job)
        assert "nothing was recorded" in full.message
        await check_whole(store, job, done)
        filler.unlink()
        await store.record([kit.move(job, TASKS[done], Status.WAITING, Status.PENDING, attempt=1)])
        await check_whole(store, job, done + 1)
        return job, done + 1

    job, done = kit.run(until_full, journal_mode=mode)
    kit.run(lambda store: check_whole(store, job, done), journal_mode=mode)


def test_no_space_to_make_a_store(tiny_disk: Path) -> None:
    """Told as what it is; once there is space the same call succeeds."""
    filler = tiny_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 8_000_000)
    with pytest.raises(StoreFull):
        asyncio.run(SqliteStore.open(tiny_disk / "store.db"))
    filler.unlink()

    async def again() -> None:
        await (await SqliteStore.open(tiny_disk / "store.db")).aclose()

    asyncio.run(again())
