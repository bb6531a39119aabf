"""One broken job, report, backend or row: it says why it cannot go on, and everything else goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from typing import Any

import pytest

from fasttrack_jupyter.engine.machine import JobMachine
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.engine.stimuli import SessionReported
from fasttrack_jupyter.errors import Conflict, NotFound, StoreError
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeBackend


async def started(engine: Any, fasttrack: Any, backend: FakeBackend, count: int) -> None:
    """Wait until so many sessions run."""
    await engine.until(lambda: len(backend.running()) == count)


def test_a_job_whose_text_cannot_be_read_any_more_waits_and_the_others_go_on(engine: Any) -> None:
    """It is shown with the reason, its sessions are left alone, and a cancel ends them."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", name="bad"))
            await fasttrack.run(engine.request("a", name="good"))
            await started(engine, fasttrack, backend, 2)
        spoil(engine)
        later = FakeBackend(lambda spec: None, sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            await engine.until(lambda: is_in(fasttrack, "good#1", "RUNNING"))
            later.end(session_of(later, (await fasttrack.job("good#1")).id))
            assert (await engine.finish(fasttrack, "good#1")).result == "SUCCESS"
            bad = await fasttrack.job("bad#1")
            assert bad.status == "RUNNING"
            assert "cannot be read" in str(bad.paused)
            assert [task.path for task in bad.tasks] == ["a", "b"]
            assert len(later.running()) == 1
            with pytest.raises(Conflict, match="cannot go on"):
                await fasttrack.cancel("bad#1", "a")
            await fasttrack.cancel("bad#1")
            bad = await engine.finish(fasttrack, "bad#1")
        assert bad.status == "CANCELLED"
        assert [task.status for task in bad.tasks] == ["CANCELLED", "CANCELLED"]
        assert later.running() == []

    async def is_in(fasttrack: Any, job: str, status: str) -> bool:
        return (await fasttrack.job(job)).tasks[0].status == status

    asyncio.run(story())


def session_of(backend: FakeBackend, job_id: str) -> str:
    """The attempt id of a job's running session."""
    return next(name for name in backend.running() if name.startswith(job_id))


def spoil(engine: Any) -> None:
    """Make the text of pipeline ``bad`` one that cannot be read, as under a version that is stricter."""
    with sqlite3.connect(engine.folder / "fasttrack.db") as con:
        row = "SELECT j.text FROM jobs j JOIN pipelines p ON p.num = j.pipeline WHERE p.name = 'bad'"
        con.execute(f"UPDATE texts SET text = ? WHERE num = ({row})", (zlib.compress(b"tasks: 7"),))
    con.close()


def test_a_job_of_a_backend_that_is_not_there_waits_until_it_is_back(engine: Any) -> None:
    """It can be shown, and cancelled; the engine opens all the same."""

    async def story() -> None:
        backend, cluster = FakeBackend(), FakeBackend(lambda spec: None)
        request = engine.request("a").model_copy(update={"backend": "cluster"})
        async with engine.on(backend, cluster=cluster) as fasttrack:
            await fasttrack.run(request)
            await fasttrack.run(request)
            await started(engine, fasttrack, cluster, 2)
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.job("demo#1")
            assert "cluster" in str(job.paused)
            await fasttrack.run(engine.request("a", name="other"))
            assert (await engine.finish(fasttrack, "other#1")).result == "SUCCESS"
            await fasttrack.cancel("demo#2")
            job = await fasttrack.job("demo#2")
            assert job.status == "CANCELLED"
            assert "was not ended" in job.tasks[0].reason
        async with engine.on(backend, cluster=FakeBackend(sessions=cluster.sessions)) as fasttrack:
            cluster.end(session_of(cluster, (await fasttrack.job("demo#1")).id))
        async with engine.on(backend, cluster=FakeBackend(sessions=cluster.sessions)) as fasttrack:
            assert (await engine.finish(fasttrack, "demo#1")).result == "SUCCESS"

    asyncio.run(story())


def test_a_backend_that_cannot_be_opened_says_so_and_the_others_work(engine: Any) -> None:
    """Nothing is made for it."""

    async def story() -> None:
        broken = FakeBackend()

        async def fail(report: Any) -> None:
            raise RuntimeError("no manager at this address")

        broken.open = fail  # type: ignore[method-assign]
        async with engine.on(FakeBackend(), cluster=broken) as fasttrack:
            with pytest.raises(NotFound, match="no manager at this address"):
                await fasttrack.run(engine.request("a").model_copy(update={"backend": "cluster"}))
            await fasttrack.run(engine.request("a"))
            assert (await engine.finish(fasttrack)).result == "SUCCESS"

    asyncio.run(story())


@pytest.mark.parametrize("name", ["what-is-this", "a-b-c", "x-99-1", "unknown-0-1"])
def test_a_report_that_nobody_understands_is_passed_over(engine: Any, name: str) -> None:
    """The engine lives."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(engine.request("a"))
            await started(engine, fasttrack, backend, 1)
            backend._report(SessionReport(name.replace("x-", f"{job.id}-"), Status.RUNNING, 0.0))
            backend.end(backend.running()[0])
            assert (await engine.finish(fasttrack)).result == "SUCCESS"

    asyncio.run(story())


def test_outputs_that_break_their_reader_fail_the_task_only(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a task left: its instance has failed, with the reason."""

    def burst(*args: Any) -> Any:
        raise RecursionError("too deep")

    monkeypatch.setattr("fasttrack_jupyter.engine.live.read_values", burst)

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, outputs: {n: int}}", "b"))
            job = await engine.finish(fasttrack)
        a, b = job.tasks
        assert (a.status, a.result, b.result) == ("TERMINATED", "FAILURE", "SUCCESS")
        assert "too deep" in a.reason

    asyncio.run(story())


