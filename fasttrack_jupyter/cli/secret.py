"""``secrets``: values that tasks need and nobody should read.

They come in by a hidden prompt or stdin, never by argv, which all of this machine can see.
"""

from __future__ import annotations

import sys

import click

from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, pass_face
from fasttrack_jupyter.errors import BadRequest

_pipeline_option = click.option("--pipeline", metavar="NAME", help="For this pipeline alone, not for all of this home.")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def secrets(ctx: click.Context) -> None:
    """Keep values that tasks need and nobody should read.

    A task gets one through an env value, ${{ secrets.NAME }}. No command prints a value.

    \b
    Examples:
      fasttrack secrets set HF_TOKEN
      fasttrack secrets set DB_PASSWORD --pipeline digits < password.txt

    \b
    Exit status: 0, 2 if there is no such secret.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face))


@secrets.command("set")
@click.argument("name")
@_pipeline_option
@pass_face
def set_secret(face: Face, name: str, pipeline: str | None) -> None:
    """Keep a secret: its value is asked for, or read from stdin (one newline at its end is dropped)."""
    value = _value(name)
    if not value:
        raise BadRequest(f"the value of {name} is empty", hint="fasttrack secrets rm takes a secret away.")
    face.client.set_secret(name, value, pipeline)
    face.say(f"{name} is kept{_scope(pipeline)}")


def _value(name: str) -> str:
    if sys.stdin.isatty():
        answer: str = click.prompt(f"Value of {name}", hide_input=True, default="", show_default=False, err=True)
        return answer
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise BadRequest(f"the value of {name} is not UTF-8", hint="Encode it, base64 for example.") from None
    return text.removesuffix("\n").removesuffix("\r")


@secrets.command("list")
@json_option
@pass_face
def list_secrets(face: Face) -> None:
    """List names; never values."""
    _list(face)


def _list(face: Face) -> None:
    found = face.client.secrets()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [(one["name"], one["pipeline"] or "all") for one in found]
    table(face, ("secret", "pipeline"), rows, empty="no secrets yet: fasttrack secrets set NAME keeps one")


@secrets.command("rm")
@click.argument("name")
@_pipeline_option
@pass_face
def remove_secret(face: Face, name: str, pipeline: str | None) -> None:
    """Forget a secret."""
    face.client.remove_secret(name, pipeline)
    face.say(f"{name} is forgotten{_scope(pipeline)}")


def _scope(pipeline: str | None) -> str:
    return f" for {pipeline}" if pipeline else ""
