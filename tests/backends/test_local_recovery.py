"""The engine or the launcher dies at each step between "intent recorded" and "exit code seen": what is found then.

Each step leaves the attempt's directory in a certain state; here the states are made by hand.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.attempts import BOOT, Finding, Killed, Supervisor
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.processes import Snapshot, Tree
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import opened, session_spec

SPEC = session_spec("j-0-1", "echo x >> $PIPELINE_VFROOT/ran; exit 3")
LOCK = f"{BOOT} folders .\n"
DEAD = f"999999 1 {BOOT} .\n"


def state(control: Path, **files: str) -> None:
    """Make an attempt's directory with these files."""
    control.mkdir(parents=True)
    for name, text in files.items():
        (control / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({}, Finding.UNSTARTED),
        ({"lock": ""}, Finding.UNSTARTED),
        ({"lock": LOCK, "pid": "", "status": ""}, Finding.UNSTARTED),
        ({"lock": LOCK, "pid": "4711 12", "status": ""}, Finding.UNSTARTED),
        ({"pid": "4711 12"}, Finding.UNSTARTED),
        ({"pid": DEAD}, Finding.GONE),
        ({"lock": LOCK, "pid": DEAD, "status": ""}, Finding.GONE),
        ({"lock": LOCK, "pid": DEAD, "status": "13"}, Finding.GONE),
        ({"lock": LOCK, "pid": DEAD, "status": "137 ."}, Finding.ENDED),
        ({"lock": "another-boot folders .\n", "pid": "", "status": ""}, Finding.GONE),
    ],
)
def test_a_look_believes_whole_lines_only(tmp_path: Path, files: dict[str, str], finding: Finding) -> None:
    """A torn line is none: an exit code that was half written is not an exit code."""
    state(tmp_path / "a", **files)
    assert attempts.look(str(tmp_path / "a")) is finding


def test_a_session_without_its_lock_is_alive_with_its_supervisor(tmp_path: Path) -> None:
    """The command removed the lock: it began all the same, and must not begin again."""
    state(tmp_path / "a", pid=f"{os.getpid()} {attempts.start_of(os.getpid())} {BOOT} .\n")
    assert attempts.look(str(tmp_path / "a")) is Finding.ALIVE


def test_a_look_at_nothing_finds_nothing(tmp_path: Path) -> None:
    """And makes nothing."""
    assert attempts.look(str(tmp_path / "a")) is Finding.ABSENT
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("pid", "finding"),
    [("", Finding.STARTING), (DEAD, Finding.ORPHANED), (f"1 1 {BOOT} .\n", Finding.ORPHANED)],
)
def test_a_held_lock_means_that_somebody_lives(tmp_path: Path, pid: str, finding: Finding) -> None:
    """The supervisor if it is the very process that is named; its number alone proves nothing."""
    state(tmp_path / "a", lock=LOCK, pid=pid, status="")
    with (tmp_path / "a/lock").open("r+") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert attempts.look(str(tmp_path / "a")) is finding


def test_a_supervisor_is_known_by_when_it_started(tmp_path: Path) -> None:
    """Pid, start and boot together."""
    own = attempts.start_of(os.getpid())
    assert own is not None
    assert Supervisor(os.getpid(), own, BOOT).is_alive()
    assert not Supervisor(os.getpid(), own, "another boot").is_alive()


def test_another_process_with_the_supervisors_number_is_left_alone(tmp_path: Path) -> None:
    """Numbers are used again: only the very process that is named leads the session."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        own = attempts.start_of(bystander.pid)
        assert own is not None
        state(tmp_path / "a", lock=LOCK, pid=f"{bystander.pid} {own - 100} {BOOT} .\n")
        assert Tree(str(tmp_path / "a")).members(Snapshot()) == []
        (tmp_path / "a/pid").write_text(f"{bystander.pid} {own} {BOOT} .\n")
        assert [process.pid for process in Tree(str(tmp_path / "a")).members(Snapshot())] == [bystander.pid]
    finally:
        bystander.kill()
        bystander.wait()


def test_a_zombie_is_not_alive() -> None:
    """``kill(pid, 0)`` would say so, but it has ended."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert attempts.start_of(child.pid) is None
    child.wait()


