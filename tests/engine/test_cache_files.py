"""A task that says which files it reads is reused while these are the same, whatever becomes of the rest."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.cache_code import NO_FILES, VisibleCode
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.model.pipeline import Task

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

MANIFEST = {"train.py": "1", "eval.py": "2", "lib/a.py": "3", "lib/plots/b.py": "4", "conf.yaml": "5"}
TEXT = """name: demo
cache: true
tasks:
- {name: prep, command: mix, files: [lib/**]}
- {name: train, command: python train.py, files: ['*.yaml']}
- {name: report, command: mix}
"""
FILES = {"train.py": "1", "lib/a.py": "1", "conf.yaml": "1"}


@pytest.mark.parametrize(
    ("command", "patterns", "seen"),
    [
        ("x", ["*.py"], {"train.py", "eval.py", "lib/a.py", "lib/plots/b.py"}),
        ("x", ["lib"], {"lib/a.py", "lib/plots/b.py"}),
        ("x", ["lib/**", "!lib/plots"], {"lib/a.py"}),
        ("python ./train.py --conf conf.yaml", ["lib/a.py"], {"lib/a.py", "train.py", "conf.yaml"}),
        ("python train.py", ["libs/**"], set()),
    ],
)
def test_patterns_take_what_the_pipelines_files_would(command: str, patterns: list[str], seen: set[str]) -> None:
    """Beside them, what the command names; where they take nothing, nothing is seen."""
    code = VisibleCode(MANIFEST, {}, None)
    task = Task(name="a", command=command, files=tuple(patterns))
    assert set(code.paths(task)) == seen
    assert (code.digests({"a": task})["a"] == NO_FILES) is (not seen)


def test_cells_of_a_notebook_keep_their_own() -> None:
    """What a task of cells is made of counts without being named."""
    files = {
        "n.cells/tasks.json": b'{"tasks": {"a": {"cells": [{"file": "1.py"}]}, "b": {"cells": [{"file": "2.py"}]}}}'
    }
    manifest = {"n.cells/tasks.json": "0", "n.cells/1.py": "1", "n.cells/2.py": "2", "x.py": "3", "y.py": "4"}
    task = Task(name="a", command="python n.cells/execute.py a", files=("x.py",))
    assert set(VisibleCode(manifest, files, None).paths(task)) == {"n.cells/tasks.json", "n.cells/1.py", "x.py"}


def _tell(engine: Any, story: Callable[[FastTrack, Callable[..., Awaitable[list[str]]]], Awaitable[None]]) -> None:
    async def told() -> None:
        backend = DiskBackend(engine.folder / "vfolders")
        async with engine.on(backend) as fasttrack:

            async def run(text: str = TEXT, **files: str) -> list[str]:
                changed = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
                backend.runs()
                await fasttrack.run(JobRequest(text=text, files=FILES | changed))
                await engine.finish(fasttrack)
                return sorted(backend.runs())

            await story(fasttrack, run)

    asyncio.run(told())


def test_only_the_files_that_a_task_reads_make_it_run(engine: Any) -> None:
    """Of three tasks, those run again whose files, or named script, changed; who says nothing reads all."""

    async def story(fasttrack: FastTrack, run: Callable[..., Awaitable[list[str]]]) -> None:
        assert await run() == ["prep", "report", "train"]
        assert await run() == []
        assert await run(lib__a_py="2") == ["prep", "report"]
        assert await run(train_py="2") == ["report", "train"]
        assert await run(conf_yaml="2") == ["report", "train"]
        assert await run(more_txt="2") == ["report"]

    _tell(engine, story)


def test_patterns_that_name_nothing_are_told(engine: Any) -> None:
    """Such a task is not reused: nobody would see that its code changed."""
    text = TEXT.replace("lib/**", "libs/**")

    async def story(fasttrack: FastTrack, run: Callable[..., Awaitable[list[str]]]) -> None:
        await run(text)
        assert await run(text) == ["prep"]
        plan = await fasttrack.plan(JobRequest(text=text, files=FILES))
        reason = "never reused: its `files` name none of the pipeline's code; correct the patterns"
        assert plan.tasks[0].reason == reason

    _tell(engine, story)


HELPED = """name: demo
cache: true
params: [{name: lr, type: float, default: 0.1}]
tasks:
- {name: train, command: python train.py}
"""


def test_programs_that_ask_for_parameters_run_again_when_one_changes(engine: Any) -> None:
    """No command mentions it: the helpers tell; the plan knows it as the job does."""
    files = {"train.py": "import fasttrack_task\nprint(fasttrack_task.params())\n"}

    async def story(fasttrack: FastTrack, run: Callable[..., Awaitable[list[str]]]) -> None:
        async def ran(**params: float) -> list[tuple[str, str]]:
            request = JobRequest(text=HELPED, files=files, params=params)
            plan = await fasttrack.plan(request)
            await fasttrack.run(request)
            job = await engine.finish(fasttrack)
            assert (str(plan.tasks[0].decision) == "reused") is (job.tasks[0].attempts == 0)
            return [(str(task.decision), task.reason) for task in plan.tasks]

        assert await ran() == [("will run", "no result of it is kept")]
        assert await ran() == [("reused", "reused from job #1")]
        assert await ran(lr=0.2) == [("will run", "parameter lr changed (0.1 → 0.2) since job #1")]

    _tell(engine, story)


def test_whatever_a_session_is_given_is_in_its_key_or_left_out_on_purpose() -> None:
    """Who adds to what a session is given decides whether it can change a result."""
    in_key = {
        "command", "image", "environ", "slots", "cluster_mode", "cluster_size", "run_on_all", "launch", "git", "mounts",
        "inputs", "named_inputs", "input_values", "code", "wanted_outputs",
    }  # fmt: skip
    names_and_amounts = {"attempt_id", "job_id", "job_index", "pipeline", "path", "number", "shmem", "timeout"}
    left_out = {
        "folder", "outputs", "project", "resource_group", "secrets", "service", "approval"
    } | names_and_amounts  # fmt: skip
    assert {each.name for each in dataclasses.fields(SessionSpec)} == in_key | left_out
