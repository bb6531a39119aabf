"""Backends are added and removed while the engine runs: their jobs wait meanwhile, and nothing runs twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, Conflict, NotFound
from fasttrack_jupyter.testing.fakes import FakeBackend


def on(request: Any, backend: str) -> Any:
    """The same request for another backend."""
    return request.model_copy(update={"backend": backend})


class Broken(FakeBackend):
    """A backend that cannot be opened."""

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        raise BackendUnreachable("no way there")


def test_a_backend_that_is_added_takes_jobs(engine: Any) -> None:
    """It is listed, and jobs run there."""

    async def story() -> None:
        cluster = FakeBackend()
        async with engine.on(FakeBackend()) as fasttrack:
            await fasttrack.add_backend("cluster", cluster)
            assert [backend.name for backend in await fasttrack.backends()] == ["local", "cluster"]
            await fasttrack.run(on(engine.request("a"), "cluster"))
            assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert [spec.path for spec in cluster.started] == ["a"]

    asyncio.run(story())


def test_an_unknown_backend_says_which_there_are_and_how_to_add_one(engine: Any) -> None:
    """The error names both."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(NotFound, match="the backends here are local") as caught:
                await fasttrack.run(on(engine.request("a"), "clutser"))
            assert "fasttrack login" in (caught.value.hint or "")

    asyncio.run(story())


def test_a_backend_that_jobs_need_is_not_removed(engine: Any) -> None:
    """Conflict names the jobs; once they have ended it goes."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: None)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            with pytest.raises(Conflict, match="needed by demo#1"):
                await fasttrack.remove_backend("cluster")
            cluster.end(cluster.running()[0])
            await engine.finish(fasttrack)
            await fasttrack.remove_backend("cluster")
            assert [backend.name for backend in await fasttrack.backends()] == ["local"]

    asyncio.run(story())


def test_the_own_backend_stays(engine: Any) -> None:
    """Local is neither removed nor replaced."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(Conflict, match="own"):
                await fasttrack.remove_backend("local")
            with pytest.raises(Conflict, match="own"):
                await fasttrack.add_backend("local", FakeBackend())
            with pytest.raises(NotFound):
                await fasttrack.remove_backend("nobody")

    asyncio.run(story())


@pytest.mark.parametrize("is_over", [False, True])
def test_jobs_of_a_backend_that_is_away_go_on_when_it_is_back(engine: Any, is_over: bool) -> None:
    """Set aside with the reason; its session is adopted, or found to have ended; nothing starts twice."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: None if spec.path == "a" else 0)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a", "b: [a]"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            await fasttrack.remove_backend("cluster", set_aside=True)
            assert "'cluster' is not here" in (await fasttrack.job("last")).paused
            again = FakeBackend(lambda spec: 0, sessions=cluster.sessions)
            if is_over:
                cluster.end(cluster.running()[0])
            await fasttrack.add_backend("cluster", again)
            if not is_over:
                again.end(again.running()[0])
            job = await engine.finish(fasttrack)
        assert (job.result, job.paused) == ("SUCCESS", None)
        assert [spec.path for spec in cluster.started + again.started] == ["a", "b"]

    asyncio.run(story())


def test_jobs_wait_for_a_backend_that_a_new_engine_does_not_have(engine: Any) -> None:
    """The engine starts without it, says so, and goes on when it is added."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: None)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
        async with engine.on(FakeBackend()) as fasttrack:
            assert "'cluster' is not here" in (await fasttrack.job("last")).paused
            again = FakeBackend(sessions=cluster.sessions)
            await fasttrack.add_backend("cluster", again)
            again.end(again.running()[0])
            assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert again.started == []

    asyncio.run(story())


def test_a_backend_is_replaced_under_running_jobs(engine: Any) -> None:
    """New keys, say: what the old one could not be asked for any more, the new one is."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: BackendUnreachable("the keys are refused"))
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a"), "cluster"))
            await engine.until(lambda: refused(fasttrack))
            mended = FakeBackend()
            await fasttrack.add_backend("cluster", mended)
            assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert [spec.number for spec in mended.started] == [1]

    async def refused(fasttrack: Any) -> bool:
        return (await fasttrack.job("last")).tasks[0].reason == "the keys are refused"

    asyncio.run(story())


def test_a_job_that_waits_for_its_turn_survives_a_replacement(engine: Any) -> None:
    """It starts once, when its turn comes."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: None)
        async with engine.on(FakeBackend(), cluster=cluster, max_jobs=1) as fasttrack:
            await fasttrack.run(on(engine.request("a", name="one"), "cluster"))
            await fasttrack.run(on(engine.request("a", name="two"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            again = FakeBackend(sessions=cluster.sessions)
            await fasttrack.add_backend("cluster", again)
            again.end(again.running()[0])
            await engine.finish(fasttrack)
        assert [spec.pipeline for spec in cluster.started + again.started] == ["one", "two"]

    asyncio.run(story())


def test_a_backend_that_cannot_be_opened_is_listed_with_the_reason(engine: Any) -> None:
    """Adding it raises; adding a better one of that name mends it."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(BackendError, match="no way there"):
                await fasttrack.add_backend("cluster", Broken())
            _, closed = await fasttrack.backends()
            assert not closed.ready
            assert "no way there" in closed.reason
            await fasttrack.add_backend("cluster", FakeBackend())
            assert all(backend.ready for backend in await fasttrack.backends())

    asyncio.run(story())


def test_a_job_whose_backend_is_gone_for_good_can_be_cancelled(engine: Any) -> None:
    """It ends at once, and says that nobody told its session."""

    async def story() -> None:
        cluster = FakeBackend(lambda spec: None)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a", "b: [a]"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            await fasttrack.remove_backend("cluster", set_aside=True)
            assert (await fasttrack.cancel("last")).status == "CANCELLED"
            job = await fasttrack.job("last")
        assert "its session was not ended" in job.tasks[0].reason

    asyncio.run(story())
