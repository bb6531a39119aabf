"""The daemons of a cluster as processes: started apart from us, known by id *and* start time, ended by that alone.

``run/<name>.pid`` holds both, so that an id that the kernel gave to somebody else meanwhile is never signalled.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .settings import ClusterError


def clean_environ() -> dict[str, str]:
    """Our environment without what belongs to tests: a cluster may outlive them, and is not theirs to sweep up."""
    ours = ("FASTTRACK_", "PYTEST_", "PYTHON", "BACKEND", "PIPELINE_", "TMPDIR", "DOCKER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One process at a time; who comes second waits."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Processes:
    """The processes that were started from one cluster's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Start `argv` in the cluster's folder, apart from us, unless it is there; `before` runs in the child."""
        if self.is_alive(name):
            return
        with (self._folder / "log" / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [str(word) for word in argv],
                cwd=self._folder,
                env=clean_environ() | dict(environ or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=before,
            )
        child.returncode = 0  # it outlives us, and is nobody's to wait for
        self.record(name, child.pid)

    def record(self, name: str, pid: int) -> None:
        """Remember that `pid` is the daemon `name`."""
        self._file(name).write_text(f"{pid} {_started(pid)}\n")

    def pid(self, name: str) -> int | None:
        """The daemon's process id; None if it does not run."""
        try:
            pid, started = self._file(name).read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if started != "None" and started == _started(int(pid)) else None

    def is_alive(self, name: str) -> bool:
        """Whether the daemon runs."""
        return self.pid(name) is not None

    def recorded(self) -> set[str]:
        """The names of all that were started and not stopped, alive or not."""
        return {path.stem for path in (self._folder / "run").glob("*.pid")}

    def until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until the daemon is ready.

        Raises:
            ClusterError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_alive(name):
                raise ClusterError(f"{name} ended:\n{self._last_words(name)}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{name} was not ready within {seconds:.0f} s:\n{self._last_words(name)}")
            time.sleep(0.2)

    def stop(self, name: str, how: int = signal.SIGTERM, seconds: float = 10) -> None:
        """End the daemon and what is left in the process group that it leads; not an error if it is gone."""
        pid = self.pid(name)
        if pid is not None:
            self._end(pid, how, seconds)
            _signal_group(pid, signal.SIGKILL)
        self._file(name).unlink(missing_ok=True)

    def _end(self, pid: int, how: int, seconds: float) -> None:
        started = _started(pid)
        for number, patience in ((how, seconds), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if _started(pid) != started:
                    return
                time.sleep(0.05)

    def _last_words(self, name: str) -> str:
        path = self._folder / "log" / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-30:] if path.exists() else []
        return "\n".join([*lines, f"(all of it: {path})"])

    def _file(self, name: str) -> Path:
        return self._folder / "run" / f"{name}.pid"


def _started(pid: int) -> str | None:
    """When the process was started, in the kernel's ticks since boot; None if it is gone, or a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # one that this very process started stays a zombie otherwise
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def call(argv: Sequence[str | Path], log: Path, **how: object) -> None:
    """Run a program to its end, what it says into `log`.

    Raises:
        ClusterError: it failed; with the end of what it said.
    """
    with log.open("ab") as words:
        done = subprocess.run(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=words, stderr=words, check=False, **how
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise ClusterError(f"{Path(argv[0]).name} failed ({done.returncode}):\n{tail}\n(all of it: {log})")
