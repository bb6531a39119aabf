"""Brings up one real, throw-away Backend.AI cluster on the loopback of this machine.

etcd, redis, PostgreSQL and a Docker daemon of its own; manager, storage proxy, agent, webserver and, if asked, the app
proxy. Everything that it makes lies in one folder, `D/env` in it says addresses and keys, and down.sh ends it all.
While the cluster is up this changes nothing; what has died of it meanwhile is started again.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import accelerators, config, daemons, image, packages, seed, stores
from .processes import Processes, alone
from .settings import ClusterError, Settings, default_cache, default_dir, free_port_base, load

FOLDERS = (
    "run", "log", "conf", "etcd", "redis", "var", "scratch", "commit", "volumes/volume1", "docker", "run/prometheus",
    "ipc/web", "ipc/coordinator", "ipc/worker-http", "ipc/worker-tcp",
)  # fmt: skip


def bring_up(settings: Settings, cache: Path, python: Path | None = None) -> None:
    """Bring the cluster up, or what of it is down.

    Raises:
        ClusterError: a part did not come up; its message says which, and where to read more.
    """
    processes = Processes(settings.dir)
    if is_up(settings, processes):
        return
    started = time.monotonic()
    for step in _steps(settings, processes, cache, python):
        print(f"[{time.monotonic() - started:5.1f} s] {step}", file=sys.stderr, flush=True)


def is_up(settings: Settings, processes: Processes) -> bool:
    """Whether everything runs, as asked for."""
    names = ["etcd", "redis", "postgres", "dockerd", *(each.name for each in daemons.daemons(settings))]
    whole = (settings.dir / "env").exists() and load(settings.dir) == settings
    return whole and all(processes.is_alive(name) for name in names)


def _steps(settings: Settings, processes: Processes, cache: Path, python: Path | None) -> Iterator[str]:
    for name in FOLDERS:
        (settings.dir / name).mkdir(parents=True, exist_ok=True)
    settings.dir.chmod(0o755)
    (settings.dir / "env").unlink(missing_ok=True)
    settings.save()
    with alone(cache / "apt.lock"):
        packages.install_debian(settings.log / "apt.log")
    yield "Debian's packages are there"
    with _beside(lambda: image.make_root_filesystem(cache, settings.log / "rootfs.log")) as rootfs:
        packages.install_backend_ai(settings, python, cache)
        yield f"Backend.AI {settings.version} is installed"
        config.write_all(settings)
        for start in (stores.start_etcd, stores.start_redis, stores.start_postgres, stores.start_docker):
            start(settings, processes)
        yield "etcd, redis, PostgreSQL and Docker are up"
    image.import_image(settings, rootfs[0], stores.docker_environ(settings))
    yield "the session image is there"
    seed.seed(settings)
    seed.seed_accelerators(settings, processes)
    seed.seed_app_proxy(settings)
    yield "the database is filled"
    yield from _start_daemons(settings, processes)
    _write_env(settings)
    yield "up"


def _start_daemons(settings: Settings, processes: Processes) -> Iterator[str]:
    """In two waves: the agent needs the manager, the app proxy's workers its coordinator; the rest come up at once."""
    everybody = daemons.daemons(settings)
    needy = [one for one in everybody if one.name == "agent" or one.name.startswith("worker-")]
    for wave in ([one for one in everybody if one not in needy], needy):
        for one in wave:
            daemons.start(settings, processes, one)
        for one in wave:
            daemons.await_ready(processes, one)
        yield f"{', '.join(one.name for one in wave)}: up"


def _write_env(settings: Settings) -> None:
    path = settings.dir / "env"
    part = path.with_suffix(".part")
    part.touch(0o600)
    part.write_text("\n".join(seed.environ_lines(settings)) + "\n")
    part.replace(path)


@contextlib.contextmanager
def _beside(make: Callable[[], Path]) -> Iterator[list[Path]]:
    """Run `make` while the block does something else; what it gave is in the list afterwards."""
    made: list[Path] = []
    failed: list[ClusterError] = []

    def work() -> None:
        try:
            made.append(make())
        except ClusterError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield made
    finally:
        thread.join()
    if failed:
        raise failed[0]


def settings_for(folder: Path, version: str, **wanted: object) -> Settings:
    """The settings of a cluster that is there, with what is wanted otherwise; those of a new one.

    Raises:
        ClusterError: the folder holds another release.
    """
    old, given = load(folder), {name: value for name, value in wanted.items() if value}
    if old is None:
        given.setdefault("port_base", free_port_base(version))
        return Settings(dir=folder, version=version, **given)
    if old.version != version:
        raise ClusterError(f"{folder} holds Backend.AI {old.version}: one folder for each release")
    if given.get("port_base", old.port_base) != old.port_base:
        raise ClusterError(f"{folder} has the ports from {old.port_base} on, and keeps them until down.sh --wipe")
    return dataclasses.replace(old, **given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="up.sh", description=__doc__.partition("\n")[0])
    parser.add_argument("--version", default="26.9.6", help="release of Backend.AI (default %(default)s)")
    parser.add_argument("--dir", type=Path, help="its folder; a short path outside of any home (default /var/tmp/…)")
    parser.add_argument("--port-base", type=int, help="its ports are N … N+499 (default: free ones)")
    parser.add_argument("--python", type=Path, help="interpreter of the release's version (default: PATH, pyenv)")
    parser.add_argument(
        "--accelerator", default="", help="pretend to have them: cuda.shares,rocm.device,… (from 26.4 on)"
    )
    parser.add_argument("--app-proxy", action="store_true", help="for apps and model services (from 26.4 on)")
    parser.add_argument("--pipeline", default="", help="URL that the webserver's /pipeline leads to")
    parser.add_argument("--cache", type=Path, help=f"keeps wheels and the image (default {default_cache()})")
    return parser.parse_args()


def main() -> None:
    """The command line of up.sh."""
    asked = _arguments()
    slots = tuple(slot for slot in asked.accelerator.split(",") if slot)
    try:
        if os.geteuid() != 0:
            raise ClusterError("a cluster needs root: network interfaces, overlay file systems")
        accelerators.check(slots)
        folder = (asked.dir or default_dir(asked.version)).absolute()
        with alone(folder / "lock"):  # who asks for the same meanwhile waits, and finds it up
            settings = settings_for(
                folder, asked.version,
                port_base=asked.port_base, accelerators=slots, app_proxy=asked.app_proxy, pipeline=asked.pipeline,
            )  # fmt: skip
            bring_up(settings, asked.cache or default_cache(), asked.python)
    except ClusterError as error:
        sys.exit(f"up.sh: {error}")
    print((folder / "env").read_text(), end="")


if __name__ == "__main__":
    main()
