"""``models``: versions of models that jobs made, which of them is in use, and bringing one to where it answers."""

from __future__ import annotations

import sys
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, plural, size
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.models_deploying import deploy
from fasttrack_jupyter.cli.models_showing import show_comparison, show_model, show_version
from fasttrack_jupyter.cli.models_words import asked, backend_option, numbered, place_of
from fasttrack_jupyter.cli.options import agree, job_argument, json_option, pass_face

Json = dict[str, Any]


@click.group(invoke_without_command=True)
@backend_option
@json_option
@click.pass_context
def models(ctx: click.Context, backend: str | None) -> None:
    """List models and their versions, compare and deploy them.

    A task whose output says 'register: NAME' makes a new version of that model each time it succeeds. A version is
    asked for as NAME@3, NAME@latest, or by an alias that you give it: NAME@production.

    \b
    Examples:
      fasttrack models
      fasttrack models show digits
      fasttrack models compare digits 1 2
      fasttrack models promote digits@2 production
      fasttrack models deploy digits@production --service digits --image IMAGE
      fasttrack models register last train model --name digits

    \b
    Exit status: 0, 1 if a cluster does not answer, 2 if there is no such model or version.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face), backend)


@models.command("list")
@backend_option
@json_option
@pass_face
def list_models(face: Face, backend: str | None) -> None:
    """List registered models."""
    _list(face, backend)


def _list(face: Face, backend: str | None) -> None:
    with face.patience("asking the backends"):
        found = face.client.models(backend)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["name"],
            str(one["versions"]),
            f"@{one['latest']['version']}",
            ", ".join(f"{alias} @{version}" for alias, version in one["aliases"].items()),
            size(one["size"]),
            one["backend"],
            ago(one["latest"]["created_at"]),
        )
        for one in found["models"]
    ]
    columns = ("model", ">versions", "latest", "<aliases", ">size", "backend", "made")
    table(face, columns, rows, empty="no model is registered: an output {type: Model, register: NAME} registers one")
    for name, why in found["silent"].items():
        face.note(f"{name} does not tell of its models: {why}")


@models.command("show")
@click.argument("model", metavar="NAME[@VERSION]")
@backend_option
@json_option
@pass_face
def show(face: Face, model: str, backend: str | None) -> None:
    """Show a model's versions; or of one version where it comes from, and what is in it."""
    name, word = asked(model)
    found = face.client.model(place_of(face, name, backend), name)
    if "@" not in model:
        show_model(face, found)
        return
    number = numbered(found, word)
    show_version(face, next(one for one in found["versions"] if one["version"] == number))


@models.command("register")
@job_argument
@click.argument("task")
@click.argument("output")
@click.option("--name", metavar="MODEL", help="Of the model; by default what the output's own 'register' says.")
@json_option
@pass_face
def register(face: Face, job: str, task: str, output: str, name: str | None) -> None:
    """Register what a TASK has left: an OUTPUT of it that is a file or folder.

    The same output once more is the version that it is already. Broken off, the same command goes on where it was.

    \b
    Example:
      fasttrack models register last train model --name digits
    """
    made: Json = {}
    for progress in face.client.register_model(job, task, output, name):
        _tell_progress(progress)
        made = progress["version"] or made
    if face.as_json:
        face.json(made)
        return
    files = plural(len(made["files"]), "file")
    face.say(f"{made['model']}@{made['version']} on {made['backend']}: {size(made['size'])}, {files}")


def _tell_progress(progress: Json) -> None:
    if not sys.stderr.isatty():
        return
    percent = 100 if not progress["size"] else progress["sent"] * 100 // progress["size"]
    is_done = progress["version"] is not None
    line = "\r\x1b[K" if is_done else f"\r\x1b[Kregistering: {percent} % of {size(progress['size'])}"
    click.echo(line, err=True, nl=False)


@models.command("compare")
@click.argument("model", metavar="NAME")
@click.argument("one", metavar="VERSION")
@click.argument("other", metavar="VERSION")
@backend_option
@json_option
@pass_face
def compare(face: Face, model: str, one: str, other: str, backend: str | None) -> None:
    """Compare two versions: metrics, parameters, files.

    \b
    Examples:
      fasttrack models compare digits 1 2
      fasttrack models compare digits production latest
    """
    name, _ = asked(model)
    place = place_of(face, name, backend)
    show_comparison(face, face.client.compare_models(place, name, one.removeprefix("@"), other.removeprefix("@")))


@models.command("promote")
@click.argument("model", metavar="NAME@VERSION")
@click.argument("alias")
@backend_option
@json_option
@pass_face
def promote(face: Face, model: str, alias: str, backend: str | None) -> None:
    """Let ALIAS stand for a version from now on: production, staging, any word.

    Services that run are not touched: deploy NAME@ALIAS again to bring them to it.

    \b
    Example:
      fasttrack models promote digits@2 production
    """
    name, word = asked(model)
    place = place_of(face, name, backend)
    number = numbered(face.client.model(place, name), word)
    found = face.client.promote_model(place, name, alias, number)
    if face.as_json:
        face.json(found)
    else:
        face.say(f"{name}@{alias} is {name}@{number}")


@models.command("demote")
@click.argument("model", metavar="NAME")
@click.argument("alias")
@backend_option
@pass_face
def demote(face: Face, model: str, alias: str, backend: str | None) -> None:
    """Forget an ALIAS; the version stays."""
    name, _ = asked(model)
    face.client.demote_model(place_of(face, name, backend), name, alias)
    face.say(f"{name} has no alias {alias} any more")


@models.command("delete")
@click.argument("model", metavar="NAME@VERSION")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@backend_option
@pass_face
def delete(face: Face, model: str, yes: bool, backend: str | None) -> None:
    """Remove a version for good. One that an alias or a service uses is refused. On a terminal it asks first."""
    name, word = asked(model, exactly=True)
    place = place_of(face, name, backend)
    number = numbered(face.client.model(place, name), word)
    agree(f"Remove {name}@{number} on {place} and everything in it?", yes=yes)
    with face.patience("removing"):
        face.client.delete_model(place, name, number)
    face.say(f"{name}@{number} removed")


models.add_command(deploy)
