"""Jobs that wait for jobs of other pipelines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.model.following import After, look_for
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.lifecycle import JobStatus, Result
from fasttrack_jupyter.testing.fakes import FakeBackend

HOURS = 3600.0


def job(index: int, made: float, result: str = "SUCCESS", ended: float | None = None) -> PipelineJob:
    """A job of ``prep``; RUNNING and CANCELLED are results here."""
    status = {"RUNNING": JobStatus.RUNNING, "CANCELLED": JobStatus.CANCELLED}.get(result, JobStatus.TERMINATED)
    outcome = Result(result) if status is JobStatus.TERMINATED else Result.UNDEFINED
    facts: dict[str, Any] = {
        "id": f"job{index}", "pipeline": "prep", "index": index, "folder": "prep", "text": "", "source": None,
        "backend": "local", "params": {}, "created_at": made, "status": status, "result": outcome,
        "reason": "", "started_at": made,
        "ended_at": ended if ended is not None else made,
    }  # fmt: skip
    return PipelineJob(**facts)


NOW = 100 * HOURS
CASES: list[tuple[str, list[PipelineJob], str]] = [
    ("none", [], "waits for a job of pipeline prep to succeed; there is none yet"),
    ("success", [job(1, NOW - HOURS)], "prep#1"),
    ("under way", [job(2, NOW - 1, "RUNNING"), job(1, NOW - 2)], "waits for job prep#2, which has not ended yet"),
    ("failed", [job(2, NOW, "FAILURE"), job(1, NOW)], "waits for a job of pipeline prep to succeed; prep#2 failed"),
    ("cancelled counts for nothing", [job(2, NOW - 1, "CANCELLED"), job(1, NOW - 2)], "prep#1"),
    ("made later", [job(3, NOW + 2), job(2, NOW + 1, "FAILURE"), job(1, NOW - 1, "FAILURE")], "prep#3"),
    ("too old", [job(1, NOW - 30 * HOURS)], "waits for a job of pipeline prep to succeed; prep#1 is older than 1d"),
    ("made long ago, ended within", [job(1, NOW - 30 * HOURS, ended=NOW - HOURS)], "prep#1"),
]  # fmt: skip


@pytest.mark.parametrize(("jobs", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_last_job_made_before_counts_or_any_later_success(jobs: list[PipelineJob], said: str) -> None:
    """Which job counts, and what is waited for otherwise."""
    found = look_for(After(pipeline="prep", within=86_400), NOW, jobs)
    assert (f"prep#{found.job.index}" if found.job else found.reason) == said


def play(engine: Any, scene: Callable[[FastTrack, FakeBackend], Awaitable[None]], **how: Any) -> None:
    """A scene on an engine whose sessions go on until they are ended."""

    async def go() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, **how) as fasttrack:
            await scene(fasttrack, backend)

    asyncio.run(go())


async def started(engine: Any, backend: FakeBackend, *pipelines: str) -> None:
    """Wait until just these pipelines' sessions have been started."""
    await engine.until(lambda: [spec.pipeline for spec in backend.started] == list(pipelines))


async def says(engine: Any, fasttrack: FastTrack, name: str, reason: str) -> None:
    """Wait until a pending job gives this reason."""

    async def is_said() -> bool:
        view = await fasttrack.job(name)
        return view.status == "PENDING" and view.paused == reason and view.tasks[0].reason == f"the job {reason}"

    await engine.until(is_said)


def test_a_job_waits_for_the_job_that_is_under_way(engine: Any) -> None:
    """It is PENDING with the reason until then; its events tell which job counted."""

    async def scene(fasttrack: FastTrack, backend: FakeBackend) -> None:
        await fasttrack.run(engine.request("a", name="prep"))
        await started(engine, backend, "prep")
        train = await fasttrack.run(engine.request("b", name="train", head="after: [prep]\n"))
        await says(engine, fasttrack, "train#1", "waits for job prep#1, which has not ended yet")
        backend.end(backend.started[0].attempt_id, 0)
        await started(engine, backend, "prep", "train")
        events = (await fasttrack.events(0, 100, job=train.id)).events
        told = next(event.data for event in events if event.type == "JobFollows")
        assert [(each["pipeline"], each["index"]) for each in told["after"]] == [("prep", 1)]

    play(engine, scene)


