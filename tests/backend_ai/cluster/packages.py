"""The programs: Debian's databases and Docker, and the release of Backend.AI in a virtual environment of its own.

Every release of Backend.AI is tied to one Python version, and uv (a dependency of ours) installs its 300 wheels in
seconds from the cache.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .processes import call, clean_environ
from .settings import ClusterError, Settings

DEBIAN = {
    "etcd": "etcd-server", "etcdctl": "etcd-client", "redis-server": "redis-server", "redis-cli": "redis-tools",
    "dockerd": "docker.io", "docker": "docker.io", "mmdebstrap": "mmdebstrap", "ip": "iproute2",
}  # fmt: skip
"""Program → Debian package."""
NO_SERVICES = Path("/usr/sbin/policy-rc.d")


def python_for(release: int) -> str:
    """The version of Python that a release of that year runs on."""
    return {23: "3.11", 24: "3.12"}.get(release, "3.13")


def find_python(release: int) -> Path | None:
    """The interpreter for a release of that year: on PATH, or one of pyenv's; None if there is none."""
    wanted = python_for(release)
    on_path = shutil.which(f"python{wanted}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [*([Path(on_path)] if on_path else []), *sorted(pyenv.glob(f"versions/{wanted}.*/bin/python"))]
    return next((path for path in found if _runs(path, wanted)), None)  # a shim of pyenv may lead nowhere


def _runs(python: Path, wanted: str) -> bool:
    program = "import sys, ensurepip; print('.'.join(map(str, sys.version_info[:2])))"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() == wanted


def postgres_programs() -> Path:
    """The folder of the newest PostgreSQL (Debian keeps them out of PATH)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise ClusterError("no PostgreSQL under /usr/lib/postgresql (apt install postgresql)")
    return found[-1].parent


def missing() -> list[str]:
    """The Debian packages that the cluster needs and this machine lacks."""
    lacking = {package for program, package in DEBIAN.items() if not shutil.which(program)}
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        lacking.add("postgresql")
    return sorted(lacking)


def can_install() -> bool:
    """Whether Debian packages can be installed here."""
    return shutil.which("apt-get") is not None


def install_debian(log: Path) -> None:
    """Install what is missing, without the services that Debian's packages would start."""
    wanted = missing()
    if not wanted:
        return
    if not can_install():
        raise ClusterError(f"the cluster needs {', '.join(wanted)}, and there is no apt-get to install them")
    with _services_held():
        call(["apt-get", "update", "-qq"], log)
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], log, env=quiet)


@contextlib.contextmanager
def _services_held() -> Iterator[None]:
    if NO_SERVICES.exists():
        yield
        return
    NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
    NO_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        NO_SERVICES.unlink()


def install_backend_ai(settings: Settings, python: Path | None, cache: Path) -> None:
    """Make the virtual environment, and lay the seed data of the release beside it; quick when they are there."""
    stamp = settings.dir / "venv/installed"
    wanted = _requirements(settings)
    if stamp.exists() and set(wanted) <= set(stamp.read_text().split()):
        return
    python = python or find_python(settings.release)
    if python is None:
        raise ClusterError(f"Backend.AI {settings.version} needs Python {python_for(settings.release)} (--python PATH)")
    environ, options = _uv_settings(cache)
    log, venv = settings.log / "uv.log", settings.dir / "venv"
    if not (venv / "bin/python").exists():
        call([_uv(), "venv", "--quiet", "--python", python, venv], log, env=environ)
    into = [_uv(), "pip", "install", "--quiet", "--python", venv / "bin/python", *options]
    call([*into, *wanted], log, env=environ)
    # Only for its seed data (users, keypairs, roles …), which must match the version of the schema.
    only_data = [f"backend.ai-install=={settings.version}", "--no-deps", "--target", settings.dir / "seed"]
    call([*into, *only_data], log, env=environ)
    _listen_on_loopback(venv)
    stamp.write_text("\n".join(wanted))


def _listen_on_loopback(venv: Path) -> None:
    """The app proxy opens its debugging console to every network, and no setting of it says otherwise."""
    for server in venv.glob("lib/python3*/site-packages/ai/backend/appproxy/*/server.py"):
        text = server.read_text()
        if '"0.0.0.0"' in text:
            own = server.with_suffix(".part")  # the file itself may be one with the one in uv's cache
            own.write_text(text.replace('"0.0.0.0"', '"127.0.0.1"'))
            own.replace(server)


def _requirements(settings: Settings) -> list[str]:
    parts = ["manager", "agent", "storage-proxy", "client", "webserver"]
    parts += ["accelerator-mock"] if settings.accelerators else []
    parts += ["appproxy-coordinator", "appproxy-worker"] if settings.app_proxy else []
    wanted = [f"backend.ai-{part}=={settings.version}" for part in parts]
    wanted.append("setuptools<81")  # its pkg_resources, which old agents take for granted
    # 23.09's aiohttp hands yarl a host with its port, which later ones refuse: every request would answer 500.
    return wanted + (["yarl<1.13"] if settings.release < 24 else [])


def _uv() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


def _uv_settings(cache: Path) -> tuple[dict[str, str], list[str]]:
    """Where pip on this machine would look for packages, and our cache."""
    from fasttrack_jupyter.backends.local.environments_pip import uv_environ, uv_options

    ours = {"UV_CACHE_DIR": str(cache / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    return {**clean_environ(), **uv_environ(os.environ), **ours}, uv_options(os.environ)
