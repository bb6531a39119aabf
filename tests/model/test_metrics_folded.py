"""Lines of metrics, folded: bounded, with their peaks, and whatever a task may have written."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest

from fasttrack_jupyter.model.metrics import (
    LONGEST_LINE,
    MOST_NAMES,
    MOST_POINTS,
    MetricTable,
    Point,
    Series,
    parse_artifacts,
)


def line(**parts: Any) -> bytes:
    """A line of the file."""
    return json.dumps(parts).encode() + b"\n"


def fed(*lines: bytes) -> MetricTable:
    """A table that has read these."""
    table = MetricTable()
    for each in lines:
        table.feed(each)
    return table


def test_a_metric_is_told_in_a_word() -> None:
    """Its last value and step, the lowest and the highest."""
    table = fed(*(line(name="loss", value=value, step=step, time=1e9) for step, value in enumerate((3, 1.5, 2))))
    assert table.facts() == {"metrics": {"loss": {"last": 2.0, "step": 2.0, "count": 3, "min": 1.5, "max": 3.0}}}


def test_parameters_and_tags_are_kept_by_their_last_value() -> None:
    """Scalars; texts are cut."""
    table = fed(line(param="lr", value=1), line(param="lr", value=0.1), line(tag="a", value="x" * 900))
    assert table.facts() == {"params": {"lr": 0.1}, "tags": {"a": "x" * 500}}


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_it_does_not_matter_how_the_file_is_cut_into_pages(size: int) -> None:
    """Lines may be broken anywhere."""
    data = b"".join(line(name=f"m{i % 3}", value=i, step=i) for i in range(50))
    whole = fed(data)
    assert fed(*(data[at : at + size] for at in range(0, len(data), size))) == whole


@pytest.mark.parametrize(
    "broken",
    [
        b"{", b"[]\n", b"3\n", b"null\n", b'{"name": 3, "value": 1}\n', b'{"name": "a"}\n', b"\xff\xfe\n",
        b'{"name": "a", "value": "x"}\n', b'{"name": "a", "value": true}\n', b'{"name": "a", "value": {}}\n',
        b'{"name": "", "value": 1}\n', b'{"name": "\\u0000", "value": 1}\n', b'{"name": "\\ud800", "value": 1}\n',
        b'{"param": [], "value": 1}\n', b"[" * 100_000 + b"\n", b"x" * (LONGEST_LINE + 5) + b"\n", b"{}\n",
        b'{"name": "' + b"n" * 300 + b'", "value": 1}\n',
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out_and_counted(broken: bytes) -> None:
    """What comes after it is read."""
    table = fed(line(name="a", value=1), broken, b"\n", line(name="a", value=2))
    assert table.facts()["metrics"]["a"]["count"] == 2
    assert table.left_out == 1


def test_a_line_without_end_takes_no_memory() -> None:
    """It is dropped as it comes."""
    table = fed(*[b"x" * 65_536] * 64)
    assert table.pending <= LONGEST_LINE
    table.feed(b"\n" + line(name="a", value=1))
    assert table.facts()["metrics"]["a"]["last"] == 1


def test_numbers_without_a_word_in_json() -> None:
    """NaN does not count as the lowest; a number larger than any float is infinite."""
    table = fed(line(name="a", value="NaN"), line(name="a", value=1), line(name="a", value=math.nan))
    assert table.facts()["metrics"]["a"] == {"last": "NaN", "step": 2, "count": 3, "min": 1, "max": 1}
    big = fed(b'{"name": "b", "value": 1' + b"0" * 400 + b"}\n")
    assert big.facts()["metrics"]["b"]["last"] == "Infinity"
    json.dumps(big.facts(), allow_nan=False)


def test_only_so_many_names_are_kept() -> None:
    """The first ones; the others are counted."""
    table = fed(*(line(name=f"m{i}", value=i) for i in range(MOST_NAMES + 7)))
    assert (len(table.series), table.left_out) == (MOST_NAMES, 7)


@pytest.mark.parametrize("count", [1, 1_999, 2_000, 2_001, 3_999, 4_000, 4_001, 4_003, 50_000, 123_456])
def test_a_series_stays_short_and_keeps_its_peaks_and_its_end(count: int) -> None:
    """A spike of one point among so many is there, in the right order, and the last point too."""
    series, spike = Series(), random.Random(count).randrange(count)
    for step in range(count):
        series.add(Point(step, 1000.0 if step == spike else math.sin(step / 100), 0.0))
    points = series.points()
    assert len(points) <= MOST_POINTS
    assert len(points) >= min(count, MOST_POINTS // 4)
    assert max(point.value for point in points) == 1000.0
    assert points[-1].step == count - 1
    steps = [point.step for point in points]
    assert steps == sorted(steps)
    gaps = [after - before for before, after in pairwise(steps)]
    assert max(gaps, default=0) <= max(1, 16 * count / MOST_POINTS)  # evenly, not only the newest


def test_a_series_of_no_numbers_is_one_too() -> None:
    """Points are kept, the lowest is none."""
    series = Series()
    for step in range(10_000):
        series.add(Point(step, math.nan, 0.0))
    assert 0 < len(series.points()) <= MOST_POINTS
    assert (series.summary()["min"], series.summary()["last"]) == (None, "NaN")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"a": 1}', b'{"a": {"metadata": []}}', b'{"a": {"metadata": {}}}', b"[" * 100_000, b"\xff",
     b'{"a": {"metadata": {"x": "\\ud800"}}}'],
)  # fmt: skip
def test_a_list_of_artifacts_that_makes_no_sense_says_nothing(content: bytes) -> None:
    """Whatever it is."""
    assert parse_artifacts(content) == {}


def test_metadata_of_artifacts_is_json() -> None:
    """NaN becomes a text."""
    found = parse_artifacts(b'{"a": {"type": "Model", "metadata": {"x": NaN, "y": [1]}}, "b": 3}')
    assert found == {"a": {"x": "NaN", "y": [1]}}
