"""``fasttrack metrics``: curves of a line, CSV, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fasttrack_jupyter.cli.metrics import ASCII_BARS, BARS, WIDTH, curve

LOSS = {
    "steps": [0, 1, 2], "values": [1.0, "NaN", 0.25], "times": [1e9, 0, 0], "count": 3, "last": 0.25, "min": 0.25,
    "max": 1.0,
}  # fmt: skip


@pytest.fixture
def noted(client: Any) -> list[tuple[str, int | None]]:
    """A job of which ``train`` notes a metric, its file so large that it takes two questions; what was asked."""
    asked: list[tuple[str, int | None]] = []

    def metrics(job: str, path: str, *, after: int = 0, attempt: int | None = None) -> dict[str, Any]:
        asked.append((path, attempt))
        found = {"attempt": 1, "next": 9, "more": len(asked) == 1, "ended": True, "left_out": 0}
        series = {"loss": LOSS} if path == "train" else {}
        return {**found, "series": series, "params": {"lr": 0.1} if series else {}, "tags": {}}

    client.metrics = metrics
    return asked


def test_metrics_are_shown_as_curves(cli: Any, noted: list[Any]) -> None:
    """With their last value, the lowest and the highest; parameters below."""
    told = cli("metrics", "last").stdout
    assert "train  loss    0.25  0.25    1       3" in told
    assert "parameter  lr    0.1" in told
    assert [path for path, _ in noted] == ["prepare", "prepare", "train"]


def test_metrics_of_one_attempt_as_json(cli: Any, noted: list[Any]) -> None:
    """By task, as the API has them."""
    found = json.loads(cli("metrics", "last", "train", "--attempt", "2", "--json").stdout)
    assert found["train"]["series"]["loss"]["values"] == [1.0, "NaN", 0.25]
    assert noted[-1] == ("train", 2)


def test_metrics_as_csv(cli: Any, noted: list[Any]) -> None:
    """A line per point."""
    told = cli("metrics", "last", "--csv").stdout.splitlines()
    assert told == [
        "task,metric,step,value,time", "train,loss,0,1,1000000000.0", "train,loss,1,NaN,", "train,loss,2,0.25,",
    ]  # fmt: skip


def test_json_and_csv_at_once_are_refused(cli: Any, noted: list[Any]) -> None:
    """Stdout is one thing."""
    assert cli("metrics", "last", "--csv", "--json").exit_code == 2


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([3.0], "▅"),
        ([1.0, 1.0], "▅▅"),
        ([0.0, 1.0, "NaN", 0.5], "▁█ ▅"),
        ([-1.7e308, 1.7e308], "▁█"),
        (["NaN"], " "),
    ],
)
def test_a_curve_is_a_line_of_bars(values: list[float | str], drawn: str) -> None:
    """Whatever the numbers."""
    assert curve(values) == drawn
    assert len(curve([float(value) for value in range(5000)])) == WIDTH
    assert len(BARS) == len(ASCII_BARS)
