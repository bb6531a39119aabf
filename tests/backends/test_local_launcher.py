"""The launcher by itself: it ends quietly with its engine, and no request can end it."""

from __future__ import annotations

import asyncio
import marshal
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.link import _MAIN, _RUNNER
from fasttrack_jupyter.backends.local.runner.launcher import frames
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import opened, session_spec


class Engine:
    """An engine's end of the link to a launcher in ``folders`` mode; ``set_up``: after its first answer."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.link, theirs = socket.socketpair()
        self.launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MAIN, _RUNNER, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env={}, cwd="/",
        )  # fmt: skip
        theirs.close()
        self.link.settimeout(20)
        self.send(("setup", {"mode": "folders", "home": str(home), "probe": {}}))
        self.input = bytearray()

    def send(self, *requests: tuple[str, dict[str, Any]]) -> None:
        """Without waiting for an answer."""
        data = marshal.dumps(list(requests))
        self.link.sendall(len(data).to_bytes(4, "little") + data)

    def hear(self) -> list[tuple[Any, ...]]:
        """The next messages."""
        while True:
            for message in frames(self.input):
                return message
            self.input += self.link.recv(1 << 16)

    def launch(self, number: int) -> tuple[str, dict[str, Any]]:
        """A request."""
        control = self.home / str(number)
        control.mkdir()
        return "launch", {
            "id": str(number), "name": "ft", "mode": "folders", "control": str(control), "cwd": "/",
            "argv": ["true"], "environ": {"PATH": "/usr/bin:/bin"}, "cpus": None, "view": None,
        }  # fmt: skip


@pytest.mark.parametrize("heard", [0, 1])
def test_it_ends_without_a_word_when_its_engine_is_gone(tmp_path: Path, heard: int) -> None:
    """Whether there is something unread at either end or not."""
    engine = Engine(tmp_path)
    engine.send(*[engine.launch(number) for number in range(20)])
    for _ in range(heard):
        engine.hear()
    engine.link.close()
    _, words = engine.launcher.communicate(timeout=20)
    assert (engine.launcher.returncode, words) == (0, b"")


def test_nothing_is_said_about_what_was_to_stand_ready(tmp_path: Path) -> None:
    """Whoever starts it meanwhile would take it for news of its own; the word to begin finds it, or does not."""
    engine = Engine(tmp_path)
    kind, broken = engine.launch(1)
    _, dropped = engine.launch(2)
    engine.send((kind, broken | {"gated": True, "cwd": "/nowhere"}), ("go", {"id": "1"}))
    engine.send((kind, dropped | {"gated": True}), (kind, dropped | {"gated": True}), ("drop", {"id": "2"}))
    engine.send(engine.launch(3))
    heard: list[tuple[Any, ...]] = []
    while not heard or heard[-1][0] != "ended":
        heard += engine.hear()
    assert [message[:2] for message in heard[1:]] == [("busy", "1"), ("started", "3"), ("ended", "3")]
    engine.link.close()
    engine.launcher.communicate(timeout=20)


def run(home: Path, mode: str, command: str) -> SessionReport:
    """How a session of ``command`` ended."""

    async def go() -> SessionReport:
        async with opened(backend := LocalBackend(LocalSettings(home, mode=mode))) as reports:
            await backend.submit(session_spec("j-0-1", command, environ={"WORD": "a\0b"} if command == "env" else {}))
            return await reports.ended("j-0-1")

    return asyncio.run(go())


@pytest.mark.parametrize("mode", ["auto", "folders"])
@pytest.mark.parametrize("command", ["echo a\0b", "echo \ud800", "env"])
def test_what_no_process_can_be_given_is_an_error_of_that_session(tmp_path: Path, mode: str, command: str) -> None:
    """A NUL byte, a lone surrogate: told, not tried for ever."""
    end = run(tmp_path / "ft", mode, command)
    assert (end.status, end.result) == (Status.ERROR, Result.FAILURE)
    assert "null" in end.reason or "surrogate" in end.reason


@pytest.mark.parametrize("mode", ["auto", "folders"])
def test_signals_that_the_engine_was_started_to_ignore_are_not_ignored_in_sessions(tmp_path: Path, mode: str) -> None:
    """``nohup``, or ``&`` in a script."""
    ignored = [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]
    before = [signal.signal(number, signal.SIG_IGN) for number in ignored]
    try:
        end = run(tmp_path / "ft", mode, "grep -qE '^SigIgn:.*0{7}$' /proc/self/status")
    finally:
        for number, handler in zip(ignored, before, strict=True):
            signal.signal(number, handler)
    assert end.exit_code == 0


def test_the_end_is_told_by_a_clock_finer_than_the_file_systems(tmp_path: Path) -> None:
    """Files' times move in ticks of some milliseconds; a short session would seem to end before it began."""

    async def go() -> list[SessionReport]:
        home = LocalSettings(tmp_path / "ft", mode="folders")
        async with opened(backend := LocalBackend(home)) as reports:
            ends = []
            for number in range(5):
                await backend.submit(session_spec(f"j-{number}-1", "true"))
                ends.append(await reports.ended(f"j-{number}-1"))
            return ends

    ends = asyncio.run(go())
    assert all(end.data["started_at"] < end.at for end in ends)
    assert any(end.at != (tmp_path / f"ft/attempts/j-{n}-1/status").stat().st_mtime for n, end in enumerate(ends))
