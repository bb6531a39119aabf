"""A replica is a session: what it is asked to run, and where it answers."""

from __future__ import annotations

import re
import shlex
import socket
import sys
from dataclasses import replace
from pathlib import Path

from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision
from fasttrack_jupyter.backends.local.services.relay import SOCKET
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.model.resources import Mount
from fasttrack_jupyter.model.serving import ModelService

_RELAY = str(Path(__file__).parent / "relay.py")
_FOLDER = ".services"
"""In the pipeline folder: what replicas write to ``/pipeline/outputs`` while they live."""
_PORT_VARIABLE = re.compile(r"\$(PORT\b|\{PORT\b)")
_LAST_BYTES, _LAST_LINES = 4000, 12


def replica_spec(revision: Revision, replica: ReplicaRecord) -> SessionSpec:
    """The session of ``replica``.

    It has the deployment's image, slots, variables and mounts, and the model folder, which it cannot write to. It
    has no inputs: it outlives the job, and what the job left.
    """
    base, service = revision.spec, revision.service
    mounts = [mount for mount in base.mounts if mount.target != service.mount]
    port = replica.port or revision.served.port
    return replace(
        base,
        attempt_id=replica.id,
        command=_command(revision, replica),
        environ={**base.environ, "PORT": str(port)},
        outputs=f"{_FOLDER}/{replica.id}",
        inputs=(), named_inputs={}, input_values={}, git=None, wanted_outputs=(), timeout=None,
        mounts=(*mounts, Mount(folder=service.model, target=service.mount)),
    )  # fmt: skip


def _command(revision: Revision, replica: ReplicaRecord) -> str:
    argv = revision.served.argv(revision.model_path)
    if replica.port is None:
        argv = [sys.executable, "-I", "-S", _RELAY, str(revision.served.port), *argv]
    return f"exec {shlex.join(argv)}"


def uses_port_variable(served: ModelService) -> bool:
    """Whether the command takes its port from ``$PORT`` (``--port ${PORT:-8000}``): then it can have any."""
    argv = served.argv("")
    return "-c" in argv and any(map(_PORT_VARIABLE.search, argv))  # else there is no shell that would fill it in


def own_port(served: ModelService, has_networks: bool) -> int | None:
    """The port of this machine that a new replica gets; None where it has a network of its own.

    Raises:
        BackendUnreachable: its port is taken, and it can have no other.
    """
    if not uses_port_variable(served) and has_networks:
        return None
    wanted = 0 if uses_port_variable(served) else served.port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise BackendUnreachable(
                f"port {wanted} is taken on this machine, which gives replicas no network of their own",
                hint="let the command take its port from $PORT (--port ${PORT:-8000}): each gets a free one",
            ) from error
        port: int = probe.getsockname()[1]
        return port


def address_of(control: str, replica: ReplicaRecord) -> Path | int:
    """Where a replica answers: a port of this machine, or a unix socket."""
    return replica.port if replica.port is not None else Path(control) / "work" / SOCKET


def way_to(replica: ReplicaRecord) -> tuple[str, str, str | int]:
    """The same for the gateway, which stands in the folder of all attempts."""
    if replica.port is not None:
        return replica.id, "127.0.0.1", replica.port
    return replica.id, "", f"{replica.id}/work/{SOCKET}"


def last_words(control: str, revision: Revision) -> str:
    """The last lines of a replica's log, without secrets; empty where nobody knows which those are."""
    if not revision.is_complete:
        return ""
    try:
        with open(f"{control}/log", "rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - _LAST_BYTES))
            if size > _LAST_BYTES:
                log.readline()  # it may begin in the middle of a secret
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    for secret in sorted(filter(None, revision.spec.secrets), key=len, reverse=True):
        text = text.replace(secret, "*" * len(secret))
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:])
