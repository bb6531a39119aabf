"""What looks after sessions, over fakes of all that it asks: for trouble that no real cluster makes on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.listing import Entry
from fasttrack_jupyter.backends.backend_ai.looking import Row
from fasttrack_jupyter.backends.backend_ai.sessions import Sessions
from fasttrack_jupyter.backends.backend_ai.whereabouts import Whereabouts
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.resources import ResourceSlots

SPEC = SessionSpec(
    attempt_id="j-0-1", job_id="j", job_index=1, pipeline="p", folder="p-1", path="t", number=1, command="true",
    image="image", slots=ResourceSlots(), environ={}, outputs="jobs/1/t",
)  # fmt: skip


class FakeCluster:
    """No events, no answers but to DELETE."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.key, self.log = "AKIAONE", ""

    async def access_key(self) -> str:
        return self.key

    async def call(self, method: str, path: str, **more: Any) -> Any:
        if path.endswith("/logs"):
            return {"result": {"logs": self.log}}
        self.calls.append((method, path))
        return None

    async def events(self, query: object) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        await asyncio.Event().wait()
        yield "connected", {}


class FakeLooker:
    """Finds what is in ``rows``."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.told_by_containers: list[tuple[str, dict[str, Any]]] = []

    async def containers(self, name: str, session_id: str) -> list[tuple[str, dict[str, Any]]]:
        return self.told_by_containers

    async def find(self, name: str) -> list[Row]:
        return list(self.rows)

    async def look(self, names: list[str]) -> dict[str, list[Row]]:
        return {name: list(self.rows) for name in names}

    async def measure(self, names: list[str], **more: Any) -> dict[str, Any]:
        return {}

    async def aclose(self) -> None:
        """Nothing to close."""


class FakeStarter:
    """``create`` answers with what is next in ``answers``: nothing, or an error."""

    def __init__(self, looker: FakeLooker) -> None:
        self.looker = looker
        self.answers: list[Exception | None] = []
        self.created = 0

    async def prepare(self, spec: SessionSpec, progress: object) -> str:
        await asyncio.sleep(0)
        return "asked"

    async def create(self, asked: object, name: str) -> None:
        self.created += 1
        if self.answers and (error := self.answers.pop(0)):
            raise error

    def forget(self, spec: SessionSpec) -> None:
        """Nothing was remembered."""


class FakeVfolders:
    """Takes what is written, by path; ``folders`` (``begun``) are there as well. It lists itself."""

    def __init__(self) -> None:
        self.written: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.names = [SPEC.folder]

    async def write(self, folder: str, path: str, data: bytes) -> None:
        self.written[path] = data

    async def read(self, folder: str, path: str, *which: int) -> bytes:
        if path not in self.written:
            raise NotFound(path)
        return self.written[path]

    @property
    def lister(self) -> FakeVfolders:
        return self

    @property
    def catalogue(self) -> FakeVfolders:
        return self

    async def all(self, *, fresh: bool) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.names]

    async def entries(self, folder: str, path: str) -> list[Entry] | None:
        found = [each for each in (*self.written, *self.folders) if each.startswith(f"{path}/")]
        return [Entry(each.rpartition("/")[2], "FILE", 1, 5.0) for each in found] or None


class House:
    """Sessions over fakes."""

    def __init__(self, home: Path) -> None:
        self.cluster, self.looker = FakeCluster(), FakeLooker()
        self.starter = FakeStarter(self.looker)
        self.vfolders = FakeVfolders()
        self.reports: list[SessionReport] = []
        self.sessions = Sessions(
            cast(Cluster, self.cluster), self.reports.append, cast(Any, self.vfolders), cast(Any, self.starter),
            cast(Any, None), Whereabouts(home / "attempts"),
        )  # fmt: skip

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for it, not for ever."""
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.01)


def row(status: Status = Status.RUNNING, result: Result = Result.UNDEFINED) -> Row:
    """A session as the cluster tells of it."""
    return Row("id", "ft-j-0-1", status, status.value, result, "", {}, 1.0, 2.0, None)
