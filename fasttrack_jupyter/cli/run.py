"""``run``, ``rerun`` and ``attach``: jobs that somebody watches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.environ import CLUSTER_KEYS, use_environ
from fasttrack_jupyter.api.parameters import parameters
from fasttrack_jupyter.api.words import command, job_word
from fasttrack_jupyter.cli.app import INTERRUPTED
from fasttrack_jupyter.cli.check import show_plan
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.follow import follow, view_for
from fasttrack_jupyter.cli.options import (
    backend_option,
    job_argument,
    json_option,
    no_cache_option,
    notebook_options,
    param_option,
    pass_face,
    pipeline_file,
    rerun_backend_option,
    selection,
    selection_options,
    shrink_option,
    stack,
    text_of,
)  # fmt: skip
from fasttrack_jupyter.cli.report import report
from fasttrack_jupyter.errors import FastTrackError

Json = dict[str, Any]

_MAKING = "making the job: reading the pipeline, keeping a copy of its files"

follow_options = stack(
    click.option("--detach", "-d", is_flag=True, help="Start it and return at once; the engine goes on."),
    click.option("--quiet", "-q", is_flag=True, help="Say nothing but what fails; with --detach, the job's id."),
)


@click.command()
@click.argument("file", type=click.Path())
@param_option
@selection_options
@backend_option
@notebook_options
@shrink_option
@no_cache_option
@click.option("--name", default="", help="A name for this job.")
@click.option("--tag", "tags", multiple=True, help="A tag (may be repeated).")
@click.option("--note", default="", help="A note, free text.")
@click.option("--priority", default=0, metavar="N", help="Among waiting jobs, higher ones go first.")
@follow_options
@json_option
@pass_face
def run(
    face: Face, file: str, params: tuple[str, ...], only: tuple[str, ...], from_: tuple[str, ...],
    until: tuple[str, ...], backend: str | None, split: bool, whole: bool, shrink: bool,
    no_cache: bool, name: str, tags: tuple[str, ...], note: str, priority: int, detach: bool, quiet: bool,
) -> None:  # fmt: skip
    """Run a pipeline and follow the job.

    The job belongs to the engine: Ctrl-C, a closed terminal or a crash do not end it. FILE may be
    a notebook whose cells are tasks, or - for stdin.

    \b
    Examples:
      fasttrack run digits.fasttrack.yaml
      fasttrack run digits.fasttrack.yaml --param learning_rate=0.1 --until evaluate
      fasttrack run digits.fasttrack.yaml --json | jq .outputs
      fasttrack run digits.ipynb --param rows=100
      fasttrack run report.ipynb --whole

    \b
    Exit status: 0 success (or detached), 1 failure, 2 refused, 3 cancelled, 130 interrupted.
    """
    request = {
        **pipeline_file(face, file, split=split, whole=whole),
        **({"backend": backend} if backend else {}),
        "params": parameters(params, "--param"),
        "selection": selection(only, from_, until),
        "shrink": shrink,
        **({"cache": False} if no_cache else {}),
        "name": name,
        "tags": list(tags),
        "note": note,
        "priority": priority,
    }
    use_environ(face.client, request.get("backend", "local"), os.environ, lambda: text_of(request))
    with face.patience(_MAKING):
        made = face.client.run(request)
    go_on(face, made, detach=detach, quiet=quiet)


@click.command()
@job_argument
@click.option("--from-failed", is_flag=True, help="Reuse what succeeded; run the rest.")
@click.option("--edited", is_flag=True, help="With the pipeline's file as it is now, instead of the job's own copy.")
@selection_options
@param_option
@rerun_backend_option
@click.option("--shrink", is_flag=True, default=None, help="Fit tasks that ask for more than there is.")
@click.option("--cache/--no-cache", "may_reuse", default=None, help="Whether what was done before may stand in.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what it would do, and do nothing.")
@follow_options
@json_option
@pass_face
def rerun(
    face: Face, job: str, from_failed: bool, edited: bool, only: tuple[str, ...], from_: tuple[str, ...],
    until: tuple[str, ...], params: tuple[str, ...], backend: str | None, shrink: bool | None,
    may_reuse: bool | None, only_plan: bool, detach: bool, quiet: bool,
) -> None:  # fmt: skip
    """Make a new job from an old one and follow it.

    It runs the old job's own pipeline and parameters, unless told otherwise. What succeeded can be reused.

    \b
    Examples:
      fasttrack rerun last --from-failed --edited
      fasttrack rerun digits#12 --from evaluate --plan
      fasttrack rerun last --from-failed --backend backend.ai

    \b
    Exit status: 0 success (or detached), 1 failure, 2 refused, 3 cancelled, 130 interrupted.
    """
    request: Json = {"from_failed": from_failed, "edited": edited, "selection": selection(only, from_, until)}
    if params:
        request["params"] = parameters(params, "--param")
    if backend:
        request["backend"] = backend
    if shrink:
        request["shrink"] = True
    if may_reuse is not None:
        request["cache"] = may_reuse
    if edited:
        request |= _edited_notebook(face, job)
    _use_environ_again(face, job, request)
    if only_plan:
        show_plan(face, face.client.plan_rerun(job, request))
        return
    with face.patience(_MAKING):
        made = face.client.rerun(job, request)
    go_on(face, made, detach=detach, quiet=quiet)


@click.command()
@job_argument
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what fails.")
@json_option
@pass_face
def attach(face: Face, job: str, quiet: bool) -> None:
    """Follow a job; take it over if its engine is gone.

    Every call of fasttrack starts an engine if there is none, and that engine goes on with what is unfinished.

    \b
    Examples:
      fasttrack attach last
      fasttrack attach digits#12

    \b
    Exit status: that of the job: 0 success, 1 failure, 3 cancelled; 2 no such job, 130 interrupted.
    """
    go_on(face, face.client.job(job), detach=False, quiet=quiet)


def _use_environ_again(face: Face, job: str, request: Json) -> None:
    """See :func:`use_environ`: the engine may be another one than that of the old job, and know no keys."""
    if os.environ.keys() >= CLUSTER_KEYS:
        old = face.client.job(job)
        text = request.get("text") or face.client.job_text(job)
        use_environ(face.client, request.get("backend") or old["backend"], os.environ, lambda: text)


def _edited_notebook(face: Face, job: str) -> Json:
    """``{text, files}`` of the notebook that the job came from, as it is now; nothing where it came from none."""
    source = face.client.job(job).get("source")
    if not source or not source.lower().endswith(".ipynb"):
        return {}
    from fasttrack_jupyter.cli.notebook import as_before  # only notebooks need it

    made = as_before(face, Path(source), face.client.job_text(job))
    return {"text": made["text"], "files": made["files"]}


def go_on(face: Face, job: Json, *, detach: bool, quiet: bool) -> None:
    """Follow the job (or not) and exit with its status."""
    if detach:
        _tell_detached(face, job, quiet=quiet)
        return
    view = view_for(face, quiet=quiet, expect=lambda: _expected(face, job["id"]))
    final, status = follow(face, job["id"], view)
    if status != INTERRUPTED:
        report(face, final, quiet=quiet)
    if face.as_json:
        face.json(final)
    raise click.exceptions.Exit(status)


def _tell_detached(face: Face, job: Json, *, quiet: bool) -> None:
    if face.as_json:
        face.json(face.client.job(job["id"]))
    elif quiet:
        face.say(job["id"])
    else:
        word = job_word(job)
        face.say(f"{word} ({job['id']}) is on its way. Follow it: {command('fasttrack', 'attach', word)}")


def _expected(face: Face, job_id: str) -> Mapping[str, float | None]:
    """Seconds that each task took before; nothing where no plan can be had: then there is no estimate."""
    try:
        return {task["path"]: task["expected_seconds"] for task in face.client.plan_rerun(job_id, {})["tasks"]}
    except FastTrackError:
        return {}
