"""``services``: models that are served, here or on a cluster."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, command, last_lines, plural
from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import agree, json_option, pass_face
from fasttrack_jupyter.errors import BadRequest, NotFound

Json = dict[str, Any]

_LOOK_SECONDS = 1.0
"""Between two looks at a log that goes on."""
_PAGE = 1 << 18

backend_option = click.option(
    "--backend", metavar="NAME", shell_complete=completion.backends,
    help="On which backend; by default the one that has a service of that name.",
)  # fmt: skip
name_argument = click.argument("name")


@click.group(invoke_without_command=True)
@backend_option
@json_option
@click.pass_context
def services(ctx: click.Context, backend: str | None) -> None:
    """List models that are served, and look after them.

    A deployment task makes a service, or brings the one of its name to a new revision; it goes on when the job has
    ended (unless it is ephemeral).

    \b
    Examples:
      fasttrack services
      fasttrack services curl digits predict
      fasttrack services logs digits -f
      fasttrack services scale digits 3

    \b
    Exit status: 0, 1 if a cluster does not answer, 2 if there is no such service.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face), backend)


@services.command("list")
@backend_option
@json_option
@pass_face
def list_services(face: Face, backend: str | None) -> None:
    """List models that are served."""
    _list(face, backend)


def _list(face: Face, backend: str | None) -> None:
    with face.patience("asking the backends"):
        found = face.client.services(backend)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            one["name"],
            one["status"],
            f"{one['healthy']} of {one['wanted']}",
            str(one["revision"]),
            one["model"],
            one["backend"],
            ago(one["updated_at"]),
            one["endpoint"] or "",
        )
        for one in found["services"]
    ]
    columns = ("service", "status", "healthy", ">revision", "model", "backend", "changed", "<endpoint")
    table(face, columns, rows, empty="no model is served: a task of type deployment serves one")
    for one in found["services"]:
        if one["status"] == "UNHEALTHY" and one["reason"]:
            face.note(f"{one['name']}: {one['reason']}")
    for name, why in found["silent"].items():
        face.note(f"{name} does not tell of its services: {why}")


@services.command("show")
@name_argument
@backend_option
@json_option
@pass_face
def show(face: Face, name: str, backend: str | None) -> None:
    """Show a service and its replicas."""
    found = face.client.service(_backend(face, name, backend), name)
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    face.say(f"{found['name']}: {found['status']}" + (f", {found['reason']}" if found["reason"] else ""))
    made_by = f"revision {found['revision']}, {ago(found['updated_at'])}"
    if found["pipeline"]:
        made_by += f", by task {found['task']} of pipeline {found['pipeline']} (job {found['job']})"
    kinds = ["public" if found["is_public"] else "answers to a token"]
    kinds += ["ends with its job"] if found["is_ephemeral"] else []
    for word, value in (
        ("endpoint", found["endpoint"] or "none yet"),
        ("model", found["model"]),
        ("image", found["image"] or "the backend's own"),
        ("backend", found["backend"]),
        ("access", ", ".join(kinds)),
        ("made", made_by),
        ("healthy", f"{found['healthy']} of {found['wanted']} replicas"),
    ):
        face.say(f"  {word:<9}{value}")
    face.say()
    rows = [
        (one["id"], one["status"], "yes" if one["is_healthy"] else "no", str(one["revision"]),
         ago(one["started_at"]) if one["started_at"] else "", one["reason"])
        for one in found["replicas"]
    ]  # fmt: skip
    table(face, ("replica", "status", "healthy", ">revision", "began", "<reason"), rows, empty="it has no replica")


@services.command("logs")
@name_argument
@click.option("--replica", metavar="ID", help="Of this replica instead of the newest.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is being written, until it ends.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines of what is there.")
@backend_option
@json_option
@pass_face
def logs(
    face: Face, name: str, replica: str | None, follow: bool, tail: int | None, backend: str | None
) -> None:  # fmt: skip
    """Print what a replica wrote."""
    place = _backend(face, name, backend)
    if follow and replica is None:  # while one is followed there may be newer ones
        replicas = face.client.service(place, name)["replicas"]
        replica = max(replicas, key=lambda one: one["started_at"] or "")["id"] if replicas else None

    def read(after: int) -> Json:
        return face.client.service_logs(place, name, replica=replica, after=after, limit=_PAGE)

    for data in _pages(read, follow=follow, tail=tail):
        if face.as_json:
            face.json_line({"replica": replica, "data": data})
        else:
            click.echo(data, nl=False)


