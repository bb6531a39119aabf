"""Backend.AI's own daemons: how each is started, and when it is ready."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import accelerators
from .config import SESSION_UID
from .processes import Processes
from .settings import ClusterError, Settings
from .stores import docker_environ, sql

XFS_LOCK = Path("/tmp/backendai-xfs-file-lock")
"""Every daemon that imports the storage backends creates it at this very place, and the storage proxy must write it."""

OVERCOMMIT = "2"
"""Slots of ``cpu`` for each core; an agent takes 10 at most, but then many containers start at once: where that takes
a minute, 26.9 loses sessions ("container-not-found")."""


@dataclass(frozen=True)
class Daemon:
    """One daemon. `seconds` is how long it may take until it is ready."""

    name: str
    argv: list[str]
    is_ready: Callable[[], bool]
    seconds: float = 90
    environ: dict[str, str] = field(default_factory=dict)


def daemons(settings: Settings) -> list[Daemon]:
    """All of them, in the order in which they are started."""
    proxy = [_coordinator(settings), _worker(settings, "http"), _worker(settings, "tcp")]
    first = [_storage_proxy(settings), _manager(settings), *(proxy if settings.app_proxy else [])]
    return [*first, _agent(settings), _webserver(settings)]


def daemon(settings: Settings, name: str) -> Daemon:
    """The daemon of that name."""
    found = {each.name: each for each in daemons(settings)}
    if name not in found:
        raise ClusterError(f"no daemon {name!r}: {', '.join(found)}")
    return found[name]


def start(settings: Settings, processes: Processes, one: Daemon) -> None:
    """Start it, unless it runs; `await_ready` waits."""
    if one.name == "storage-proxy":
        _own_what_it_writes(settings)
    common = {"BACKEND_NAMESPACE": "local", "PYTHONUNBUFFERED": "1"}
    metrics = {"BACKENDAI_PROMETHEUS_DIR": str(settings.dir / "run/prometheus")}
    processes.start(one.name, one.argv, {**docker_environ(settings), **common, **metrics, **one.environ})


def await_ready(processes: Processes, one: Daemon) -> None:
    """Wait until a daemon that was started does its work.

    Raises:
        ClusterError: it ended, or took too long.
    """
    processes.until(one.name, one.is_ready, one.seconds)


def _backend_ai(settings: Settings, part: str, name: str) -> list[str]:
    return [str(settings.programs / "backend.ai"), part, "start-server", "-f", str(settings.dir / f"conf/{name}.toml")]


def _storage_proxy(settings: Settings) -> Daemon:
    """It runs as the user of the sessions. Its own setting for that wants a passwd entry and a Python that the user may
    read, which one in an administrator's home is not; hence setpriv, with the one capability to read."""
    capabilities = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    as_user = ["setpriv", f"--reuid={SESSION_UID}", f"--regid={SESSION_UID}", "--clear-groups", *capabilities]
    home, metrics = settings.dir / "ipc/storage", settings.dir / "run/prometheus-storage"
    return Daemon(
        "storage-proxy",
        [*as_user, *_backend_ai(settings, "storage", "storage-proxy")],
        lambda: _listens(settings.port("storage_manager")) and _listens(settings.port("storage_client")),
        environ={"BACKENDAI_PROMETHEUS_DIR": str(metrics), "HOME": str(home)},
    )


def _own_what_it_writes(settings: Settings) -> None:
    folders = ["volumes", "volumes/volume1", "ipc/storage", "run/prometheus-storage"]
    for path in (settings.dir / name for name in folders):
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, SESSION_UID, SESSION_UID)
    (settings.dir / "volumes/volume1/version.txt").write_text("3\n")
    XFS_LOCK.touch()
    os.chown(XFS_LOCK, SESSION_UID, SESSION_UID)


def _manager(settings: Settings) -> Daemon:
    url = settings.url("manager")
    return Daemon("manager", _backend_ai(settings, "mgr", "manager"), lambda: _answers(f"{url}/"))


def _coordinator(settings: Settings) -> Daemon:
    url = settings.url("coordinator")
    argv = _backend_ai(settings, "app-proxy-coordinator", "coordinator")
    return Daemon("coordinator", argv, lambda: _answers(f"{url}/status"))


def _worker(settings: Settings, protocol: str) -> Daemon:
    name = f"worker-{protocol}"
    alive = f"SELECT count(*) FROM workers WHERE status = 'ALIVE' AND authority = '{name}'"
    argv = _backend_ai(settings, "app-proxy-worker", name)
    return Daemon(name, argv, lambda: sql(settings, alive, "appproxy") == "1")


def _agent(settings: Settings) -> Daemon:
    """The first start takes longer: it makes images of its own helpers.

    It offers each core several times: sessions of tests mostly wait, and shall not wait for each other.
    """
    return Daemon(
        "agent",
        _backend_ai(settings, "ag", "agent"),
        lambda: _agent_is_ready(settings),
        seconds=240,
        environ={"BACKEND_CPU_OVERCOMMIT_FACTOR": OVERCOMMIT},
    )


def _agent_is_ready(settings: Settings) -> bool:
    """The manager has heard of it since it was started, and of all its slots: until then to ask for one is an error."""
    heard = sql(settings, "SELECT count(*) FROM agents WHERE status = 'ALIVE'")
    if heard == "0" or not _listens(settings.port("agent")):
        return False
    etcd = ["etcdctl", f"--endpoints={settings.url('etcd')}", "get", "--prefix", "--keys-only"]
    known = subprocess.run([*etcd, "/sorna/local/config/resource_slots/"], capture_output=True, text=True, check=False)
    offered = {line.rpartition("/")[2] for line in known.stdout.split()}
    return offered >= {name for slot in settings.accelerators for name in accelerators.slots(slot)}


def _webserver(settings: Settings) -> Daemon:
    argv = _backend_ai(settings, "web", "webserver")
    return Daemon("webserver", argv, lambda: _listens(settings.port("webserver")))


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return answer.status == 200
    return False
