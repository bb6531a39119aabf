"""``cache``: executions whose results stand in for others; what their keys are made of, and what of them is kept."""

from __future__ import annotations

from typing import Any

import click

from fasttrack_jupyter.api.words import ago, clean, plural, size
from fasttrack_jupyter.cli.app import FAILED
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, json_option, pass_face, stack
from fasttrack_jupyter.errors import BadRequest

Json = dict[str, Any]

which_options = stack(
    click.option("--pipeline", metavar="NAME", help="All of this pipeline."),
    click.option("--task", metavar="TASK", help="Of the pipeline, only this task's."),
)
entries_argument = click.argument("entries", nargs=-1, type=click.IntRange(min=1), metavar="[ENTRY]...")


@click.group(invoke_without_command=True)
@which_options
@json_option
@click.pass_context
def cache(ctx: click.Context, pipeline: str | None, task: str | None) -> None:
    """List results that stand in for executions, or forget them.

    A task with 'cache: true' that would run as one did before (same code, command, inputs, image, variables …) takes
    that one's outputs. 'fasttrack plan' says beforehand what is reused, and what changed of the rest.

    \b
    Examples:
      fasttrack cache
      fasttrack cache show 12
      fasttrack cache pin 12
      fasttrack cache evict --pipeline digits --task train
      fasttrack run digits.fasttrack.yaml --no-cache

    \b
    Exit status: 0, 1 if 'verify' finds outputs that are not what they were, 2 if there is no such entry.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face), pipeline, task)


@cache.command("list")
@which_options
@json_option
@pass_face
def list_entries(face: Face, pipeline: str | None, task: str | None) -> None:
    """List entries, the newest first."""
    _list(face, pipeline, task)


def _list(face: Face, pipeline: str | None, task: str | None) -> None:
    found = face.client.cache(pipeline, task)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            str(one["entry"]), one["task"], one["job"], ago(one["created_at"]), size(one["size"]), str(one["uses"]),
            ago(one["last_used"]), "pinned" if one["pinned"] else "",
        )
        for one in found
    ]  # fmt: skip
    columns = (">entry", "task", "job", "made", ">size", ">uses", "last used", "")
    table(face, columns, rows, empty="nothing is remembered: tasks with 'cache: true' are, once they succeeded")
    if found:
        face.say(f"{plural(len(found), 'result')}, {size(sum(one['size'] for one in found))}")


@cache.command("show")
@click.argument("entry", type=click.IntRange(min=1))
@json_option
@pass_face
def show(face: Face, entry: int) -> None:
    """Show one entry, and what its key was made of."""
    found = face.client.cache_entry(entry)
    if face.as_json:
        face.json(found)
        return
    face.say(f"entry {found['entry']}: {clean(found['task'])} of job {clean(found['job'])}, {ago(found['created_at'])}")
    face.say(f"outputs: {found['folder']}/{found['outputs_dir']}, {size(found['size'])}")
    used = f"{plural(found['uses'], 'time')}" + (f", last {ago(found['last_used'])}" if found["last_used"] else "")
    face.say(f"stood in for others: {used}{'; pinned' if found['pinned'] else ''}")
    for name, value in found["params"].items():
        face.say(f"parameter {clean(name)}: {clean(str(value))}")
    from fasttrack_jupyter.cli.tables import table

    rows = [(_part(name, found["inputs"]), _short(digest)) for name, digest in sorted(found["parts"].items()) if digest]
    table(face, ("part of the key", "digest"), rows, empty="the key has no parts")


@cache.command("pin")
@entries_argument
@which_options
@json_option
@pass_face
def pin(face: Face, entries: tuple[int, ...], pipeline: str | None, task: str | None) -> None:
    """Keep entries and their outputs, whatever becomes of their jobs."""
    _check(entries, pipeline, task)
    _tell(face, face.client.cache_pin(entries, pinned=True, pipeline=pipeline, task=task), "pinned")


@cache.command("unpin")
@entries_argument
@which_options
@json_option
@pass_face
def unpin(face: Face, entries: tuple[int, ...], pipeline: str | None, task: str | None) -> None:
    """Keep entries no longer than their outputs."""
    _check(entries, pipeline, task)
    _tell(face, face.client.cache_pin(entries, pinned=False, pipeline=pipeline, task=task), "unpinned")


@cache.command("evict")
@entries_argument
@which_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@pass_face
def evict(face: Face, entries: tuple[int, ...], pipeline: str | None, task: str | None, yes: bool) -> None:
    """Forget entries; outputs that no job shows any more go with them."""
    _check(entries, pipeline, task)
    what = plural(len(entries), "result") if entries else f"all results of {task or pipeline}"
    agree(f"Forget {what}?", yes=yes)
    _tell(face, face.client.cache_evict(entries, pipeline=pipeline, task=task), "forgotten")


@cache.command("verify")
@entries_argument
@which_options
@json_option
@pass_face
def verify(face: Face, entries: tuple[int, ...], pipeline: str | None, task: str | None) -> None:
    """Check whether outputs are what they were; without anything named, those of all entries."""
    if not entries and pipeline is None:
        entries = tuple(one["entry"] for one in face.client.cache())
    with face.patience("looking at the outputs"):
        found = face.client.cache_verify(entries, pipeline=pipeline, task=task) if entries or pipeline else []
    bad = [one for one in found if not one["ok"]]
    if face.as_json:
        face.json(found)
    else:
        for one in bad:
            face.say(
                f"entry {one['entry']}: the outputs of {clean(one['task'])}, {clean(one['job'])}: {one['problem']}"
            )
        face.say(f"{plural(len(found), 'result')}, {len(bad) or 'none'} not what they were")
    if bad:
        raise click.exceptions.Exit(FAILED)


def _check(entries: tuple[int, ...], pipeline: str | None, task: str | None) -> None:
    if not entries and pipeline is None:
        raise BadRequest("no entries were named", hint="Give their numbers, or --pipeline NAME [--task TASK].")
    if entries and (pipeline or task):
        raise BadRequest("numbers and --pipeline or --task do not go together", hint="Give one of the two.")


def _tell(face: Face, found: list[Json], what: str) -> None:
    if face.as_json:
        face.json(found)
    else:
        held = size(sum(one["size"] for one in found))
        face.say(f"{plural(len(found), 'result')} {what}, {held}")


def _part(name: str, inputs: list[str]) -> str:
    kind, _, number = name.partition(" ")
    place = int(number) - 1 if kind == "input" and number.isdecimal() else -1
    return f"{name} (from {clean(inputs[place])})" if 0 <= place < len(inputs) else clean(name)


def _short(digest: str) -> str:
    return f"{digest[:16]}…" if len(digest) > 24 else clean(digest)
