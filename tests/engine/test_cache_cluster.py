"""Reuse where nobody reads contents: outputs are told by names, sizes and times, and the plan says so."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.ports import FileEntry
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

TEXT = "name: demo\ncache: true\ntasks:\n- {name: a, command: lossy a}\n- {name: b, command: b, dependencies: [a]}\n"
NOTE = "its outputs are told by their names, sizes and times there, not by content"


class Far(DiskBackend):
    """Its folders are on no machine of ours; it counts what it is asked."""

    place_of: Any = None
    identities = "sha256:1"

    def __init__(self, root: Path, **how: Any) -> None:
        super().__init__(root, **how)
        self.asked = 0

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        self.asked += 1
        return await super().files(folder, path)

    async def identity(self, image: str | None, code: str | None) -> str | None:
        return self.identities


def _tell(engine: Any, story: Callable[[FastTrack, Far, Callable[[], Awaitable[list[str]]]], Awaitable[None]]) -> None:
    async def told() -> None:
        backend = Far(engine.folder / "vfolders")
        async with engine.on(backend) as fasttrack:

            async def run() -> list[str]:
                backend.runs()
                await fasttrack.run(JobRequest(text=TEXT))
                await engine.finish(fasttrack)
                await fasttrack.cache.entries()
                return sorted(backend.runs())

            assert await run() == ["a", "b"]
            await story(fasttrack, backend, run)

    asyncio.run(told())


async def _plan(fasttrack: FastTrack) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(str(x.decision), x.reason, x.notes) for x in (await fasttrack.plan(JobRequest(text=TEXT))).tasks]


def test_what_was_done_there_is_reused_and_the_plan_says_how_it_is_known(engine: Any) -> None:
    """One list for each output folder, and no session."""

    async def story(fasttrack: FastTrack, backend: Far, run: Callable[[], Awaitable[list[str]]]) -> None:
        backend.asked = 0
        assert await _plan(fasttrack) == [("reused", "reused from job #1", (NOTE,))] * 2
        assert backend.asked == 2
        assert await run() == []

    _tell(engine, story)


def test_outputs_that_changed_there_are_not_taken(engine: Any) -> None:
    """Another size, another time of the same size, one file more, all gone."""

    async def story(fasttrack: FastTrack, backend: Far, run: Callable[[], Awaitable[list[str]]]) -> None:
        def place(job: int) -> Path:
            return next(backend.root.glob(f"*/jobs/{job}/b/out.txt"))

        place(1).write_text("other")
        assert (await _plan(fasttrack))[1][1] == "its outputs of job #1 are not what they were"
        assert await run() == ["b"]
        os.utime(place(2), (1, 1))
        assert await run() == ["b"]
        (place(3).parent / "more").write_text("")
        assert await run() == ["b"]
        shutil.rmtree(place(4).parent)
        assert await run() == ["b"]

    _tell(engine, story)


def test_a_task_that_ran_again_there_makes_those_behind_it_run(engine: Any) -> None:
    """Even if it gave the same: nobody can tell."""

    async def story(fasttrack: FastTrack, backend: Far, run: Callable[[], Awaitable[list[str]]]) -> None:
        next(backend.root.glob("*/jobs/1/a/out.txt")).write_text("other")
        assert await run() == ["a", "b"]
        assert await run() == []

    _tell(engine, story)


def test_another_image_there_is_another_execution(engine: Any) -> None:
    """Its name is the same."""

    async def story(fasttrack: FastTrack, backend: Far, run: Callable[[], Awaitable[list[str]]]) -> None:
        backend.identities = "sha256:2"
        assert next(reason for _, reason, _ in await _plan(fasttrack)) == "environment changed since job #1"
        assert await run() == ["a", "b"]

    _tell(engine, story)
