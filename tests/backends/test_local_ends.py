"""How sessions end on this machine: whole trees, timeouts, memory, adoption, loss, logs without end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.runner.launcher import is_held
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.conformance import Reports, opened, session_spec

SPEC = "j-0-1"
Scene = Callable[[LocalBackend, Reports], Awaitable[Any]]


@pytest.fixture(params=["auto", "folders"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> LocalSettings:
    """The best mode of this machine, and the one that works everywhere."""
    return LocalSettings(tmp_path / "ft", mode=request.param, grace=0.5, watch_interval=0.05)


def play(settings: LocalSettings, scene: Scene) -> Any:
    """Open a backend, play ``scene``, close."""

    async def go() -> Any:
        async with opened(backend := LocalBackend(settings)) as reports:
            return await scene(backend, reports)

    return asyncio.run(go())


def alive(mark: str) -> list[int]:
    """Pids of live processes with ``mark`` in their command line (this one and its parents left out)."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [pid for pid, words in _command_lines() if mark in words and pid not in own]


def _command_lines() -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid, " ".join(process.cmdline())
        except psutil.Error:
            continue


def _launcher() -> psutil.Process:
    """The launcher that this process started last, and that has not ended."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return next(child for child in reversed(living) if "launcher" in " ".join(child.cmdline()))


async def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until ``holds()``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.01)


VILLAINS = f"""\
setsid sleep 1234.{os.getpid()} &
(trap '' TERM HUP INT; while :; do sleep 1234.{os.getpid()}; done) &
env -i /bin/sleep 1234.{os.getpid()} &
(setsid sh -c 'sleep 1234.{os.getpid()} & exit 0' &)
{sys.executable} -c 'import subprocess, sys; subprocess.Popen(["sleep", "1234.{os.getpid()}"], start_new_session=True)'
"""
MARK = f"1234.{os.getpid()}"


def test_cancel_ends_the_whole_tree(settings: LocalSettings) -> None:
    """Those in other sessions, daemons, without environment, deaf to TERM: none is left when the end is reported."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, VILLAINS + "echo ready; wait; sleep 60"))
        log = settings.home / "attempts" / SPEC / "log"
        await until(lambda: log.exists() and "ready" in log.read_text())
        await backend.cancel(SPEC, "cancelled by min")
        end = await reports.ended(SPEC)
        assert alive(MARK) == []
        return end

    end = play(settings, scene)
    assert (end.status, end.result, end.reason) == (Status.CANCELLED, Result.UNDEFINED, "cancelled by min")


def test_daemons_end_with_the_command_whose_exit_code_stays(settings: LocalSettings) -> None:
    """A command that ends by itself takes what it left behind with it."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, VILLAINS + "exit 7"))
        end = await reports.ended(SPEC)
        assert alive(MARK) == []
        return end

    end = play(settings, scene)
    assert (end.status, end.exit_code, end.reason) == (Status.TERMINATED, 7, "exit 7")


def test_a_command_may_clean_up_on_term(settings: LocalSettings) -> None:
    """TERM comes first, and KILL only after the grace."""

    async def scene(backend: LocalBackend, reports: Reports) -> None:
        command = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
        await backend.submit(session_spec(SPEC, command))
        log = settings.home / "attempts" / SPEC / "log"
        await until(lambda: log.exists() and "ready" in log.read_text())
        await backend.cancel(SPEC, "cancelled")
        assert (await reports.ended(SPEC)).status is Status.CANCELLED
        assert "bye" in log.read_text()

    play(settings, scene)


def test_a_timeout_is_a_failure_with_its_length(settings: LocalSettings) -> None:
    """TERMINATED, FAILURE, ``timeout 0.3s``."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, "sleep 60", timeout=0.3))
        return await reports.ended(SPEC)

    end = play(settings, scene)
    assert (end.status, end.result, end.reason) == (Status.TERMINATED, Result.FAILURE, "timeout 0.3s")


def test_a_timeout_counts_on_while_no_engine_is_there(settings: LocalSettings) -> None:
    """The next engine counts from the command's beginning, not from its own."""
    spec = session_spec(SPEC, "sleep 60", timeout=1.5)

    async def first(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(spec)
        await reports.running(SPEC)

    async def second(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.adopt(spec)
        return await reports.ended(SPEC)

    play(settings, first)
    time.sleep(1.5)
    began = time.monotonic()
    assert play(settings, second).reason == "timeout 1.5s"
    assert time.monotonic() - began < 1.4


def test_memory_over_the_limit_is_a_failure_with_the_numbers(settings: LocalSettings) -> None:
    """The watchdog ends it, and the peak is recorded."""
    command = f"{sys.executable} -c 'x = bytearray(200 << 20); import time; time.sleep(60)'"

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, command, slots=ResourceSlots.parse({"mem": "64m"})))
        return await reports.ended(SPEC)

    end = play(settings, scene)
    assert (end.status, end.result) == (Status.TERMINATED, Result.FAILURE)
    assert end.reason.startswith("memory 0.")
    assert end.reason.endswith(" GiB over the limit of 0.0625 GiB")
    assert end.data["usage"]["peak_mem"] > 64 << 20


