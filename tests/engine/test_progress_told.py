"""How far a task is: an event, a view, no output, and nobody's secret."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.views import JobRequest, ProgressView
from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.testing.fakes import FakeBackend


def test_progress_is_shown_while_the_task_runs(engine: Any) -> None:
    """As an event of its own; gone from the view at its end, and when the next attempt begins."""
    backend = FakeBackend(decide=lambda spec: None)
    text = "name: p\ntasks:\n- {name: a, command: run, retry: {max_attempts: 2}}\n"

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=text))

            async def progress() -> ProgressView | None:
                shown: ProgressView | None = (await fasttrack.job(job.id)).tasks[0].progress
                return shown

            async def says() -> bool:
                return await progress() is not None

            await engine.until(lambda: len(backend.running()) == 1)
            assert await progress() is None
            backend.tell(f"{job.id}-0-1", progress={"fraction": 0.4, "text": "cell 2 of 5"})
            await engine.until(says)
            assert await progress() == ProgressView(fraction=0.4, text="cell 2 of 5")
            backend.end(f"{job.id}-0-1", 3)
            await engine.until(lambda: f"{job.id}-0-2" in backend.sessions)
            assert await progress() is None
            backend.tell(f"{job.id}-0-2", progress={"fraction": None, "text": "again"})
            await engine.until(says)
            backend.end(f"{job.id}-0-2")
            view = await engine.finish(fasttrack)
            assert view.tasks[0].progress is None
            found = (await fasttrack.events(0, 1000, job=job.id)).events
            told = [(event.type, event.attempt, event.data) for event in found if event.type == "SessionProgressed"]
            assert told == [
                ("SessionProgressed", 1, {"progress": {"fraction": 0.4, "text": "cell 2 of 5"}}),
                ("SessionProgressed", 2, {"progress": {"fraction": None, "text": "again"}}),
            ]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("key hunter2-hunter2", f"key {'*' * 15}"),
        ("x" * 192 + "hunter2-hunter2", "x" * 192 + "*" * 7 + "…"),
        ("a\x1b[31mb\r\nc\u202e d", "a [31mb c d"),
        ("half \ud800", "half ?"),
    ],
)
def test_a_secret_in_a_text_is_starred_out_before_it_is_cut(engine: Any, said: str, shown: str) -> None:
    """Events are kept in the clear; what is kept is one line of a bearable length."""
    engine.secrets.set("TOKEN", "hunter2-hunter2")
    backend = FakeBackend(decide=lambda spec: None)
    text = "name: p\ntasks:\n- {name: a, command: run, environment: {envs: {T: '${{ secrets.TOKEN }}'}}}\n"

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=text))
            await engine.until(lambda: len(backend.running()) == 1)
            backend.tell(f"{job.id}-0-1", progress={"fraction": 0.1, "text": said})

            async def says() -> bool:
                return (await fasttrack.job(job.id)).tasks[0].progress is not None

            await engine.until(says)
            assert (await fasttrack.job(job.id)).tasks[0].progress == ProgressView(fraction=0.1, text=shown)
            backend.end(f"{job.id}-0-1")
            await engine.finish(fasttrack)
            assert "hunter2" not in str((await fasttrack.events(0, 1000)).events)

    asyncio.run(story())


def test_the_file_is_never_among_the_outputs(engine: Any, tmp_path: Path) -> None:
    """Not while the task runs, and not afterwards."""
    flag = tmp_path / "flag"
    command = (
        f"echo '{{\"fraction\": 0.5}}' > /pipeline/outputs/.progress.json; while ! test -e {flag}; do sleep 0.02; done"
    )

    async def story() -> None:
        engine.clock = SystemClock()
        backend = LocalBackend(LocalSettings(tmp_path / "home", mode="folders", grace=0.2, watch_interval=0.05))
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=f"name: p\ntasks:\n- name: a\n  command: |\n    {command}\n"))

            async def says() -> bool:
                return (await fasttrack.job(job.id)).tasks[0].progress is not None

            await engine.until(says)
            assert await fasttrack.outputs(job.id, "a") == []
            flag.touch()
            await engine.finish(fasttrack)
            assert await fasttrack.outputs(job.id, "a") == []

    asyncio.run(story())


def test_no_output_may_be_declared_there(engine: Any) -> None:
    """It would be gone when the task has ended."""
    text = "name: p\ntasks:\n- {name: a, command: run, outputs: {x: {type: File, path: .progress.json}}}\n"

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(InvalidPipeline) as raised:
                await fasttrack.plan(JobRequest(text=text))
            assert [problem.code for problem in raised.value.problems] == ["output-collision"]

    asyncio.run(story())
