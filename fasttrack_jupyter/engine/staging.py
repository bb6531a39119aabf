"""Stored jobs made ready again: their text parsed, what their tasks take, and the live job that a runner runs."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.preparing import Preparer
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.model.resources import ResourceSlots

_REMEMBERED = 8
"""How many parsed pipelines of shown jobs are kept."""


class Parsed(NamedTuple):
    """A job's pipeline, and how many seconds its tasks take, where earlier jobs tell."""

    pipeline: Pipeline
    graph: TaskGraph
    known_seconds: Mapping[str, float]


class Stage:
    """Parses jobs of one home, the last few of them once, and makes them live."""

    def __init__(self, preparer: Preparer, secrets: SecretStore, default_slots: Callable[[str], ResourceSlots]) -> None:
        self._preparer, self._secrets, self._default_slots = preparer, secrets, default_slots
        self._parsed: OrderedDict[str, Parsed] = OrderedDict()

    async def parse(self, job: PipelineJob) -> Parsed:
        """The job's own pipeline. Raises InvalidPipeline for a text that this version cannot read."""
        if job.id in self._parsed:
            self._parsed.move_to_end(job.id)
            return self._parsed[job.id]
        reading = await asyncio.to_thread(read_or_raise, job.text)
        assert reading.pipeline is not None
        graph = await asyncio.to_thread(build_graph, reading.pipeline)
        known, _ = await self._preparer.durations(job.pipeline, graph)
        return self.remember(job.id, Parsed(reading.pipeline, graph, known))

    def remember(self, job_id: str, parsed: Parsed) -> Parsed:
        """Spare the job's next reader the parsing."""
        self._parsed[job_id] = parsed
        while len(self._parsed) > _REMEMBERED:
            self._parsed.popitem(last=False)
        return parsed

    async def live(self, job: PipelineJob) -> LiveJob:
        """A stored job as one that runs. Raises InvalidPipeline."""
        parsed = await self.parse(job)
        _, seconds = await self._preparer.durations(job.pipeline, parsed.graph)
        return await self.enliven(job, parsed, seconds)

    async def enliven(self, job: PipelineJob, parsed: Parsed, seconds: Sequence[float]) -> LiveJob:
        """The same of a job that is parsed already; ``seconds`` say what each task may take."""
        return await asyncio.to_thread(
            LiveJob,
            job,
            parsed.pipeline,
            parsed.graph,
            default_slots=self._default_slots,
            seconds=seconds,
            secret=lambda name: self._secrets.get(name, job.pipeline),
        )
