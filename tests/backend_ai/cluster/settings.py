"""What a cluster is: its release, its folder, its ports. Kept in the folder, so that `down` and the tests know it."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import zlib
from pathlib import Path

NO_PIPELINE = "http://127.0.0.1:1"
"""Nobody listens there: the webserver's pipeline menu stays hidden."""
PORTS = {
    "etcd": 1, "etcd_peer": 2, "redis": 3, "postgres": 4,
    "manager": 10, "manager_internal": 11,
    "storage_client": 20, "storage_manager": 21, "storage_internal": 22,
    "agent": 30, "agent_service": 31, "agent_socket": 32, "agent_metadata": 33,
    "webserver": 40, "coordinator": 41, "worker_http": 42, "worker_tcp": 43,
    "manager_monitor": 50, "storage_monitor": 60, "agent_monitor": 70,
    "coordinator_monitor": 80, "worker_http_monitor": 81, "worker_tcp_monitor": 82,
    "containers": 100,    # … 399
    "apps_http": 400,     # … 449
    "apps_tcp": 450,      # … 499
}  # fmt: skip
"""Offsets from the base; an aiomonitor takes its own port and the one 5 above."""
SPAN = 500


class ClusterError(Exception):
    """The cluster could not be brought up, and the message says which part, and where to read more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """One cluster. ``port_base`` … ``port_base + 499`` belong to it."""

    dir: Path
    version: str
    port_base: int
    accelerators: tuple[str, ...] = ()
    app_proxy: bool = False
    pipeline: str = NO_PIPELINE

    def port(self, name: str) -> int:
        """The port of that name in `PORTS`."""
        return self.port_base + PORTS[name]

    def url(self, name: str) -> str:
        """The HTTP address on the port of that name."""
        return f"http://127.0.0.1:{self.port(name)}"

    @property
    def release(self) -> int:
        """The year: 23 of 23.9.10."""
        return int(self.version.partition(".")[0])

    def is_before(self, year: int, month: int) -> bool:
        """Whether it is older than the release of that month."""
        return tuple(map(int, self.version.split(".")[:2])) < (year, month)

    @property
    def bridge(self) -> str:
        """The network interface of the containers."""
        return f"ftbai{self.port_base}"

    @property
    def bridge_address(self) -> str:
        """The bridge's own address, with its net. Another port base is another net."""
        return f"10.214.{self.port_base // 100 % 250}.1/24"

    @property
    def programs(self) -> Path:
        """Where the programs of the release's own virtual environment are."""
        return self.dir / "venv/bin"

    @property
    def log(self) -> Path:
        """Where every daemon writes what it says, to ``<name>.log``."""
        return self.dir / "log"

    def save(self) -> None:
        """Keep the settings in the cluster's folder."""
        plain = dataclasses.asdict(self) | {"dir": str(self.dir)}
        (self.dir / "cluster.json").write_text(json.dumps(plain, indent=1))


def load(folder: Path) -> Settings | None:
    """The settings of the cluster in `folder`; None if there never was one."""
    try:
        plain = json.loads((folder / "cluster.json").read_text())
    except FileNotFoundError:
        return None
    return Settings(**plain | {"dir": Path(plain["dir"]), "accelerators": tuple(plain["accelerators"])})


def default_dir(version: str) -> Path:
    """A short path (unix sockets lie below it) that the session's ordinary user can enter.

    ``TEST_CLUSTERS`` names another folder for it: what is tried there disturbs nobody's else.
    """
    return Path(os.environ.get("TEST_CLUSTERS") or "/var/tmp/fasttrack-backend-ai") / version


def default_cache() -> Path:
    """Where wheels and the session image's root filesystem are kept between clusters."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fasttrack-tests" / "backend-ai"


def free_port_base(version: str) -> int:
    """A base, below the kernel's ephemeral ports, where nobody listens and no other cluster has its bridge.

    Where to look first depends on the release: those that are brought up at the same time don't take the same.
    """
    bases = range(12000, 32000, SPAN)
    first = zlib.crc32(version.encode()) % len(bases)
    for base in (*bases[first:], *bases[:first]):
        if not Path(f"/sys/class/net/ftbai{base}").exists() and all(_is_free(base + n) for n in PORTS.values()):
            return base
    raise ClusterError("no 500 free ports below 32000: take other clusters down (down.sh --dir DIR)")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