def test_a_killed_supervisor_is_a_lost_session_whose_tree_is_dead(settings: LocalSettings) -> None:
    """The lock is still held by the command: it is not taken for ended, but ended, and then reported lost."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, f"sleep {MARK}; true"))
        await until(lambda: alive(f"sleep {MARK}"))
        leader = attempts.supervisor(str(settings.home / "attempts" / SPEC))
        assert leader is not None
        os.kill(leader.pid, signal.SIGKILL)
        end = await reports.ended(SPEC)
        assert alive(f"sleep {MARK}") == []
        return end

    end = play(settings, scene)
    assert (end.status, end.result, end.reason) == (Status.ERROR, Result.FAILURE, "lost")


def test_an_orphaned_command_is_found_by_the_next_engine(settings: LocalSettings) -> None:
    """Supervisor killed while no engine watches: submit neither runs it again nor leaves the command alive."""
    spec = session_spec(SPEC, f"echo x >> $PIPELINE_VFROOT/ran; sleep {MARK}; true")

    async def first(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(spec)
        await until(lambda: alive(f"sleep {MARK}"))

    async def second(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(spec)
        return await reports.ended(SPEC)

    play(settings, first)
    leader = attempts.supervisor(str(settings.home / "attempts" / SPEC))
    assert leader is not None
    os.kill(leader.pid, signal.SIGKILL)
    assert play(settings, second).reason == "lost"
    assert alive(f"sleep {MARK}") == []
    assert (settings.home / "folders/pipeline-1/.pipeline/ran").read_text() == "x\n"


def test_a_dead_launcher_costs_nothing(settings: LocalSettings) -> None:
    """What it started goes on and tells its exit code; what comes next gets a new launcher."""

    async def scene(backend: LocalBackend, reports: Reports) -> list[int | None]:
        await backend.submit(session_spec(SPEC, "sleep 0.5; exit 5"))
        await reports.running(SPEC)
        launcher = _launcher()
        launcher.kill()
        await backend.submit(session_spec("j-1-1", "exit 6"))
        return [(await reports.ended(name)).exit_code for name in (SPEC, "j-1-1")]

    assert play(settings, scene) == [5, 6]


def test_an_end_that_nobody_saw_is_told_later(settings: LocalSettings) -> None:
    """The command ends while no engine is there: exit code and time of the end come from its directory."""
    spec = session_spec(SPEC, "sleep 0.2; exit 9")

    async def first(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(spec)
        await reports.running(SPEC)

    async def second(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.adopt(spec)
        return await reports.ended(SPEC)

    play(settings, first)
    time.sleep(0.6)
    end = play(settings, second)
    assert end.exit_code == 9
    assert end.at < time.time() - 0.1


def test_a_cancel_before_the_beginning_is_kept(settings: LocalSettings) -> None:
    """Cancelled in the moment of its start: it ends as cancelled, wherever it was."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(session_spec(SPEC, "sleep 60"))
        await backend.cancel(SPEC, "cancelled")
        return await reports.ended(SPEC)

    assert play(settings, scene).status is Status.CANCELLED
    assert not is_held(str(settings.home / "attempts" / SPEC))


