"""Jobs side by side, what is different between pipelines, where things come from: handlers; see :mod:`.routes`."""

from __future__ import annotations

from pydantic import Field

from fasttrack_jupyter.engine.compare_views import FiguresView, JobComparison
from fasttrack_jupyter.engine.diff_views import DiffRequest, PipelineDiff
from fasttrack_jupyter.engine.lineage_views import LineageQuery, LineageView
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import View


class JobsToCompare(View):
    """Two or more."""

    job: tuple[str, ...] = Field(default=(), max_length=100)


async def compare(engine: FastTrack, query: JobsToCompare) -> JobComparison:
    """Jobs side by side: parameters, metrics, durations, confusion matrices and ROC curves."""
    return await engine.comparisons.compare(query.job)


async def figures(engine: FastTrack, job: str, path: str) -> FiguresView:
    """What the artifacts of a task instance tell: numbers, confusion matrices and ROC curves."""
    return await engine.comparisons.figures(job, path)


async def diff(engine: FastTrack, body: DiffRequest) -> PipelineDiff:
    """What is different between two pipelines, each of a job or of a file."""
    return await engine.diffs.diff(body)


async def lineage(engine: FastTrack, query: LineageQuery) -> LineageView:
    """What something was made of, and what was made of it."""
    return await engine.lineages.lineage(query)


HANDLERS = (compare, figures, diff, lineage)
