"""What tasks note of themselves while they run: the lines of ``.metrics.jsonl``, folded as they come.

A line is a point ``{"name", "value", "step", "time"}``, or a fact ``{"param" or "tag": name, "value"}``; see
``task/fasttrack_task.py``, which writes them. A task writes what it likes, so nothing here trusts a line: one that is
broken, too long or of another shape is counted and left out, names and texts are cut, and only so many names are kept.

A series keeps at most :data:`MOST_POINTS` points, and yet its peaks: once there are twice as many, each run of four
becomes its lowest and its highest, and from then on a run of new points of that length becomes two. So the points that
stay lie evenly, however long the task runs, and a spike of one point is never lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

METRICS = ".metrics.jsonl"
"""The file of metrics, in the output folder; no output."""
ARTIFACT_LIST = ".artifacts.json"
"""The file in which a task may tell metadata of its artifacts, in the output folder; no output."""
MOST_POINTS = 2_000
"""Points that are given of one series."""
MOST_NAMES = 500
"""Metrics of one task; as many parameters, and tags. What comes later is counted, not kept."""
LONGEST_NAME, LONGEST_TEXT = 250, 500
LONGEST_LINE = 16_384
"""Bytes of a line that is read."""
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LATEST = 1e11

Number = float | str
"""A number as JSON carries it: one without a word there is ``NaN``, ``Infinity`` or ``-Infinity``."""


class Point(NamedTuple):
    """One value of a metric: its step, and seconds since the epoch (0: not told)."""

    step: float
    value: float
    at: float


@dataclass(slots=True)
class Series:
    """One metric: all its points in short, and what is said of them in a word."""

    count: int = 0
    last: Point | None = None
    lowest: float = math.inf
    highest: float = -math.inf
    _points: list[Point] = field(default_factory=list)
    _open: list[Point] = field(default_factory=list)
    _run: int = 1
    """How many new points become two of those that are kept (1: each is kept)."""

    def add(self, point: Point) -> None:
        """The next point."""
        self.count, self.last = self.count + 1, point
        if -math.inf < point.value < self.lowest:
            self.lowest = point.value
        if self.highest < point.value < math.inf:
            self.highest = point.value
        if self._run == 1:
            self._points.append(point)
        else:
            self._open.append(point)
            if len(self._open) == self._run:
                self._points += _extremes(self._open)
                self._open = []
        if len(self._points) >= 2 * MOST_POINTS:
            self._points, self._run = _thinned(self._points), max(4, self._run * 2)

    def points(self) -> list[Point]:
        """At most :data:`MOST_POINTS`, in the order in which they came, the last one among them."""
        found = [*self._points, *_extremes(self._open)]
        while len(found) > MOST_POINTS:
            found = _thinned(found)
        if self.last is not None and found[-1] != self.last:
            found[-1:] = [self.last] if len(found) == MOST_POINTS else [found[-1], self.last]
        return found

    def summary(self) -> dict[str, Any]:
        """``{last, min, max, step, count}``; no finite value: min and max are null."""
        assert self.last is not None
        has_finite = self.lowest <= self.highest
        return {
            "last": as_number(self.last.value), "step": self.last.step, "count": self.count,
            "min": self.lowest if has_finite else None, "max": self.highest if has_finite else None,
        }  # fmt: skip


@dataclass(slots=True)
class MetricTable:
    """All that a task noted, folded. Feed it the file's bytes in order, in whole lines or not."""

    series: dict[str, Series] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    left_out: int = 0
    """Lines that make no sense, and names beyond :data:`MOST_NAMES`."""
    truncated: bool = False
    """Whoever feeds it says that some of the file was left unread."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:  # what follows of it is one more that makes no sense
            self._rest, self.left_out = b"", self.left_out + 1
        kept = [line for line in lines if 0 < len(line) <= LONGEST_LINE]
        self.left_out += sum(len(line) > LONGEST_LINE for line in lines)
        try:  # all of them at once, which is thrice as fast
            found = json.loads(b"[%b]" % b",".join(kept))
        except (ValueError, RecursionError):
            found = map(_parsed, kept)
        for each in found:
            if not self._take(each):
                self.left_out += 1

    @property
    def pending(self) -> int:
        """Bytes of a last line that has no end yet."""
        return len(self._rest)

    def summaries(self) -> dict[str, dict[str, Any]]:
        """By metric, what is said of it in a word; see :meth:`Series.summary`."""
        return {name: series.summary() for name, series in self.series.items()}

    def facts(self) -> dict[str, Any]:
        """What is kept of a task instance that has ended: ``{metrics, params, tags}``, as far as there are any.

        ``metrics_truncated`` is there, and true, if they are those of a part of the file.
        """
        found: dict[str, Any] = {"metrics": self.summaries(), "params": self.params, "tags": self.tags}
        found["metrics_truncated"] = self.truncated
        return {key: value for key, value in found.items() if value}

    def _take(self, found: Any) -> bool:
        """What a line says; False where it makes no sense."""
        if not isinstance(found, dict):
            return False
        if "name" in found:
            return self._take_point(found)
        kind = "param" if "param" in found else "tag"
        known = self.params if kind == "param" else self.tags
        name, value = _name(found.get(kind)), found.get("value")
        if name is None or (name not in known and len(known) >= MOST_NAMES):
            return False
        known[name] = _scalar(value)
        return True

    def _take_point(self, found: Mapping[str, Any]) -> bool:
        name, value, step = found["name"], _number(found.get("value")), _number(found.get("step"))
        if value is None:
            return False
        series = self.series.get(name) if isinstance(name, str) else None
        if series is None:
            if _name(name) is None or len(self.series) >= MOST_NAMES:
                return False
            series = self.series[name] = Series()
        at = _number(found.get("time")) or 0.0
        is_step = step is not None and math.isfinite(step)
        series.add(
            Point(step if is_step and step is not None else series.count, value, at if 0 < at < _LATEST else 0.0)
        )
        return True


def _parsed(line: bytes) -> Any:
    """What a line says; None where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def as_number(value: float) -> Number:
    """As JSON carries it."""
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def parse_artifacts(content: bytes) -> dict[str, dict[str, Any]]:
    """By artifact, the metadata that a task wrote down in ``.artifacts.json``; nothing where it makes no sense."""
    try:
        listed = json.loads(content, parse_constant=str)
        json.dumps(listed, ensure_ascii=False).encode("utf-8")  # no half characters
    except (ValueError, RecursionError):
        return {}
    return dict(_told_metadata(listed)) if isinstance(listed, dict) else {}


