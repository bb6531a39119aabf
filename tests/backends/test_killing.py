"""Whom TERM reaches: the command, however early a session is ended, and nobody twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.killing import Killer
from fasttrack_jupyter.backends.local.process import MARKER
from fasttrack_jupyter.backends.local.processes import ProcessWatch, Tree
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.testing.conformance import opened, session_spec

GRACE = 10.0
SOON = 5.0


class Scene:
    """A supervisor of the test's own, as the attempt's directory tells of it."""

    def __init__(self, control: Path) -> None:
        self.control, self.heard = control, control / "heard"
        self.process: subprocess.Popen[str] | None = None

    def lead(self, *argv: str) -> None:
        """Start it, and wait until it has said that it is ready."""
        environ = {**os.environ, MARKER: str(self.control), "HEARD": str(self.heard)}
        self.process = subprocess.Popen(
            argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        start = attempts.start_of(self.process.pid)
        (self.control / "pid").write_text(f"{self.process.pid} {start} {attempts.BOOT} .\n")
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> float:
        """End the session; the seconds that it took."""
        began = time.monotonic()
        asyncio.run(Killer(ProcessWatch()).end(Tree(str(self.control)), GRACE))
        return time.monotonic() - began

    def close(self) -> None:
        """Nothing of it is left."""
        if self.process is not None:
            asyncio.run(Killer(ProcessWatch()).end(Tree(str(self.control)), 0))
            self.process.communicate()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """One whose processes end with the test."""
    made = Scene(tmp_path)
    yield made
    made.close()


def test_a_command_begun_after_term_is_sent_it_too(scene: Scene) -> None:
    """It came while only the supervisor was there, which outlives it and goes on to the command."""
    scene.lead("/bin/sh", "-c", "trap : 15; echo ready; read _; /bin/sh -c 'sleep 60; true'; true")
    assert scene.end() < SOON


def test_a_program_is_sent_what_came_between_fork_and_exec(scene: Scene) -> None:
    """There its parent's handler heard it."""
    program = """\
import os, signal, time
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
if child := os.fork():
    os._exit(os.waitpid(child, 0)[1] and 1)
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
os.execv("/bin/sleep", ["sleep", "60"])
"""
    scene.lead(sys.executable, "-c", program)
    assert scene.end() < SOON


def test_nobody_is_sent_it_twice_and_what_it_starts_is_left_alone(scene: Scene) -> None:
    """A command may save what it has with programs of its own."""
    command = "trap 'echo term >> $HEARD; sleep 0.7; echo saved >> $HEARD; exit 0' TERM; echo ready; sleep 60 & wait"
    scene.lead(
        "/bin/sh", "-c", f"trap : 15; /bin/sh -c '{command.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'; :"
    )
    assert 0.5 < scene.end() < SOON
    assert scene.heard.read_text() == "term\nsaved\n"


@pytest.mark.parametrize("mode", ["auto", "folders"])
def test_cancels_right_after_the_start_take_no_grace(mode: str, tmp_path: Path) -> None:
    """Wherever in its beginning each of them was."""
    settings = LocalSettings(tmp_path / "ft", mode=mode, grace=GRACE, watch_interval=60.0)

    async def go() -> float:
        async with opened(backend := LocalBackend(settings)) as reports:

            async def one(number: int) -> None:
                name = f"j-{number}-1"
                await backend.submit(session_spec(name, "sleep 60; true"))
                await reports.running(name)
                await asyncio.sleep(number % 8 * 0.0005)
                await backend.cancel(name, "cancelled")
                assert (await reports.ended(name)).status is Status.CANCELLED

            began = time.monotonic()
            for some in range(0, 24, 4):
                await asyncio.gather(*map(one, range(some, some + 4)))
            return time.monotonic() - began

    assert asyncio.run(go()) < GRACE
