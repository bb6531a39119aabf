"""Jobs as lineage needs them: each looked at once, whatever refers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from fasttrack_jupyter.engine.makers import Made, Makers
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.reading import read_or_raise


class Parsed(NamedTuple):
    """A job's own pipeline."""

    pipeline: Pipeline
    graph: TaskGraph


class Link(NamedTuple):
    """What one task has of another: an output (None: its whole folder, or an order), under a name."""

    made: Made
    output: str | None
    name: str | None


class JobLooker(Makers):
    """Of one question: parses each text once."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store)
        self._parsed: dict[str, Parsed | None] = {}
        self._by_path: dict[str, dict[str, TaskInstance]] = {}

    async def parsed(self, job: PipelineJob) -> Parsed | None:
        """None for a text that this version cannot read."""
        if job.text not in self._parsed:
            self._parsed[job.text] = await asyncio.to_thread(_parse, job.text)
        return self._parsed[job.text]

    async def by_path(self, job: PipelineJob) -> dict[str, TaskInstance]:
        """The instances of a job."""
        if job.id not in self._by_path:
            self._by_path[job.id] = {row.path: row for row in await self.rows(job)}
        return self._by_path[job.id]

    async def before(self, made: Made) -> list[Link]:
        """What an execution had of others: those that left something, or ran."""
        parsed = await self.parsed(made.job)
        if parsed is None or made.row.task not in parsed.graph.index:
            return []
        rows = await self.by_path(made.job)
        task, found = parsed.pipeline.by_name[made.row.task], []
        for index in parsed.graph.upstream[parsed.graph.index[made.row.task]]:
            row = rows.get(parsed.graph.names[index])
            if row is None or (row.outputs_dir is None and not row.attempts):
                continue
            if (maker := await self.maker(made.job, row)) is not None:
                found += [Link(maker, output, name) for output, name in names_of(task, row.task)]
        return found

    async def after(self, job: PipelineJob, path: str) -> list[Link]:
        """What read, in ``job``, what it shows under ``path``: executions of that job's own."""
        parsed = await self.parsed(job)
        if parsed is None or path not in parsed.graph.index:
            return []
        rows, found = await self.by_path(job), []
        for index in parsed.graph.downstream[parsed.graph.index[path]]:
            row = rows.get(parsed.graph.names[index])
            if row is not None and row.attempts:
                task = parsed.pipeline.by_name[row.task]
                found += [Link(Made(job, row), output, name) for output, name in names_of(task, path)]
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


def _parse(text: str) -> Parsed | None:
    try:
        pipeline = read_or_raise(text).pipeline
    except FastTrackError:
        return None
    return None if pipeline is None else Parsed(pipeline, build_graph(pipeline))
