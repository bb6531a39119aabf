"""What a FastTrack is made of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.host import wiring
from fasttrack_jupyter.host.settings import HostSettings
from fasttrack_jupyter.testing.fakes import FakeBackend


def opened(home: Home, ask: Callable[[FastTrack], Any]) -> Any:
    """What ``ask`` awaits of a FastTrack on ``home``."""

    async def run() -> Any:
        engine = await wiring.open_fasttrack(home.path, HostSettings(secrets="file"))
        try:
            return await ask(engine)
        finally:
            await engine.aclose()

    return asyncio.run(run())


def fake_backend(home: Any) -> FakeBackend:
    return FakeBackend()


def broken_backend(home: Any) -> FakeBackend:
    raise RuntimeError("no cluster today")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three packages that bring a backend: one works, one does not, one is not even there."""
    here = {"fake": fake_backend, "broken": broken_backend}
    points = [EntryPoint(name, f"here:{name}", wiring.BACKENDS) for name in ("fake", "broken", "missing")]
    monkeypatch.setattr(wiring, "entry_points", lambda group: points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: here[point.name])


def test_a_home_can_be_opened_in_process(home: Home) -> None:
    """For tests, and for whoever holds it."""
    info = opened(home, lambda engine: engine.info())
    assert (info.home, info.backends) == (str(home.path), ("local",))


@pytest.mark.usefixtures("installed")
def test_installed_backends_are_there_and_broken_ones_left_out(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """One that cannot be loaded is in the log, with its package, and keeps nothing from working."""
    with caplog.at_level(logging.ERROR):
        info = opened(home, lambda engine: engine.info())
    assert set(info.backends) == {"local", "fake"}
    assert "here:broken" in caplog.text
    assert "here:missing" in caplog.text


def test_a_pipeline_is_exported(home: Home) -> None:
    """To a format that there is."""
    text = "name: x\ntasks:\n- {name: a, command: 'true'}\n"
    assert "tasks" in opened(home, lambda engine: engine.export(text, None, "fasttrack-26.4")).text
    with pytest.raises(BadRequest) as caught:
        opened(home, lambda engine: engine.export(text, None, "airflow"))
    assert "fasttrack-26.4" in caught.value.hint
