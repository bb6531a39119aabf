"""``export`` and ``schema``: the pipeline for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.api.writing import write_whole
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, pass_face, pipeline_text
from fasttrack_jupyter.cli.problems import tell_problems

Json = dict[str, Any]

_FAMILY = "fasttrack-"
_TARGETS = tuple(_FAMILY + generation for generation in ("22.09", "25.15", "26.4"))


@click.command()
@click.argument("file", type=click.Path())
@click.option("--to", required=True, type=click.Choice(_TARGETS), help="For which release.")
@click.option("--output", "-o", type=click.Path(), metavar="OUT", help="Into this file instead of stdout.")
@json_option
@pass_face
def export(face: Face, file: str, to: str, output: str | None) -> None:
    """Write a pipeline for a FastTrack release, and report what is lost.

    What the release cannot carry is expanded or dropped; each loss is said on stderr. FILE itself stays as it is.

    \b
    Example:
      fasttrack export digits.fasttrack.yaml --to fasttrack-26.4 -o digits-26.4.yaml

    \b
    Exit status: 0, also with losses; 2 if FILE is not valid.
    """
    found = face.client.export(to, **pipeline_text(face, file))
    if output is not None:
        write_whole(Path(output).expanduser(), found["text"])
    if face.as_json:
        face.json(found)
        return
    if output is None:
        click.echo(found["text"], nl=False)
    tell_problems(face, found["losses"])
    where = f"{output}: " if output is not None else ""
    face.note(f"{where}{_verdict(found['losses'])}")


def _verdict(losses: list[Json]) -> str:
    """Notices tell of what is only said in another way; all else is lost."""
    rewritten = sum(loss["severity"] == "notice" for loss in losses)
    lost = len(losses) - rewritten
    said = f"{plural(lost, 'thing')} could not be carried over" if lost else "nothing is lost"
    return f"{said}, {rewritten:,} said in another way" if rewritten else said


@click.command()
@click.option(
    "--path", "only_path", is_flag=True, help="Print where the schema lies instead, for an editor's settings."
)
@pass_face
def schema(face: Face, only_path: bool) -> None:
    """Print the JSON Schema of the pipeline YAML.

    Editors complete and check pipelines by it.

    \b
    Examples:
      fasttrack schema > pipeline.schema.json
      fasttrack schema --path

    \b
    Exit status: 0.
    """
    path = Path(__file__).parent.parent / "schema" / "pipeline.schema.json"
    face.say(str(path) if only_path else path.read_text(encoding="utf-8").rstrip("\n"))
