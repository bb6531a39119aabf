"""``metrics``: what task instances noted of themselves, as curves of a line each, as JSON or as CSV."""

from __future__ import annotations

import csv
import sys
from typing import Any

import click

from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import job_argument, json_option, one_format, pass_face, task_argument

Json = dict[str, Any]

BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
WIDTH = 32
"""Signs of a curve."""


@click.command()
@job_argument
@task_argument
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Of this attempt, not of the current one.")
@click.option("--csv", "as_csv", is_flag=True, help="The points on stdout: task,metric,step,value,time.")
@json_option
@pass_face
def metrics(face: Face, job: str, task: str | None, attempt: int | None, as_csv: bool) -> None:
    """Show the metrics that a job's task instances note, also while they run.

    Of a long series 2,000 points are shown, its peaks among them.

    \b
    Examples:
      fasttrack metrics last
      fasttrack metrics digits#12 train --csv > curves.csv

    \b
    Exit status: 0, also if there are none; 2 if there is no such job or task.
    """
    one_format(face, as_csv)
    found = face.client.job(job)
    paths = [task] if task is not None else [str(one["path"]) for one in found["tasks"]]
    noted = {path: _all_of(face, found["id"], path, attempt) for path in paths}
    if face.as_json:
        face.json(noted)
    elif as_csv:
        _write_csv(noted)
    else:
        _show(face, found, noted)


def _all_of(face: Face, job: str, path: str, attempt: int | None) -> Json:
    while (found := face.client.metrics(job, path, attempt=attempt))["more"]:
        pass  # a large file: the engine reads on with each question
    return found


def _write_csv(noted: dict[str, Json]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("task", "metric", "step", "value", "time"))
    for path, found in noted.items():
        for name, series in found["series"].items():
            for step, value, at in zip(series["steps"], series["values"], series["times"], strict=True):
                writer.writerow((path, name, _number(step), _number(value), at or ""))


def _show(face: Face, job: Json, noted: dict[str, Json]) -> None:
    from fasttrack_jupyter.cli.tables import table

    bars = _bars(sys.stdout.encoding or "ascii")
    rows = [
        (path, name, _number(series["last"]), _number(series["min"]), _number(series["max"]), str(series["count"]),
         curve(series["values"], bars))
        for path, found in noted.items() for name, series in found["series"].items()
    ]  # fmt: skip
    columns = ("task", "metric", ">last", ">min", ">max", ">points", "curve")
    facts = [
        (path, kind, name, str(value))
        for path, found in noted.items()
        for kind, key in (("parameter", "params"), ("tag", "tags"))
        for name, value in found[key].items()
    ]
    table(face, columns, rows, empty=f"{job_word(job)} has noted no metrics")
    if facts:
        face.say()
        table(face, ("task", "noted", "name", "<value"), facts, empty="")
    if left := sum(found["left_out"] for found in noted.values()):
        face.note(f"{left} lines made no sense and were left out")


def curve(values: list[float | str], bars: str = BARS, width: int = WIDTH) -> str:
    """The values as one line of bars, each the mean of as many; a gap where there is no number."""
    count = min(len(values), width)
    parts = [values[at * len(values) // count : (at + 1) * len(values) // count] for at in range(count)]
    means = [_mean([value for value in part if not isinstance(value, str)]) for part in parts]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if mean is None else bars[_level(mean, low, high, len(bars))] for mean in means)


def _mean(values: list[float]) -> float | None:
    return sum(value / len(values) for value in values) if values else None


def _level(value: float, low: float, high: float, levels: int) -> int:
    spread = high / 2 - low / 2  # halves: the whole may be more than a float holds
    return min(int((value / 2 - low / 2) / spread * levels), levels - 1) if spread > 0 else levels // 2


def _bars(encoding: str) -> str:
    try:
        BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII_BARS
    return BARS


def _number(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.6g}" if value != int(value) or abs(value) >= 1e15 else str(int(value))
