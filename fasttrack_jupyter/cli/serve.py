"""``serve``: the APIs of other systems, over this home's engine."""

from __future__ import annotations

from pathlib import Path

import click

from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import pass_face

_PORT = 9500
"""Where a Backend.AI webserver expects the pipeline server, unless it is told another place."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen on this address.")
@click.option("--port", default=_PORT, show_default=True, metavar="N", type=click.IntRange(0, 65535), help="0: any.")
@click.option("--profile", default="default", show_default=True, metavar="NAME", help="Whose keys may sign in.")
@click.option("--backend", metavar="NAME", help="Where jobs run.  [default: the profile's cluster]")
@click.option("--pipelines", metavar="DIR", type=click.Path(file_okay=False), help="Keep pipelines in DIR.")
@pass_face
def serve(face: Face, host: str, port: int, profile: str, backend: str | None, pipelines: str | None) -> None:
    """Serve FastTrack's pipeline API, for a Backend.AI webserver to forward /pipeline to.

    In the webserver's configuration:  [pipeline] endpoint = "http://127.0.0.1:9500"

    Only the user of the profile can sign in, with a login that is signed by the profile's own keys; whoever has
    signed in can run pipelines as you. Ctrl-C ends it; jobs go on.

    \b
    Examples:
      fasttrack login                            keep the keys of a cluster first
      fasttrack serve
      fasttrack serve --port 9600 --backend local

    \b
    Exit status: 0, 2 if there is no such profile or the port is taken.
    """
    from fasttrack_jupyter.web.serving import serve_forever  # brings aiohttp: only when it is wanted

    client = face.client
    views = client.profiles()
    names = [view["name"] for view in views]
    if profile not in names:
        known = f"profiles here: {', '.join(names)}" if names else "there is none yet"
        raise click.UsageError(f"there is no profile {profile!r} ({known}); make it with: fasttrack login")
    where = backend or next(view["backend"] for view in views if view["name"] == profile)
    folder = Path(pipelines) if pipelines else Path(client.info()["home"]) / "served"
    serve_forever(
        client,
        folder.expanduser().absolute(),
        verify=lambda signed: client.verify_signed(profile, signed),
        backend=where,
        address=(host, port),
        say=face.say,
    )
