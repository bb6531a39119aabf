"""What a task noted, as HTML: curves, a table, matrices; names are strangers'."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.kernel.widget_metrics import SERIES, kind_of, metrics_html

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from shown import StandIn, task, view

CSS = Path(__file__).resolve().parents[2] / "labextension" / "style" / "viewers.css"
QUALITY = {"type": "ClassificationMetrics", "path": "quality", "metadata": {}}
CLASSIFICATION = {
    "output": "quality",
    "slice": None,
    "matrix": {"labels": ["cat", "<dog>"], "rows": [[9, 1], [0, 10]]},
    "curve": {
        "false_positive_rates": [0, 0.5, 1], "true_positive_rates": [0, 1, 1], "thresholds": [1, 0.5, 0], "area": 0.75,
    },
}  # fmt: skip


def series(*values: float | str) -> dict[str, Any]:
    """A SeriesView."""
    numbers = [value for value in values if not isinstance(value, str)]
    steps = list(range(len(values)))
    return {
        "steps": steps, "values": list(values), "times": [0] * len(values), "count": len(values), "last": values[-1],
        "min": min(numbers, default=None), "max": max(numbers, default=None),
    }  # fmt: skip


def noted(noted: dict[str, Any], *, status: str = "RUNNING", classified: bool = False) -> str:
    """The HTML of a task that noted these series."""
    outputs = {"quality": QUALITY} if classified else {}
    found: Any = StandIn(view(task("train", status, outputs=outputs))).tasks["train"]
    found.metrics = lambda: {"series": noted}
    found.figures = lambda: {"classifications": [CLASSIFICATION]}
    return metrics_html(found)


def test_each_kind_of_metric_is_a_chart_and_every_metric_a_row() -> None:
    """Of training and validation in one, each curve with its own look; a number noted once is in the table alone."""
    html = noted({"train_loss": series(3, 2, 1), "val_loss": series(4, 3, 2), "final": series(0.97)})
    assert html.count("<figure") == 1
    assert re.findall(r'<path d="([^"]*)"', html) == [
        "M0.0 19.3L67.0 38.7L134.0 58.0",
        "M0.0 0.0L67.0 19.3L134.0 38.7",
    ]
    assert "stroke-dasharray:7 3" in html
    assert 'aria-label="Curves of loss; now train_loss 1, val_loss 2"' in html
    assert '<th scope="row">final</th><td class="ftw-number">0.97</td>' in html
    assert [kind_of(name) for name in ("val/acc", "acc.test", "lossy")] == ["acc", "acc", "lossy"]


def test_what_is_no_number_leaves_a_gap() -> None:
    """And is told in the table."""
    html = noted({"norm": series(1, "NaN", 3, "Infinity")})
    assert re.findall(r'<path d="([^"]*)"', html) == ["M0.0 58.0M134.0 0.0"]
    assert '<td class="ftw-number">inf</td>' in html


def test_very_many_points_become_few_with_their_peaks() -> None:
    """A spike of one point stays."""
    html = noted({"x": series(*(1000.0 if at == 777 else at % 2 for at in range(2000)))})
    (path,) = re.findall(r'<path d="([^"]*)"', html)
    assert path.count("L") < 310
    assert re.search(r"[LM][\d.]+ 0\.0", path)


def test_the_classifier_of_a_task_is_shown_at_its_end() -> None:
    """Matrix and ROC curve; before the end there are none."""
    assert "ftw-matrix" not in noted({"x": series(1, 2)}, classified=True)
    html = noted({}, status="TERMINATED", classified=True)
    assert "95.0% right" in html
    assert "cat taken for &lt;dog&gt;: 1" in html
    assert "AUC 0.750" in html
    assert "<dog>" not in html


def test_names_are_escaped() -> None:
    """Whatever a task calls its metrics."""
    assert "<img" not in noted({"<img src=x onerror=alert(1)>": series(1, 2)})


def test_a_task_that_noted_nothing_says_how() -> None:
    """While it runs, and after."""
    assert "has noted no metric so far" in noted({})
    assert "noted no metric." in noted({}, status="TERMINATED")


def test_the_colours_are_those_of_jupyterlab_s_charts() -> None:
    """Light and dark."""
    found = re.findall(r"--ft-series-(\d): (#\w+);", CSS.read_text())
    pairs = [tuple(colour for place, colour in found if int(place) == at) for at in range(len(SERIES))]
    assert pairs == list(SERIES)
