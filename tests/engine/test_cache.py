"""Results that are there already stand in for executions that would give them again, and nothing else does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView, PlanView
from fasttrack_jupyter.model.lifecycle import JobStatus, Result

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

CHAIN = """name: demo
cache: true
params: [{name: lr, type: float, default: 0.1}]
tasks:
- {name: prep, command: lossy prep}
- {name: train, command: 'train ${{ params.lr }}', dependencies: [prep]}
- {name: report, command: report, dependencies: [train]}
"""


class Story:
    """Jobs of one home on a backend with real folders."""

    def __init__(self, engine: Any, fasttrack: FastTrack, backend: DiskBackend) -> None:
        self.engine, self.fasttrack, self.backend = engine, fasttrack, backend

    async def run(self, text: str, **how: object) -> tuple[JobView, list[str]]:
        """A job to its end, and what was executed for it."""
        self.backend.runs()
        made = await self.fasttrack.run(JobRequest(text=text, **how))
        job = await self.engine.finish(self.fasttrack, made.id)
        assert job.status in (JobStatus.TERMINATED, JobStatus.CANCELLED)
        return job, sorted(self.backend.runs())

    async def plan(self, text: str, **how: object) -> dict[str, tuple[str, str]]:
        """By task, the decision and the reason."""
        found: PlanView = await self.fasttrack.plan(JobRequest(text=text, **how))
        return {task.path: (str(task.decision), task.reason) for task in found.tasks}


def tell(engine: Any, story: object, **how: object) -> None:
    """Run ``story(Story)`` on an open engine."""

    async def told() -> None:
        backend = DiskBackend(engine.folder / "vfolders", **how)
        async with engine.on(backend) as fasttrack:
            await story(Story(engine, fasttrack, backend))

    asyncio.run(told())


def test_what_was_done_before_is_not_done_again(engine: Any) -> None:
    """The second job takes everything from the first, and says so."""

    async def story(at: Story) -> None:
        first, ran = await at.run(CHAIN)
        assert ran == ["prep", "report", "train"]
        assert await at.plan(CHAIN) == dict.fromkeys(("prep", "train", "report"), ("reused", "reused from job #1"))
        second, ran = await at.run(CHAIN)
        assert ran == []
        assert second.result is Result.SUCCESS
        assert [task.reason for task in second.tasks] == ["reused from job #1"] * 3
        assert second.tasks[2].outputs_dir == first.tasks[2].outputs_dir

    tell(engine, story)


def test_a_task_without_cache_runs_each_time(engine: Any) -> None:
    """So do tasks with side effects; what they left counts by its content."""
    text = CHAIN.replace("command: lossy prep", "command: lossy prep, cache: false").replace(
        "command: report", "command: report, side_effects: true"
    )

    async def story(at: Story) -> None:
        await at.run(text)
        assert (await at.run(text))[1] == ["prep", "report"]

    tell(engine, story)


def test_a_changed_parameter_is_named_with_both_values(engine: Any) -> None:
    """What the task mentions runs again, what depends on it may."""

    async def story(at: Story) -> None:
        await at.run(CHAIN)
        assert await at.plan(CHAIN, params={"lr": 0.2}) == {
            "prep": ("reused", "reused from job #1"),
            "train": ("will run", "parameter lr changed (0.1 → 0.2) since job #1"),
            "report": ("will run", "what it depends on runs (train); reused if that gives the same outputs"),
        }
        assert (await at.run(CHAIN, params={"lr": 0.2}))[1] == ["report", "train"]
        assert (await at.run(CHAIN, params={"lr": 0.1}))[1] == []

    tell(engine, story)


def test_same_outputs_cut_off_what_depends_on_them(engine: Any) -> None:
    """A task that ran again and gave the same does not make its dependents run."""

    async def story(at: Story) -> None:
        text = CHAIN.replace("command: lossy prep", "command: 'same ${{ params.lr }}'")
        same = lambda spec, outputs, inputs: (outputs / "out").write_text(spec.path) * 0  # noqa: E731
        at.backend.program = same
        await at.run(text)
        assert (await at.run(text.replace("same", "other")))[1] == ["prep"]

    tell(engine, story)
