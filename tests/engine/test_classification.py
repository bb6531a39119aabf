"""Confusion matrices, ROC curves and what is better than what: of anything that a task may have written."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fasttrack_jupyter.engine.classification import MOST_POINTS, figures_of
from fasttrack_jupyter.engine.comparing import best_of, goal_of

MATRIX = {"annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}], "rows": [{"row": [1, 2]}, {"row": [3, 4]}]}


def point(across: Any, up: Any) -> dict[str, Any]:
    """A point of a ROC curve."""
    return {"confidenceThreshold": 0.5, "falsePositiveRate": across, "recall": up}


@pytest.mark.parametrize(
    "found",
    [
        None, [], "text", {}, {"confusionMatrix": 3}, {"confusionMatrix": {**MATRIX, "rows": [{"row": [1, 2]}]}},
        {"confusionMatrix": {**MATRIX, "rows": [{"row": [1, math.nan]}, {"row": [3, 4]}]}},
        {"confusionMatrix": {**MATRIX, "rows": [{"row": [1, 2, 3]}, {"row": [3, 4]}]}},
        {"confusionMatrix": {"annotationSpecs": [{}] * 5000, "rows": [{"row": [0] * 5000}] * 5000}},
        {"confidenceMetrics": [1, None, {"recall": "x"}]}, {"evaluationSlices": [1, {"slice": "x"}]},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(found: Any) -> None:
    """Wrong shapes, wrong lengths, no numbers, too many."""
    assert figures_of(found) == {}


def test_slices_are_told_by_name() -> None:
    """A sliced artifact holds the same for each of its slices."""
    found = figures_of(
        {"evaluationSlices": [{"slice": "old", "sliceClassificationMetrics": {"confusionMatrix": MATRIX}}]}
    )
    assert list(found) == ["old"]
    assert found["old"][0] is not None
    assert found["old"][0].rows == ((1, 2), (3, 4))


def test_a_long_curve_is_thinned_and_its_area_is_that_of_the_whole() -> None:
    """Both its ends stay; points may come in any order."""
    points = [point(at / 9999, at / 9999) for at in reversed(range(10_000))]
    curve = figures_of({"confidenceMetrics": points})[None][1]
    assert curve is not None
    assert len(curve.thresholds) == MOST_POINTS
    assert (curve.false_positive_rates[0], curve.false_positive_rates[-1]) == (0, 1)
    assert curve.area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("accuracy", "max"),
        ("valLoss", "min"),
        ("test_f1", "max"),
        ("eval/rmse", "min"),
        ("epochs", None),
        ("floss", None),
    ],
)
def test_the_name_of_a_metric_tells_which_way_is_good(name: str, goal: str | None) -> None:
    """By whole words of it, in snake or camel case; no guess otherwise."""
    assert goal_of(name) == goal


def test_the_best_are_those_that_can_be_told_from_the_rest() -> None:
    """Several may be; none where all are the same, or no goal is known."""
    assert best_of([1, 3, 3, None, "NaN", True], "max") == (1, 2)
    assert best_of([1, 3, 3], "min") == (0,)
    assert best_of([2, 2], "max") == ()
    assert best_of([1, 2], None) == ()
