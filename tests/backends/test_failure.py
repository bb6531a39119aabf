"""Why a task failed, in its own words: read when its command failed, and only then."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.failure import failure_told
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.testing.conformance import FOLDER, opened, session_spec

SPEC = "j-0-1"
SAYS = """echo '{"text": "no disk in drive A"}' > /pipeline/outputs/.failure.json; """


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    """The best mode of this machine."""
    return LocalSettings(tmp_path / "home", grace=0.2, watch_interval=60.0)


def end_of(settings: LocalSettings, command: str, *, timeout: float | None = None) -> tuple[SessionReport, list[str]]:
    """How the command ended, and what lies in its outputs once the end is stored."""
    spec = session_spec(SPEC, command, timeout=timeout)

    async def go() -> tuple[SessionReport, list[str]]:
        async with opened(backend := LocalBackend(settings)) as reports:
            await backend.submit(spec)
            end = await reports.ended(SPEC)
            await backend.forget(SPEC)
            return end, [entry.path for entry in await backend.files(FOLDER, spec.outputs)]

    return asyncio.run(go())


def test_a_failed_command_tells_why(settings: LocalSettings) -> None:
    """Beside its exit code, which stays the reason; once that is stored the file is gone."""
    end, files = end_of(settings, SAYS + "exit 3")
    assert (end.reason, end.exit_code, end.data["failure"], files) == ("exit 3", 3, "no disk in drive A", [])


@pytest.mark.parametrize("command", ["exit 0", "sleep 60"])
def test_what_succeeds_or_is_ended_tells_nothing(settings: LocalSettings, command: str) -> None:
    """The file is from a failure that was overcome, or the time limit is the reason."""
    end, files = end_of(settings, SAYS + command, timeout=0.5)
    assert end.reason in ("", "timeout 0.5s")
    assert ("failure" in end.data, files) == (False, [])


def test_the_next_engine_is_told_the_same(settings: LocalSettings) -> None:
    """An engine that dies before the end is stored leaves the file to the one after it."""
    spec = session_spec(SPEC, SAYS + "exit 3")

    async def go(begin: str) -> SessionReport:
        async with opened(backend := LocalBackend(settings)) as reports:
            await getattr(backend, begin)(spec)
            return await reports.ended(SPEC)

    assert asyncio.run(go("submit")).data["failure"] == asyncio.run(go("adopt")).data["failure"] == "no disk in drive A"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"text": 3}', '{"text": null}', '{"text": "%s"}' % ("x" * 4096), "[" * 4000]
)
def test_what_makes_no_sense_tells_nothing(tmp_path: Path, content: str) -> None:
    """A task writes what it likes."""
    (tmp_path / ".failure.json").write_text(content)
    assert failure_told(str(tmp_path)) == ""


def test_only_a_plain_file_tells(tmp_path: Path) -> None:
    """Links are not followed, pipes not waited for, and none at all is the usual case."""
    place = tmp_path / ".failure.json"
    assert failure_told(str(tmp_path)) == ""
    (tmp_path / "there").write_text('{"text": "secret"}')
    place.symlink_to(tmp_path / "there")
    assert failure_told(str(tmp_path)) == ""
    place.unlink()
    os.mkfifo(place)
    assert failure_told(str(tmp_path)) == ""
