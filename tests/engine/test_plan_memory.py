"""A plan that is remembered is told again only while nothing that it was made from is another one."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.cache_desk import CacheRequest
from fasttrack_jupyter.engine.digests import Digests
from fasttrack_jupyter.engine.plan_memory import PlanMemory
from fasttrack_jupyter.engine.preparing import Preparer
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, PlanView
from fasttrack_jupyter.model.problems import Problem

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

TEXT = """name: demo
cache: true
tasks:
- {name: prep, command: mix}
- {name: train, command: mix, dependencies: [prep], environment: {envs: {TOKEN: '${{ secrets.TOKEN }}'}}}
- {name: report, command: mix, dependencies: [train], mounts: [data], environment: {image: plain}}
"""


class Backend(DiskBackend):
    """Whose images change when the test says so."""

    image = "one"
    problems: tuple[tuple[str, Problem], ...] = ()

    async def identity(self, image: str | None, code: str | None) -> str | None:
        return self.image

    async def check(self, specs: Any) -> list[tuple[str, Problem]]:
        return list(self.problems)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each plan that is made anew."""
    found: list[str] = []
    really = Preparer._plan

    async def counted(self: Preparer, given: Any, origin: Any) -> Any:
        found.append(given.pipeline.name)
        return await really(self, given, origin)

    monkeypatch.setattr(Preparer, "_plan", counted)
    return found


def tell(engine: Any, story: Callable[[FastTrack, Backend], Awaitable[None]]) -> None:
    """After a job of :data:`TEXT`; files count as written long ago."""

    async def told() -> None:
        backend = Backend(engine.folder / "vfolders")
        engine.secrets.set("TOKEN", "first")
        (backend.root / "data").mkdir(parents=True)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=TEXT))
            await engine.finish(fasttrack)
            await fasttrack.cache.entries()
            _age(backend.root)
            await fasttrack.plan(JobRequest(text=TEXT))
            await story(fasttrack, backend)

    asyncio.run(told())


def _age(root: Path) -> None:
    """What was just made counts as settled at the next look."""
    time.sleep(0.06)
    for path in root.rglob("*"):
        os.utime(path, ns=(1, 1), follow_symlinks=False)
    time.sleep(0.06)


def _told(view: PlanView) -> dict[str, tuple[str, str]]:
    return {task.path: (str(task.decision), task.reason) for task in view.tasks}


def test_nothing_changed_nothing_is_made(engine: Any, made: list[str]) -> None:
    """The second plan is the first one."""

    async def story(fasttrack: FastTrack, backend: Backend) -> None:
        first = await fasttrack.plan(JobRequest(text=TEXT))
        made.clear()
        assert await fasttrack.plan(JobRequest(text=TEXT)) == first
        assert made == []
        assert {decision for decision, _ in _told(first).values()} == {"reused"}

    tell(engine, story)


def _alter(at: Path) -> None:
    at.write_text("other")


CHANGES: dict[str, tuple[Callable[[FastTrack, Backend, Any], Any], str, str]] = {
    "a secret": (lambda f, b, e: e.secrets.set("TOKEN", "second"), "train", "variable TOKEN changed since job #1"),
    "an output": (
        lambda f, b, e: _alter(next(b.root.glob("*/jobs/1/prep/out.txt"))), "prep",
        "its outputs of job #1 are not what they were",
    ),
    "one more output": (
        lambda f, b, e: _alter(next(b.root.glob("*/jobs/1/prep")) / "more.txt"), "prep",
        "its outputs of job #1 are not what they were",
    ),
    "no output": (
        lambda f, b, e: next(b.root.glob("*/jobs/1/report/out.txt")).unlink(), "report",
        "its outputs of job #1 are not what they were",
    ),
    "an image": (lambda f, b, e: setattr(b, "image", "two"), "prep", "environment changed since job #1"),
    "a mounted folder": (
        lambda f, b, e: _alter(b.root / "data" / "new.csv"), "report", "mount /home/work/data changed since job #1"
    ),
    "the cache": (
        lambda f, b, e: f.cache.evict(CacheRequest(pipeline="demo", task="report")), "report", "no result of it is kept"
    ),
    "what the backend says": (
        lambda f, b, e: setattr(b, "problems", (("prep", Problem(code="x", message="has no image")),)), "prep",
        "has no image",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_is_told_by_the_next_plan(engine: Any, what: str) -> None:
    """The plan that is remembered does not hide it."""
    change, task, reason = CHANGES[what]

    async def story(fasttrack: FastTrack, backend: Backend) -> None:
        await fasttrack.plan(JobRequest(text=TEXT))
        if asyncio.iscoroutine(found := change(fasttrack, backend, engine)):
            await found
        assert _told(await fasttrack.plan(JobRequest(text=TEXT)))[task][1] == reason

    tell(engine, story)


def test_a_plan_that_is_remembered_is_the_one_that_would_be_made(engine: Any) -> None:
    """After random changes: with what is remembered, and with nothing remembered at all."""
    luck = random.Random(7)

    async def story(fasttrack: FastTrack, backend: Backend) -> None:
        places = list(backend.root.glob("*/jobs/1/*/out.txt"))
        for number in range(40):
            match luck.randrange(6):
                case 0:
                    backend.image = luck.choice(["one", "two"])
                case 1:
                    engine.secrets.set("TOKEN", luck.choice(["first", "second"]))
                case 2:
                    luck.choice(places).write_text(str(luck.randrange(2)))
                case 3:
                    luck.choice(places).unlink(missing_ok=True)
                case 4:
                    (backend.root / "data" / str(luck.randrange(3))).write_text(str(number))
            kept = _told(await fasttrack.plan(JobRequest(text=TEXT)))
            preparer: Any = fasttrack._preparer
            preparer._memory = PlanMemory()
            digests: Digests = fasttrack.cache._digests
            digests._found.clear()
            assert kept == _told(await fasttrack.plan(JobRequest(text=TEXT)))

    tell(engine, story)


def test_a_job_may_follow_its_plan_without_another_one(engine: Any, made: list[str]) -> None:
    """Its key says nothing about the plan."""

    async def story(fasttrack: FastTrack, backend: Backend) -> None:
        await fasttrack.plan(JobRequest(text=TEXT))
        made.clear()
        job = await fasttrack.run(JobRequest(text=TEXT, key="k"))
        assert made == []
        assert (await fasttrack.run(JobRequest(text=TEXT, key="k"))).id == job.id
        await engine.finish(fasttrack)

    tell(engine, story)


def test_what_is_remembered_of_many_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit folders are looked at again, and found as they are."""
    from fasttrack_jupyter.engine import digests as module
    from fasttrack_jupyter.store.sqlite import SqliteStore

    monkeypatch.setattr(module, "_MOST_MARKS", 5)

    async def told(root: Path) -> None:
        here: Any = _Here(root)
        store = await SqliteStore.open(":memory:")
        digests = Digests(lambda name: here, store, now_ns=lambda: 1 << 62)
        places = [("local", "vf", f"t{number}") for number in range(20)]
        for _, folder, path in places:
            (root / folder / path).mkdir(parents=True)
            (root / folder / path / "out").write_text(path)
        first = await digests.outputs(places)
        assert len(digests._found) < 5
        assert await digests.outputs(places) == first
        assert len({each.text for each in first.values() if each}) == 20
        await store.aclose()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(told(Path(folder)))


class _Here:
    def __init__(self, root: Path) -> None:
        self.root = root

    def place_of(self, folder: str) -> str:
        return str(self.root / folder)

    async def lend(self, folder: str, path: str) -> dict[str, Any]:
        raise NotImplementedError
