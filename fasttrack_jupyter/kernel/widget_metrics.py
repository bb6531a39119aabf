"""What a task noted, in HTML: a small chart for each kind of metric, a table, and of classifiers matrices and curves.

The charts are SVG within the page, whose colours are the style's variables: they follow the theme, and need no script.
Values stand where the pointer rests (``<title>``), and in the table for those who do not point. What a task names comes
from a stranger: every text is escaped, every number is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.words import clean, plural

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.tasks import TaskHandle

Json = dict[str, Any]
Points = list[tuple[float, float]]

SERIES = (
    ("#1f6fb2", "#63b3f0"), ("#b8520c", "#f09a5a"), ("#2b7f3f", "#72c98a"), ("#9a3aa8", "#d895e6"),
    ("#8a6d00", "#d9b93f"), ("#c2334d", "#f38ba0"),
)  # fmt: skip
"""Colours of curves, light and dark, each ≥ 3:1 on the surface; as in ``labextension/style/viewers.css``."""
_DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
_PARTS = "train|training|val|valid|validation|test|eval|dev"
_KIND = re.compile(rf"(?:{_PARTS})[\W_]+(?P<after>.+)|(?P<before>.+?)[\W_]+(?:{_PARTS})", re.IGNORECASE)
_MOST_CHARTS, _MOST_ROWS, _MOST_LABELS, _MOST_FIGURES = 24, 100, 20, 8
_MOST_POINTS = 300
"""Of one curve; a chart is not wider in pixels."""
_WIDTH, _HEIGHT, _SQUARE = 134, 58, 130
_TYPES = ("ClassificationMetrics", "SlicedClassificationMetrics", "Metrics")


def metrics_html(task: TaskHandle) -> str:
    """Charts, table and figures of what a task has noted until now. Raises FastTrackError."""
    series = task.metrics()["series"]
    name = escape(clean(task.name))
    figures = task.figures() if task.is_ended and _has_figures(task) else {"classifications": ()}
    classifications = list(islice(figures["classifications"], _MOST_FIGURES))
    if not series and not classifications:
        so_far = "noted no metric." if task.is_ended else "has noted no metric so far."
        how = "<code>fasttrack_task.metric(&quot;loss&quot;, …)</code> notes one."
        return f'<p class="ftw-none">{name} {so_far} {how}</p>'
    charts = [chart for kind, names in _kinds(series).items() if (chart := _chart(kind, names, series))]
    left = len(charts) - _MOST_CHARTS
    more = f'<p class="ftw-none">{plural(left, "chart")} more.</p>' if left > 0 else ""
    drawn = "".join(charts[:_MOST_CHARTS])
    told = "".join(map(_classification, classifications))
    return f'<div class="ftw-charts">{drawn}</div>{more}{_table(name, series)}<div class="ftw-charts">{told}</div>'


def kind_of(name: str) -> str:
    """What a metric is called without the part of the data that it is of: ``loss`` of ``val_loss``."""
    found = _KIND.fullmatch(name)
    return (found["after"] or found["before"]) if found else name


def _has_figures(task: TaskHandle) -> bool:
    return any(isinstance(told, dict) and told.get("type") in _TYPES for told in task.view["outputs"].values())


def _kinds(series: Json) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for name in series:
        kinds.setdefault(kind_of(name), []).append(name)
    return kinds


# ---------------------------------------------------------------- curves


def _chart(kind: str, names: Sequence[str], series: Json) -> str:
    """A chart of those that have two points or more; empty where there are none."""
    curves = {name: _few(_points(series[name])) for name in names if series[name]["count"] > 1}
    placed = [point for points in curves.values() for point in points if math.isfinite(point[1])]
    if not placed:
        return ""
    steps, values = [point[0] for point in placed], [point[1] for point in placed]
    box = (_range(steps), _range(values))
    paths = "".join(
        f'<path d="{_path(points, *box)}" style="{_look(at)}"><title>{escape(clean(name))}</title></path>'
        for at, (name, points) in enumerate(curves.items())
    )
    title = clean(kind if len(curves) > 1 else next(iter(curves)))
    ends = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(figure(value))}</text>'
        for x, y, anchor, value in (
            (-4, 8, "end", box[1][1]), (-4, _HEIGHT, "end", box[1][0]),
            (0, _HEIGHT + 12, "start", box[0][0]), (_WIDTH, _HEIGHT + 12, "end", box[0][1]),
        )
    )  # fmt: skip
    grid = "".join(f'<line x2="{_WIDTH}" y1="{y}" y2="{y}"/>' for y in (0, _HEIGHT / 2, _HEIGHT))
    return (
        f'<figure class="ftw-chart"><figcaption><b>{escape(title)}</b> {_legend(curves, series)}</figcaption>'
        f'<svg role="img" aria-label="{escape(_said(title, curves, series))}" width="{_WIDTH + 52}"'
        f' height="{_HEIGHT + 20}"><g transform="translate(46 4)"><g class="ftw-grid">{grid}{ends}</g>{paths}'
        f"</g></svg></figure>"
    )


def _legend(curves: dict[str, Points], series: Json) -> str:
    """The last values; with the curves' names where there are several."""
    if len(curves) == 1:
        return escape(figure(_number(series[next(iter(curves))]["last"])))
    return " ".join(
        f'<span><svg width="16" height="6" aria-hidden="true"><line x2="16" y1="3" y2="3" style="{_look(at)}"/></svg> '
        f"{escape(clean(name))} {escape(figure(_number(series[name]['last'])))}</span>"
        for at, name in enumerate(curves)
    )