def _told_metadata(listed: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in list(listed.items())[:MOST_NAMES]:
        metadata = entry.get("metadata") if isinstance(entry, dict) else None
        if isinstance(metadata, dict) and metadata:
            yield name, metadata


def _extremes(points: list[Point]) -> list[Point]:
    """The lowest and the highest of a run, in the order in which they came."""
    if len(points) <= 2:
        return points
    finite = [point for point in points if math.isfinite(point.value)] or points[:1]
    low, high = min(finite, key=lambda point: point.value), max(finite, key=lambda point: point.value)
    if low is high or low == high:
        return [finite[0], finite[-1]]
    return [point for point in finite if point is low or point is high]


def _thinned(points: list[Point]) -> list[Point]:
    return [kept for at in range(0, len(points), 4) for kept in _extremes(points[at : at + 4])]


def _name(found: Any) -> str | None:
    """A name as it may be shown: printable, whole characters, and no longer than it should be."""
    is_name = isinstance(found, str) and 0 < len(found) <= LONGEST_NAME and found.isprintable()
    return found if is_name else None


def _number(found: Any) -> float | None:
    if type(found) is float:
        return found
    if isinstance(found, str):
        return _WORDS.get(found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return float(found)
    except OverflowError:  # JSON's integers may be larger than any float
        return math.inf if found > 0 else -math.inf


def _scalar(found: Any) -> Any:
    """A fact's value: no structure, nothing that JSON has no word for, not too long."""
    if isinstance(found, str):
        return found[:LONGEST_TEXT].encode("utf-8", "replace").decode()
    if found is None or isinstance(found, bool):
        return found
    number = _number(found)
    return found if number is not None and math.isfinite(number) else None if number is None else as_number(number)