def test_a_job_whose_machine_breaks_stands_still_and_the_others_go_on(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No report of it can end the engine; the next engine tries again."""
    handle = JobMachine.handle
    is_broken = True

    def break_on_ends(machine: JobMachine, event: Any) -> Any:
        is_end = isinstance(event, SessionReported) and event.result is not Result.UNDEFINED
        if is_broken and is_end and machine.job_id == jobs[0]:
            raise ZeroDivisionError("a bug")
        return handle(machine, event)

    monkeypatch.setattr(JobMachine, "handle", break_on_ends)
    jobs: list[str] = []

    async def story() -> None:
        nonlocal is_broken
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            jobs.append((await fasttrack.run(engine.request("a", "b: [a]", "c"))).id)
            await fasttrack.run(engine.request("a", name="other"))
            await started(engine, fasttrack, backend, 3)
            for name in backend.running():
                backend.end(name)
            assert (await engine.finish(fasttrack, "other#1")).result == "SUCCESS"
            paused = (await fasttrack.job("demo#1")).paused
            assert "a bug" in str(paused)
        is_broken = False
        async with engine.on(FakeBackend(sessions=backend.sessions)) as fasttrack:
            assert (await engine.finish(fasttrack, "demo#1")).result == "SUCCESS"

    asyncio.run(story())


def test_changes_that_the_store_refuses_stop_their_job_only(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of other jobs in the same batch are recorded."""
    record = SqliteStore.record
    bad = ""

    async def refuse(store: SqliteStore, changes: Any) -> int:
        if any(change.job_id == bad for change in changes):
            raise Conflict("task instance 'a' is RUNNING, not PENDING")
        return await record(store, changes)

    monkeypatch.setattr(SqliteStore, "record", refuse)

    async def story() -> None:
        nonlocal bad
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(engine.request("a"))
            await fasttrack.run(engine.request("a", name="other"))
            await started(engine, fasttrack, backend, 2)
            bad = job.id
            for name in backend.running():
                backend.end(name)
            assert (await engine.finish(fasttrack, "other#1")).result == "SUCCESS"
            paused = (await fasttrack.job("demo#1")).paused
            assert "not PENDING" in str(paused)

    asyncio.run(story())


def test_a_store_that_fails_for_a_while_pauses_everything_and_nothing_is_lost(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that another program holds."""
    monkeypatch.setattr("fasttrack_jupyter.engine.recording.PAUSE", 0.01)
    record, failures = SqliteStore.record, [StoreError("the store is held by another program")] * 3

    async def fail(store: SqliteStore, changes: Any) -> int:
        if failures:
            raise failures.pop()
        return await record(store, changes)

    monkeypatch.setattr(SqliteStore, "record", fail)

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            await fasttrack.run(engine.request("a"))
            assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert not failures

    asyncio.run(story())