def _said(title: str, curves: dict[str, Points], series: Json) -> str:
    told = ", ".join(f"{clean(name)} {figure(_number(series[name]['last']))}" for name in curves)
    return f"Curve of {title}; now {told}" if len(curves) == 1 else f"Curves of {title}; now {told}"


def _look(at: int) -> str:
    dash = _DASHES[at % len(_DASHES)]
    return f"stroke:var(--ftw-series-{at % len(SERIES)})" + (f";stroke-dasharray:{dash}" if dash else "")


def _points(series: Json) -> Points:
    return sorted(zip(series["steps"], map(_number, series["values"]), strict=True), key=lambda point: point[0])


def _few(points: Points) -> Points:
    """The lowest and the highest of each run, where there are more than pixels."""
    run = -(-len(points) // (_MOST_POINTS // 2))
    if run <= 2:
        return points
    found: Points = []
    for start in range(0, len(points), run):
        part = [point for point in points[start : start + run] if math.isfinite(point[1])] or points[start : start + 1]
        low, high = min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])
        found += sorted({low, high})
    return found


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    slack = 0.0 if high > low else abs(low) * 0.1 or 1.0
    return low - slack, high + slack


def _path(points: Points, across: tuple[float, float], up: tuple[float, float]) -> str:
    """Through what has a place; what is no number leaves a gap."""
    parts, is_open = [], False
    for step, value in points:
        if math.isfinite(value):
            x = _WIDTH * (step - across[0]) / (across[1] - across[0])
            y = _HEIGHT * (1 - (value - up[0]) / (up[1] - up[0]))
            parts.append(f"{'L' if is_open else 'M'}{x:.1f} {y:.1f}")
        is_open = math.isfinite(value)
    return "".join(parts)


def _table(name: str, series: Json) -> str:
    if not series:
        return ""
    rows = "".join(_rows(series))
    more = len(series) - _MOST_ROWS
    left = f'<p class="ftw-none">{plural(more, "metric")} more.</p>' if more > 0 else ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Metric", "Last", "Lowest", "Highest", "Step"))
    return (
        f'<table class="ftw-table" aria-label="Metrics of {name}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{left}"
    )


def _rows(series: Json) -> Iterator[str]:
    for name, one in islice(sorted(series.items()), _MOST_ROWS):
        step = one["steps"][-1] if one["steps"] else None
        numbers = (_number(one["last"]), one["min"], one["max"], step)
        cells = "".join(f'<td class="ftw-number">{escape(figure(number))}</td>' for number in numbers)
        yield f'<tr><th scope="row">{escape(clean(name))}</th>{cells}</tr>'


