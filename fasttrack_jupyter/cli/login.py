"""``login``, ``logout``, ``profiles``: who one is on which cluster.

Keys come in by a hidden prompt, by stdin, or by the official client's variables; never by argv, which all of this
machine can see. They go to the engine, which asks the cluster and keeps them, and never come back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from fasttrack_jupyter.api.environ import profile_in
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.keys import can_ask
from fasttrack_jupyter.cli.options import json_option, pass_face
from fasttrack_jupyter.errors import BadRequest, FastTrackError

Json = dict[str, Any]

_SHOWN = ("domain", "project", "resource_group", "folder_host", "proxy", "verify_tls")
_profile_option = click.option("--profile", default="default", show_default=True, metavar="NAME", help="Which profile.")


@click.command()
@_profile_option
@click.option("--endpoint", metavar="URL", help="The manager's address (mode api), or the webserver's (mode session).")
@click.option("--mode", type=click.Choice(["api", "session"]), help="Access key, or e-mail and password.")
@click.option("--user", metavar="NAME", help="The access key, or the e-mail address.")
@click.option("--domain", metavar="NAME", help="The account's domain.  [default: default]")
@click.option("--project", metavar="NAME", help="Where sessions run (a Backend.AI group).  [default: default]")
@click.option("--resource-group", metavar="NAME", help="For tasks that name none.")
@click.option("--folder-host", metavar="NAME", help="Where vfolders are made.")
@click.option("--proxy", metavar="URL", help="An HTTP proxy; else HTTPS_PROXY and NO_PROXY of the engine count.")
@click.option("--verify-tls/--no-verify-tls", default=None, help="Check the cluster's certificate.  [default: yes]")
@click.option("--check/--no-check", default=True, help="Ask the cluster first.  [default: yes]")
@json_option
@pass_face
def login(face: Face, /, profile: str, check: bool, **given: Any) -> None:
    """Keep the keys of a Backend.AI cluster, where jobs can run then: --backend backend.ai (or backend.ai:NAME).

    The secret key (or password) is asked for, or read from stdin. BACKEND_ENDPOINT, BACKEND_ENDPOINT_TYPE,
    BACKEND_ACCESS_KEY, BACKEND_SECRET_KEY, BACKEND_DOMAIN and BACKEND_GROUP say what is not said here.

    \b
    Examples:
      fasttrack login --endpoint https://api.backend.example.org
      fasttrack login --profile work --mode session --endpoint https://cloud.example.org < password.txt

    \b
    Exit status: 0, 1 if the cluster does not answer or does not take the keys, 2 if something makes no sense.
    """
    known = next((view for view in face.client.profiles() if view["name"] == profile), {})
    environ = profile_in(os.environ)
    said = {name: value for name, value in given.items() if value is not None}
    request: Json = {**{name: known[name] for name in _SHOWN if name in known}, **_without_keys(environ), **said}
    request["endpoint"] = said.get("endpoint") or environ.get("endpoint") or _asked("Endpoint", known.get("endpoint"))
    request["mode"] = said.get("mode") or environ.get("mode") or known.get("mode") or "api"
    same_mode = environ if environ.get("mode", "api") == request["mode"] else {}
    _add_keys(request, said, same_mode)
    with face.patience("asking the cluster"):
        view = face.client.put_profile(profile, {**request, "check": check})
    _tell_login(face, view)


def _without_keys(environ: Mapping[str, str]) -> Json:
    return {name: value for name, value in environ.items() if name not in ("user", "secret", "endpoint", "mode")}


def _add_keys(request: Json, said: Json, environ: Mapping[str, str]) -> None:
    is_api = request["mode"] == "api"
    user = said.get("user") or environ.get("user") or _asked("Access key" if is_api else "E-mail", None)
    secret = environ.get("secret") if environ.get("user") == user else None
    request |= {"user": user, "secret": secret or _hidden("Secret key" if is_api else "Password")}


def _asked(what: str, default: str | None) -> str:
    """An answer of the person; stdin is for the secret alone."""
    if not can_ask():
        if default:
            return default
        option = "--endpoint" if what == "Endpoint" else "--user"
        raise BadRequest(f"nobody is here to say the {what.lower()}", hint=f"Say it: {option}")
    answer: str = click.prompt(what, default=default, err=True)
    return answer.strip()


def _hidden(what: str) -> str:
    if can_ask():
        answer: str = click.prompt(what, hide_input=True, err=True)
        return answer
    try:
        secret = sys.stdin.buffer.read(1 << 16).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise BadRequest(f"the {what.lower()} on stdin is not UTF-8") from None
    if not secret:
        raise BadRequest(f"there is no {what.lower()} on stdin", hint="Give it there, or in BACKEND_SECRET_KEY.")
    return secret


def _tell_login(face: Face, view: Json) -> None:
    if face.as_json:
        face.json(view)
        return
    checked = view["checked"]
    if checked:
        role = f" ({checked['role']})" if checked["role"] else ""
        face.say(f"{view['endpoint']} is Backend.AI {checked['release']}; you are {checked['account']}{role}")
        face.say(f"projects: {', '.join(checked['projects']) or 'none'}; sessions run in {view['project']}")
        for note in checked["notes"]:
            face.note(f"note: {note}")
    if view["trouble"]:
        face.note(f"but it cannot be used yet: {view['trouble']}")
    face.say(f"kept as profile {view['name']}; use it with: fasttrack run FILE --backend {view['backend']}")


@click.command()
@_profile_option
@click.option("--force", is_flag=True, help="Also if unfinished jobs need it: they are set aside until it is back.")
@pass_face
def logout(face: Face, profile: str, force: bool) -> None:
    """Forget a cluster's keys. Sessions that run there go on.

    \b
    Exit status: 0, 2 if there is no such profile or jobs need it.
    """
    face.client.delete_profile(profile, set_aside=force)
    face.say(f"profile {profile} and its keys are forgotten")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def profiles(ctx: click.Context) -> None:
    """List the clusters that jobs can run on, or check them. No key is ever shown.

    \b
    Examples:
      fasttrack profiles
      fasttrack profiles check work

    \b
    Exit status: 0; of check: 1 if a cluster does not answer or does not take the keys.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Face))


