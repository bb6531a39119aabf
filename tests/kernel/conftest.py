"""A home with a real engine for what the kernel does; none outlives its test."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.home import Home
from fasttrack_jupyter.kernel.feed import Feed, feed
from fasttrack_jupyter.kernel.jobs import Job, take_in_hand


class Bench:
    """A home of its own: its engine, and jobs made in it."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @property
    def feed(self) -> Feed:
        """This process's feed of the home."""
        return feed(self.home)

    def run(self, text: str, **request: Any) -> Job:
        """A job of the pipeline ``text``, in hand."""
        return take_in_hand(self.feed, self.feed.client.run({"text": text, **request}))

    def chain(self, **commands: str) -> Job:
        """A job of tasks, one after the other."""
        lines, before = ["name: chain", "tasks:"], ""
        for task, command in commands.items():
            lines += [f"- name: {task}", f"  command: {json.dumps(command)}"]
            lines += [f"  dependencies: [{before}]"] if before else []
            before = task
        return self.run("\n".join(lines))

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for a condition; fail when it does not come true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.01)

    def pid(self) -> int | None:
        """The engine that says that it serves the home, if it lives."""
        pid = self.home.engine().get("pid")
        return pid if isinstance(pid, int) and self._is_alive(pid) else None

    @staticmethod
    def _is_alive(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def kill_engine(self) -> None:
        """kill -9."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.until(lambda: not self._is_alive(pid))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A home with a short path, named by the environment, and settings that no test depends on by chance."""
    monkeypatch.setenv("FASTTRACK_IDLE", "60")
    monkeypatch.setenv("FASTTRACK_SECRETS", "file")
    with tempfile.TemporaryDirectory(prefix="ft", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("FASTTRACK_HOME", str(Path(folder) / "home"))
        found = Bench(Home(Path(folder) / "home"))
        yield found
        for job in found.feed.client.jobs() if found.pid() else ():
            if job["ended_at"] is None:
                found.feed.client.cancel(job["id"])
                found.until(lambda job=job: found.feed.client.job(job["id"])["ended_at"])
        found.until(lambda: found.feed._thread is None)  # it would start another engine for what is unfinished
        found.kill_engine()
        found.feed.client.close()  # a feed lives as long as its process, and its idle connections with it


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell of IPython's own, with the extension loaded, in an empty folder; it keeps no history on disk."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    found = InteractiveShell(config=config)
    monkeypatch.setattr(InteractiveShell, "_instance", found)
    found.run_line_magic("load_ext", "fasttrack_jupyter")
    yield Typist(found)
    found.run_line_magic("unload_ext", "fasttrack_jupyter")


class Typist:
    """Somebody who types cells into a shell."""

    def __init__(self, shell: Any) -> None:
        self.ip = shell
        self.names: dict[str, Any] = shell.user_ns

    @property
    def session(self) -> Any:
        """What the extension keeps."""
        return self.ip._fasttrack.session

    def cell(self, *lines: str, cell_id: str | None = None) -> Any:
        """Type a cell and run it; IPython's ExecutionResult."""
        return self.ip.run_cell("\n".join(lines), store_history=True, cell_id=cell_id)

    def fails(self, *lines: str, cell_id: str | None = None) -> str:
        """Type a cell that must fail; what is shown then."""
        from contextlib import redirect_stderr, redirect_stdout
        from io import StringIO

        with redirect_stdout(StringIO()) as out, redirect_stderr(out):
            result = self.cell(*lines, cell_id=cell_id)
        assert not result.success, f"did not fail: {lines}\n{out.getvalue()}"
        return out.getvalue()