# ---------------------------------------------------------------- classifiers


def _classification(found: Json) -> str:
    name = clean(found["output"] if found["slice"] is None else f"{found['output']} · {found['slice']}")
    return (_matrix(name, found["matrix"]) if found["matrix"] else "") + (
        _roc(name, found["curve"]) if found["curve"] else ""
    )


def _matrix(name: str, matrix: Json) -> str:
    """How often what is (row) was taken for what (column)."""
    labels, rows = [clean(label) for label in matrix["labels"]], matrix["rows"]
    total = math.fsum(map(math.fsum, rows))
    right = f"{math.fsum(row[at] for at, row in enumerate(rows)) / total:.1%} right" if total else ""
    caption = f"<figcaption><b>{escape(name)}</b> {right}</figcaption>"
    if len(labels) > _MOST_LABELS:
        return f'<figure class="ftw-chart">{caption}<p class="ftw-none">{len(labels)} classes</p></figure>'
    heads = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    most = max(map(max, rows)) or 1
    body = "".join(
        f'<tr><th scope="row">{escape(labels[at])}</th>'
        + "".join(_cell(labels, at, column, count, count / most) for column, count in enumerate(row))
        + "</tr>"
        for at, row in enumerate(rows)
    )
    words = escape(f"Confusion matrix of {name}: rows are what it is, columns what it was taken for")
    return (
        f'<figure class="ftw-chart">{caption}<table class="ftw-matrix" aria-label="{words}"><thead><tr><td></td>{heads}'
        f"</tr></thead><tbody>{body}</tbody></table></figure>"
    )


def _cell(labels: Sequence[str], row: int, column: int, count: float, part: float) -> str:
    tint = round(8 + 42 * max(part, 0)) if count else 0
    colour = "success" if row == column else "failure"
    title = escape(f"{labels[row]} taken for {labels[column]}: {figure(count)}")
    return (
        f'<td title="{title}" style="background:color-mix(in srgb,var(--ftw-{colour}) {tint}%,transparent)">'
        f"{escape(figure(count)) if count else '·'}</td>"
    )


def _roc(name: str, curve: Json) -> str:
    pairs = zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True)
    path = "".join(f"{'L' if at else 'M'}{_SQUARE * x:.1f} {_SQUARE * (1 - y):.1f}" for at, (x, y) in enumerate(pairs))
    area = f"AUC {curve['area']:.3f}"
    grid = "".join(
        f'<line x2="{_SQUARE}" y1="{at}" y2="{at}"/><line x1="{at}" x2="{at}" y2="{_SQUARE}"/>'
        for at in (0, _SQUARE / 2, _SQUARE)
    )
    words = (
        f'<text x="{_SQUARE / 2}" y="{_SQUARE + 12}" text-anchor="middle">False positive rate</text>'
        f'<text transform="translate(-6 {_SQUARE / 2}) rotate(-90)" text-anchor="middle">True positive rate</text>'
    )
    return (
        f'<figure class="ftw-chart"><figcaption><b>{escape(name)}</b> {area}</figcaption>'
        f'<svg role="img" aria-label="{escape(f"ROC curve of {name}, {area}")}" width="{_SQUARE + 26}"'
        f' height="{_SQUARE + 22}"><g transform="translate(18 4)"><g class="ftw-grid">{grid}'
        f'<line x1="0" y1="{_SQUARE}" x2="{_SQUARE}" y2="0" stroke-dasharray="3 4"/>{words}</g>'
        f'<path d="{path}" style="{_look(0)}"/></g></svg></figure>'
    )


def figure(value: float | None) -> str:
    """A number in four digits; what is none as it is called."""
    return "–" if value is None else f"{value:.4g}"


def _number(found: Any) -> float:
    """As JSON carries it: what it has no word for comes as a text."""
    return float(found)
