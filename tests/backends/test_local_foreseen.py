"""Sessions that stand ready behind a gate: nothing of them begins before the word, and nothing is left without it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import attempts, foreseen, sessions
from fasttrack_jupyter.backends.local.attempts import Finding
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.session import Session
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.conformance import Reports, opened, session_spec

SPEC = session_spec("j-0-1", "echo x >> $PIPELINE_VFROOT/ran; exit 3", slots=ResourceSlots.parse({"cpu": 1}))
Story = Callable[["Ready", LocalBackend, Reports], Coroutine[Any, Any, None]]


class Ready:
    """A home with one session that stands ready."""

    def __init__(self, home: Path, mode: str) -> None:
        self.home, self.mode = home, mode
        self.control = str(home / "attempts" / SPEC.attempt_id)

    def tell(self, story: Story) -> None:
        """Let ``story`` happen to the session."""

        async def go() -> None:
            backend = LocalBackend(LocalSettings(self.home, mode=self.mode, grace=0.2))
            async with opened(backend) as reports:
                await backend.submit(session_spec("w-0-1", "true"))  # which image is meant by none is known from now on
                await reports.ended("w-0-1")
                backend.foresee(SPEC)
                await self.until(Finding.STARTING)
                await story(self, backend, reports)

        asyncio.run(go())

    async def until(self, finding: Finding, attempt_id: str = SPEC.attempt_id) -> None:
        """Wait for what a look at an attempt's directory finds."""
        control, deadline = str(self.home / "attempts" / attempt_id), time.monotonic() + 20
        while attempts.look(control) is not finding:
            assert time.monotonic() < deadline, attempts.look(control)
            await asyncio.sleep(0.002)

    @property
    def ran(self) -> int:
        """How often the command began."""
        file = self.home / "folders" / SPEC.folder / ".pipeline" / "ran"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture(params=["auto", "folders"])
