"""``jobs``, ``show``, ``cancel``, ``shell``, ``annotate``, ``delete``: jobs that are there already."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from fasttrack_jupyter.api.folding import outputs_words
from fasttrack_jupyter.api.states import State, state_of
from fasttrack_jupyter.api.words import ago, between, clean, command, job_word, local_time, plural, slots
from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, job_argument, json_option, pass_face, task_argument
from fasttrack_jupyter.cli.report import outputs_place
from fasttrack_jupyter.cli.tree import in_tree, step_of
from fasttrack_jupyter.errors import BackendError, BadRequest, Conflict

Json = dict[str, Any]

_STATUSES = click.Choice(["PENDING", "RUNNING", "TERMINATED", "CANCELLED"], case_sensitive=False)
_RESULTS = click.Choice(["SUCCESS", "FAILURE", "UNDEFINED"], case_sensitive=False)


@click.command()
@click.option("--pipeline", metavar="NAME", help="Only of this pipeline.")
@click.option("--status", multiple=True, type=_STATUSES, help="Only with this status (may be repeated).")
@click.option("--result", multiple=True, type=_RESULTS, help="Only with this result (may be repeated).")
@click.option("--tag", help="Only with this tag.")
@click.option("--text", help="Only with this in the name, the note, the pipeline's name or the id.")
@click.option("--limit", "-n", default=20, show_default=True, metavar="N", help="At most so many.")
@json_option
@pass_face
def jobs(
    face: Face, pipeline: str | None, status: tuple[str, ...], result: tuple[str, ...], tag: str | None,
    text: str | None, limit: int,
) -> None:  # fmt: skip
    """List jobs, newest first.

    \b
    Examples:
      fasttrack jobs --pipeline digits --result FAILURE
      fasttrack jobs --json | jq -r '.[0].id'

    \b
    Exit status: 0, also if there are none.
    """
    found = face.client.jobs(
        pipeline=pipeline,
        status=list(status),
        result=list(result),
        tag=tag,
        text=text,
        limit=limit,
    )
    if face.as_json:
        face.json(found)
        return
    is_choosy = bool(pipeline or status or result or tag or text)
    none = "no job is like that: fasttrack jobs lists all" if is_choosy else "no jobs yet: fasttrack run FILE makes one"
    _list(face, found, none)


def _list(face: Face, found: list[Json], none: str) -> None:
    from fasttrack_jupyter.cli.style import badge
    from fasttrack_jupyter.cli.tables import table

    console = face.console()
    rows = [
        (
            job_word(job),
            badge(_job_state(job), console),
            ago(job["created_at"]),
            between(job["started_at"], job["ended_at"]),
            _words_of(job),
            job["id"],
        )
        for job in found
    ]
    columns = ("job", "state", "made", ">took", "<name, tags, note", "id")
    table(face, columns, rows, empty=none)


def _job_state(job: Json) -> State:
    return state_of(job["status"], job["result"])


def _words_of(job: Json) -> str:
    tags = " ".join(f"[{tag}]" for tag in job["tags"])
    paused = f"paused: {job['paused']}" if job.get("paused") else ""
    return "  ".join(word for word in (paused, job["name"], tags, job["note"].partition("\n")[0]) if word)


@click.command()
@job_argument
@json_option
@pass_face
def show(face: Face, job: str) -> None:
    """Show one job and its task instances.

    \b
    Examples:
      fasttrack show last
      fasttrack show digits#12 --json | jq '.tasks[] | select(.result == "FAILURE")'

    \b
    Exit status: 0, 2 if there is no such job.
    """
    found = face.client.job(job)
    if face.as_json:
        face.json(found)
        return
    _head(face, found)
    _tasks(face, found)
    _outputs(face, found)


def _head(face: Face, job: Json) -> None:
    from rich.text import Text

    from fasttrack_jupyter.cli.style import badge

    console = face.console()
    took = between(job["started_at"], job["ended_at"])
    console.print(Text.assemble((job_word(job), "bold"), "  ", badge(_job_state(job), console), f"  {took}"))
    facts = {
        "id": job["id"],
        "made": f"{local_time(job['created_at'])} ({ago(job['created_at'])})",
        "backend": job["backend"],
        "why": job["reason"],
        "paused": job.get("paused") or "",
        "name": _words_of({**job, "paused": None}),
        "rerun of": job["rerun_of"] or "",
        "params": ", ".join(f"{name}={value}" for name, value in job["params"].items()),
        "source": job["source"] or "",
        "outputs": outputs_place(job) or "",
    }
    for name, value in facts.items():
        if value:
            console.print(Text.assemble((f"  {name:<9}", "dim"), clean(value)), soft_wrap=True)
    console.print()


def _tasks(face: Face, job: Json) -> None:
    from fasttrack_jupyter.cli.style import badge
    from fasttrack_jupyter.cli.tables import table

    console = face.console()
    rows: list[tuple[Any, ...]] = []
    for task, depth, left_out in in_tree(job["tasks"]):
        if left_out:
            rows.append(("  " * depth + f"… {left_out:,} more: --json has all", "", "", "", ""))
            continue
        state = state_of(task["status"], task["result"], task["reason"])
        word = f"{state.word} ×{task['attempts']}" if task["attempts"] > 1 else state.word
        why = "; ".join(text for text in (task["reason"], *task.get("notes", ())) if text)
        took = between(task["started_at"], task["ended_at"])
        rows.append(("  " * depth + step_of(task), badge(state, console, word), took, why, slots(task["resources"])))
    table(face, ("task", "state", ">took", "<why", "resources"), rows, empty="this job has no task instances")


def _outputs(face: Face, job: Json) -> None:
    top = {task["path"] for task in job["tasks"] if task.get("parent") is None}
    for path, outputs in job["outputs"].items():
        for name, value in outputs.items():
            if path in top:
                face.say(f"  {path}.{name} = {clean(outputs_words(value))}")


@click.command()
@job_argument
@task_argument
@json_option
@pass_face
def cancel(face: Face, job: str, task: str | None) -> None:
    """End a job, or one of its task instances.

    It is a request: processes get a moment to end by themselves. What has ended already stays as it is.

    \b
    Examples:
      fasttrack cancel last
      fasttrack cancel digits#12 train-forest

    \b
    Exit status: 0 asked, 2 no such job or task.
    """
    found = face.client.cancel(job, task)
    if face.as_json:
        face.json(found)
        return
    word = job_word(found)
    what = f"{task} of {word}" if task else word
    if found["ended_at"]:
        face.say(f"{word} has ended already: {_job_state(found).word}")
    else:
        face.say(f"{what} is being cancelled. Watch: {command('fasttrack', 'attach', word)}")


@click.command()
@job_argument
@click.argument("task", shell_complete=completion.tasks)
@pass_face
def shell(face: Face, job: str, task: str) -> None:
    """Open a shell inside a running task instance.

    It sees what the task sees: /pipeline, its mounts, its environment.

    \b
    Example:
      fasttrack shell last train-forest

    \b
    Exit status: the shell's; 2 if the task instance is not running.
    """
    try:
        argv = face.client.shell(job, task)
    except Conflict as error:
        shown = command("fasttrack", "show", job)
        raise Conflict(
            f"{task} of {job} is not running: there is nothing to look into", hint=f"{shown} says how it came out"
        ) from error
    face.close()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        raise BackendError(f"{argv[0]} could not be started: {error}", hint="fasttrack doctor says more.") from error


@click.command()
@job_argument
@click.option("--name", help="The job's name.")
@click.option("--tag", "tags", multiple=True, help="A tag (may be repeated); replaces the tags there were.")
@click.option("--note", help="A note, free text.")
@click.option("--priority", type=int, metavar="N", help="Among waiting jobs, higher ones go first.")
@json_option
@pass_face
def annotate(
    face: Face, job: str, name: str | None, tags: tuple[str, ...], note: str | None, priority: int | None
) -> None:
    """Give a job a name, tags, a note or another priority.

    What is not named stays. An empty word takes away: --name "" or --tag "".

    \b
    Example:
      fasttrack annotate last --name "first with dropout" --tag keep

    \b
    Exit status: 0, 2 if there is no such job.
    """
    if name is None and note is None and priority is None and not tags:
        raise BadRequest("nothing to change", hint="Give --name, --tag, --note or --priority.")
    wanted = [tag for tag in tags if tag] if tags else None
    found = face.client.annotate(job, name=name, tags=wanted, note=note, priority=priority)
    if face.as_json:
        face.json(found)
    else:
        face.say(f"{job_word(found)}  {_words_of(found)}".rstrip())


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...", shell_complete=completion.jobs)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@pass_face
def delete(face: Face, jobs: tuple[str, ...], yes: bool) -> None:
    """Forget ended jobs, with their history.

    What they left in the pipeline folder goes with the next gc. On a terminal it asks first.

    \b
    Example:
      fasttrack delete digits#3 digits#4

    \b
    Exit status: 0, 2 if a job is not there or has not ended.
    """
    ids = [face.client.job(job) for job in dict.fromkeys(jobs)]
    agree(f"Forget {', '.join(job_word(job) for job in ids)}?", yes=yes)
    count = face.client.delete(list(dict.fromkeys(job["id"] for job in ids)))
    if face.as_json:
        face.json({"deleted": count})
    else:
        face.say(f"{plural(count, 'job')} forgotten")