def test_a_task_may_delete_its_own_directory(settings: LocalSettings) -> None:
    """Its working directory and its outputs gone, it still ends with its exit code."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        command = (
            'rm -rf "$PWD"/* "$PIPELINE_OUTPUTS"/* 2>/dev/null; rmdir "$PWD" "$PIPELINE_OUTPUTS" 2>/dev/null; exit 4'
        )
        await backend.submit(session_spec(SPEC, command))
        return await reports.ended(SPEC)

    assert play(settings, scene).exit_code == 4


def test_a_log_over_its_cap_loses_its_middle_and_says_so(settings: LocalSettings) -> None:
    """The beginning and the end stay, the disk is spared, the task neither blocks nor dies."""
    cap = 1 << 20
    capped = LocalSettings(settings.home, mode=settings.mode, log_cap=cap, watch_interval=0.02)

    async def scene(backend: LocalBackend, reports: Reports) -> tuple[bytes, int]:
        command = "echo FIRST; head -c 60000000 /dev/zero | tr '\\0' x; echo; sleep 0.5; echo LAST"
        await backend.submit(session_spec(SPEC, command))
        assert (await reports.ended(SPEC)).exit_code == 0
        data, after, reads = b"", 0, 0
        while True:
            chunk = await backend.logs(SPEC, after, 1 << 18)
            data, after, reads = data + chunk.data, chunk.next, reads + 1
            if chunk.ended:
                return data, (settings.home / "attempts" / SPEC / "log").stat().st_blocks * 512
            assert reads < 1000

    data, on_disk = play(capped, scene)
    assert data.startswith(b"FIRST\n")
    assert data.endswith(b"LAST\n")
    assert b"[fasttrack] the log reached its cap of 1m" in data
    assert on_disk < 4 * cap
    assert b"\0" not in data


def test_the_log_can_be_read_while_it_grows(settings: LocalSettings) -> None:
    """Ranges, live: ``ended`` only once nothing will follow."""

    async def scene(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(session_spec(SPEC, "printf one; sleep 0.4; printf two"))
        log = settings.home / "attempts" / SPEC / "log"
        await until(lambda: log.exists() and log.stat().st_size == 3)
        first = await backend.logs(SPEC, 0, 2)
        rest = await backend.logs(SPEC, first.next, 100)
        assert (first.data, rest.data, rest.ended) == (b"on", b"e", False)
        await reports.ended(SPEC)
        last = await backend.logs(SPEC, rest.next, 100)
        assert (last.data, last.start, last.next, last.size, last.ended) == (b"two", 3, 6, 6, True)

    play(settings, scene)


def test_members_know_their_roles_and_main_runs_the_command(settings: LocalSettings) -> None:
    """``cluster_size: 3`` is main1, sub1, sub2; the command runs on main1 and its exit code counts."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        command = 'echo "$BACKENDAI_CLUSTER_HOST of $BACKENDAI_CLUSTER_HOSTS, $BACKENDAI_CLUSTER_REPLICAS"; exit 2'
        await backend.submit(session_spec(SPEC, command, cluster_size=3))
        return await reports.ended(SPEC)

    assert play(settings, scene).reason == "exit 2"
    assert (settings.home / "attempts" / SPEC / "log").read_text() == "main1 of main1,sub1,sub2, main:1,sub:2\n"


def test_a_command_on_all_members_fails_with_the_first_that_fails(settings: LocalSettings) -> None:
    """``run_on: all``: lines are prefixed, the others are ended, and the reason says who it was."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        command = (
            'echo "$BACKENDAI_CLUSTER_IDX $BACKENDAI_CLUSTER_LOCAL_RANK";'
            "[ $BACKENDAI_CLUSTER_HOST = sub1 ] && exit 3; sleep 60"
        )
        await backend.submit(session_spec(SPEC, command, cluster_size=3, run_on_all=True))
        return await reports.ended(SPEC)

    assert play(settings, scene).reason == "exit 3 (sub1)"
    lines = (settings.home / "attempts" / SPEC / "log").read_text().splitlines()
    assert {"[sub1] 1 1", "[fasttrack] sub1 ended with 3: the others are ended"} <= set(lines)


def test_a_shell_opens_inside_the_sessions_view(settings: LocalSettings) -> None:
    """Same folders, same variables; and a clear word when nothing runs."""

    async def scene(backend: LocalBackend, reports: Reports) -> str:
        with pytest.raises(Conflict):
            await backend.shell(SPEC)
        spec = session_spec(SPEC, "echo here > f; sleep 60", environ={"SECRET": "s3"})
        await backend.submit(spec)
        await reports.running(SPEC)
        await until(lambda: (settings.home / "attempts" / SPEC / "work/f").exists())
        argv = await backend.shell(SPEC)
        shell = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd="/"
        )
        out, _ = await shell.communicate(b'cat f; echo "$SECRET"; cd "$PIPELINE_OUTPUTS" && echo in\n')
        assert "s3" not in " ".join(argv)
        await backend.cancel(SPEC, "cancelled")
        await reports.ended(SPEC)
        return out.decode()

    assert play(settings, scene) == "here\ns3\nin\n"


def test_usage_tells_memory_and_processes_of_a_running_session(settings: LocalSettings) -> None:
    """And nothing when it is over."""

    async def scene(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(session_spec(SPEC, "sleep 60; true"))
        await reports.running(SPEC)
        usage = await backend.usage(SPEC)
        while not usage["mem"]:  # between fork and exec a process has none
            usage = await backend.usage(SPEC)
        assert usage["processes"] >= 1
        await backend.cancel(SPEC, "cancelled")
        await reports.ended(SPEC)
        assert await backend.usage(SPEC) == {}

    play(settings, scene)


def test_no_descriptor_and_no_zombie_is_left(settings: LocalSettings) -> None:
    """After many sessions the engine has what it had, and the launcher no child."""

    async def scene(backend: LocalBackend, reports: Reports) -> None:
        async def one(number: int) -> None:
            await backend.submit(session_spec(f"j-{number}-1", "true"))
            await reports.ended(f"j-{number}-1")
            await backend.forget(f"j-{number}-1")

        await one(0)
        launcher = _launcher()
        before = (psutil.Process().num_fds(), launcher.num_fds())
        await asyncio.gather(*(one(number) for number in range(1, 41)))
        await until(lambda: (psutil.Process().num_fds(), launcher.num_fds()) == before)
        assert launcher.children() == []

    play(replace(settings, watch_interval=60.0), scene)
