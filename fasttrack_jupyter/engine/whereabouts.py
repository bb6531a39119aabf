"""On which backend the task instances of a job run, and so where their logs and outputs are. Pure.

A job has a backend; a task may name another. What was decided is in the job's plan, so nobody needs to read its
text for it. The outputs of an instance that is reused (or skipped, with outputs of an earlier job) are where
that earlier one left them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.model.job import PipelineJob

Places = Mapping[str, Mapping[str, str | None]]
"""By backend, where it leads: see :class:`~fasttrack_jupyter.engine.ports.Placed`."""
LOCAL = "local"
"""Name of the backend that every home has."""


def backend_of(job: PipelineJob, path: str) -> str:
    """Where an instance of ``job`` runs, or where the outputs that it stands for are.

    What is inside of others is where these are.
    """
    entry: Mapping[str, Any] = job.options.get("plan", {}).get(top_of(path), {})
    name: str = entry.get("backend", job.backend)
    return name


def top_of(path: str) -> str:
    """The instance that is inside of nothing: ``sweep`` for ``sweep[2]/train``."""
    return path.partition("/")[0].partition("[")[0]


def places_of(job: PipelineJob) -> Places:
    """Where the backends of ``job`` led when it was made; a job of an earlier version knows of none."""
    places: Places = job.options.get("places", {})
    return places


def backends_of(job: PipelineJob) -> set[str]:
    """All backends that ``job`` has anything on."""
    return {job.backend} | {entry["backend"] for entry in job.options.get("plan", {}).values() if "backend" in entry}
