"""Starts that do not succeed at once: asked again, tried again, told; and the loop is not held up meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.removal import remove_tree
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BackendUnreachable, Conflict
from fasttrack_jupyter.testing.conformance import opened, session_spec

SPEC = session_spec("j-0-1", "exit 3")


def test_a_start_that_found_no_device_is_asked_again_and_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused for now is as if it had never been asked: the next submit starts it."""
    backend = LocalBackend(LocalSettings(tmp_path / "ft", mode="folders"))
    taken: list[Any] = [None]

    def allocate(*_: Any) -> dict[str, str]:
        if taken and taken.pop() is not None:
            raise Conflict("no device is free")
        return {}

    async def go() -> SessionReport:
        async with opened(backend) as reports:
            monkeypatch.setattr(backend._prepare, "_allocate", allocate)
            await backend.submit(session_spec("j-9-1", "true"))  # from here on nothing has to be looked up
            await reports.ended("j-9-1")
            taken.append("taken")
            with pytest.raises(BackendUnreachable, match="no device"):
                await backend.submit(SPEC)
            await backend.submit(SPEC)
            return await reports.ended(SPEC.attempt_id)

    assert asyncio.run(go()).exit_code == 3


def test_what_an_earlier_start_left_is_removed_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much it is, and read-only folders too."""
    threads: list[int] = []

    def removing(path: Path) -> int:
        threads.append(threading.get_ident())
        return remove_tree(path)

    monkeypatch.setattr("fasttrack_jupyter.backends.local.sessions.remove_tree", removing)
    left = tmp_path / "ft/folders/pipeline-1/jobs/1/j-0-1"
    (left / "half").mkdir(parents=True)
    (left / "half").chmod(0o500)
    (tmp_path / "ft/attempts/j-0-1").mkdir(parents=True)

    async def go() -> SessionReport:
        async with opened(backend := LocalBackend(LocalSettings(tmp_path / "ft", mode="folders"))) as reports:
            await backend.submit(SPEC)
            return await reports.ended("j-0-1")

    assert asyncio.run(go()).exit_code == 3
    assert threads
    assert threading.get_ident() not in threads
    assert list(left.iterdir()) == []
