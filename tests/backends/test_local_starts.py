"""Starts that do not succeed at once: asked again, tried again, told; and the loop is not held up meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.files.removal import remove_tree
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.environments import ResolvedImage
from fasttrack_jupyter.backends.local.patience import patiently
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BackendUnreachable, Conflict
from fasttrack_jupyter.model.lifecycle import Result, Status
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


def silent(answers: list[Any]) -> Any:
    """In place of the resolver: raises what is in ``answers``, one after the other, the last for ever."""
    asked: list[str] = []

    async def resolve(image: str, *_: Any) -> Any:
        asked.append(image)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


AWAY = BackendUnreachable("uv could not build the environment: dns error", hint="see to the network")


def outcome_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolve: Any, patience: float) -> list[SessionReport]:
    """All reports of a session of an image that ``resolve`` resolves."""
    monkeypatch.setattr(patiently, "__kwdefaults__", {"pauses": (0.01, 0.05)})
    backend = LocalBackend(LocalSettings(tmp_path / "ft", mode="folders", source_patience=patience))
    monkeypatch.setattr(backend._images, "resolve", resolve)

    async def go() -> list[SessionReport]:
        async with opened(backend) as reports:
            await backend.submit(session_spec("j-0-1", "exit 3", image="uv:tiny"))
            await reports.ended("j-0-1")
            return reports.of("j-0-1")

    return asyncio.run(go())


def test_an_index_that_does_not_answer_fails_the_task_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again ever more slowly, each wait is told; then ERROR with what to do, and a retry may help."""
    resolve = silent([AWAY])
    *before, end = outcome_of(tmp_path, monkeypatch, resolve, 0.4)
    assert (end.status, end.result, end.is_final) == (Status.ERROR, Result.FAILURE, False)
    assert end.reason.startswith("it could not be started: uv could not build the environment: dns error (asked for")
    assert "see to the network" in end.reason
    assert "FASTTRACK_LOCAL_SOURCE_PATIENCE" in end.reason
    assert 5 < len(resolve.asked) < 20
    assert any("asked again in" in report.reason for report in before)


def test_an_index_that_answers_in_time_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session starts then."""
    resolve = silent([AWAY, AWAY, ResolvedImage("interpreter", "this one")])
    *_, end = outcome_of(tmp_path, monkeypatch, resolve, 60.0)
    assert (end.exit_code, len(resolve.asked)) == (3, 3)
