"""A backend's name that leads elsewhere: jobs whose sessions are at the old place are set aside until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fasttrack_jupyter.testing.fakes import FakeBackend

Place = Mapping[str, str | None]
HOME: Place = {"endpoint": "https://a.example.org", "account": "me@example.org"}


class At(FakeBackend):
    """A backend at a place."""

    def __init__(self, place: Place, *more: Any, **named: Any) -> None:
        super().__init__(*more, **named)
        self._place = place

    def place(self) -> Place:
        """See ``ports.Placed``."""
        return self._place


def on(request: Any, backend: str) -> Any:
    """The same request for another backend."""
    return request.model_copy(update={"backend": backend})


def waits(spec: Any) -> None:
    """A session that goes on until it is ended."""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"endpoint": "https://b.example.org", "account": "me@example.org"}, "leads to https://b.example.org"),
        ({"endpoint": "https://a.example.org", "account": "you@example.org"}, "as you@example.org"),
    ],
)
def test_a_job_is_not_taken_to_another_cluster_or_user(engine: Any, place: Place, words: str) -> None:
    """It says where the name leads now and where its sessions are; nothing is looked for or made there."""

    async def story() -> None:
        cluster, other = At(HOME, waits), At(place)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a", "b: [a]"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            await fasttrack.remove_backend("cluster", set_aside=True)
            await fasttrack.add_backend("cluster", other)
            paused = (await fasttrack.job("last")).paused
            assert words in paused
            assert "https://a.example.org (as me@example.org)" in paused
            assert not other.started
            assert not other.sessions
            again = At(HOME, lambda spec: 0, sessions=cluster.sessions)
            await fasttrack.add_backend("cluster", again)
            again.end(again.running()[0])
            job = await engine.finish(fasttrack)
        assert (job.result, job.paused) == ("SUCCESS", None)
        assert [spec.path for spec in cluster.started + again.started] == ["a", "b"]

    asyncio.run(story())


def test_a_new_engine_whose_backend_leads_elsewhere_waits(engine: Any) -> None:
    """Profiles may have been changed while no engine ran. Cancelled, the job ends with that reason."""

    async def story() -> None:
        cluster, other = At(HOME, waits), At({**HOME, "endpoint": "https://b.example.org"})
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
        async with engine.on(FakeBackend(), cluster=other) as fasttrack:
            assert "leads to https://b.example.org" in (await fasttrack.job("last")).paused
            assert (await fasttrack.cancel("last")).status == "CANCELLED"
            job = await fasttrack.job("last")
            assert "its session was not ended: the backend 'cluster' leads to" in job.tasks[0].reason
        assert not other.started

    asyncio.run(story())


def test_an_account_that_is_not_known_is_not_another_one(engine: Any) -> None:
    """Keys that were stored without asking the cluster whose they are go on with the jobs."""

    async def story() -> None:
        cluster = At(HOME, waits)
        async with engine.on(FakeBackend(), cluster=cluster) as fasttrack:
            await fasttrack.run(on(engine.request("a"), "cluster"))
            await engine.until(lambda: len(cluster.running()) == 1)
            again = At({**HOME, "account": None}, sessions=cluster.sessions)
            await fasttrack.add_backend("cluster", again)
            again.end(again.running()[0])
            assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert not again.started

    asyncio.run(story())
