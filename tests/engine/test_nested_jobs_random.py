"""Random nested pipelines from their text through a whole engine that is closed and opened again meanwhile.

What runs, how often, and how it comes out is what the slow reading of the rules says. Ordinals, the plan's and the
store's part in it are the real ones here; the machine alone, cancelled and killed at every point, has tests of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from engine.conftest import Engine
from engine.nested_pipelines import Pipelines, T
from engine.nested_reference import End, Reference

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.stimuli import VerdictKind
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.model.pipeline import RunIf
from fasttrack_jupyter.testing.fakes import FakeBackend


def written(task: T, items: Mapping[str, int]) -> dict[str, Any]:
    """A task as it stands in a file."""
    found: dict[str, Any] = {"name": task.name, "dependencies": task.needs.split()}
    found |= {"run_if": task.run_if.value} if task.final or task.run_if is not RunIf.ALL_SUCCESS else {}
    found |= {"continue_on_failure": True} if task.tolerated else {}
    found |= {"final": True} if task.final else {}
    found |= {"skip": True} if task.skip else {}
    if task.is_loop:
        limit = {"max_parallel": task.at_once} if task.at_once else {}
        found["for_each"] = {"item": list(range(items[task.name])), **limit}
    if task.inside:
        return found | {"tasks": [written(inner, items) for inner in task.inside]}
    return found | {"command": f"run {task.name}", "retry": {"max_attempts": task.attempts, "delay": 0}}


def names_of(task: T) -> list[str]:
    """Its own, and those of all inside."""
    return [task.name, *(name for inner in task.inside for name in names_of(inner))]


class Story:
    """One job, and dice that say the same when they are asked again."""

    def __init__(self, seed: str) -> None:
        self.dice = Random(seed)
        self.tasks = Pipelines(self.dice).job()
        self.items = {name: self.dice.randint(0, 3) for task in self.tasks for name in names_of(task)}
        self.codes: dict[tuple[str, int], int] = {}
        self.sessions: dict[str, Any] = {}
        self.started: list[tuple[str, int]] = []

    def decide(self, spec: SessionSpec) -> int:
        """How an attempt ends: its exit code."""
        key = (spec.path, int(spec.attempt_id.rpartition("-")[2]))
        self.started.append(key)
        return self.codes.setdefault(key, self.dice.choice([0, 0, 0, 1]))

    async def play(self, engine: Engine) -> JobView:
        """The job as it has ended, after some engines."""
        text = json.dumps({"name": "nested", "tasks": [written(task, self.items) for task in self.tasks]})
        for number in range(self.dice.randint(1, 3)):
            async with engine.on(FakeBackend(self.decide, sessions=self.sessions)) as fasttrack:
                if number == 0:
                    await fasttrack.run(JobRequest(text=text))
                for _ in range(self.dice.randint(0, 40)):
                    await asyncio.sleep(0)
        async with engine.on(FakeBackend(self.decide, sessions=self.sessions)) as fasttrack:
            return await engine.finish(fasttrack)

    def expected(self) -> dict[str, End]:
        """What must have become of each instance."""
        containers = {name for task in self.tasks for name in containers_of(task)}
        reference = Reference(
            lambda path: VerdictKind.EXPAND if name_of(path) in containers else VerdictKind.RUN,
            lambda path: self.items[name_of(path)],
            lambda path, attempt: "failure" if self.codes[path, attempt] else "success",
        )
        reference.evaluate(self.tasks)
        return reference.ends


def containers_of(task: T) -> list[str]:
    """Names of those that have others inside."""
    own = [task.name] if task.is_container else []
    return own + [name for inner in task.inside for name in containers_of(inner)]


def name_of(path: str) -> str:
    """The task's name of an instance; an iteration of a plain task is considered as that is."""
    return path.rpartition("/")[2].partition("[")[0]


@pytest.mark.parametrize("campaign", range(3))
def test_random_nested_jobs_come_out_as_the_rules_say(campaign: int, tmp_path: Path) -> None:
    """Whatever engine goes on with them; nothing is started twice."""
    for number in range(12):
        seed = f"{campaign}-{number}"
        (folder := tmp_path / seed).mkdir()
        story = Story(seed)
        job = asyncio.run(story.play(Engine(folder)))
        words = {"SKIPPED", "CANCELLED"}
        actual = {
            task.path: End(task.status if task.status in words else task.result, task.attempts) for task in job.tasks
        }
        assert actual == story.expected(), f"seed {seed!r}"
        assert len(story.started) == len(set(story.started)), f"seed {seed!r}: started twice"
