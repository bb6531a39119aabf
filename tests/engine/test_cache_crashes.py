"""What an engine's sudden end costs of what is remembered: a rerun at most, never a wrong result."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.cache import CacheJudge
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.model.lifecycle import Result

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

TEXT = "name: demo\ncache: true\ntasks: [{name: a, command: a}, {name: b, command: b, dependencies: [a]}]\n"


def test_an_engine_that_dies_before_it_remembers_costs_a_rerun(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The success is stored, its entry is not: the next job runs it again, and remembers."""

    async def story() -> None:
        backend = DiskBackend(engine.folder / "vfolders")
        with monkeypatch.context() as dying:
            dying.setattr(CacheJudge, "ended", lambda self, live, path, attempt: None)
            async with engine.on(backend) as fasttrack:
                await fasttrack.run(JobRequest(text=TEXT))
                assert (await engine.finish(fasttrack)).result is Result.SUCCESS
        backend.runs()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=TEXT))
            assert (await engine.finish(fasttrack)).result is Result.SUCCESS
            assert sorted(backend.runs()) == ["a", "b"]
            await fasttrack.run(JobRequest(text=TEXT))
            await engine.finish(fasttrack)
            assert backend.runs() == []

    asyncio.run(story())


def test_an_execution_that_outlives_its_engine_is_remembered_by_the_next(engine: Any) -> None:
    """Its key was noted before it began; who wants the same meanwhile waits for it."""

    async def story() -> None:
        backend = DiskBackend(engine.folder / "vfolders")
        backend._decide = lambda spec: None  # runs until it is ended
        text = "name: demo\ncache: true\ntasks: [{name: a, command: a}]\n"
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=text))
            await engine.until(lambda: len(backend.started) == 1)
        spec = backend.started[0]
        async with engine.on(backend) as fasttrack:
            second = await fasttrack.run(JobRequest(text=text))

            async def waits() -> bool:
                return "the same execution" in (await fasttrack.job(second.id)).tasks[0].reason

            await engine.until(waits)
            backend._run(spec)
            backend.end(spec.attempt_id, 0)
            job = await engine.finish(fasttrack, second.id)
            assert job.tasks[0].reason == "reused from job #1"
            assert len(backend.runs()) == 1

    asyncio.run(story())
