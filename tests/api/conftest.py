"""The API served by a thread, over a façade that only remembers how it was called."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.api.server import Server
from fasttrack_jupyter.engine import profiles, views
from fasttrack_jupyter.home import Home

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
JOB = {"id": "0123456789abcdef", "index": 12, "pipeline": "digits", "status": "RUNNING", "result": "UNDEFINED"}
SUMMARY = views.JobSummary.model_validate({**JOB, "reason": "", "created_at": NOW, "started_at": NOW, "ended_at": None})
FOLDER = views.FolderView(name="data", usage_mode="data", created_at=NOW, host_path=None, pipeline=None)
LOG = views.LogView(attempt="a-1", data="hello\n", start=0, next=6, size=6, ended=True)
PROFILE = profiles.ProfileView(
    name="work", backend="backend.ai:work", endpoint="https://a", mode="api", domain="default", project="default",
    resource_group=None, folder_host=None, verify_tls=True, proxy=None, account=None, key=None, kept=True,
)  # fmt: skip


class RememberingEngine:
    """Stands for FastTrack: every call is remembered, and answered with what the test put into ``answers``."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.answers: dict[str, Any] = {
            "run": SUMMARY, "rerun": SUMMARY, "cancel": SUMMARY, "annotate": SUMMARY, "set_priority": SUMMARY,
            "jobs": [SUMMARY], "attempts": [], "pipelines": [], "folders": [FOLDER], "make_folder": FOLDER,
            "images": [], "secrets": [], "doctor": [], "outputs": [], "slots": {}, "usage": {}, "shell": ["sh"],
            "delete": 1, "logs": LOG, "job_text": "name: x\n", "set_secret": None, "remove_secret": None,
            "remove_folder": None, "profiles": [], "put_profile": PROFILE, "delete_profile": None,
            "check_profile": profiles.ProfileCheck(release="26.9.6", account=None, role=None, projects=()),
            "verify_signed": profiles.SignedBy(account=None, access_key="…MPLE"),
            "validate": views.ValidationView(valid=True), "export": views.ExportView(text="", losses=()),
            "gc": views.GcView(dry_run=True, jobs=(), folders=(), bytes=0),
            "plan": views.PlanView(pipeline="digits", backend="local", tasks=()),
            "plan_rerun": views.PlanView(pipeline="digits", backend="local", tasks=()),
            "events": views.EventsPage(events=(), next=0),
        }  # fmt: skip
        self.idle = True

    def is_idle(self) -> bool:
        return self.idle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def answer(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            found = self.answers[name]
            found = found(*args, **kwargs) if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return found

        return answer


class Stopper:
    """Stands for the process around the engine."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def engine() -> RememberingEngine:
    return RememberingEngine()


@pytest.fixture
def stopper() -> Stopper:
    return Stopper()


@pytest.fixture
def home() -> Iterator[Home]:
    """A home whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="ft") as folder:
        found = Home(folder)
        found.make()
        yield found


@pytest.fixture
def served(home: Home, engine: RememberingEngine, stopper: Stopper) -> Iterator[Home]:
    """The home whose socket answers for ``engine``."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ended: asyncio.Future[None] = loop.create_future()

    async def serve() -> None:
        server = Server(engine, stopper)  # type: ignore[arg-type]  # only what it is asked for
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(home.socket))
            await server.open(listener)
            ready.set()
            await ended
            await server.aclose()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield home
    loop.call_soon_threadsafe(ended.set_result, None)
    thread.join(10)
    loop.close()


@pytest.fixture
def client(served: Home) -> Iterator[Client]:
    with Client(served, start=False, timeout=20) as found:
        yield found
