"""Which cluster a command is about."""

from __future__ import annotations

import click

from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import BadRequest, NotFound

FIRST = "backend.ai"

cluster_option = click.option(
    "--backend", metavar="NAME", help="Which cluster: backend.ai, or backend.ai:PROFILE.  [default: the only one]"
)


def the_cluster(face: Face, backend: str | None) -> str:
    """The backend that was named (here, or before the subcommand), or the one there is.

    Raises:
        NotFound: there is none.
        BadRequest: there are several.
    """
    above = click.get_current_context().parent
    while backend is None and above is not None:
        backend, above = above.params.get("backend"), above.parent
    if backend is not None:
        return backend
    known = [name for name in face.client.info()["backends"] if name.partition(":")[0] == FIRST]
    if not known:
        raise NotFound("no cluster is known here", hint="fasttrack login makes one known")
    if len(known) > 1 and FIRST not in known:
        raise BadRequest("several clusters are known here", hint=f"say which: --backend {' or '.join(known)}")
    return FIRST if FIRST in known else known[0]
