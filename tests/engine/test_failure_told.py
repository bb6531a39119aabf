"""Why a task failed, in its own words: part of the reason, wherever that is shown, and nobody's secret."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.live import LONGEST_FAILURE
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.fakes import FakeBackend

SECRET = "hunter2-hunter2"
TEXT = "name: p\ntasks:\n- {name: a, command: run, environment: {envs: {T: '${{ secrets.TOKEN }}'}}}\n"


def reason_of(engine: Any, failure: str) -> str:
    """The reason of a task that fails with 3 and tells ``failure``; events and attempts say the same."""
    engine.secrets.set("TOKEN", SECRET)
    backend = FakeBackend(decide=lambda spec: None)

    async def story() -> str:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=TEXT))
            await engine.until(lambda: len(backend.running()) == 1)
            backend.end(f"{job.id}-0-1", 3, failure=failure)
            view = await engine.finish(fasttrack)
            events = (await fasttrack.events(0, 1000, job=job.id)).events
            (attempt,) = await fasttrack.attempts(job.id, "a")
            reason = str(view.tasks[0].reason)
            assert reason == attempt.reason == [event.reason for event in events if event.path == "a"][-1]
            assert SECRET not in str(events)
            assert not any("failure" in event.data for event in events)
            return reason

    return asyncio.run(story())


def test_the_reason_is_the_exit_code_and_what_the_task_says(engine: Any) -> None:
    """``exit 3`` alone where it says nothing."""
    assert reason_of(engine, "KeyError: 'x' (cell 5, line 3)") == "exit 3: KeyError: 'x' (cell 5, line 3)"


def test_a_task_that_tells_nothing_keeps_its_exit_code(engine: Any) -> None:
    """Nor what cannot be seen."""
    assert reason_of(engine, "\n\x07") == "exit 3"


def test_it_is_one_short_line_without_secrets(engine: Any) -> None:
    """Masked before it is cut: not even the beginning of a secret is told."""
    told = "a\tb\x1b[31m\n" + "x" * (LONGEST_FAILURE - 20) + SECRET
    reason = reason_of(engine, told).removeprefix("exit 3: ")
    assert reason.startswith("a b [31m xxx")
    assert (len(reason), reason[-5:], "hunter" in reason) == (LONGEST_FAILURE, "****…", False)


def test_a_reason_tells_no_secret(engine: Any) -> None:
    """Whatever a backend makes it of, a replica's last words for one; its lines stay lines."""
    engine.secrets.set("TOKEN", SECRET)
    backend = FakeBackend(decide=lambda spec: None)

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=TEXT))
            await engine.until(lambda: len(backend.running()) == 1)
            said = f"it ended: T={SECRET}\nthe end"
            report = SessionReport(f"{job.id}-0-1", Status.ERROR, engine.clock.now(), Result.FAILURE, None, said)
            backend._set(report)
            view = await engine.finish(fasttrack)
            assert view.tasks[0].reason == f"it ended: T={'*' * len(SECRET)}\nthe end"
            assert SECRET not in str((await fasttrack.events(0, 1000, job=job.id)).events)

    asyncio.run(story())


def test_a_session_tells_why_and_leaves_no_file(engine: Any, tmp_path: Path) -> None:
    """On this machine, with what the face may list of its outputs."""
    says = """echo '{"text": "no disk"}' > /pipeline/outputs/.failure.json; exit 4"""
    text = f"name: p\ntasks:\n- name: a\n  command: |\n    {says}\n"

    async def story() -> None:
        engine.clock = SystemClock()
        async with engine.on(LocalBackend(LocalSettings(tmp_path / "home", mode="folders"))) as fasttrack:
            job = await fasttrack.run(JobRequest(text=text))
            view = await engine.finish(fasttrack)
            assert (view.tasks[0].reason, view.tasks[0].exit_code) == ("exit 4: no disk", 4)
            assert await fasttrack.outputs(job.id, "a") == []

    asyncio.run(story())


def test_no_output_may_be_declared_there(engine: Any) -> None:
    """It would be gone when the task has ended."""
    text = "name: p\ntasks:\n- {name: a, command: run, outputs: {x: {type: File, path: .failure.json}}}\n"

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(InvalidPipeline, match=r"where the task tells why it failed"):
                await fasttrack.plan(JobRequest(text=text))

    asyncio.run(story())