def test_the_first_killers_word_stands(tmp_path: Path) -> None:
    """A timeout that comes while the user's cancel is under way changes nothing."""
    assert attempts.record_kill(str(tmp_path), Killed("cancel", "by\nme")) == Killed("cancel", "by\nme")
    assert attempts.record_kill(str(tmp_path), Killed("timeout", "timeout 1h")) == Killed("cancel", "by me")


def finish(tmp_path: Path, submit: bool, **files: str) -> SessionReport:
    """With the directory in that state, submit or adopt; how it ended."""
    home = tmp_path / "ft"
    state(home / "attempts/j-0-1", **files)

    async def go() -> SessionReport:
        async with opened(backend := LocalBackend(LocalSettings(home, mode="folders", grace=0.2))) as reports:
            await (backend.submit if submit else backend.adopt)(SPEC)
            return await reports.ended("j-0-1")

    return asyncio.run(go())


@pytest.mark.parametrize("files", [{}, {"lock": ""}, {"lock": LOCK, "pid": "", "status": ""}])
def test_what_never_began_is_started(tmp_path: Path, files: dict[str, str]) -> None:
    """Killed before the command could begin: submit starts it, once, in fresh folders."""
    left = tmp_path / "ft/folders/pipeline-1/jobs/1/j-0-1"
    left.mkdir(parents=True)
    (left / "half").touch()
    assert finish(tmp_path, True, **files).exit_code == 3
    assert (tmp_path / "ft/folders/pipeline-1/.pipeline/ran").read_text() == "x\n"
    assert list(left.iterdir()) == []


@pytest.mark.parametrize("submit", [True, False])
def test_what_began_and_left_no_exit_code_is_lost(tmp_path: Path, submit: bool) -> None:
    """Never a second run."""
    end = finish(tmp_path, submit, lock=LOCK, pid=DEAD, status="")
    assert (end.status, end.result, end.reason) == (Status.ERROR, Result.FAILURE, "lost")
    assert not (tmp_path / "ft/folders/pipeline-1/.pipeline/ran").exists()


@pytest.mark.parametrize("submit", [True, False])
def test_what_ended_unseen_is_told(tmp_path: Path, submit: bool) -> None:
    """The exit code from the directory."""
    end = finish(tmp_path, submit, lock=LOCK, pid=DEAD, status="7 .\n")
    assert (end.exit_code, end.data["mode"]) == (7, "folders")


@pytest.mark.parametrize(
    ("kill", "check"),
    [
        ("cancel\ncancelled\n", lambda end: end.status is Status.CANCELLED),
        ("timeout\ntimeout 1h\n", lambda end: end.reason == "timeout 1h"),
    ],
)
def test_a_killers_word_survives_the_killer(tmp_path: Path, kill: str, check: Callable[[SessionReport], bool]) -> None:
    """The engine died between noting why it kills and the end: the next one says the same."""
    assert check(finish(tmp_path, True, lock=LOCK, pid=DEAD, status="", killed=kill))


def test_a_cancel_that_came_before_the_start_prevents_it(tmp_path: Path) -> None:
    """Noted, then the engine died: submit does not start it any more."""
    end = finish(tmp_path, True, killed="cancel\ncancelled\n")
    assert end.status is Status.CANCELLED
    assert not (tmp_path / "ft/folders/pipeline-1/.pipeline/ran").exists()


def test_no_command_begins_before_it_is_written_that_it_does(tmp_path: Path) -> None:
    """A full disk: the supervisor waits for space, for whoever finds the attempt must know whether it began."""
    home = tmp_path / "ft"
    control = home / "attempts/j-0-1"
    state(control)
    (control / "pid").symlink_to("/dev/full")

    async def go() -> None:
        async with opened(backend := LocalBackend(LocalSettings(home, mode="folders", grace=0.2))) as reports:
            await backend.submit(SPEC)
            await reports.running("j-0-1")
            names: list[str] = []
            while "sleep" not in names:  # it has tried, and tries again
                await asyncio.sleep(0.01)
                names = [name(process.pid) for process in Tree(str(control)).members(Snapshot())]
            await backend.cancel("j-0-1", "cancelled")
            assert (await reports.ended("j-0-1")).status is Status.CANCELLED

    def name(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""

    asyncio.run(asyncio.wait_for(go(), 30))
    assert not (home / "folders/pipeline-1/.pipeline/ran").exists()
