"""Sessions that stand ready behind a gate: nothing of them begins before the word, and nothing is left without it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import attempts, foreseen
from fasttrack_jupyter.backends.local.attempts import Finding
from fasttrack_jupyter.backends.local.backend import LocalBackend
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

    async def until(self, finding: Finding) -> None:
        """Wait for what a look at its directory finds."""
        deadline = time.monotonic() + 20
        while attempts.look(self.control) is not finding:
            assert time.monotonic() < deadline, attempts.look(self.control)
            await asyncio.sleep(0.002)

    @property
    def ran(self) -> int:
        """How often the command began."""
        file = self.home / "folders" / SPEC.folder / ".pipeline" / "ran"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture(params=["auto", "folders"])
def ready(request: pytest.FixtureRequest, tmp_path: Path) -> Ready:
    """In private namespaces where they work, and without."""
    return Ready(tmp_path / "ft", request.param)


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
        assert backend._sessions is not None
        pid = backend._sessions._link.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await submitted(ready, backend, reports)

    ready.tell(story)


def test_a_launcher_that_dies_with_the_word_unread_changes_nothing(ready: Ready) -> None:
    """Whether it began then, its directory says."""

    async def story(ready: Ready, backend: LocalBackend, reports: Reports) -> None:
        assert backend._sessions is not None
        pid = backend._sessions._link.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await backend.submit(SPEC)
        os.kill(pid, signal.SIGKILL)
        assert (await reports.ended(SPEC.attempt_id)).exit_code == 3
        assert ready.ran == 1

    ready.tell(story)


def test_who_stood_ready_too_long_starts_anew(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """The age of a session is that of its supervisor, and timeouts go by it."""
    monkeypatch.setattr(foreseen, "_FRESH_SECONDS", 0.0)
    ready.tell(submitted)


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
