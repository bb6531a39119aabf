"""A real cluster as the tests see it: where it is, whose keys there are, and its daemons to stop and start."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from backend_ai.cluster import daemons, packages, stores
from backend_ai.cluster.down import delete, take_down
from backend_ai.cluster.processes import Processes, alone, clean_environ
from backend_ai.cluster.settings import ClusterError, Settings, default_dir, load
from backend_ai.cluster.up import is_up

ACCELERATORS = "cuda.shares,rocm.device"
"""What a cluster pretends to have from 26 on; there it has the app proxy as well."""
Who = Literal["user", "second", "admin"]


@dataclass(frozen=True)
class Keys:
    """One who may log in. `second` is another ordinary user in the same project."""

    access_key: str
    secret_key: str = field(repr=False)
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Cluster:
    """One real cluster that is up."""

    settings: Settings
    env: dict[str, str] = field(repr=False)
    """What ``D/env`` says."""

    @property
    def version(self) -> str:
        """The release, 26.9.6."""
        return self.settings.version

    @property
    def year(self) -> int:
        """The release's year, 26."""
        return self.settings.release

    @property
    def dir(self) -> Path:
        """Its folder, with ``log/`` and ``volumes/`` in it."""
        return self.settings.dir

    @property
    def endpoint(self) -> str:
        """The manager's address (API mode)."""
        return self.env["BACKEND_ENDPOINT"]

    @property
    def web_endpoint(self) -> str:
        """The webserver's address (session mode)."""
        return self.env["BACKEND_WEB_ENDPOINT"]

    @property
    def image(self) -> str:
        """The full name of the session image: Debian 12, Python 3.11 with NumPy, pandas and scikit-learn."""
        return self.env["BACKEND_IMAGE"]

    @property
    def domain(self) -> str:
        """The domain of all users."""
        return self.env["BACKEND_DOMAIN"]

    @property
    def project(self) -> str:
        """The project (group) of all users."""
        return self.env["BACKEND_GROUP"]

    @property
    def resource_group(self) -> str:
        """The one resource group."""
        return self.env["BACKEND_SCALING_GROUP"]

    @property
    def vfolder_host(self) -> str:
        """Where vfolders are made."""
        return self.env["BACKEND_VFOLDER_HOST"]

    @property
    def app_proxy(self) -> str:
        """The app proxy's address; empty if the cluster has none."""
        return self.env["BACKEND_APP_PROXY"]

    @property
    def accelerators(self) -> tuple[str, ...]:
        """The slots of pretended accelerators."""
        return self.settings.accelerators

    def keys(self, who: Who = "user") -> Keys:
        """The keys and the login of somebody."""
        part = "BACKEND_" if who == "user" else f"BACKEND_{who.upper()}_"
        names = ("ACCESS_KEY", "SECRET_KEY", "USER_EMAIL", "USER_PASSWORD")
        return Keys(*(self.env[part + name] for name in names))

    @property
    def user(self) -> Keys:
        """An ordinary user."""
        return self.keys("user")

    @property
    def second(self) -> Keys:
        """Another ordinary user, of the same project."""
        return self.keys("second")

    @property
    def admin(self) -> Keys:
        """An administrator."""
        return self.keys("admin")

    def official_environ(self, who: Who = "user", endpoint: str = "") -> dict[str, str]:
        """The official client's own variables, API mode."""
        keys = self.keys(who)
        return {
            "BACKEND_ENDPOINT": endpoint or self.endpoint,
            "BACKEND_ENDPOINT_TYPE": "api",
            "BACKEND_ACCESS_KEY": keys.access_key,
            "BACKEND_SECRET_KEY": keys.secret_key,
            "BACKEND_DOMAIN": self.domain,
            "BACKEND_GROUP": self.project,
        }

    # ------------------------------------------------------------ the official SDK, Docker, the database

    def sdk(self, program: str, *arguments: str, who: Who = "user", timeout: float = 120) -> str:
        """Run a Python program with the release's official SDK (``ai.backend.client``) as somebody; what it printed."""
        done = subprocess.run(
            [self.settings.programs / "python", "-W", "ignore", "-c", program, *arguments],
            env=clean_environ() | self.official_environ(who),
            capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def docker(self, *words: str) -> str:
        """What a command of the cluster's own Docker printed: ``docker("ps", "-q")``."""
        done = subprocess.run(
            ["docker", *words], env=stores.docker_environ(self.settings), capture_output=True, text=True, check=True
        )
        return done.stdout

    def sql(self, statements: str) -> str:
        """Run statements in the manager's database; rows are lines, with ``|`` between columns."""
        return stores.sql(self.settings, statements)

    def log(self, daemon: str) -> str:
        """All that a daemon has said."""
        return (self.settings.log / f"{daemon}.log").read_text(errors="replace")

    # ------------------------------------------------------------ daemons

    @property
    def daemons(self) -> tuple[str, ...]:
        """The names of Backend.AI's daemons: storage-proxy, manager, agent, webserver (coordinator, worker-http …)."""
        return tuple(one.name for one in daemons.daemons(self.settings))

    def is_alive(self, daemon: str) -> bool:
        """Whether it runs."""
        return self._processes.is_alive(daemon)

    def stop(self, daemon: str) -> None:
        """End a daemon by SIGTERM, or when it takes its time by SIGKILL. Containers live on without an agent."""
        self._processes.stop(daemon, seconds=8)

    def kill(self, daemon: str) -> None:
        """End a daemon by SIGKILL."""
        self._processes.stop(daemon, signal.SIGKILL)

    def start(self, daemon: str) -> None:
        """Start a daemon, if it does not run; returns when it is ready."""
        one = daemons.daemon(self.settings, daemon)
        daemons.start(self.settings, self._processes, one)
        daemons.await_ready(self._processes, one)

    def start_all(self) -> None:
        """Start what does not run."""
        for name in self.daemons:
            if not self.is_alive(name):
                self.start(name)

    @contextlib.contextmanager
    def without(self, daemon: str, how: Literal["stop", "kill"] = "stop") -> Iterator[None]:
        """The daemon is down while the block runs, and ready again after it."""
        self.stop(daemon) if how == "stop" else self.kill(daemon)
        try:
            yield
        finally:
            self.start(daemon)

    @contextlib.contextmanager
    def frozen(self, daemon: str) -> Iterator[None]:
        """The daemon accepts connections and answers nothing while the block runs."""
        pid = self._processes.pid(daemon)
        assert pid is not None, f"{daemon} does not run"
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @property
    def _processes(self) -> Processes:
        return Processes(self.settings.dir)


@functools.cache
def why_not(release: str) -> str:
    """Why a cluster of that release can't be brought up here; empty if it can."""
    if platform.system() != "Linux":
        return "a Backend.AI cluster needs Linux"
    if os.geteuid() != 0:
        return "a Backend.AI cluster needs root"
    lacking = packages.missing()
    if lacking and not packages.can_install():
        return f"a Backend.AI cluster needs {', '.join(lacking)}"
    year = int(release.partition(".")[0])
    if packages.find_python(year) is None:
        return f"Backend.AI {release} needs Python {packages.python_for(year)}"
    return ""


@contextlib.contextmanager
def sharing(what: str, *, by_oneself: bool) -> Iterator[None]:
    """Use something that clusters have beside others, or alone, while the block runs."""
    folder = default_dir("any").parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / what).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if by_oneself else fcntl.LOCK_SH)
        yield


