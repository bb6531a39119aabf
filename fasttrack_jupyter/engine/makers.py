"""Which task instance really made the outputs that an instance shows: its own attempt, or that of an earlier job.

An output folder is named by who wrote it (``jobs/12/train``), and an instance that stands for another one shows that
one's. So the maker is read from the name, within the same pipeline.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance

_PLACE = re.compile(r"jobs/(\d{1,17})/([^/]+)")


class Made(NamedTuple):
    """An instance and its job."""

    job: PipelineJob
    row: TaskInstance


def job_index_of(outputs_dir: str) -> int | None:
    """Whose output folder it is, by the job's index; None for what is none."""
    found = _PLACE.match(outputs_dir)
    return int(found[1]) if found else None


class Makers:
    """Looks in one home, each job once: make a new one for every question."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._jobs: dict[tuple[str, int], PipelineJob | None] = {}
        self._rows: dict[str, list[TaskInstance]] = {}

    async def maker(self, job: PipelineJob, row: TaskInstance) -> Made | None:
        """Who made what ``row`` shows; itself where it ran, or nobody did; None where that job was deleted."""
        index = job_index_of(row.outputs_dir or "")
        if row.attempts or index is None or index == job.index:
            return Made(job, row)
        maker = await self.job_at(job.pipeline, index)
        if maker is None:
            return None
        return next((Made(maker, each) for each in await self.rows(maker) if each.outputs_dir == row.outputs_dir), None)

    async def job_at(self, pipeline: str, index: int) -> PipelineJob | None:
        """A job by its number; None if it was deleted."""
        key = (pipeline, index)
        if key not in self._jobs:
            try:
                self._jobs[key] = await self._store.find_job(f"{pipeline}#{index}")
            except FastTrackError:
                self._jobs[key] = None
        return self._jobs[key]

    async def rows(self, job: PipelineJob) -> list[TaskInstance]:
        """The instances of a job, by ordinal."""
        if job.id not in self._rows:
            self._rows[job.id] = await self._store.instances(job.id)
        return self._rows[job.id]