def ready(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ready:
    """In private namespaces where they work, and without; there is time on the busiest machine."""
    monkeypatch.setattr(foreseen, "_FRESH_SECONDS", 60.0)
    return Ready(tmp_path / "ft", request.param)


def launcher_of(backend: LocalBackend) -> int:
    """Pid of its launcher."""
    assert backend._sessions is not None
    pid = backend._sessions._link.pid
    assert pid is not None
    return pid


def launcher_is(backend: LocalBackend, pid: int) -> bool:
    """Whether it still has the launcher ``pid``."""
    assert backend._sessions is not None
    return backend._sessions._link.pid == pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """With a process that reads nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def count_looks(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What looks at directories find from now on."""
    found: list[Finding] = []
    look = attempts.look

    def noted(control: str) -> Finding:
        found.append(look(control))
        return found[-1]

    monkeypatch.setattr(attempts, "look", noted)
    return found


async def waiting_in(control: str, launcher: int) -> int:
    """Pid of the process that waits at the gate: nobody else but the launcher has that attempt's directory open."""

    def has(process: Path) -> bool:
        try:
            return any(str(fd.readlink()).startswith(f"{control}/") for fd in (process / "fd").iterdir())
        except OSError:
            return False

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        table = [place for place in Path("/proc").iterdir() if place.name.isdigit() and int(place.name) != launcher]
        if found := [int(place.name) for place in table if has(place)]:
            return found[0]
        await asyncio.sleep(0.002)
    raise AssertionError(f"nobody waits in {control}")


def pipes_of(pid: int) -> int:
    """How many ends of pipes a process has open."""
    return sum(str(fd.readlink()).startswith("pipe:") for fd in Path(f"/proc/{pid}/fd").iterdir())


async def submitted(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
    """The story goes on as foreseen, whatever became of it meanwhile: the command runs once."""
    assert ready.ran == 0
    await backend.submit(SPEC)
    assert (await reports.ended(SPEC.attempt_id)).exit_code == 3
    assert ready.ran == 1


def test_it_begins_when_it_is_submitted(ready: Ready) -> None:
    """And says so, and when."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        before = time.time()
        await submitted(ready, backend, reports)
        assert (await reports.running(SPEC.attempt_id)).at >= before

    ready.tell(story)


def test_it_never_began_if_it_is_forgotten(ready: Ready) -> None:
    """A job that was cancelled meanwhile."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        await backend.forget(SPEC.attempt_id)
        await ready.until(Finding.UNSTARTED)
        assert (ready.ran, reports.of(SPEC.attempt_id)) == (0, [])

    ready.tell(story)


def test_it_never_began_if_the_engine_ends(ready: Ready) -> None:
    """The gate's end is the launcher's, which ends with the engine; the next one starts it afresh."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        await backend.aclose()
        await ready.until(Finding.UNSTARTED)
        await backend.open(reports)
        await submitted(ready, backend, reports)

    ready.tell(story)


def test_a_launcher_that_dies_takes_it_along(ready: Ready) -> None:
    """It is started afresh when it is submitted."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        os.kill(launcher_of(backend), signal.SIGKILL)
        await submitted(ready, backend, reports)

    ready.tell(story)


def test_a_launcher_that_dies_with_the_word_unread_changes_nothing(ready: Ready) -> None:
    """Whether it began then, its directory says."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        pid = launcher_of(backend)
        os.kill(pid, signal.SIGSTOP)
        await backend.submit(SPEC)
        os.kill(pid, signal.SIGKILL)
        assert (await reports.ended(SPEC.attempt_id)).exit_code == 3
        assert ready.ran == 1

    ready.tell(story)


def test_one_that_was_killed_at_the_gate_is_started_afresh(ready: Ready) -> None:
    """It never began: it is not lost, it says when it runs, and the launcher keeps nothing of it."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        launcher = launcher_of(backend)
        os.kill(await waiting_in(ready.control, launcher), signal.SIGKILL)
        await ready.until(Finding.UNSTARTED)
        await backend.submit(session_spec("w-1-1", "true"))
        await reports.ended("w-1-1")  # the launcher has seen it by then
        await submitted(ready, backend, reports)
        await reports.running(SPEC.attempt_id)
        assert pipes_of(launcher) == 2

    ready.tell(story)


def test_one_that_was_killed_as_the_word_came_is_started_afresh(ready: Ready) -> None:
    """The launcher hears that it may begin before it sees its end."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        launcher = launcher_of(backend)
        waiting = await waiting_in(ready.control, launcher)
        with stopped(launcher):
            os.kill(waiting, signal.SIGKILL)
            await ready.until(Finding.UNSTARTED)
            await backend.submit(SPEC)
        assert (await reports.ended(SPEC.attempt_id)).exit_code == 3
        await reports.running(SPEC.attempt_id)
        assert (ready.ran, pipes_of(launcher)) == (1, 2)

    ready.tell(story)


def test_it_is_started_afresh_once_however_often_somebody_must_look(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second start would clear the folders of the first."""
    afresh: list[str] = []
    start_afresh = sessions.Sessions._start_afresh

    async def counted(self: sessions.Sessions, session: Session) -> None:
        afresh.append(session.spec.attempt_id)
        await start_afresh(self, session)

    monkeypatch.setattr(sessions.Sessions, "_start_afresh", counted)

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        launcher = launcher_of(backend)
        waiting = await waiting_in(ready.control, launcher)
        with stopped(launcher):
            os.kill(waiting, signal.SIGKILL)
            await ready.until(Finding.UNSTARTED)
            lock = (Path(ready.control) / "lock").open("r+")
            fcntl.flock(lock, fcntl.LOCK_EX)
            await backend.submit(SPEC)
            looks = count_looks(monkeypatch)
        while len(looks) < 2:  # the launcher did not find it, so its directory is looked at again and again
            await asyncio.sleep(0.002)
        os.kill(launcher, signal.SIGKILL)
        while launcher_is(backend, launcher):
            await asyncio.sleep(0.002)
        lock.close()
        assert (await reports.ended(SPEC.attempt_id)).exit_code == 3
        assert (afresh, ready.ran) == ([SPEC.attempt_id], 1)

    ready.tell(story)


def test_nobody_else_holds_the_gate_open(ready: Ready) -> None:
    """A session that began meanwhile goes on when the launcher dies; what stood ready does not stay behind."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(session_spec("w-1-1", "sleep 60"))
        await reports.running("w-1-1")
        backend.foresee(replace(SPEC, attempt_id="j-1-1", path="j-1-1", outputs="jobs/1/j-1-1"))
        os.kill(launcher_of(backend), signal.SIGKILL)
        await ready.until(Finding.UNSTARTED)
        await ready.until(Finding.ALIVE, "w-1-1")
        await backend.cancel("w-1-1", "cancelled")
        await reports.ended("w-1-1")

    ready.tell(story)


def test_one_that_nobody_submits_does_not_stand_for_ever(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its slots went to another, the disk is slow, its job cannot go on: it holds nothing, and may begin later."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        monkeypatch.setattr(foreseen, "_FRESH_SECONDS", 0.1)
        spec = replace(SPEC, attempt_id="j-1-1", path="j-1-1", outputs="jobs/1/j-1-1")
        backend.foresee(spec)
        await asyncio.sleep(0.1)  # not less than the time that it has
        await backend.submit(session_spec("w-1-1", "true"))
        await reports.ended("w-1-1")  # the launcher has heard all of it by then
        await ready.until(Finding.UNSTARTED, spec.attempt_id)
        await backend.submit(spec)
        assert (await reports.ended(spec.attempt_id)).exit_code == 3
        assert ready.ran == 1

    ready.tell(story)


def test_what_never_began_was_not_lost_in_a_reboot(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not exist for the next engine, which would give it slots that it does not have."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        await backend.aclose()
        await ready.until(Finding.UNSTARTED)
        with monkeypatch.context() as rebooted:
            rebooted.setattr(attempts, "BOOT", "another")
            assert attempts.look(ready.control) is Finding.UNSTARTED
        await backend.open(reports)
        assert not await backend.exists(SPEC.attempt_id)
        await submitted(ready, backend, reports)
        assert await backend.exists(SPEC.attempt_id)
        monkeypatch.setattr(attempts, "BOOT", "another")
        os.truncate(f"{ready.control}/pid", 0)
        os.truncate(f"{ready.control}/status", 0)
        assert attempts.look(ready.control) is Finding.GONE

    ready.tell(story)


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_cancel_overtakes_a_launcher_that_is_slow(ready: Ready, is_foreseen: bool) -> None:
    """Nobody begins after the report that it was cancelled."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        spec = replace(SPEC, attempt_id="j-1-1", path="j-1-1", outputs="jobs/1/j-1-1")
        launcher = launcher_of(backend)
        with stopped(launcher):
            if is_foreseen:
                backend.foresee(spec)
            await backend.submit(spec)
            await backend.cancel(spec.attempt_id, "cancelled")
            assert (await reports.ended(spec.attempt_id)).status is Status.CANCELLED
        await backend.submit(session_spec("w-1-1", "true"))
        await reports.ended("w-1-1")
        assert attempts.look(str(ready.home / "attempts/j-1-1")) is Finding.UNSTARTED
        assert ready.ran == 0

    ready.tell(story)


def test_one_that_is_only_to_be_found_is_not_begun(ready: Ready) -> None:
    """Cancelled before it could begin: it never shall."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        await backend.adopt(SPEC)
        assert (await reports.ended(SPEC.attempt_id)).status is Status.ERROR
        assert ready.ran == 0

    ready.tell(story)


@pytest.mark.parametrize("more", [{"image": "x:1"}, {"cluster_size": 2}, {"slots": ResourceSlots({"cuda.device": 1})}])
def test_nothing_scarce_is_held_for_what_may_never_begin(tmp_path: Path, more: dict[str, Any]) -> None:
    """A device that stands ready for one session could be what another waits for."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        backend.foresee(replace(SPEC, attempt_id="j-1-1", **more))
        assert not (ready.home / "attempts" / "j-1-1").exists()

    Ready(tmp_path / "ft", "folders").tell(story)
