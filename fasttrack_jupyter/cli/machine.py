"""``slots``, ``images``, ``doctor``, ``engine``: this machine and the engine on it."""

from __future__ import annotations

from typing import Any

import click

from fasttrack_jupyter.api.states import FAILURE, SUCCESS, icon
from fasttrack_jupyter.api.words import ago, amount_of, clean, plural
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, pass_face, place_option
from fasttrack_jupyter.errors import EngineUnavailable

Json = dict[str, Any]


@click.command()
@place_option
@json_option
@pass_face
def slots(face: Face, backend: str) -> None:
    """Show resource slots: how many there are, how many are in use.

    \b
    Exit status: 0, 2 if there is no such backend.
    """
    found = face.client.slots(backend)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (name, amount_of(name, str(slot["total"])), amount_of(name, str(slot["used"])))
        for name, slot in found["slots"].items()
    ]
    table(face, ("slot", ">total", ">in use"), rows, empty="this backend hands out slots by itself")
    for device in found.get("devices") or ():
        face.say(f"device: {_words(device)}")
    if found.get("default_image"):
        face.say(f"image of tasks that name none: {found['default_image']}")
    if found.get("mode"):
        face.say(f"isolation: {found['mode']}")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return clean(", ".join(f"{name} {part}" for name, part in value.items()))
    return clean(str(value))


@click.command()
@place_option
@json_option
@pass_face
def images(face: Face, backend: str) -> None:
    """List what can be named as an image here.

    \b
    Exit status: 0, 2 if there is no such backend.
    """
    found = face.client.images(backend)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [(one["name"], one["kind"], "yes" if one["ready"] else "when used", one["description"]) for one in found]
    table(face, ("image", "kind", "ready", "<what it is"), rows, empty="no images are known here: fasttrack doctor")


@click.command()
@json_option
@pass_face
def doctor(face: Face) -> None:
    """Say what this machine can do, and how it could do more.

    Each thing with what was found and, where something is missing, the remedy. Nothing is changed.

    \b
    Exit status: 0: what is missing is a limit, not a failure.
    """
    with face.patience("trying what this machine can do"):
        found = face.client.doctor()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.style import badge
    from fasttrack_jupyter.cli.tables import table

    console = face.console()
    rows = [
        (badge(SUCCESS if one["ok"] else FAILURE, console, one["check"]), _words(one["found"]), one["remedy"] or "")
        for one in found
    ]
    table(face, ("check", "<found", "<remedy"), rows, empty="nothing was checked")
    missing = sum(not one["ok"] for one in found)
    mark = icon(FAILURE if missing else SUCCESS, console.encoding)
    face.say(f"{mark} {plural(missing, 'thing')} this machine cannot do" if missing else f"{mark} everything is there")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def engine(ctx: click.Context) -> None:
    """Look at the engine process, or stop it.

    The engine starts when it is needed and ends when it is idle. Stopping or killing it loses nothing:
    running sessions go on, and the next engine takes them over.

    \b
    Examples:
      fasttrack engine status
      fasttrack engine stop

    \b
    Exit status: 0; status: 1 if none runs.
    """
    if ctx.invoked_subcommand is None:
        _status(ctx.ensure_object(Face))


@engine.command("status")
@json_option
@pass_face
def engine_status(face: Face) -> None:
    """Whether an engine runs, and which."""
    _status(face)


def _status(face: Face) -> None:
    with face.connect(start=False) as client:
        found = client.info()
    if face.as_json:
        face.json(found)
        return
    face.say(f"engine {found['version']}, process {found['pid']}, since {ago(found['started_at'])}")
    face.say(f"  home     {found['home']}")
    face.say(f"  backends {', '.join(found['backends'])}")
    face.say(f"  jobs     {found['running_jobs']} running")


@engine.command("stop")
@click.option("--when-idle", is_flag=True, help="Only if no job is unfinished.")
@json_option
@pass_face
def engine_stop(face: Face, when_idle: bool) -> None:
    """Stop the engine in order; running sessions go on and are taken over by the next one."""
    try:
        with face.connect(start=False) as client:
            has_stopped = client.shutdown(when_idle=when_idle)
        said = "the engine is stopping" if has_stopped else "the engine goes on: a job is unfinished"
    except EngineUnavailable:
        has_stopped, said = True, "no engine is running"
    if face.as_json:
        face.json({"stopping": has_stopped, "message": said})
    else:
        face.say(said)
