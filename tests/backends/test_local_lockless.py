"""Sessions whose command removed their lock: adopted all the same, and wholly gone once they are cancelled."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from fasttrack_jupyter.backends.local.attempts import Finding, is_held, look
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import opened, session_spec

DAEMON = "import os; os.fork() and os._exit(0); os.setsid(); os.execve('/bin/sleep', ['sleep', '{0}'], {{}})"
"""Of the four marks of a session only the lock is left: no marker, no Unix session, no parent."""
COMMAND = """\
trap '' TERM
python3 -c "{daemon}"
(setsid sleep {number} &)
rm {control}/lock
sleep {number}"""


def sleepers(number: str) -> list[psutil.Process]:
    """Who sleeps that long; nobody else does."""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", number]]


@pytest.mark.parametrize("mode", ["namespaces", "folders"])
def test_a_session_that_removed_its_lock_is_adopted_and_wholly_ended(tmp_path: Path, mode: str) -> None:
    """By the next engine: its command, what was started beside it, and a daemon that only the lock gives away."""
    home, number = tmp_path / "ft", f"{300 + len(mode)}.{os.getpid()}"
    control = home / "attempts/j-0-1"
    command = COMMAND.format(daemon=DAEMON.format(number), number=number, control=control)

    def backend() -> LocalBackend:
        return LocalBackend(LocalSettings(home, mode=mode, grace=0.3))

    async def until_begun() -> None:
        async with asyncio.timeout(20):
            while len(sleepers(number)) < 3:
                await asyncio.sleep(0.01)

    async def go() -> SessionReport:
        async with opened(first := backend()) as reports:
            if (await first.slots())["mode"] != mode:
                pytest.skip("private mounts do not work here")
            await first.submit(session_spec("j-0-1", command))
            await reports.running("j-0-1")
            await until_begun()
            (control / "lock").unlink(missing_ok=True)  # perhaps it cannot be seen from inside
        assert not is_held(str(control))
        assert look(str(control)) is Finding.ALIVE
        async with opened(second := backend()) as reports:
            await second.submit(session_spec("j-0-1", command))
            await reports.running("j-0-1")
            await second.cancel("j-0-1", "cancelled")
            return await reports.ended("j-0-1")

    end = asyncio.run(go())
    assert (end.status, end.result, end.reason) == (Status.CANCELLED, Result.UNDEFINED, "cancelled")
    assert sleepers(number) == []