def _list(face: Face) -> None:
    found = face.client.profiles()
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    rows = [
        (
            view["name"],
            view["backend"],
            view["endpoint"],
            view["account"] or view["key"] or "",
            view["project"],
            _is(view),
        )
        for view in found
    ]
    columns = ("profile", "backend", "endpoint", "account", "project", "<")
    table(face, columns, rows, empty="no profiles yet: fasttrack login makes one")


def _is(view: Json) -> str:
    if view["trouble"]:
        return str(view["trouble"])
    return "" if view["kept"] else "for this engine's life"


@profiles.command("check")
@click.argument("name", required=False)
@json_option
@pass_face
def check_profiles(face: Face, name: str | None) -> None:
    """Ask a profile's cluster (or all of them) who you are there."""
    names = [name] if name else [view["name"] for view in face.client.profiles()]
    answers = {each: _checked(face, each) for each in names}
    if face.as_json:
        face.json(
            {each: found.to_dict() if isinstance(found, FastTrackError) else found for each, found in answers.items()}
        )
    else:
        for each, found in answers.items():
            face.say(f"{each}: {_words(found)}")
    failed = [found for found in answers.values() if isinstance(found, FastTrackError)]
    if failed:
        raise click.exceptions.Exit(2 if failed[0].status_hint < 500 else 1)


def _checked(face: Face, name: str) -> Json | FastTrackError:
    try:
        with face.patience(f"asking the cluster of {name}"):
            return face.client.check_profile(name)
    except FastTrackError as error:
        return error


def _words(found: Json | FastTrackError) -> str:
    if isinstance(found, FastTrackError):
        return " ".join(filter(None, (found.message + ".", found.hint)))
    return f"Backend.AI {found['release']}, {found['account']}, projects {', '.join(found['projects'])}"
