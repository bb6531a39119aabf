"""Real engines on homes of their own, asked from outside: what the tests of this folder share."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.home import Home

T = TypeVar("T")
MODES = ("folders", "namespaces")
SETTINGS = {
    "FASTTRACK_IDLE": "60",
    "FASTTRACK_SECRETS": "file",
    "FASTTRACK_LOCAL_GRACE": "0.5",
    "FASTTRACK_LOCAL_WATCH_INTERVAL": "0.05",
    "FASTTRACK_LOCAL_LOG_CAP": "2m",
    "FASTTRACK_SLOTS": "cpu=8,mem=8g",
    "FASTTRACK_CONTAINER_ENGINE": "none",
}
"""Short waits, small logs, and slots that do not depend on the machine."""


class Place:
    """One home and the engine that serves it."""

    def __init__(self, home: Path, mode: str) -> None:
        self.home, self.mode = home, mode
        self.client = Client(Home(home))
        self._count = 0

    @property
    def environ(self) -> dict[str, str]:
        """What an engine of this place is started with."""
        return {**SETTINGS, "FASTTRACK_HOME": str(self.home), "FASTTRACK_LOCAL_MODE": self.mode}

    @staticmethod
    def until(holds: Callable[[], T], what: str, seconds: float = 30.0) -> T:
        """Wait until ``holds()`` is true, and return what it was; fail with ``what`` when it does not come true."""
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            time.sleep(0.01)
        return found

    # ------------------------------------------------------------ jobs

    def start(self, *tasks: Mapping[str, Any], name: str | None = None, **more: Any) -> str:
        """Start a job of ``tasks``; its id. ``request`` goes into the request, the rest is of the pipeline."""
        self._count += 1
        request = more.pop("request", {})
        pipeline = {"name": name or f"p{self._count}-{os.getpid()}", **more, "tasks": list(tasks)}
        text = json.dumps(pipeline, ensure_ascii=False)
        return str(self.client.run({"text": text, **request})["id"])

    def run(self, *tasks: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Run a job of ``tasks`` to its end: JobView."""
        return self.ended(self.start(*tasks, **more))

    def ended(self, job: str, seconds: float = 60.0) -> dict[str, Any]:
        """The job, once it has ended."""
        self.until(lambda: self.client.job(job)["ended_at"], f"the end of job {job}", seconds)
        return self.client.job(job)

    def sh(self, command: str, **more: Any) -> tuple[dict[str, Any], str]:
        """Run one task ``t``: its instance, and its log."""
        job = self.run({"name": "t", "command": command, **more})
        return job["tasks"][0], self.log(job["id"])

    def log(self, job: str, path: str = "t") -> str:
        """A whole log as the API gives it."""
        text, page = "", {"next": 0, "ended": False}
        while not page["ended"]:
            page = self.client.logs(job, path, after=page["next"])
            text += page["data"]
        return text

    def attempt(self, job: str, path: str = "t") -> Path:
        """The directory of an instance's last attempt."""
        return self.home / "attempts" / self.client.attempts(job, path)[-1]["id"]

    def running(self, job: str, word: str, path: str = "t") -> None:
        """Wait until a task has written ``word`` to its log."""
        self.until(lambda: word in self.client.logs(job, path)["data"], f"{word!r} in the log of {path}")

    # ------------------------------------------------------------ the engine

    @property
    def pid(self) -> int:
        """The engine's process."""
        return int(self.client.info()["pid"])

    def kill_engine(self, number: int = signal.SIGKILL) -> None:
        """End the engine, if there is one, and wait for its end (not for its reaping, which is somebody else's)."""
        with contextlib.suppress(psutil.NoSuchProcess, FastTrackError), Client(Home(self.home), start=False) as client:
            process = psutil.Process(client.info()["pid"])
            process.send_signal(number)
            self.until(lambda: process.status() == psutil.STATUS_ZOMBIE, "the engine's end")

    @staticmethod
    def alive(mark: str) -> list[psutil.Process]:
        """Live processes with ``mark`` in their command line; this one and its parents left out."""
        own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if mark in words and process.pid not in own and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def processes(self) -> list[psutil.Process]:
        """Every live process that belongs to an attempt of this home."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            where = process.environ().get("FASTTRACK_ATTEMPT", "")
            return where.startswith(f"{self.home}/attempts/") and process.status() != psutil.STATUS_ZOMBIE
        return False

    def close(self) -> None:
        """Cancel what runs, and end the engine."""
        self.client.close()
        with contextlib.suppress(FastTrackError), Client(Home(self.home), start=False) as client:
            running = [job["id"] for job in client.jobs(status=["PENDING", "RUNNING"])]
            for job in running:
                client.cancel(job)
            self.until(lambda: not client.info()["running_jobs"], "the end of what runs", 10)
        self.kill_engine()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def require_mode(place: Place) -> None:
    """Skip on a machine on which the mode does not work."""
    if place.mode == "namespaces" and (found := place.client.slots()["mode"]) != "namespaces":
        pytest.skip(f"private mounts do not work on this machine: sessions run in {found}")


@pytest.fixture(scope="session")
def shared_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """One home and engine for each mode, for all tests that leave them alone."""
    places = {mode: Place(tmp_path_factory.mktemp(mode[:2]) / "home", mode) for mode in MODES}
    yield places
    for place in places.values():
        place.close()


@pytest.fixture(params=MODES)
def place(request: pytest.FixtureRequest, shared_places: dict[str, Place], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A shared home in each mode."""
    place = shared_places[request.param]
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    require_mode(place)
    return place


@pytest.fixture
def any_place(shared_places: dict[str, Place], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A shared home in the mode that works everywhere, for what has nothing to do with modes."""
    place = shared_places["folders"]
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def new_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Place]]:
    """Makes homes of the test's own; further words are settings (``FASTTRACK_…`` without the prefix)."""
    made: list[Place] = []

    def make(mode: str = "folders", home: Path | None = None, **settings: str) -> Place:
        place = Place(home or tmp_path / f"home{len(made)}", mode)
        made.append(place)
        for name, value in {**place.environ, **{f"FASTTRACK_{k}": v for k, v in settings.items()}}.items():
            monkeypatch.setenv(name, value)
        require_mode(place)
        return place

    yield make
    for place in made:
        place.close()
