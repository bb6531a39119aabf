"""``triggers``: jobs that the ends of other pipelines' jobs start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.parameters import parameters
from fasttrack_jupyter.api.words import ago
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, param_option, pass_face

Json = dict[str, Any]


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def triggers(ctx: click.Context) -> None:
    """Start jobs when jobs of other pipelines have ended.

    Each end starts one job, also if the engine is killed in between. A cancelled job starts nothing.

    \b
    Examples:
      fasttrack triggers add train.fasttrack.yaml --after prep
      fasttrack triggers
      fasttrack triggers remove 1

    \b
    Exit status: 0, 2 if a file is wrong or jobs would start each other for ever.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face))


@triggers.command("list")
@json_option
@pass_face
def list_triggers(face: Face) -> None:
    """List which pipelines' jobs start which."""
    _list(face)


@triggers.command("add")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--after", "of", required=True, metavar="PIPELINE", help="The pipeline whose jobs start this one.")
@click.option(
    "--result", type=click.Choice(["success", "failure", "any"]), default="success", show_default=True,
    help="How those jobs must come out.",
)  # fmt: skip
@param_option
@click.option("--backend", default="local", metavar="NAME", help="Where the jobs run.")
@json_option
@pass_face
def add(face: Face, file: str, of: str, result: str, params: tuple[str, ...], backend: str) -> None:
    """Start a job of FILE when one of another pipeline has ended.

    FILE is read anew each time.
    """
    made = face.client.add_trigger(
        str(Path(file).resolve()), of, result=result, backend=backend, params=parameters(params, "--param")
    )
    if face.as_json:
        face.json(made)
        return
    face.note(f"trigger {made['number']}: {_when(made)} starts {made['pipeline']}")


@triggers.command("remove")
@click.argument("number", type=int)
@pass_face
def remove(face: Face, number: int) -> None:
    """Forget a trigger; jobs that it started stay."""
    face.client.remove_trigger(number)
    face.note(f"trigger {number} is removed")


def _list(face: Face) -> None:
    found = face.client.triggers()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (str(one["number"]), _when(one), one["pipeline"], one["source"], ago(one["fired_at"]), one["trouble"])
        for one in found
    ]
    columns = (">number", "<when", "starts", "<file", "last", "<trouble")
    table(face, columns, rows, empty="no job starts another: fasttrack triggers add FILE --after PIPELINE")


def _when(trigger: Json) -> str:
    words = {"success": "the success of", "failure": "the failure of", "any": "the end of"}
    return f"{words[trigger['result']]} {trigger['of']}"
