"""Ends a cluster: its sessions, its daemons by their recorded ids, its mounts and its network interface."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from . import stores
from .processes import Processes
from .settings import Settings, load

ORDER = ("webserver", "agent", "worker-http", "worker-tcp", "coordinator", "manager", "storage-proxy")
PROGRAMS = ("venv", "seed", "cluster.json", "lock", "users")
"""What --purge keeps."""


def take_down(settings: Settings, gently: bool = True) -> None:
    """End everything that runs of the cluster; no error if nothing does. Gently takes a minute, and keeps all data."""
    processes = Processes(settings.dir)
    if processes.is_alive("dockerd"):
        _remove_containers(settings)
    how = signal.SIGTERM if gently else signal.SIGKILL
    for name in ORDER:
        processes.stop(name, how, seconds=10)
    processes.stop("dockerd", seconds=20)  # never by SIGKILL: its containerd would hold the mounts for a while
    stores.stop_postgres(processes)
    for name in sorted(processes.recorded()):
        processes.stop(name, how)
    _unmount(settings.dir)
    stores.remove_bridge(settings)


def _remove_containers(settings: Settings) -> None:
    """Those of sessions, and the agent's relay, which would outlive the Docker daemon."""
    environ = stores.docker_environ(settings)
    listed = subprocess.run(["docker", "ps", "-aq"], env=environ, capture_output=True, text=True, check=False)
    if listed.stdout.split():
        remove = ["docker", "rm", "--force", *listed.stdout.split()]
        subprocess.run(remove, env=environ, capture_output=True, check=False)


def _unmount(folder: Path) -> None:
    """The innermost first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((path for path in mounts if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", mount], capture_output=True, check=False)


def delete(settings: Settings, programs: bool) -> None:
    """Delete the cluster's state, and if asked its programs as well."""
    for path in settings.dir.iterdir():
        if programs or path.name not in PROGRAMS:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if programs:
        settings.dir.rmdir()


def main() -> None:
    """The command line of down.sh."""
    parser = argparse.ArgumentParser(prog="down.sh", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the cluster's folder")
    parser.add_argument("--purge", action="store_true", help="delete databases, volumes and containers as well")
    parser.add_argument("--wipe", action="store_true", help="delete the whole folder")
    asked = parser.parse_args()
    settings = load(asked.dir.absolute())
    if settings is None:
        sys.exit(f"down.sh: there is no cluster in {asked.dir}")
    take_down(settings, gently=not (asked.purge or asked.wipe))
    if asked.purge or asked.wipe:
        delete(settings, programs=asked.wipe)


if __name__ == "__main__":
    main()
