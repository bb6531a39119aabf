"""``cluster``: what a Backend.AI cluster offers its user, and what he has there."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, amount_of, between, clean, duration, plural, size, slots
from fasttrack_jupyter.cli.cluster_folders import folders, invitations
from fasttrack_jupyter.cli.clusters import cluster_option, the_cluster
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, json_option, pass_face

Json = dict[str, Any]


@click.group(invoke_without_command=True)
@cluster_option
@json_option
@click.pass_context
def cluster(ctx: click.Context, backend: str | None) -> None:
    """Look into a Backend.AI cluster: resources, images, vfolders, sessions.

    By itself it shows what there is in the profile's project: limits, resource groups, presets.
    With several clusters, --backend says which.

    \b
    Examples:
      fasttrack cluster
      fasttrack cluster images pytorch --accelerator cuda
      fasttrack cluster folders put my-data train.csv
      fasttrack cluster sessions

    \b
    Exit status: 0, 1 if the cluster does not answer, 2 if there is no such thing.
    """
    if ctx.invoked_subcommand is None:
        _show(ctx.ensure_object(Face), backend, None, fresh=False)


cluster.add_command(folders)
cluster.add_command(invitations)


@cluster.command("show")
@click.option("--project", metavar="NAME", help="Of this project instead of the profile's.")
@click.option("--fresh", is_flag=True, help="Ask now: else an answer may be some seconds old.")
@cluster_option
@json_option
@pass_face
def show(face: Face, backend: str | None, project: str | None, fresh: bool) -> None:
    """Show limits, resource groups and presets of a project."""
    _show(face, backend, project, fresh=fresh)


def _show(face: Face, backend: str | None, project: str | None, *, fresh: bool) -> None:
    with face.patience("asking the cluster"):
        found = face.client.cluster(the_cluster(face, backend), project, fresh=fresh)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    face.say(f"{found['backend']}: Backend.AI {found['release']} at {found['endpoint']}")
    projects = ", ".join(each["name"] for each in found["projects"])
    face.say(f"  user     {found['user']} of domain {found['domain']}")
    face.say(f"  project  {found['project']} (of {projects})")
    for line in _limits(found["limits"]):
        face.say(f"  {line}")
    face.say()
    titles = {each["name"]: each["unit"] for each in found["slots"]}
    rows = [row for group in found["groups"] for row in _group_rows(group)]
    columns = ("resource group", "slot", ">free", ">yours", ">in use", ">in all", ">largest node")
    table(face, columns, rows, empty="no resource group may be used here")
    if any(row[5] == "?" for row in rows):
        face.note("?: the cluster does not tell you.")
    face.say()
    presets = [(each["name"], slots(_some(each["resources"])), "yes" if each["is_free"] else "not now")
               for each in found["presets"]]  # fmt: skip
    table(face, ("preset", "<resources", "free"), presets, empty="no presets")
    units = ", ".join(f"{name} in {unit}" for name, unit in titles.items() if unit and name not in ("cpu", "mem"))
    if units:
        face.say(f"\naccelerators: {units}")


def _limits(limits: Json) -> Iterator[str]:
    most = limits["max_sessions"]
    yield f"sessions {limits['sessions']} live" + (f", at most {most}" if most else "")
    bounds = [f"{amount_of(slot, amount)} {slot}" for slot, amount in {**limits["domain"], **limits["slots"]}.items()]
    yield f"limits   {' · '.join(bounds) or 'none on resources'}"
    counts = (
        ("max_containers", "container", " in a session"),
        ("max_pending_sessions", "pending session", ""),
        ("max_folders", "vfolder", ""),
    )
    said = [plural(limits[key], noun) + more for key, noun, more in counts if limits[key]]
    said += [f"{duration(limits['max_lifetime'])} for a session"] if limits["max_lifetime"] else []
    if said:
        yield f"at most  {' · '.join(said)}"


def _group_rows(group: Json) -> Iterator[tuple[str, ...]]:
    known = {**group["free"], **group["mine"], **(group["total"] or {}), **(group["largest"] or {})}
    name = group["name"] if group["is_active"] else f"{group['name']} (not active)"
    for slot in known:
        yield (
            name,
            slot,
            amount_of(slot, group["free"].get(slot, "0")),
            amount_of(slot, group["mine"].get(slot, "0")),
            _told(group["used"], slot),
            _told(group["total"], slot),
            _told(group["largest"], slot),
        )
        name = ""


def _told(amounts: Json | None, slot: str) -> str:
    return "?" if amounts is None else amount_of(slot, amounts.get(slot, "0"))


def _some(resources: Json) -> Json:
    return {slot: amount for slot, amount in resources.items() if amount != "0"}


@cluster.command("images")
@click.argument("words", nargs=-1)
@click.option("--accelerator", metavar="FAMILY", help="Only those made for it (cuda, rocm …).")
@click.option("--installed", is_flag=True, help="Only those that some node has already.")
@cluster_option
@json_option
@pass_face
def images(face: Face, backend: str | None, words: tuple[str, ...], accelerator: str | None, installed: bool) -> None:
    """List images; WORDS are looked for in their names and labels."""
    with face.patience("asking the cluster"):
        found = face.client.cluster_images(
            the_cluster(face, backend), " ".join(words), accelerator=accelerator, installed=installed
        )
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["name"],
            ", ".join(one["architectures"]),
            ", ".join("any" if each == "*" else each for each in one["accelerators"]),
            slots(one["minimum"]),
            size(one["size"]),
            "yes" if one["is_installed"] else "pulled first",
        )
        for one in found
    ]
    columns = ("<image", "architecture", "accelerators", "at least", ">size", "on a node")
    empty = "no image has all of that" if words or accelerator or installed else "you are shown no images"
    table(face, columns, rows, empty=empty)


@cluster.command("quotas")
@cluster_option
@json_option
@pass_face
def quotas(face: Face, backend: str | None) -> None:
    """Show how much you may keep in vfolders, and keep."""
    found = face.client.cluster_quotas(the_cluster(face, backend))
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["host"],
            one["scope"],
            _bytes(one["used"], "not told"),
            _bytes(one["limit"], "not told"),
            "not told" if one["host_full"] is None else f"{one['host_full']:.0f} %",
        )
        for one in found
    ]
    table(face, ("host", "of", ">used", ">at most", ">host is full"), rows, empty="the cluster tells of no quota")


def _bytes(count: int | None, otherwise: str) -> str:
    return otherwise if count is None else size(count)


@cluster.command("sessions")
@click.option("--all", "ended", is_flag=True, help="Those that have ended as well.")
@click.option("--name", "text", default="", metavar="TEXT", help="Only those with this in their name.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@cluster_option
@json_option
@pass_face
def sessions(face: Face, backend: str | None, ended: bool, text: str, limit: int) -> None:
    """List your sessions, newest first, whoever started them."""
    found = face.client.cluster_sessions(the_cluster(face, backend), live=not ended, text=text, limit=limit)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["name"],
            one["status"] if one["result"] == "UNDEFINED" else f"{one['status']} {one['result']}",
            one["type"],
            slots(one["resources"]),
            one["group"] or "",
            ago(one["created_at"]),
            between(one["created_at"], one["ended_at"]),
            one["image"],
        )
        for one in found["sessions"]
    ]
    columns = ("session", "status", "type", "resources", "group", "made", ">for", "<image")
    table(face, columns, rows, empty="no sessions" if ended else "no live sessions (--all shows what has ended)")
    if found["total"] > len(rows):
        face.note(f"{len(rows)} of {found['total']}: --limit shows more.")


@cluster.command("log")
@click.argument("session")
@cluster_option
@pass_face
def log(face: Face, backend: str | None, session: str) -> None:
    """Print what a session wrote, as the cluster keeps it. (Of a job's task: fasttrack logs.)"""
    text = clean(face.client.cluster_session_log(the_cluster(face, backend), session))
    click.echo(text, nl=not text.endswith("\n"))


@cluster.command("end")
@click.argument("session")
@click.option("--forced", is_flag=True, help="At once, without waiting until it has ended in order.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@cluster_option
@pass_face
def end(face: Face, backend: str | None, session: str, forced: bool, yes: bool) -> None:
    """End one of your sessions. On a terminal it asks first."""
    agree(f"End the session {session}?", yes=yes)
    with face.patience("waiting until it has ended"):
        face.client.terminate_session(the_cluster(face, backend), session, forced=forced)
    face.say(f"{session} is ending")


@cluster.command("apps")
@click.argument("session")
@cluster_option
@json_option
@pass_face
def apps(face: Face, backend: str | None, session: str) -> None:
    """List the apps of a session (Jupyter, terminal …)."""
    name = the_cluster(face, backend)
    page = face.client.cluster_sessions(name, text="" if "-" in session else session, limit=500)
    found: list[Json] = next((one["apps"] for one in page["sessions"] if session in (one["id"], one["name"])), [])
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [(one["name"], one["protocol"], ", ".join(map(str, one["ports"]))) for one in found]
    table(face, ("app", "protocol", ">ports"), rows, empty=f"there is no live session {session} with apps")


@cluster.command("open")
@click.argument("session")
@click.argument("app")
@click.option("--browser/--no-browser", default=True, help="Open it in a browser as well.  [default: yes]")
@cluster_option
@json_option
@pass_face
def open_app(face: Face, backend: str | None, session: str, app: str, browser: bool) -> None:
    """Start an app of a running session, and open it.

    The address is good for you, and for a while; who has it is let in, so keep it to yourself.
    """
    with face.patience(f"starting {app}"):
        found = face.client.start_app(the_cluster(face, backend), session, app)
    if face.as_json:
        face.json(found)
        return
    face.say(found["url"])
    if browser and found["url"].startswith(("http://", "https://")) and face.stream().isatty():
        webbrowser.open(found["url"])
