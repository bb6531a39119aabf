"""``validate`` and ``plan``: what is wrong, and what would happen."""

from __future__ import annotations

import os
from typing import Any

import click

from fasttrack_jupyter.api.environ import use_environ
from fasttrack_jupyter.api.parameters import parameters
from fasttrack_jupyter.api.states import DECISIONS
from fasttrack_jupyter.api.words import clean, duration, plural, slots
from fasttrack_jupyter.cli.app import REFUSED
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import (
    backend_option,
    json_option,
    no_cache_option,
    notebook_options,
    param_option,
    pass_face,
    pipeline_file,
    pipeline_text,
    selection,
    selection_options,
    shrink_option,
    text_of,
)  # fmt: skip
from fasttrack_jupyter.cli.problems import tell_problems


@click.command()
@click.argument("file", type=click.Path())
@notebook_options
@json_option
@pass_face
def validate(face: Face, file: str, split: bool, whole: bool) -> None:
    """Check a pipeline and show every problem where it is.

    Nothing is run. FILE may be a notebook whose cells are tasks, or - for stdin.

    \b
    Examples:
      fasttrack validate digits.fasttrack.yaml
      fasttrack validate digits.fasttrack.yaml --json | jq .problems

    \b
    Exit status: 0 valid (warnings allowed), 2 not valid.
    """
    found = face.client.validate(**pipeline_text(face, file, split=split, whole=whole))
    if face.as_json:
        face.json(found)
    else:
        tell_problems(face, found["problems"])
        face.say(_verdict(file, found))
    if not found["valid"]:
        raise click.exceptions.Exit(REFUSED)


def _verdict(file: str, found: dict[str, Any]) -> str:
    if not found["valid"]:
        errors = sum(problem["severity"] == "error" for problem in found["problems"])
        return f"{file}: {plural(errors, 'error')}"
    generation = f", FastTrack {found['generation']}" if found["generation"] else ""
    return f"{file}: valid; pipeline {found['pipeline']}, {plural(found['tasks'], 'task')}{generation}"


@click.command()
@click.argument("file", type=click.Path())
@selection_options
@param_option
@backend_option
@notebook_options
@shrink_option
@no_cache_option
@json_option
@pass_face
def plan(
    face: Face, file: str, only: tuple[str, ...], from_: tuple[str, ...], until: tuple[str, ...],
    params: tuple[str, ...], backend: str | None, split: bool, whole: bool, shrink: bool,
    no_cache: bool,
) -> None:  # fmt: skip
    """Say what a job would do, task by task, and why.

    Nothing is run. FILE may be a notebook whose cells are tasks, or - for stdin.

    \b
    Examples:
      fasttrack plan digits.fasttrack.yaml
      fasttrack plan digits.fasttrack.yaml --from evaluate

    \b
    Exit status: 0 it would run, 2 it would be refused.
    """
    request = {
        **pipeline_file(face, file, split=split, whole=whole),
        **({"backend": backend} if backend else {}),
        "params": parameters(params, "--param"),
        "selection": selection(only, from_, until),
        "shrink": shrink,
        **({"cache": False} if no_cache else {}),
    }
    use_environ(face.client, request.get("backend", "local"), os.environ, lambda: text_of(request))
    show_plan(face, face.client.plan(request))


def show_plan(face: Face, view: dict[str, Any]) -> None:
    """Print a PlanView; exits with status 2 if it refuses a task."""
    if face.as_json:
        face.json(view)
    else:
        tell_problems(face, view["problems"])
        _show_tasks(face, view)
        face.say(_totals(view))
    if any(task["decision"] == "refused" for task in view["tasks"]):
        raise click.exceptions.Exit(REFUSED)


def _show_tasks(face: Face, view: dict[str, Any]) -> None:
    from fasttrack_jupyter.cli.style import badge
    from fasttrack_jupyter.cli.tables import table

    console = face.console()
    has_several = len({task["backend"] for task in view["tasks"]}) > 1
    rows = []
    for task in view["tasks"]:
        seconds = task["expected_seconds"]
        expected = "" if seconds is None else f"≈ {duration(seconds)}"
        why = "; ".join(text for text in (task["reason"], *task["notes"]) if text)
        decision = badge(DECISIONS[task["decision"]], console, task["decision"])
        where = (task["backend"],) if has_several else ()
        rows.append((task["path"], decision, *where, why, expected, slots(task["resources"])))
    columns = ("task", "decision", *(("where",) if has_several else ()), "<why", ">expected", "resources")
    table(face, columns, rows, empty="the pipeline has no tasks")


def _totals(view: dict[str, Any]) -> str:
    decisions = [task["decision"] for task in view["tasks"]]
    counts = ", ".join(f"{decisions.count(word)} {word}" for word in DECISIONS if word in decisions)
    seconds = view["expected_seconds"]
    expected = "" if seconds is None else f"; about {duration(seconds)} on the critical path"
    return f"{clean(view['pipeline'])} on {view['backend']}: {counts or 'nothing to do'}{expected}"
