"""Jobs that the ends of other pipelines' jobs start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.engine.triggering import TriggerRequest
from fasttrack_jupyter.engine.views import JobSummary
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.testing.fakes import FakeBackend


def pipeline(folder: Path, name: str, head: str = "") -> str:
    """A file with a pipeline of one task."""
    (folder / "files").mkdir(exist_ok=True)
    file = folder / "files" / f"{name}.fasttrack.yaml"
    file.write_text(f"name: {name}\n{head}tasks: [{{name: a, command: run it}}]\n")
    return str(file)


def play(engine: Any, scene: Callable[[FastTrack], Awaitable[None]], code: Callable[[SessionSpec], int | None]) -> None:
    """A scene on an engine whose sessions end with ``code``."""

    async def go() -> None:
        async with engine.on(FakeBackend(code)) as fasttrack:
            await scene(fasttrack)

    asyncio.run(go())


async def settled(engine: Any, fasttrack: FastTrack) -> None:
    """Wait until nothing goes on."""
    await engine.until(lambda: fasttrack.is_idle())


async def jobs_of(fasttrack: FastTrack, name: str) -> list[JobSummary]:
    """The jobs of a pipeline."""
    return await fasttrack.jobs(JobFilter(pipeline=name))


@pytest.mark.parametrize(
    ("result", "code", "started"),
    [("success", 0, 1), ("success", 3, 0), ("failure", 3, 1), ("failure", 0, 0), ("any", 0, 1), ("any", 3, 1)],
)
def test_the_end_of_a_job_starts_another(engine: Any, tmp_path: Path, result: str, code: int, started: int) -> None:
    """If it came out as asked; its note says who it was; jobs of other pipelines start nothing."""
    train = pipeline(tmp_path, "train")

    async def scene(fasttrack: FastTrack) -> None:
        await fasttrack.run(engine.request("a", name="prep"))
        await settled(engine, fasttrack)
        await fasttrack.triggers.add(TriggerRequest(source=train, of="prep", result=result))
        await fasttrack.run(engine.request("a", name="other"))
        await fasttrack.run(engine.request("a", name="prep"))
        await settled(engine, fasttrack)
        assert [job.note for job in await jobs_of(fasttrack, "train")] == ["started by prep#2"] * started

    play(engine, scene, lambda spec: code)


def test_a_cancelled_job_starts_nothing(engine: Any, tmp_path: Path) -> None:
    """Whatever the trigger asks for."""
    train = pipeline(tmp_path, "train")

    async def scene(fasttrack: FastTrack) -> None:
        await fasttrack.triggers.add(TriggerRequest(source=train, of="prep", result="any"))
        await fasttrack.run(engine.request("a", name="prep"))
        await fasttrack.cancel("last")
        await settled(engine, fasttrack)
        assert await jobs_of(fasttrack, "train") == []

    play(engine, scene, lambda spec: None)


def test_chains_run_to_their_end(engine: Any, tmp_path: Path) -> None:
    """A job that was started starts the next; parameters of the trigger are given."""
    train = pipeline(tmp_path, "train", "params: [{name: rate, type: float, default: 1.0}]\n")
    serve = pipeline(tmp_path, "serve")

    async def scene(fasttrack: FastTrack) -> None:
        await fasttrack.triggers.add(TriggerRequest(source=train, of="prep", params={"rate": "0.5"}))
        await fasttrack.triggers.add(TriggerRequest(source=serve, of="train"))
        await fasttrack.run(engine.request("a", name="prep"))
        await settled(engine, fasttrack)
        assert (await fasttrack.job("train#1")).params == {"rate": 0.5}
        assert (await fasttrack.job("serve#1")).note == "started by train#1"
        shown = await fasttrack.triggers.views()
        assert [(each.of, each.pipeline, bool(each.job), each.trouble) for each in shown] == [
            ("prep", "train", True, ""), ("train", "serve", True, ""),
        ]  # fmt: skip

    play(engine, scene, lambda spec: 0)


def test_circles_are_refused(engine: Any, tmp_path: Path) -> None:
    """Also those over several pipelines, with the way; and a second one of the same."""
    prep, train, serve = (pipeline(tmp_path, name) for name in ("prep", "train", "serve"))

    async def scene(fasttrack: FastTrack) -> None:
        await fasttrack.triggers.add(TriggerRequest(source=train, of="prep"))
        await fasttrack.triggers.add(TriggerRequest(source=serve, of="train"))
        with pytest.raises(BadRequest, match="for ever: serve → prep → train → serve"):
            await fasttrack.triggers.add(TriggerRequest(source=prep, of="serve"))
        with pytest.raises(BadRequest, match="for ever: prep → prep"):
            await fasttrack.triggers.add(TriggerRequest(source=prep, of="prep"))
        with pytest.raises(Conflict, match=r"\(trigger 1\)"):
            await fasttrack.triggers.add(TriggerRequest(source=train, of="prep", result="any"))
        with pytest.raises(NotFound):
            await fasttrack.triggers.add(TriggerRequest(source=f"{tmp_path}/none.yaml", of="prep"))

    play(engine, scene, lambda spec: 0)


def test_a_removed_trigger_starts_nothing(engine: Any, tmp_path: Path) -> None:
    """And cannot be removed twice."""
    train = pipeline(tmp_path, "train")

    async def scene(fasttrack: FastTrack) -> None:
        made = await fasttrack.triggers.add(TriggerRequest(source=train, of="prep"))
        await fasttrack.triggers.remove(made.number)
        with pytest.raises(NotFound):
            await fasttrack.triggers.remove(made.number)
        await fasttrack.run(engine.request("a", name="prep"))
        await settled(engine, fasttrack)
        assert await jobs_of(fasttrack, "train") == []

    play(engine, scene, lambda spec: 0)


def test_what_cannot_be_started_is_told_and_tried_at_the_next_end(engine: Any, tmp_path: Path) -> None:
    """The file is gone; then it names another pipeline; then all is well."""
    train = pipeline(tmp_path, "train")

    async def scene(fasttrack: FastTrack) -> None:
        await fasttrack.triggers.add(TriggerRequest(source=train, of="prep"))
        troubles = []
        for text in (None, "name: other\n", "name: train\n"):
            if text is None:
                Path(train).unlink()
            else:
                Path(train).write_text(text + "tasks: [{name: a, command: run it}]\n")
            await fasttrack.run(engine.request("a", name="prep"))
            await settled(engine, fasttrack)
            (view,) = await fasttrack.triggers.views()
            troubles.append(view.trouble)
        assert "train.fasttrack.yaml" in troubles[0]
        assert troubles[1:] == ["its file is of pipeline 'other' now, not 'train': add it again", ""]
        assert len(await jobs_of(fasttrack, "train")) == 1

    play(engine, scene, lambda spec: 0)


def test_an_end_that_no_engine_saw_starts_its_job(engine: Any, tmp_path: Path) -> None:
    """The session ended while there was no engine."""
    train = pipeline(tmp_path, "train")

    async def go() -> None:
        backend = FakeBackend(lambda spec: None if spec.pipeline == "prep" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.triggers.add(TriggerRequest(source=train, of="prep"))
            await fasttrack.run(engine.request("a", name="prep"))
            await engine.until(lambda: len(backend.started) == 1)
        backend.end(backend.started[0].attempt_id, 0)
        for _ in range(2):
            async with engine.on(FakeBackend(lambda spec: 0, sessions=backend.sessions)) as fasttrack:
                await settled(engine, fasttrack)
                assert len(await jobs_of(fasttrack, "train")) == 1

    asyncio.run(go())