def take_down_unused(releases: Iterable[str]) -> None:
    """End the clusters that tests brought up and nobody uses any more, and delete their state."""
    for folder in map(default_dir, releases):
        settings = load(folder)
        if settings is None or not (folder / "of-tests").exists():
            continue
        with alone(folder / "lock"), (folder / "users").open("w") as users, contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever brings it up has done with it
            take_down(settings, gently=False)
            delete(settings, programs=False)


@dataclass
class Clusters:
    """The clusters of one test session.

    One in the default folder may have several users (test sessions at the same time); each holds a shared lock, and
    only the last one takes it down. A cluster that was brought up by hand is nobody's to take down.
    """

    _starting: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _locks: dict[str, IO[str]] = field(default_factory=dict)

    def begin(self, release: str) -> None:
        """Start to bring the cluster up, beside whatever else happens, unless it is up."""
        folder = default_dir(release)
        folder.mkdir(parents=True, exist_ok=True)
        settings = load(folder)
        if settings is not None and is_up(settings, Processes(folder)):
            return
        argv = [sys.executable, "-m", "backend_ai.cluster.up", "--version", release, "--dir", folder]
        argv += ["--accelerator", ACCELERATORS, "--app-proxy"] if int(release.partition(".")[0]) >= 26 else []
        environ = clean_environ() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
        (folder / "of-tests").touch()
        with _told(folder).open("wb") as log:
            self._starting[release] = subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=log)

    def get(self, release: str) -> Cluster:
        """The cluster, when it is up.

        Raises:
            ClusterError: it did not come up.
        """
        folder = default_dir(release)
        if release not in self._locks:
            self._locks[release] = (folder / "users").open("w")
            fcntl.flock(self._locks[release], fcntl.LOCK_SH)
        starting = self._starting.get(release)
        if starting is not None and starting.wait():
            raise ClusterError(f"the cluster of {release} did not come up:\n{_told(folder).read_text()}")
        settings = load(folder)
        assert settings is not None
        lines = (folder / "env").read_text().splitlines()
        return Cluster(settings, dict(line.split("=", 1) for line in lines))

    def leave(self) -> None:
        """Use them no longer; they stay up."""
        for starting in self._starting.values():
            starting.wait()
        for lock in self._locks.values():
            lock.close()

    def take_down(self) -> None:
        """End them, unless somebody else uses them."""
        self.leave()
        take_down_unused({*self._starting, *self._locks})


def _told(folder: Path) -> Path:
    """What the program said by which these tests ask for a cluster; those of other workers wait for it."""
    return folder / f"up-{os.getpid()}.log"
