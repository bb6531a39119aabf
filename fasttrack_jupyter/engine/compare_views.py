"""What faces see of jobs side by side. In every tuple the place is that of the job; null is "this job has none"."""

from __future__ import annotations

from typing import Any, Literal

from fasttrack_jupyter.engine.views import JobSummary, View
from fasttrack_jupyter.model.lifecycle import Result, Status

Source = Literal["output", "artifact", "metric"]
"""A declared value; a number in a ``Metrics`` artifact; the last of a series that the task noted."""


class ComparedParameter(View):
    """A parameter, job by job."""

    name: str
    values: tuple[Any, ...]
    differs: bool


class ComparedMetric(View):
    """A value that a task handed on or noted, job by job."""

    task: str
    """Path of the task instance."""
    name: str
    source: Source
    values: tuple[Any, ...]
    """A number that JSON has no word for is ``NaN``, ``Infinity`` or ``-Infinity``."""
    lows: tuple[float | None, ...] = ()
    """Lowest of a noted series; empty of anything else, and so are the next two."""
    highs: tuple[float | None, ...] = ()
    steps: tuple[float | None, ...] = ()
    """The step of the last value."""
    differs: bool
    goal: Literal["max", "min"] | None = None
    """Whether more or less of it is better, as its name tells; null where that is not clear."""
    best: tuple[int, ...] = ()
    """Places of the jobs with the best value."""


class ComparedCell(View):
    """How one task instance came out in one job."""

    status: Status
    result: Result
    reason: str
    seconds: float | None
    """From its start to its end; null where it did not run, or has not ended."""
    attempts: int
    peak_mem: int | None
    """Bytes."""


class ComparedTask(View):
    """A task instance, job by job."""

    path: str
    cells: tuple[ComparedCell | None, ...]


class ConfusionMatrix(View):
    """How often what was (row) was taken for what (column)."""

    labels: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


class RocCurve(View):
    """Points of a ROC curve, by rising false positive rate."""

    false_positive_rates: tuple[float, ...]
    true_positive_rates: tuple[float, ...]
    thresholds: tuple[float | None, ...]
    area: float
    """Under the curve, by trapezoids."""


class ComparedClassification(View):
    """A ``ClassificationMetrics`` artifact, or one slice of a sliced one, job by job."""

    task: str
    output: str
    slice: str | None = None
    matrices: tuple[ConfusionMatrix | None, ...]
    curves: tuple[RocCurve | None, ...]


class Classification(View):
    """A ``ClassificationMetrics`` artifact of one task instance, or one slice of a sliced one."""

    output: str
    slice: str | None = None
    matrix: ConfusionMatrix | None
    curve: RocCurve | None


class FiguresView(View):
    """What the artifacts of one task instance tell; empty until it has ended."""

    numbers: dict[str, Any]
    """By ``output.name``, what ``Metrics`` artifacts hold; a number without a word in JSON is ``NaN`` and the like."""
    classifications: tuple[Classification, ...]
    left_out: tuple[str, ...] = ()
    """What could not be read, and why."""


class JobComparison(View):
    """Jobs side by side. What differs comes first."""

    jobs: tuple[JobSummary, ...]
    seconds: tuple[float | None, ...]
    """How long each ran, of those that have ended."""
    parameters: tuple[ComparedParameter, ...]
    metrics: tuple[ComparedMetric, ...]
    tasks: tuple[ComparedTask, ...]
    classifications: tuple[ComparedClassification, ...]
    left_out: tuple[str, ...] = ()
    """What could not be read, and why."""
