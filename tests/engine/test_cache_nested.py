"""What is inside of loops and groups is reused one by one, and so is what depends on what they hand on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.model.lifecycle import Result

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend, contents

LOOP = """name: demo
cache: true
params: [{name: last, type: int, default: 2}, {name: p, type: int, default: 0}]
tasks:
- name: sweep
  for_each: {item: [0, 1, "${{ params.last }}"]}
  command: make ${{ item }}
  outputs: {model: {type: Model, path: out.txt}}
- {name: best, command: best, inputs: {models: sweep.model}}
- {name: after, command: after, dependencies: [sweep]}
"""
GROUP = """name: demo
cache: true
params: [{name: p, type: int, default: 0}]
tasks:
- name: part
  parameters: {q: "${{ params.p }}"}
  tasks:
  - {name: prep, command: lossy prep}
  - name: train
    command: train ${{ params.q }}
    dependencies: [prep]
    outputs: {model: {type: Model, path: out.txt}}
  outputs: {model: {type: Model, from: train.model}}
- {name: report, command: report, inputs: {model: part.model}}
- {name: prep, command: prep of all}
"""


def _program(spec: SessionSpec, outputs: Path, inputs: list[Path | None]) -> int:
    """What a session leaves follows from its command and what is behind its inputs, by name and by number."""
    root = outputs
    for _ in Path(spec.outputs).parts:
        root = root.parent
    named = {name: (root / path).read_text() for name, path in sorted(spec.named_inputs.items())}
    (outputs / "out.txt").write_text(f"{spec.command} {named} {[contents(each) for each in inputs]}")
    return 0


Run = Callable[..., Awaitable[list[str]]]


def _tell(engine: Any, story: Callable[[FastTrack, Run, DiskBackend], Awaitable[None]]) -> None:
    async def told() -> None:
        backend = DiskBackend(engine.folder / "vfolders", _program)
        async with engine.on(backend) as fasttrack:

            async def run(text: str, **params: Any) -> list[str]:
                backend.runs()
                await fasttrack.run(JobRequest(text=text, params=params))
                job = await engine.finish(fasttrack)
                assert job.result is Result.SUCCESS, job
                return sorted(backend.runs())

            await story(fasttrack, run, backend)

    asyncio.run(told())


def test_iterations_are_reused_one_by_one(engine: Any) -> None:
    """One item is another: one iteration runs, and what takes all of them; not what only comes after."""

    async def story(fasttrack: FastTrack, run: Run, backend: DiskBackend) -> None:
        assert await run(LOOP) == ["after", "best", "sweep[0]", "sweep[1]", "sweep[2]"]
        assert await run(LOOP) == []
        assert await run(LOOP, last=7) == ["best", "sweep[2]"]
        assert await run(LOOP, last=2) == []
        assert "make 7" in next(backend.root.glob("*/jobs/3/best/out.txt")).read_text()
        assert "make 2" in next(backend.root.glob("*/jobs/1/best/out.txt")).read_text()

    _tell(engine, story)


def test_an_iterations_output_that_was_altered_is_made_anew(engine: Any) -> None:
    """And gives what it gave: nothing behind it runs."""

    async def story(fasttrack: FastTrack, run: Run, backend: DiskBackend) -> None:
        await run(LOOP)
        next(backend.root.glob("*/jobs/1/sweep/1/out.txt")).write_text("altered")
        assert await run(LOOP) == ["sweep[1]"]

    _tell(engine, story)


def test_a_task_in_a_group_has_the_groups_parameters_in_its_key(engine: Any) -> None:
    """And is not taken for another task of its name."""

    async def story(fasttrack: FastTrack, run: Run, backend: DiskBackend) -> None:
        assert await run(GROUP) == ["part/prep", "part/train", "prep", "report"]
        assert await run(GROUP) == []
        assert await run(GROUP, p=1) == ["part/train", "report"]
        assert {entry.task for entry in await fasttrack.cache.entries()} == {
            "part/prep", "part/train", "prep", "report"
        }  # fmt: skip

    _tell(engine, story)


def test_equal_iterations_are_one_execution(engine: Any) -> None:
    """The second takes what the first leaves."""

    async def story(fasttrack: FastTrack, run: Run, backend: DiskBackend) -> None:
        ran = await run(LOOP, last=1)
        assert len([path for path in ran if path.startswith("sweep")]) == 2

    _tell(engine, story)


def test_a_container_itself_is_not_planned_as_reused(engine: Any) -> None:
    """What is inside is looked up when it opens; the pipeline's own file is no code of theirs."""

    async def story(fasttrack: FastTrack, run: Run, backend: DiskBackend) -> None:
        await run(LOOP)
        plan = {task.path: (str(task.decision), task.reason) for task in (await fasttrack.plan(_request())).tasks}
        assert plan["sweep"] == ("will run", "part of the pipeline")
        assert plan["best"][1].startswith("what it depends on runs (sweep)")

    _tell(engine, story)


def _request() -> JobRequest:
    return JobRequest(text=LOOP)
