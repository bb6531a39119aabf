"""A task that says which files it reads is reused while these are the same, whatever becomes of the rest."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.cache_code import NO_FILES, VisibleCode
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
