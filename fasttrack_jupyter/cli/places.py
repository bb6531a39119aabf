"""``pipelines``, ``folders``, ``gc``: what this home keeps."""

from __future__ import annotations

from typing import Any

import click

from fasttrack_jupyter.api.words import ago, plural, size
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, json_option, pass_face, place_option

Json = dict[str, Any]


@click.command()
@json_option
@pass_face
def pipelines(face: Face) -> None:
    """List the pipelines that this home knows.

    A pipeline is known by its name, once it has run.

    \b
    Exit status: 0, also if there are none.
    """
    found = face.client.pipelines()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (one["name"], str(one["jobs"]), one["folder"], ago(one["created_at"]), one["source"] or "") for one in found
    ]
    columns = ("pipeline", ">jobs", "folder", "since", "<file")
    table(face, columns, rows, empty="no pipelines yet: fasttrack run FILE makes one known")


@click.group(invoke_without_command=True)
@place_option
@json_option
@click.pass_context
def folders(ctx: click.Context, backend: str) -> None:
    """List, make and remove vfolders.

    A vfolder is a named folder that tasks mount: general, model or data. A pipeline's own is made with it.

    \b
    Examples:
      fasttrack folders
      fasttrack folders make my-models --usage model

    \b
    Exit status: 0, 2 if there is no such folder or it is in use.
    """
    if ctx.invoked_subcommand is None:
        _list_folders(ctx.ensure_object(Face), backend)


@folders.command("list")
@place_option
@json_option
@pass_face
def list_folders(face: Face, backend: str) -> None:
    """List all vfolders."""
    _list_folders(face, backend)


def _list_folders(face: Face, backend: str) -> None:
    found = face.client.folders(backend)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (one["name"], one["usage_mode"], one["pipeline"] or "", ago(one["created_at"]), one["host_path"] or "")
        for one in found
    ]
    columns = ("folder", "usage", "pipeline", "made", "<path")
    table(face, columns, rows, empty="no folders yet: fasttrack folders make NAME makes one")


@folders.command("make")
@click.argument("name")
@click.option(
    "--usage",
    default="general",
    show_default=True,
    type=click.Choice(["general", "model", "data"]),
    help="What it is for.",
)
@place_option
@json_option
@pass_face
def make_folder(face: Face, name: str, usage: str, backend: str) -> None:
    """Make a vfolder. A name that is taken is refused."""
    found = face.client.make_folder(name, usage, backend)
    if face.as_json:
        face.json(found)
    else:
        face.say(f"{found['name']} ({found['usage_mode']}): {found['host_path'] or ''}".rstrip(": "))


@folders.command("rm")
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@place_option
@pass_face
def remove_folder(face: Face, name: str, yes: bool, backend: str) -> None:
    """Remove a vfolder and everything in it. On a terminal it asks first."""
    agree(f"Remove the folder {name} and everything in it?", yes=yes)
    face.client.remove_folder(name, backend)
    face.say(f"{name} removed")


@click.command()
@click.option(
    "--keep-jobs",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Keep the newest N jobs of each pipeline.",
)
@click.option(
    "--older-than",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="DAYS",
    help="Only jobs that ended so long ago.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@json_option
@pass_face
def gc(face: Face, keep_jobs: int, older_than: float, dry_run: bool) -> None:
    """Remove what old jobs left behind.

    Outputs that a kept job reuses stay.

    \b
    Examples:
      fasttrack gc --dry-run
      fasttrack gc --keep-jobs 3 --older-than 7

    \b
    Exit status: 0.
    """
    with face.patience("looking for what nothing refers to any more"):
        found = face.client.gc(keep_jobs=keep_jobs, older_than_days=older_than, dry_run=dry_run)
    if face.as_json:
        face.json(found)
        return
    for title in ("jobs", "folders"):
        for name in found.get(title, ()):
            face.say(f"  {title.removesuffix('s')} {name}")
    for name in found.get("environments", ()):  # says itself what it is: code, an environment, a checkout
        face.say(f"  {name}")
    verb = "would be freed" if found["dry_run"] else "freed"
    face.say(f"{plural(len(found['jobs']), 'job')}, {size(found['bytes'])} {verb}")
    if found.get("models"):
        face.say(f"{plural(found['models'], 'model version')} kept, {size(found['model_bytes'])}: fasttrack models")
