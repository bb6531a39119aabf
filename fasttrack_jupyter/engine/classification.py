"""Confusion matrices and ROC curves, as Kubeflow's ``ClassificationMetrics`` artifacts hold them. Pure.

The shapes are those of ``kfp.dsl`` (``log_confusion_matrix``, ``log_roc_curve``)::

    {"confusionMatrix":   {"annotationSpecs": [{"displayName": "cat"}, …], "rows": [{"row": [9, 1]}, …]},
     "confidenceMetrics": [{"confidenceThreshold": 0.5, "falsePositiveRate": 0.1, "recall": 0.9}, …]}

and of a ``SlicedClassificationMetrics`` ``{"evaluationSlices": [{"slice": name, "sliceClassificationMetrics": …}]}``,
each with the same within. Tasks write them, so nothing here trusts a shape or a size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.compare_views import ConfusionMatrix, RocCurve

MOST_LABELS, MOST_POINTS, MOST_SLICES, LONGEST_LABEL = 100, 500, 20, 80

Figures = tuple[ConfusionMatrix | None, RocCurve | None]


def figures_of(found: Any) -> dict[str | None, Figures]:
    """By slice (None: the whole), what an artifact's JSON holds; empty where it makes no sense."""
    if not isinstance(found, Mapping):
        return {}
    every: dict[str | None, Mapping[str, Any]] = {None: found}
    every.update(_slices(found.get("evaluationSlices")))
    figures = {name: (_matrix(part.get("confusionMatrix")), _curve(part)) for name, part in every.items()}
    return {name: pair for name, pair in figures.items() if pair != (None, None)}


def _slices(found: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in found[:MOST_SLICES] if isinstance(found, list) else ():
        inner = each.get("sliceClassificationMetrics", each) if isinstance(each, Mapping) else None
        if isinstance(inner, Mapping):
            yield str(each.get("slice", ""))[:LONGEST_LABEL], inner


def _matrix(found: Any) -> ConfusionMatrix | None:
    specs, rows = (found.get("annotationSpecs"), found.get("rows")) if isinstance(found, Mapping) else (None, None)
    if not isinstance(specs, list) or not isinstance(rows, list) or not 0 < len(specs) <= MOST_LABELS:
        return None
    labels = tuple(str(spec.get("displayName", "") if isinstance(spec, Mapping) else spec) for spec in specs)
    numbers = [_numbers(row.get("row") if isinstance(row, Mapping) else row, len(labels)) for row in rows]
    if len(numbers) != len(labels) or None in numbers:
        return None
    return ConfusionMatrix(
        labels=tuple(label[:LONGEST_LABEL] for label in labels), rows=tuple(row for row in numbers if row is not None)
    )


def _curve(part: Mapping[str, Any]) -> RocCurve | None:
    found = part.get("confidenceMetrics")
    found = found.get("list") if isinstance(found, Mapping) else found
    points = sorted(filter(None, map(_point, found if isinstance(found, list) else ())), key=lambda point: point[:2])
    if not points:
        return None
    area = math.fsum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in itertools.pairwise(points))
    shown = points
    if len(points) > MOST_POINTS:
        shown = [points[at * (len(points) - 1) // (MOST_POINTS - 1)] for at in range(MOST_POINTS)]
    return RocCurve(
        false_positive_rates=tuple(point[0] for point in shown), true_positive_rates=tuple(point[1] for point in shown),
        thresholds=tuple(point[2] for point in shown), area=area,
    )  # fmt: skip


def _point(found: Any) -> tuple[float, float, float | None] | None:
    if not isinstance(found, Mapping):
        return None
    across, up = _number(found.get("falsePositiveRate", 0)), _number(found.get("recall", 0))
    return None if across is None or up is None else (across, up, _number(found.get("confidenceThreshold")))


def _numbers(found: Any, count: int) -> tuple[float, ...] | None:
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != count:
        return None
    numbers = [_number(each) for each in found]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if abs(found) < 1e300 else None  # false of nan and infinity, and no float overflows
