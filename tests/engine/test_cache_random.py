"""Random pipelines, edited at random and run with reuse: what they give is what a run without it gives, with no more
executions than a slow reading of the rules allows.

The reading: an execution is what it is given (the command as it runs, its variables, the code, the contents of the
folders behind it, in order); one that succeeded with the very same things before, and whose outputs are still what they
were, is not repeated. Tasks have real folders; what a task leaves follows from what it is given.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ambient import LocalBus
from fasttrack_jupyter.engine.cache_desk import CacheRequest
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import Decision, JobRequest, JobView
from fasttrack_jupyter.model.lifecycle import Result
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeClock, FakeSecrets

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend, contents, mix


@dataclass
class Spec:
    """A pipeline that is edited."""

    tasks: list[dict[str, Any]]
    param: int = 0
    code: dict[str, str] = field(default_factory=lambda: {"a.py": "1"})

    def text(self, *, cached: bool) -> str:
        """Its YAML (JSON is YAML)."""
        params = [{"name": "p", "type": "int", "default": 0}]
        return json.dumps({"name": "demo", "cache": cached, "params": params, "tasks": self.tasks})

    def edit(self, luck: random.Random) -> None:
        """One small change, or none."""
        task = luck.choice(self.tasks)
        match luck.randrange(8):
            case 0:
                task["command"] = _command(luck)
            case 1:
                self.param = luck.randrange(3)
            case 2:
                self.code["a.py"] = str(luck.randrange(3))
            case 3:
                task["environment"] = {**task.get("environment", {}), "envs": {"X": str(luck.randrange(2))}}
            case 4:
                before = [each["name"] for each in self.tasks[: self.tasks.index(task)]]
                task["dependencies"] = sorted(luck.sample(before, luck.randrange(min(3, len(before) + 1))))
            case 5:
                task["resources"] = {"cpu": luck.randrange(1, 4)}  # how fast, not what
            case 6:
                task["environment"] = {**task.get("environment", {}), "image": luck.choice(["one", "two"])}


def _command(luck: random.Random) -> str:
    mention = luck.choice(["", " ${{ params.p }}", " ${{ params.p > 1 }}"])
    return f"{luck.choice(['mix', 'lossy'])} {luck.randrange(3)}{mention}"


def _pipeline(luck: random.Random) -> Spec:
    tasks: list[dict[str, Any]] = []
    for number in range(luck.randrange(2, 8)):
        names = [task["name"] for task in tasks]
        chosen = sorted(luck.sample(names, luck.randrange(min(3, len(names) + 1))))
        tasks.append({"name": f"t{number}", "command": _command(luck), "dependencies": chosen})
    return Spec(tasks)


class Oracle:
    """Executions that were done, by what they were given."""

    def __init__(self) -> None:
        self.done: dict[str, dict[str, bytes]] = {}

    def run(self, spec: Spec) -> tuple[dict[str, dict[str, bytes]], int]:
        """What each task leaves, and how many executions that needs."""
        left: dict[str, dict[str, bytes]] = {}
        needed = 0
        for task in spec.tasks:
            command = task["command"].replace("${{ params.p > 1 }}", "true" if spec.param > 1 else "false")
            command = command.replace("${{ params.p }}", str(spec.param))
            place = task.get("environment", {})
            variables = place.get("envs", {})
            given = repr(
                (command, variables, place.get("image"), spec.code, [left[name] for name in task["dependencies"]])
            )
            if given not in self.done:
                needed += 1
                self.done[given] = _left(command, variables, [left[name] for name in task["dependencies"]])
            left[task["name"]] = self.done[given]
        return left, needed


def _left(command: str, variables: dict[str, str], inputs: list[dict[str, bytes]]) -> dict[str, bytes]:
    import hashlib

    digest = hashlib.sha256(repr((command, sorted(variables.items()), inputs, {})).encode()).hexdigest()
    return {"out.txt": (digest[0] if "lossy" in command else digest).encode()}


async def _play(seed: int, home: Path, *, breaks: bool) -> None:
    luck, oracle = random.Random(seed), Oracle()
    backend = DiskBackend(home / "vfolders", mix)
    store = await SqliteStore.open(":memory:")
    fasttrack = FastTrack(
        World(str(home), store, {"local": backend}, FakeSecrets(), FakeClock(), LocalBus(), lambda text, to: (text, ()))
    )
    await fasttrack.open()
    try:
        spec = _pipeline(luck)
        for _ in range(6):
            left, needed = oracle.run(spec)
            planned = {x.path: x.decision for x in (await fasttrack.plan(_request(spec))).tasks}
            job, ran = await _run(fasttrack, backend, spec)
            assert not {path for path in ran if planned[path] is Decision.REUSE}, seed
            assert job.result is Result.SUCCESS
            for task in job.tasks:
                assert contents(home / "vfolders" / job.folder / str(task.outputs_dir)) == left[task.path], seed
            if breaks:
                _break(luck, home / "vfolders" / job.folder / "jobs")
                if luck.random() < 0.3:
                    await fasttrack.cache.evict(CacheRequest(pipeline="demo", task=luck.choice(spec.tasks)["name"]))
            else:
                assert len(ran) == needed, f"seed {seed}: {len(ran)} executions, {needed} would do"
            spec.edit(luck)
    finally:
        await fasttrack.aclose()


def _request(spec: Spec) -> JobRequest:
    return JobRequest(text=spec.text(cached=True), files=spec.code, params={"p": spec.param})


async def _run(fasttrack: FastTrack, backend: DiskBackend, spec: Spec) -> tuple[JobView, list[str]]:
    backend.runs()
    made = await fasttrack.run(_request(spec))
    deadline = asyncio.get_running_loop().time() + 20
    while not fasttrack.is_idle():
        assert asyncio.get_running_loop().time() < deadline, "it does not end"
        await asyncio.sleep(0.002)
    await fasttrack.cache.entries()  # who alters outputs before they were looked at first is seen by nobody
    return await fasttrack.job(made.id), backend.runs()


def _break(luck: random.Random, jobs: Path) -> None:
    """Somebody alters or removes what lies there."""
    found = sorted(path for path in jobs.rglob("out.txt"))
    for path in luck.sample(found, min(2, len(found))):
        if luck.random() < 0.5:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[::-1] + b"!")


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_reuse_changes_nothing_but_the_work(first: int) -> None:
    """Same outputs as without, and exactly the executions that are new."""
    for seed in range(first, first + 10):
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(_play(seed, Path(home), breaks=False))


@pytest.mark.parametrize("first", range(1000, 1020, 10))
def test_broken_outputs_are_never_reused(first: int) -> None:
    """Whatever is altered or removed between jobs, each job leaves what it would without reuse."""
    for seed in range(first, first + 10):
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(_play(seed, Path(home), breaks=True))
