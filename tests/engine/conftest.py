"""A FastTrack on a fake backend and a real store, for stories about jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ambient import LocalBus
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeBackend, FakeClock, FakeSecrets


class Engine:
    """One engine on a home of the test's; open several after one another to tell of crashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = FakeSecrets()
        self.clock = FakeClock()

    @asynccontextmanager
    async def on(
        self, backend: FakeBackend, *, cluster: FakeBackend | None = None, **how: Any
    ) -> AsyncIterator[FastTrack]:
        """An open FastTrack, perhaps with a second backend; closed in the end."""
        store = await SqliteStore.open(self.folder / "fasttrack.db")
        world = World(
            home=str(self.folder),
            store=store,
            backends={"local": backend} | ({"cluster": cluster} if cluster else {}),
            secrets=self.secrets,
            clock=self.clock,
            bus=LocalBus(),
            export=lambda text, to: (text, ()),
            **how,
        )
        fasttrack = FastTrack(world)
        await fasttrack.open()
        try:
            yield fasttrack
        finally:
            await fasttrack.aclose()

    async def finish(self, fasttrack: FastTrack, job: str = "last") -> JobView:
        """Wait for the job's end."""
        await self.until(lambda: fasttrack.is_idle())
        return await fasttrack.job(job)

    @staticmethod
    async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0) -> None:
        """Wait for a condition, with a deadline."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            assert asyncio.get_running_loop().time() < deadline, "waited in vain"
            await asyncio.sleep(0.002)

    @staticmethod
    def request(*tasks: str, name: str = "demo", head: str = "") -> JobRequest:
        """A request for a pipeline of tasks written in flow style: ``"a"``, ``"b: [a]"`` or ``"{name: …}"``."""
        lines = []
        for task in tasks:
            if task.startswith("{"):
                lines.append(f"- {task}")
            else:
                word, _, needs = task.partition(": ")
                lines.append(f"- {{name: {word}, command: run {word}, dependencies: {needs or '[]'}}}")
        return JobRequest(text=f"name: {name}\n{head}tasks:\n" + "\n".join(lines) + "\n")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A home for engines."""
    return Engine(tmp_path)
