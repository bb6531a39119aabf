"""Jobs side by side: what they were given, what came out, and what it took.

A row is a name (of a parameter; of a task and what it handed on), a column is a job; jobs of different pipelines have
the union of their names. What differs comes first, by the order in which the jobs name it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fasttrack_jupyter.engine.classification import Figures
from fasttrack_jupyter.engine.compare_views import (
    ComparedCell,
    ComparedClassification,
    ComparedMetric,
    ComparedParameter,
    ComparedTask,
    JobComparison,
    Source,
)
from fasttrack_jupyter.engine.views import JobSummary
from fasttrack_jupyter.model.job import TaskInstance

_LESS = frozenset(
    {"loss", "err", "error", "errors", "mae", "mse", "rmse", "mape", "perplexity", "nll", "bce", "wer", "cer", "fpr"}
)
_MORE = frozenset(
    {
        "acc",
        "accuracy",
        "auc",
        "auroc",
        "auprc",
        "f1",
        "precision",
        "recall",
        "score",
        "r2",
        "bleu",
        "iou",
        "dice",
        "tpr",
    }
)
"""Words in the names of metrics of which less, or more, is better."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\W_]+")

Key = tuple[str, str, Source]
"""Task path, name, and where it is from."""


@dataclass(slots=True)
class Column:
    """All that is known of one job."""

    job: JobSummary
    params: Mapping[str, Any]
    instances: Sequence[TaskInstance]
    values: dict[Key, Any] = field(default_factory=dict)
    series: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """By task path and name: ``last``, ``min``, ``max``, ``step``."""
    figures: dict[tuple[str, str, str | None], Figures] = field(default_factory=dict)
    """By task path, output and slice."""


def compared(columns: Sequence[Column], left_out: Sequence[str] = ()) -> JobComparison:
    """The whole of it."""
    return JobComparison(
        jobs=tuple(column.job for column in columns),
        seconds=tuple(map(_seconds_of_job, columns)),
        parameters=tuple(_parameters(columns)),
        metrics=tuple(_metrics(columns)),
        tasks=tuple(_tasks(columns)),
        classifications=tuple(_classifications(columns)),
        left_out=tuple(left_out),
    )


def goal_of(name: str) -> Literal["max", "min"] | None:
    """Whether more or less of a metric is better, if its name tells."""
    words = set(_BETWEEN.split(_CAMEL.sub("_", name).lower()))
    if words & _LESS:
        return "min"
    return "max" if words & _MORE else None


def best_of(values: Sequence[Any], goal: str | None) -> tuple[int, ...]:
    """The places of the best numbers; none where they cannot be told from the rest."""
    numbers = {at: value for at, value in enumerate(values) if _is_number(value)}
    if goal is None or len(set(numbers.values())) < 2:
        return ()
    best = (max if goal == "max" else min)(numbers.values())
    return tuple(at for at, value in numbers.items() if value == best)


def _parameters(columns: Sequence[Column]) -> list[ComparedParameter]:
    names = dict.fromkeys(name for column in columns for name in column.params)
    rows = []
    for name in names:
        values = tuple(column.params.get(name) for column in columns)
        has = [name in column.params for column in columns]
        rows.append(ComparedParameter(name=name, values=values, differs=_differ(values) or not all(has)))
    return sorted(rows, key=lambda row: not row.differs)


def _metrics(columns: Sequence[Column]) -> list[ComparedMetric]:
    rows = []
    for task, name, source in _keys(columns, lambda column: column.values):
        values = tuple(column.values.get((task, name, source)) for column in columns)
        told: dict[str, Any] = {}
        if source == "metric":
            series = [column.series.get((task, name), {}) for column in columns]
            told = {key: tuple(_finite(each.get(of)) for each in series) for key, of in _SERIES}
        goal = goal_of(name) if any(map(_is_number, values)) else None
        rows.append(
            ComparedMetric(
                task=task, name=name, source=source, values=values, differs=_differ(values), goal=goal,
                best=best_of(values, goal), **told,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: not row.differs)


_SERIES = (("lows", "min"), ("highs", "max"), ("steps", "step"))


def _tasks(columns: Sequence[Column]) -> list[ComparedTask]:
    by_path = [{row.path: row for row in column.instances} for column in columns]
    paths = dict.fromkeys(path for rows in by_path for path in rows)
    return [
        ComparedTask(path=path, cells=tuple(_cell(rows[path]) if path in rows else None for rows in by_path))
        for path in paths
    ]


def _cell(row: TaskInstance) -> ComparedCell:
    usage = row.data.get("usage", {})
    peak = usage.get("peak_mem") if isinstance(usage, Mapping) else None
    seconds = row.ended_at - row.started_at if row.started_at is not None and row.ended_at is not None else None
    return ComparedCell(
        status=row.status, result=row.result, reason=row.reason, attempts=row.attempts,
        seconds=None if seconds is None or not row.attempts else max(seconds, 0.0),
        peak_mem=int(peak) if _is_number(peak) and peak else None,
    )  # fmt: skip


def _classifications(columns: Sequence[Column]) -> list[ComparedClassification]:
    rows = []
    for task, output, part in _keys(columns, lambda column: column.figures):
        pairs = [column.figures.get((task, output, part), (None, None)) for column in columns]
        rows.append(
            ComparedClassification(
                task=task, output=output, slice=part, matrices=tuple(pair[0] for pair in pairs),
                curves=tuple(pair[1] for pair in pairs),
            )
        )  # fmt: skip
    return rows


def _keys(columns: Sequence[Column], of: Callable[[Column], Mapping[Any, Any]]) -> list[Any]:
    """What any of the columns has, in the order in which they name it."""
    return list(dict.fromkeys(key for column in columns for key in of(column)))


def _seconds_of_job(column: Column) -> float | None:
    start, end = column.job.started_at, column.job.ended_at
    return None if start is None or end is None else max((end - start).total_seconds(), 0.0)


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] or isinstance(value, bool) is not isinstance(values[0], bool) for value in values[1:])


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _finite(value: Any) -> float | None:
    return value if _is_number(value) and abs(value) < 1e300 else None
