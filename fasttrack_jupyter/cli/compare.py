"""``compare``: jobs side by side, as tables, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from typing import Any

import click

from fasttrack_jupyter.api.words import clean, duration, job_word, plural, size
from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, one_format, pass_face

Json = dict[str, Any]

_BEST = "*"
_WIDEST = 40
"""Signs of a column that are shown; all of them are in JSON and CSV."""
_MOST_LABELS = 12
"""A confusion matrix with more is told in numbers alone."""


@click.command()
@click.argument("jobs", nargs=-1, required=True, shell_complete=completion.jobs, metavar="JOB JOB...")
@click.option("--csv", "as_csv", is_flag=True, help="Every row on stdout: kind,task,name, then a column for each job.")
@click.option("--all", "with_same", is_flag=True, help="Also what is the same in all jobs.")
@json_option
@pass_face
def compare(face: Face, jobs: tuple[str, ...], as_csv: bool, with_same: bool) -> None:
    """Show jobs side by side: parameters, metrics, tasks.

    Confusion matrices and ROC curves as well, of tasks that leave ClassificationMetrics.

    What differs comes first; the best value of a metric whose name tells what is good bears a star. The jobs may be
    of different pipelines. For what the pipelines themselves have changed see 'fasttrack diff'.

    \b
    Examples:
      fasttrack compare digits#11 digits#12
      fasttrack compare '#11' '#12' '#13' --csv > jobs.csv

    \b
    Exit status: 0, 2 if there is no such job, or only one.
    """
    one_format(face, as_csv)
    found = face.client.compare(jobs)
    if face.as_json:
        face.json(found)
    elif as_csv:
        _write_csv(found)
    else:
        _show(face, found, with_same)
    for each in found["left_out"]:
        face.note(f"left out: {clean(each)}")


def _write_csv(found: Json) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("kind", "task", "name", *map(job_word, found["jobs"])))
    writer.writerow(("job", "", "result", *(job["result"] for job in found["jobs"])))
    writer.writerow(("job", "", "seconds", *map(_raw, found["seconds"])))
    for row in found["parameters"]:
        writer.writerow(("parameter", "", row["name"], *map(_raw, row["values"])))
    for row in found["metrics"]:
        writer.writerow((row["source"], row["task"], row["name"], *map(_raw, row["values"])))
    for row in found["tasks"]:
        for key in ("result", "seconds", "attempts", "peak_mem"):
            writer.writerow(("task", row["path"], key, *(_raw(cell and cell[key]) for cell in row["cells"])))
    for row in found["classifications"]:
        areas = [curve and curve["area"] for curve in row["curves"]]
        name = row["output"] if row["slice"] is None else f"{row['output']} {row['slice']}"
        writer.writerow(("roc area", row["task"], name, *map(_raw, areas)))


def _show(face: Face, found: Json, with_same: bool) -> None:
    words = _columns(found["jobs"])
    _section(face, "", ("job", *words), _heads(found))
    same = [row for row in found["parameters"] if not row["differs"]]
    rows = [row for row in found["parameters"] if row["differs"] or with_same]
    _section(face, "parameters", ("", *words), [(row["name"], *map(_value, row["values"])) for row in rows])
    if same and not with_same:
        told = ", ".join(f"{row['name']}={_value(row['values'][0])}" for row in same)
        face.say(clean(f"same parameters: {told}"))
    rows = [row for row in found["metrics"] if row["differs"] or with_same]
    _section(face, "metrics", ("", *words), [_metric(row) for row in rows])
    if (left := len(found["metrics"]) - len(rows)) > 0:
        face.say(f"{plural(left, 'metric')} the same; --all shows them")
    _section(face, "tasks", ("", *words), [(row["path"], *map(_task, row["cells"])) for row in found["tasks"]])
    for row in found["classifications"]:
        _classification(face, row, words)


def _section(face: Face, title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    from fasttrack_jupyter.cli.tables import table

    if not rows:
        return
    if title:
        face.say()
        columns = (title, *columns[1:])
    table(face, tuple(f"<{name}" for name in columns), [tuple(map(_cut, row)) for row in rows], empty="")


def _columns(jobs: list[Json]) -> tuple[str, ...]:
    """How jobs are called here: ``#12`` where all are of one pipeline."""
    is_one = len({job["pipeline"] for job in jobs}) == 1
    return tuple(f"#{job['index']}" if is_one else job_word(job) for job in jobs)


def _heads(found: Json) -> list[tuple[str, ...]]:
    jobs = found["jobs"]
    rows = [
        ("pipeline", *(job["pipeline"] for job in jobs)),
        ("name", *(job["name"] for job in jobs)),
        ("result", *(_result(job) for job in jobs)),
        ("took", *("" if each is None else duration(each) for each in found["seconds"])),
    ]
    return [row for row in rows if any(row[1:])]


def _result(cell: Json) -> str:
    return str(cell["result"] if cell["result"] != "UNDEFINED" else cell["status"])


def _metric(row: Json) -> tuple[Any, ...]:
    values = [_value(value) for value in row["values"]]
    return (f"{row['task']} {row['name']}", *(_starred(text, at in row["best"]) for at, text in enumerate(values)))


def _starred(text: str, is_best: bool) -> Any:
    from rich.text import Text

    return Text(clean(f"{text} {_BEST}"), style="bold green") if is_best else text


def _task(cell: Json | None) -> str:
    if cell is None:
        return "-"
    parts = [_result(cell)] if cell["seconds"] is None else [_result(cell), duration(cell["seconds"])]
    if cell["status"] == "TERMINATED" and not cell["attempts"]:
        parts = [str(cell["reason"]) or "reused"]
    if cell["status"] == "SKIPPED":
        parts = ["SKIPPED"]
    parts += [f"×{cell['attempts']}"] if cell["attempts"] > 1 else []
    parts += [size(cell["peak_mem"])] if cell["peak_mem"] else []
    return " · ".join(parts)


def _classification(face: Face, row: Json, words: tuple[str, ...]) -> None:
    title = f"{row['task']} {row['output']}" + ("" if row["slice"] is None else f", {row['slice']}")
    areas = ["" if curve is None else f"{curve['area']:.4f}" for curve in row["curves"]]
    rights = ["" if matrix is None else _right(matrix) for matrix in row["matrices"]]
    rows = [("area under the ROC curve", *areas), ("right", *rights)]
    _section(face, title, ("", *words), [each for each in rows if any(each[1:])])
    for word, matrix in zip(words, row["matrices"], strict=True):
        if matrix is not None and len(matrix["labels"]) <= _MOST_LABELS:
            rows = [
                (label, *map(_value, counts)) for label, counts in zip(matrix["labels"], matrix["rows"], strict=True)
            ]
            _section(face, f"{word}: was", ("", *(f"as {label}" for label in matrix["labels"])), rows)


def _right(matrix: Json) -> str:
    """Share of what was taken for what it was."""
    total = sum(map(sum, matrix["rows"]))
    return f"{sum(row[at] for at, row in enumerate(matrix['rows'])) / total:.1%}" if total else ""


def _value(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _raw(value: Any) -> str:
    """As a program reads it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _cut(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = " ".join(cell.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