def _pages(read: Callable[[int], Json], *, follow: bool, tail: int | None) -> Iterator[str]:
    after = 0
    if tail is not None:
        page = read(-max(4096, tail * 200))
        yield "".join(f"{line}\n" for line in last_lines(page["data"], tail)) if tail else ""
        after = page["next"]
    while True:
        page = read(after)
        if page["data"]:
            yield page["data"]
        if page["ended"] or (page["next"] >= page["size"] and not follow):
            return
        if page["next"] == after:
            if not follow:
                return
            time.sleep(_LOOK_SECONDS)
        after = page["next"]


@services.command("scale")
@name_argument
@click.argument("replicas", type=click.IntRange(0, 1000))
@backend_option
@json_option
@pass_face
def scale(face: Face, name: str, replicas: int, backend: str | None) -> None:
    """Give a service so many REPLICAS; 0: none, its endpoint stays."""
    found = face.client.scale_service(_backend(face, name, backend), name, replicas)
    if face.as_json:
        face.json(found)
    else:
        look = command("fasttrack", "services", "show", name)
        face.say(f"{name} will have {plural(replicas, 'replica')}; healthy now: {found['healthy']}. See: {look}")


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    from fasttrack_jupyter.model.quantities import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


_for_option = click.option(
    "--for", "seconds", default="1h", show_default=True, metavar="TIME", callback=_seconds,
    help="How long the token is good: 30m, 12h, 7d.",
)  # fmt: skip


@services.command("token")
@name_argument
@_for_option
@backend_option
@json_option
@pass_face
def token(face: Face, name: str, seconds: float, backend: str | None) -> None:
    """Print a token for a service's requests.

    It goes into the header 'Authorization: BackendAI TOKEN'. Who has it can ask the service, so keep it to yourself.
    A public service needs none.
    """
    found = face.client.service_token(_backend(face, name, backend), name, seconds)
    if face.as_json:
        face.json({"token": found})
    elif found:
        click.echo(found)
    else:
        face.note(f"{name} is public: it needs no token")


@services.command("curl")
@name_argument
@click.argument("path", default="")
@_for_option
@backend_option
@json_option
@pass_face
def curl(face: Face, name: str, path: str, seconds: float, backend: str | None) -> None:
    """Print a curl line that asks a service, with a token: for PATH of it, or its root.

    \b
    Example:
      eval "$(fasttrack services curl digits predict)" -d @rows.json
    """
    place = _backend(face, name, backend)
    endpoint = face.client.service(place, name)["endpoint"]
    if not endpoint:
        raise BadRequest(f"service {name!r} has no endpoint yet", hint="wait until its rollout has ended")
    held = face.client.service_token(place, name, seconds)
    line = _curl_line(f"{endpoint.rstrip('/')}/{path.lstrip('/')}", held)
    if face.as_json:
        face.json({"command": line})
    else:
        click.echo(line)


def _curl_line(url: str, token: str) -> str:
    """A token goes in by a shell's builtin and a pipe: what stands on a command line, everybody sees in ``ps``."""
    if not token:
        return shlex.join(["curl", url])
    header = f'header = "Authorization: BackendAI {token}"'
    return f"printf '%s\\n' {shlex.quote(header)} | {shlex.join(['curl', '-K', '-', url])}"


@services.command("remove")
@name_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@backend_option
@pass_face
def remove(face: Face, name: str, yes: bool, backend: str | None) -> None:
    """End a service: its replicas answer what they have begun, then its endpoint is gone. On a terminal it asks."""
    place = _backend(face, name, backend)
    agree(f"End the service {name} on {place}?", yes=yes)
    face.client.remove_service(place, name)
    face.say(f"{name} is ending")


def _backend(face: Face, name: str, backend: str | None) -> str:
    """Where the service is. Raises NotFound, BadRequest where several backends have one of that name."""
    if backend is not None:
        return backend
    found = face.client.services()
    places = [str(one["backend"]) for one in found["services"] if one["name"] == name]
    if len(places) > 1:
        raise BadRequest(f"{' and '.join(places)} both have a service {name!r}", hint="say which: --backend NAME")
    if not places:
        names = ", ".join(one["name"] for one in found["services"])
        silent = "; ".join(f"{place} does not answer: {why}" for place, why in found["silent"].items())
        raise NotFound(
            f"there is no service {name!r}" + (f" ({silent})" if silent else ""),
            hint=f"there are {names}" if names else "a task of type deployment makes one",
        )
    return places[0]
