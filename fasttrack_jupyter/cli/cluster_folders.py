"""``cluster folders`` and ``cluster invitations``: vfolders of a cluster, their files, who shares them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, size
from fasttrack_jupyter.cli.clusters import cluster_option, the_cluster
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, json_option, pass_face
from fasttrack_jupyter.cli.outputs import write_file
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound

Json = dict[str, Any]


@click.group(invoke_without_command=True)
@cluster_option
@json_option
@click.pass_context
def folders(ctx: click.Context, backend: str | None) -> None:
    """List, make, fill, share and remove vfolders of a cluster.

    \b
    Examples:
      fasttrack cluster folders make my-data --usage data
      fasttrack cluster folders put my-data train.csv raw/
      fasttrack cluster folders get my-data raw/train.csv
      fasttrack cluster folders share my-data colleague@example.org
    """
    if ctx.invoked_subcommand is None:
        list_folders(ctx.ensure_object(Face), backend)


@folders.command("list")
@cluster_option
@json_option
@pass_face
def list_command(face: Face, backend: str | None) -> None:
    """List the vfolders that you can reach."""
    list_folders(face, backend)


def list_folders(face: Face, backend: str | None) -> None:
    """As a table, or as JSON."""
    found = face.client.cluster_folders(the_cluster(face, backend))
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["name"],
            one["usage_mode"],
            one["permission"],
            f"project {one['project']}" if one["project"] else "you" if one["is_owner"] else one["owner"] or "",
            one["host"],
            ago(one["created_at"]),
        )
        for one in found
    ]
    columns = ("<folder", "usage", "may", "of", "host", "made")
    table(face, columns, rows, empty="no vfolders yet: fasttrack cluster folders make NAME makes one")


@folders.command("make")
@click.argument("name")
@click.option(
    "--usage",
    default="general",
    show_default=True,
    type=click.Choice(["general", "model", "data"]),
    help="What it is for.",
)
@click.option("--project", metavar="NAME", help="Make it the project's, not yours (who may do that, the cluster says).")
@cluster_option
@json_option
@pass_face
def make(face: Face, backend: str | None, name: str, usage: str, project: str | None) -> None:
    """Make a vfolder. A name that is taken is refused."""
    found = face.client.make_cluster_folder(the_cluster(face, backend), name, usage, project)
    if face.as_json:
        face.json(found)
    else:
        face.say(f"{found['name']} ({found['usage_mode']}) on {found['host']}")


@folders.command("rm")
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@cluster_option
@pass_face
def remove(face: Face, backend: str | None, name: str, yes: bool) -> None:
    """Remove a vfolder for good, with everything in it. On a terminal it asks first."""
    agree(f"Remove the vfolder {name} and everything in it?", yes=yes)
    face.client.remove_cluster_folder(the_cluster(face, backend), name)
    face.say(f"{name} removed")


@folders.command("ls")
@click.argument("folder")
@click.argument("path", default="")
@cluster_option
@json_option
@pass_face
def ls(face: Face, backend: str | None, folder: str, path: str) -> None:
    """List what is in a vfolder, or in the folder PATH of it."""
    found = face.client.cluster_files(the_cluster(face, backend), folder, path)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (f"{one['name']}/" if one["is_dir"] else one["name"], "" if one["is_dir"] else size(one["size"]),
         ago(one["modified_at"]))
        for one in found
    ]  # fmt: skip
    table(face, ("<name", ">size", "written"), rows, empty="nothing is in it")


@folders.command("mkdir")
@click.argument("folder")
@click.argument("path")
@cluster_option
@pass_face
def mkdir(face: Face, backend: str | None, folder: str, path: str) -> None:
    """Make the folder PATH inside a vfolder, and those on the way."""
    face.client.make_cluster_path(the_cluster(face, backend), folder, path)
    face.say(f"{folder}: {path}")


@folders.command("put")
@click.argument("folder")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.argument("path", default="")
@cluster_option
@json_option
@pass_face
def put(face: Face, backend: str | None, folder: str, file: Path, path: str) -> None:
    """Upload FILE (or what is in the folder FILE) to PATH of a vfolder.

    A PATH that ends in / is a folder to put it into. Broken off, the same command goes on where it was.
    """
    name = the_cluster(face, backend)
    uploaded = []
    for source, target in _uploads(file, path):
        for progress in face.client.upload_cluster_file(name, folder, target, source):
            _tell_progress(target, progress)
        uploaded.append({"source": str(source), "path": target, "size": source.stat().st_size})
        if not face.as_json:
            face.say(f"{source} → {folder}/{target}")
    if face.as_json:
        face.json(uploaded)


def _uploads(file: Path, path: str) -> list[tuple[Path, str]]:
    if file.is_dir():
        base = f"{path.rstrip('/')}/{file.resolve().name}".lstrip("/")  # also of `.`
        below = sorted(each for each in file.rglob("*") if each.is_file())
        return [(each, f"{base}/{each.relative_to(file).as_posix()}") for each in below]
    return [(file, f"{path}{file.name}" if not path or path.endswith("/") else path)]


def _tell_progress(target: str, progress: Json) -> None:
    if not sys.stderr.isatty():
        return
    percent = 100 if not progress["size"] else progress["sent"] * 100 // progress["size"]
    done = "\r\x1b[K" if progress["done"] else f"\r\x1b[K{target}: {percent} % of {size(progress['size'])}"
    click.echo(done, err=True, nl=False)


@folders.command("get")
@click.argument("folder")
@click.argument("path")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Where to; by default here, under its name.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@cluster_option
@json_option
@pass_face
def get(face: Face, backend: str | None, folder: str, path: str, target: Path | None, force: bool) -> None:
    """Download a file of a vfolder; a folder comes as a zip."""
    name, path = the_cluster(face, backend), path.strip("/")
    parent, _, last = path.rpartition("/")
    entry = next((one for one in face.client.cluster_files(name, folder, parent) if one["name"] == last), None)
    if entry is None:
        raise NotFound(f"there is no {path!r} in the vfolder {folder!r}", hint=f"fasttrack cluster folders ls {folder}")
    place = target or Path(f"{last}.zip" if entry["is_dir"] else last)
    place = place / last if place.is_dir() and not entry["is_dir"] else place
    if place.exists() and not force:
        raise Conflict(f"{place} would be overwritten", hint="Say another place with --to, or give --force.")
    with face.patience("downloading"):
        parts = face.client.download_cluster_file(name, folder, path, archive=entry["is_dir"])
        write_file(place.parent, place, parts, force=force)
    if face.as_json:
        face.json({"path": path, "copied_to": str(place), "size": place.stat().st_size})
    else:
        face.say(f"{folder}/{path} → {place} ({size(place.stat().st_size)})")


@folders.command("del")
@click.argument("folder")
@click.argument("path")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@cluster_option
@pass_face
def delete(face: Face, backend: str | None, folder: str, path: str, yes: bool) -> None:
    """Remove PATH of a vfolder: a file, or a folder with everything in it. On a terminal it asks first."""
    if not path.strip("/"):
        raise BadRequest(f"that is all of {folder}", hint=f"fasttrack cluster folders rm {folder} removes it")
    agree(f"Remove {path} of {folder}?", yes=yes)
    face.client.remove_cluster_path(the_cluster(face, backend), folder, path.strip("/"))
    face.say(f"{folder}/{path} removed")


@folders.command("shares")
@click.argument("folder")
@cluster_option
@json_option
@pass_face
def shares(face: Face, backend: str | None, folder: str) -> None:
    """List whom a vfolder of yours is shared with."""
    _tell_shares(face, folder, face.client.folder_shares(the_cluster(face, backend), folder))


@folders.command("share")
@click.argument("folder")
@click.argument("users", nargs=-1, required=True, metavar="E-MAIL…")
@click.option("--may", default="ro", show_default=True, type=click.Choice(["ro", "rw", "wd"]),
              help="Read, write too, or remove too.")  # fmt: skip
@cluster_option
@json_option
@pass_face
def share(face: Face, backend: str | None, folder: str, users: tuple[str, ...], may: str) -> None:
    """Share a vfolder with others of the cluster, who are invited and have to accept."""
    _tell_shares(face, folder, face.client.share_folder(the_cluster(face, backend), folder, users, may))


def _tell_shares(face: Face, folder: str, found: list[Json]) -> None:
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [(one["user"], one["permission"], "yes" if one["is_accepted"] else "not yet") for one in found]
    table(face, ("<shared with", "may", "accepted"), rows, empty=f"{folder} is shared with nobody")


@folders.command("unshare")
@click.argument("folder")
@click.argument("user", metavar="E-MAIL")
@cluster_option
@pass_face
def unshare(face: Face, backend: str | None, folder: str, user: str) -> None:
    """Share a vfolder with somebody no longer."""
    face.client.unshare_folder(the_cluster(face, backend), folder, user)
    face.say(f"{folder} is not shared with {user} any more")


@click.group(invoke_without_command=True)
@cluster_option
@json_option
@click.pass_context
def invitations(ctx: click.Context, backend: str | None) -> None:
    """List vfolders that others want to share with you; accept or decline them.

    \b
    Examples:
      fasttrack cluster invitations
      fasttrack cluster invitations accept ID
    """
    if ctx.invoked_subcommand is not None:
        return
    face = ctx.ensure_object(Face)
    found = face.client.cluster_invitations(the_cluster(face, backend))
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [(one["folder"], one["inviter"], one["permission"], one["id"]) for one in found]
    table(face, ("<folder", "of", "may", "id"), rows, empty="nobody waits for your answer")


@invitations.command("accept")
@click.argument("invitation", metavar="ID")
@cluster_option
@pass_face
def accept(face: Face, backend: str | None, invitation: str) -> None:
    """Accept an invitation: the vfolder is in your list then."""
    face.client.answer_invitation(the_cluster(face, backend), invitation, accept=True)
    face.say("accepted")


@invitations.command("decline")
@click.argument("invitation", metavar="ID")
@cluster_option
@pass_face
def decline(face: Face, backend: str | None, invitation: str) -> None:
    """Turn an invitation down."""
    face.client.answer_invitation(the_cluster(face, backend), invitation, accept=False)
    face.say("declined")
