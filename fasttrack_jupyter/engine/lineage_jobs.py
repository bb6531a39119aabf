"""Jobs as lineage needs them: each looked at once, whatever refers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fasttrack_jupyter.engine.makers import Made, Makers
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.artifacts import OutputSpec
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.reading import read_or_raise


class Link(NamedTuple):
    """What one task has of another: an output (None: its whole folder, or an order), under a name."""

    made: Made
    output: str | None
    name: str | None


class JobLooker(Makers):
    """Of one question: parses each text once."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store)
        self._parsed: dict[str, tuple[Pipeline, TaskGraph] | None] = {}
        self._rolls: dict[str, Roll | None] = {}
        self._by_path: dict[str, dict[str, TaskInstance]] = {}
        self._users: dict[str, list[list[int]]] = {}

    async def roll(self, job: PipelineJob) -> Roll | None:
        """The instances of a job with their tasks; None for a text that this version cannot read."""
        if job.id not in self._rolls:
            if job.text not in self._parsed:
                self._parsed[job.text] = await asyncio.to_thread(_parse, job.text)
            parsed = self._parsed[job.text]
            rows = await self.rows(job)
            self._rolls[job.id] = None if parsed is None else await asyncio.to_thread(Roll.of_rows, *parsed, rows)
        return self._rolls[job.id]

    async def products(self, job: PipelineJob, row: TaskInstance) -> Mapping[str, OutputSpec]:
        """What an instance declares to hand on."""
        roll = await self.roll(job)
        return roll.tasks[row.ordinal].products if roll is not None else {}

    async def by_path(self, job: PipelineJob) -> dict[str, TaskInstance]:
        """The instances of a job."""
        if job.id not in self._by_path:
            self._by_path[job.id] = {row.path: row for row in await self.rows(job)}
        return self._by_path[job.id]

    async def before(self, made: Made) -> list[Link]:
        """What an execution had of others that left something, or ran; a loop or a group has it of those inside."""
        roll = await self.roll(made.job)
        if roll is None:
            return []
        rows, found = await self.rows(made.job), []
        for index, output, name in _sources(roll, made.row.ordinal):
            row = rows[index]
            if row.outputs_dir is None and not row.attempts and not roll.children(index):
                continue
            if (maker := await self.maker(made.job, row)) is not None:
                found.append(Link(maker, output, name))
        return found

    async def after(self, job: PipelineJob, path: str) -> list[Link]:
        """What read, in ``job``, what it shows under ``path``: executions of its own, and what it is inside of."""
        roll = await self.roll(job)
        if roll is None or path not in roll.index:
            return []
        if job.id not in self._users:
            self._users[job.id] = await asyncio.to_thread(_users, roll)
        rows, found, index = await self.rows(job), [], roll.index[path]
        for user in self._users[job.id][index]:
            if rows[user].attempts or roll.children(user):
                of_it = (each for each in _sources(roll, user) if each[0] == index)
                found += [Link(Made(job, rows[user]), output, name) for _, output, name in of_it]
        return found


def _sources(roll: Roll, ordinal: int) -> Iterator[tuple[int, str | None, str | None]]:
    """What an instance has of which others: ``(ordinal, output, under which name)``."""
    task = roll.tasks[ordinal]
    if children := roll.children(ordinal):
        for name, spec in task.products.items():
            if task.for_each is not None:
                yield from ((child, name, name) for child in children)
            else:
                inner = ((roll.inner(ordinal, ref.task), ref.output) for ref in spec.refs)
                yield from ((index, output, name) for index, output in inner if index is not None)
        return
    for seen_as, index in zip(roll.uses(ordinal), roll.upstream[ordinal], strict=True):
        yield from ((index, output, name) for output, name in names_of(task, seen_as))


def _users(roll: Roll) -> list[list[int]]:
    """By ordinal, who may have something of it: the other way round."""
    found: list[list[int]] = [[] for _ in range(len(roll))]
    for ordinal in range(len(roll)):
        for index in dict.fromkeys(index for index, _, _ in _sources(roll, ordinal)):
            found[index].append(ordinal)
    return found


def names_of(task: Task, other: str) -> Iterator[tuple[str | None, str | None]]:
    """Which outputs of ``other`` a task takes, and under which names; at least one pair."""
    has_none = True
    for name, given in task.inputs.items():
        for ref in given.refs:
            if ref.task == other:
                has_none = False
                yield ref.output, name
    if has_none:
        yield None, None


def _parse(text: str) -> tuple[Pipeline, TaskGraph] | None:
    try:
        pipeline = read_or_raise(text).pipeline
    except FastTrackError:
        return None
    return None if pipeline is None else (pipeline, build_graph(pipeline))
