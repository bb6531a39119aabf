"""Real engine processes on homes of their own; none outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fasttrack_jupyter.home import Home

HOST = [sys.executable, "-P", "-m", "fasttrack_jupyter.host"]


class Engines:
    """What a test may do to the engine process of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def wait_until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for a condition; fail when it does not come true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.01)

    def is_alive(self, pid: int) -> bool:
        """Whether a process runs (one that only waits to be reaped does not)."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def pid(self) -> int:
        """The engine that says that it serves the home."""
        pid = self.home.engine()["pid"]
        assert isinstance(pid, int)
        return pid

    def end(self, number: int = signal.SIGKILL) -> None:
        """Send the engine a signal, if there is one, and wait for its end."""
        pid = self.home.engine().get("pid")
        if isinstance(pid, int) and self.is_alive(pid):
            os.kill(pid, number)
            self.wait_until(lambda: not self.is_alive(pid))

    def start(self, *options: str, version: str | None = None) -> subprocess.Popen[bytes]:
        """Start a host by hand; of another version, if one is named."""
        command = [*HOST, "--home", str(self.home.path), *options]
        if version is not None:
            pretend = f"import fasttrack_jupyter as ft, runpy, sys; ft.__version__ = {version!r}; sys.argv[0] = 'host';"
            run = "runpy.run_module('fasttrack_jupyter.host', run_name='__main__')"
            command = [sys.executable, "-P", "-c", pretend + run, *command[4:]]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with a short path, and settings that no test depends on by chance."""
    monkeypatch.setenv("FASTTRACK_IDLE", "60")
    monkeypatch.setenv("FASTTRACK_SECRETS", "file")
    with tempfile.TemporaryDirectory(prefix="ft", ignore_cleanup_errors=True) as folder:
        yield Home(Path(folder) / "home")


@pytest.fixture
def engines(home: Home) -> Iterator[Engines]:
    """The engine of ``home``, which ends with the test."""
    found = Engines(home)
    yield found
    found.end()
