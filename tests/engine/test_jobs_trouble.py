"""When things go wrong under a job: no answer, no space, no slots, no engine."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from fasttrack_jupyter.engine.reads import whole_characters
from fasttrack_jupyter.errors import (
    BackendUnreachable,
    SessionRejected,
    StoreFull,
)
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeBackend


def states(job: Any) -> dict[str, tuple[str, str, str]]:
    """``{path: (status, result, reason)}``."""
    return {task.path: (task.status.value, task.result.value, task.reason) for task in job.tasks}


def test_only_so_many_jobs_run_at_once_and_the_urgent_one_is_next(engine: Any) -> None:
    """The others are PENDING and say why."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, max_jobs=1) as fasttrack:
            await fasttrack.run(engine.request("a", name="one"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.run(engine.request("a", name="two"))
            await fasttrack.run(engine.request("a", name="three").model_copy(update={"priority": 5}))
            job = await fasttrack.job("two#1")
            assert job.status == "PENDING"
            assert "turn" in job.tasks[0].reason
            for _ in range(3):
                await engine.until(lambda: len(backend.running()) == 1)
                backend.end(backend.running()[0])
            await engine.finish(fasttrack)
        assert [spec.pipeline for spec in backend.started] == ["one", "three", "two"]

    asyncio.run(story())


def test_a_backend_that_does_not_answer_is_asked_again(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is never an end; the instance says what the trouble is."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.02))

    async def story() -> None:
        trouble = BackendUnreachable("the manager does not answer")
        answers: list[Exception | int] = [trouble, trouble, OSError(errno.ENOSPC, "No space left"), 0]
        backend = FakeBackend(lambda spec: answers.pop(0))
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            job = await engine.finish(fasttrack)
            events = (await fasttrack.events(0, 100)).events
        assert job.result == "SUCCESS"
        assert len(backend.started) == 1
        assert any(event.reason == "the manager does not answer" for event in events)

    asyncio.run(story())


def test_a_full_disk_pauses_the_job_and_space_lets_it_go_on(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done that could not be recorded; the job says why it waits."""
    monkeypatch.setattr("fasttrack_jupyter.engine.recording.PAUSE", 0.01)
    is_full = True
    record = SqliteStore.record

    async def record_if_there_is_space(store: SqliteStore, changes: Any) -> int:
        if is_full:
            raise StoreFull("no space left on the disk of the home")
        return await record(store, changes)

    monkeypatch.setattr(SqliteStore, "record", record_if_there_is_space)

    async def story() -> None:
        nonlocal is_full
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.until(lambda: is_paused(fasttrack))
            assert backend.started == []
            is_full = False
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert job.paused is None

    async def is_paused(fasttrack: Any) -> bool:
        job = await fasttrack.job("last")
        return job.paused == "paused: no space left on the disk of the home" and job.tasks[0].reason == job.paused

    asyncio.run(story())


def test_what_cannot_start_is_an_error_with_the_remedy_and_no_retry(engine: Any) -> None:
    """status ERROR, result FAILURE."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: SessionRejected("no such image", hint="name another"))
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, retry: {max_attempts: 3}}"))
            job = await engine.finish(fasttrack)
        assert states(job)["a"] == ("ERROR", "FAILURE", "no such image (name another)")
        assert job.tasks[0].attempts == 1

    asyncio.run(story())


@pytest.mark.parametrize("after_starts", range(8))
def test_an_engine_that_dies_costs_nothing(engine: Any, after_starts: int) -> None:
    """Whenever it dies, the next one goes on: nothing lost, nothing twice."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None if len(backend.started) >= after_starts else 0)
        request = engine.request("a", "b: [a]", "c: [a]", "d: [b, c]", "e: [d]", "f: [d]")
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(request)
            await engine.until(lambda: len(backend.started) > after_starts or fasttrack.is_idle())
        for attempt_id in backend.running():
            backend.end(attempt_id)
        later = FakeBackend(sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            job = await engine.finish(fasttrack)
        started = [spec.attempt_id for spec in backend.started + later.started]
        assert len(started) == len(set(started)) == 6
        assert (job.status, job.result) == ("TERMINATED", "SUCCESS")

    asyncio.run(story())


def test_a_cancel_that_was_asked_for_survives_the_engine(engine: Any) -> None:
    """The next engine asks the backend again."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)

        async def deaf(attempt_id: str, reason: str) -> None:
            pass

        backend.cancel = deaf  # type: ignore[method-assign]
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.cancel("last")
            await engine.until(lambda: is_terminating(fasttrack))
        later = FakeBackend(sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            job = await engine.finish(fasttrack)
        assert job.status == "CANCELLED"

    async def is_terminating(fasttrack: Any) -> bool:
        return (await fasttrack.job("last")).tasks[0].status == "TERMINATING"

    asyncio.run(story())


def test_events_tell_the_whole_story_in_order(engine: Any) -> None:
    """From the creation to the end; a waiting reader is woken."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            waiting = asyncio.create_task(fasttrack.events(0, 100, wait=10.0))
            await asyncio.sleep(0)
            await fasttrack.run(engine.request("a"))
            assert (await waiting).events[0].type == "JobCreated"
            await engine.finish(fasttrack)
            page = await fasttrack.events(0, 100)
        assert [event.type for event in page.events] == [
            "JobCreated", "JobStarted", "SessionRequested", "SessionStatusChanged", "SessionEnded", "JobEnded",
        ]  # fmt: skip
        assert [event.seq for event in page.events] == sorted({event.seq for event in page.events})

    asyncio.run(story())


@pytest.mark.parametrize("text", ["plain", "한국어", "é", "a\U0001f600"])
def test_a_page_of_a_log_never_cuts_a_character(text: str) -> None:
    """Pages of any size put together give the text; what is no UTF-8 stays as it is."""
    data = text.encode()
    for size in range(4, 9):
        read, at = "", 0
        while at < len(data):
            page = data[at : at + size]
            page = whole_characters(page) if at + size < len(data) else page
            read, at = read + page.decode(), at + len(page)
        assert read == text
    assert whole_characters(b"\xff\xfe\x80") == b"\xff\xfe\x80"
