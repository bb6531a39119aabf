"""``approvals``, ``approve``, ``reject``: questions that jobs wait for."""

from __future__ import annotations

import getpass
from typing import Any

import click

from fasttrack_jupyter.api.words import ago
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.keys import can_ask
from fasttrack_jupyter.cli.options import job_argument, json_option, pass_face
from fasttrack_jupyter.errors import BadRequest, Conflict

Json = dict[str, Any]

task_argument = click.argument("task", required=False)
comment_option = click.option("--comment", "-m", default="", metavar="TEXT", help="Kept with the answer.")


@click.command()
@json_option
@pass_face
def approvals(face: Face) -> None:
    """List what jobs ask people.

    A task of type approval asks, and what is behind it waits for the answer.

    \b
    Examples:
      fasttrack approvals
      fasttrack approve digits#12 "go live" share=0.2 -m "looks good"
      fasttrack reject last -m "too many false alarms"

    \b
    Exit status: 0.
    """
    found = face.client.questions()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (f"{one['pipeline']}#{one['job_index']}", one["path"], one["question"], _fields(one), ago(one["asked_at"]))
        for one in found
    ]
    table(face, ("job", "task", "<question", "<fields", "asked"), rows, empty="nothing is asked")


@click.command()
@job_argument
@click.argument("words", nargs=-1, metavar="[TASK] [FIELD=VALUE]…")
@comment_option
@pass_face
def approve(face: Face, job: str, words: tuple[str, ...], comment: str) -> None:
    """Answer yes to what a job asks; what is behind the question goes on.

    Fields that are not given are asked for in a terminal, and else have their defaults.

    \b
    Examples:
      fasttrack approve last
      fasttrack approve digits#12 "go live" share=0.2

    \b
    Exit status: 0, 2 if nothing is asked there, or a field is missing or wrong.
    """
    task = words[0] if words and "=" not in words[0] else None
    given = dict(word.partition("=")[::2] for word in words[1 if task else 0 :])
    question = _asked(face, job, task)
    if can_ask():
        given |= {field["name"]: _ask(field) for field in question["fields"] if field["name"] not in given}
    face.client.answer(question["job_id"], question["path"], "approve", given, comment=comment, by=_user())
    face.note(f"approved: {question['question']}")


@click.command()
@job_argument
@task_argument
@comment_option
@pass_face
def reject(face: Face, job: str, task: str | None, comment: str) -> None:
    """Answer no to what a job asks: the task fails, what is behind it is cancelled.

    \b
    Example:
      fasttrack reject last -m "too many false alarms"

    \b
    Exit status: 0, 2 if nothing is asked there.
    """
    question = _asked(face, job, task)
    face.client.answer(question["job_id"], question["path"], "reject", comment=comment, by=_user())
    face.note(f"rejected: {question['question']}")


def _asked(face: Face, job: str, task: str | None) -> Json:
    """The question of a job that is meant. Raises Conflict, BadRequest."""
    job_id = face.client.job(job)["id"]
    asked = [one for one in face.client.questions() if one["job_id"] == job_id and task in (None, one["path"])]
    if not asked:
        what = f"task {task!r} of it asks nothing" if task else "it asks nothing"
        raise Conflict(f"job {job}: {what} just now", hint="see what is asked with: fasttrack approvals")
    if len(asked) > 1:
        names = ", ".join(repr(one["path"]) for one in asked)
        raise BadRequest(f"job {job} asks {len(asked)} questions: {names}", hint="name the task after the job")
    return asked[0]


def _ask(field: Json) -> str:
    """One field, typed in; its default where only Enter is pressed."""
    text = field.get("description") or field["name"]
    default = field.get("default")
    shown = {"default": default} if default is not None else {}
    choices = field.get("choices")
    kind = click.Choice([str(choice) for choice in choices]) if choices else str
    return str(click.prompt(f"{text} ({field['type']})", type=kind, err=True, **shown))


def _fields(question: Json) -> str:
    return ", ".join(
        f"{field['name']} ({field['type']})" if field.get("default") is None else f"{field['name']}={field['default']}"
        for field in question["fields"]
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return ""
