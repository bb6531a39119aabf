"""Requests that cross: twice the same, a cancel before its time, a cancel while the engine looks for a session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.engine.views import RerunRequest, Selection
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.testing.fakes import FakeBackend


def statuses(job: Any) -> dict[str, str]:
    """``{path: status}``."""
    return {task.path: task.status.value for task in job.tasks}


def test_the_same_request_twice_at_once_is_one_job(engine: Any) -> None:
    """A caller who gave up waiting and asked again gets the job that was made."""

    async def story() -> None:
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            request = engine.request("a", "b: [a]").model_copy(update={"key": "once"})
            one, two = await asyncio.gather(fasttrack.run(request), fasttrack.run(request))
            job = await engine.finish(fasttrack)
        assert one.id == two.id
        assert job.result == "SUCCESS"
        assert len(backend.started) == 2

    asyncio.run(story())


@pytest.mark.parametrize("restarts", [False, True])
def test_a_task_cancelled_before_its_job_starts_stays_cancelled(engine: Any, restarts: bool) -> None:
    """Also when the next engine starts the job."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, max_jobs=1) as fasttrack:
            await fasttrack.run(engine.request("a", name="first"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.run(engine.request("a", "b: [a]", "c"))
            await fasttrack.cancel("demo#1", "a")
            await engine.until(lambda: is_cancelled(fasttrack))
            if not restarts:
                await go_on(fasttrack, backend)
        if restarts:
            backend = FakeBackend(lambda spec: None, sessions=backend.sessions)
            async with engine.on(backend, max_jobs=1) as fasttrack:
                await go_on(fasttrack, backend)

    async def is_cancelled(fasttrack: Any) -> bool:
        return statuses(await fasttrack.job("demo#1"))["a"] == "CANCELLED"

    async def go_on(fasttrack: Any, backend: FakeBackend) -> None:
        for _ in range(2):
            await engine.until(lambda: len(backend.running()) == 1)
            backend.end(backend.running()[0])
        job = await engine.finish(fasttrack, "demo#1")
        assert statuses(job) == {"a": "CANCELLED", "b": "CANCELLED", "c": "TERMINATED"}

    asyncio.run(story())


def test_a_reused_task_may_be_cancelled_before_its_job_starts(engine: Any) -> None:
    """It is cancelled then, and the job goes on without it."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, max_jobs=1) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", "c"))
            for _ in range(3):
                await engine.until(lambda: len(backend.running()) > 0)
                backend.end(backend.running()[0])
            await engine.finish(fasttrack)
            await fasttrack.run(engine.request("a", name="first"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.rerun("demo#1", RerunRequest(selection=Selection(only=("b", "c"))))
            await fasttrack.cancel("demo#2", "a")
            for _ in range(2):
                await engine.until(lambda: len(backend.running()) == 1)
                backend.end(backend.running()[0])
            job = await engine.finish(fasttrack, "demo#2")
        assert statuses(job) == {"a": "CANCELLED", "b": "CANCELLED", "c": "TERMINATED"}

    asyncio.run(story())


def test_a_cancel_while_the_engine_looks_for_an_intended_session_starts_nothing(engine: Any) -> None:
    """Intended by an earlier engine, never begun: once cancelled it never begins."""

    async def story() -> None:
        silent = FakeBackend(lambda spec: BackendUnreachable("no answer"))
        async with engine.on(silent) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: is_in(fasttrack, "PENDING"))
        later, asked, answer = FakeBackend(lambda spec: None), asyncio.Event(), asyncio.Event()

        async def exists(attempt_id: str) -> bool:
            asked.set()
            await answer.wait()
            return False

        later.exists = exists  # type: ignore[method-assign]
        async with engine.on(later) as fasttrack:
            await asked.wait()
            await fasttrack.cancel("last")
            await engine.until(lambda: is_in(fasttrack, "TERMINATING"))
            answer.set()
            job = await engine.finish(fasttrack)
        assert job.status == "CANCELLED"
        assert later.started == []

    async def is_in(fasttrack: Any, status: str) -> bool:
        return statuses(await fasttrack.job("last"))["a"] == status

    asyncio.run(story())


def test_a_session_that_could_not_begin_yet_does_not_begin_after_its_cancel(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel need not wait until the backend answers, and starts nothing when it does."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.02))

    async def story() -> None:
        answers: list[Any] = [BackendUnreachable("no space left"), BackendUnreachable("no space left")]
        backend = FakeBackend(lambda spec: answers.pop(0) if len(answers) > 1 else answers[0])
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: len(answers) == 1)
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
        assert job.status == "CANCELLED"
        assert backend.started == []

    asyncio.run(story())


def test_a_cancel_that_failed_is_asked_again(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong: who asked for an end gets one."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.02))

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        cancel, failures = backend.cancel, [RuntimeError("a bug"), PermissionError(1, "not allowed")]

        async def failing(attempt_id: str, reason: str) -> None:
            if failures:
                raise failures.pop()
            await cancel(attempt_id, reason)

        backend.cancel = failing  # type: ignore[method-assign]
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
        assert job.status == "CANCELLED"

    asyncio.run(story())


def test_a_running_session_is_found_again_without_the_secret_it_was_given(engine: Any) -> None:
    """Its secret was removed meanwhile: it runs on, and ends as it ends."""

    async def story() -> None:
        engine.secrets.set("TOKEN", "s3cret")
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(
                engine.request("{name: a, command: x, environment: {envs: {T: '${{ secrets.TOKEN }}'}}}")
            )
            await engine.until(lambda: is_running(fasttrack))
        engine.secrets.remove("TOKEN")
        later = FakeBackend(sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            await engine.until(lambda: is_running(fasttrack))
            later.end(later.running()[0])
            job = await engine.finish(fasttrack)
        assert (job.tasks[0].status, job.tasks[0].result) == ("TERMINATED", "SUCCESS")

    async def is_running(fasttrack: Any) -> bool:
        return statuses(await fasttrack.job("last"))["a"] == "RUNNING"

    asyncio.run(story())


def test_a_cancel_is_answered_when_it_is_durable(engine: Any) -> None:
    """Whoever got the answer may count on it: the engine's death changes nothing."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: len(backend.running()) == 1)
            told = await fasttrack.cancel("last")
            assert told.reason in ("cancel requested", "cancelled")
        async with engine.on(FakeBackend(sessions=backend.sessions)) as fasttrack:
            assert (await engine.finish(fasttrack)).status == "CANCELLED"

    asyncio.run(story())


def test_a_job_that_waits_for_its_turn_is_heard_of_at_once(engine: Any) -> None:
    """Who waits for events gets that of its creation, and of its new priority, although nothing else happens."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, max_jobs=1) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: len(backend.running()) == 1)
            seq = (await fasttrack.info()).seq
            for what in (
                fasttrack.run(engine.request("a", name="next")),
                fasttrack.set_priority("last", 3),
            ):
                page = asyncio.create_task(fasttrack.events(seq, 10, wait=20.0))
                await asyncio.sleep(0.01)
                await what
                seq = (await asyncio.wait_for(page, 5.0)).next

    asyncio.run(story())