def test_a_failed_job_is_waited_out(engine: Any) -> None:
    """The next that succeeds counts; one that waits takes nobody's turn."""

    async def scene(fasttrack: FastTrack, backend: FakeBackend) -> None:
        await fasttrack.run(engine.request("b", name="train", head="after: [prep]\n"))
        await says(engine, fasttrack, "train#1", "waits for a job of pipeline prep to succeed; there is none yet")
        engine.clock.at += 1
        for number, code in enumerate((3, 0)):
            await fasttrack.run(engine.request("a", name="prep"))
            await started(engine, backend, *["prep"] * (number + 1))
            backend.end(backend.started[number].attempt_id, code)
            engine.clock.at += 1
        await started(engine, backend, "prep", "prep", "train")

    play(engine, scene, max_jobs=1)


def test_a_plan_tells_what_a_job_would_wait_for(engine: Any) -> None:
    """At its place in the text, with a suggestion where nobody knows such a pipeline; nothing once it is there."""

    async def scene(fasttrack: FastTrack, backend: FakeBackend) -> None:
        request = engine.request("b", name="train", head="after: [prep, perp]\n")
        await fasttrack.run(engine.request("a", name="prep"))
        told = [str(problem) for problem in (await fasttrack.plan(request)).problems]
        assert told == [
            "2:9: a job of it waits for job prep#1, which has not ended yet",
            "2:15: a job of it waits for a job of pipeline perp to succeed; there is none yet (did you mean 'prep'?)",
        ]
        await started(engine, backend, "prep")
        backend.end(backend.started[0].attempt_id, 0)
        await engine.until(lambda: fasttrack.is_idle())
        assert (await fasttrack.plan(engine.request("b", name="train", head="after: [prep]\n"))).problems == ()

    play(engine, scene)


def test_patience_has_an_end(engine: Any) -> None:
    """``wait``: the job is cancelled, with the reason, and nothing of it ran."""

    async def scene(fasttrack: FastTrack, backend: FakeBackend) -> None:
        head = "after: [{pipeline: prep, wait: 0.3}]\n"
        await fasttrack.run(engine.request("b", name="train", head=head))
        engine.clock.at += 2
        view = await engine.finish(fasttrack, "train#1")
        assert (view.status, view.reason) == ("CANCELLED", "waited 0.3s in vain for a job of pipeline prep to succeed")
        assert backend.started == []

    play(engine, scene)


def test_a_job_that_waits_can_be_cancelled(engine: Any) -> None:
    """At once; and it does not start afterwards."""

    async def scene(fasttrack: FastTrack, backend: FakeBackend) -> None:
        await fasttrack.run(engine.request("b", name="train", head="after: [prep]\n"))
        await fasttrack.cancel("train#1")
        view = await engine.finish(fasttrack, "train#1")
        assert (view.status, view.reason) == ("CANCELLED", "cancelled")
        await fasttrack.run(engine.request("a", name="prep"))
        await started(engine, backend, "prep")
        backend.end(backend.started[0].attempt_id, 0)
        await engine.finish(fasttrack, "prep#1")
        await started(engine, backend, "prep")

    play(engine, scene)


def test_an_end_that_no_engine_saw_counts(engine: Any) -> None:
    """The other job ended and the engine was gone before it looked: the next one goes on."""

    async def go() -> None:
        codes: dict[str, int | None] = {}

        def decide(spec: SessionSpec) -> int | None:
            return codes.get(spec.pipeline)

        backend = FakeBackend(decide)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", name="prep"))
            await fasttrack.run(engine.request("b", name="train", head="after: [prep]\n"))
            await started(engine, backend, "prep")
        backend.end(backend.started[0].attempt_id, 0)
        codes["train"] = 0
        again = FakeBackend(decide, sessions=backend.sessions)
        async with engine.on(again) as fasttrack:
            view = await engine.finish(fasttrack, "train#1")
            assert (view.result, [spec.pipeline for spec in again.started]) == ("SUCCESS", ["train"])

    asyncio.run(go())
