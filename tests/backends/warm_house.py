"""A local backend with warm start, and sessions of single cells in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.testing.conformance import FOLDER, Reports, opened, session_spec


class Ended(NamedTuple):
    """What is left of a session."""

    report: SessionReport
    log: str
    outputs: Mapping[str, str]

    @property
    def notes(self) -> str:
        """What people are told about how it started."""
        return " ".join(self.report.data.get("notes", ()))


class House:
    """A backend, open, and its sessions of cells."""

    def __init__(self, backend: LocalBackend, reports: Reports, home: Path) -> None:
        self.backend, self.reports, self.home = backend, reports, home
        self.count = 0

    async def submit(self, cell: str, own: Mapping[str, str] | None = None, **more: Any) -> str:
        """Start a session of one cell; ``own`` lies beside the notebook."""
        files = {f"n.cells/{name}": data for name, data in travel_files().items()}
        entry = {"file": "c.py", "label": "cell 1", "kind": "task"}
        files["n.cells/c.py"] = cell.encode()
        files["n.cells/tasks.json"] = json.dumps({"format": 1, "tasks": {"it": {"cells": [entry]}}}).encode()
        code = await self.backend.put_code(files | {name: text.encode() for name, text in (own or {}).items()})
        attempt, self.count = f"j-{self.count}-1", self.count + 1
        await self.backend.submit(session_spec(attempt, "python3 n.cells/execute.py it", code=code, **more))
        return attempt

    async def ended(self, attempt: str) -> Ended:
        """Wait for it."""
        report = await self.reports.ended(attempt)
        log = (self.home / f"attempts/{attempt}/log").read_text()
        outputs = self.home / f"folders/{FOLDER}/jobs/1/{attempt}"
        kept = {path.name: path.read_text() for path in outputs.iterdir() if path.is_file()}
        here = str(self.home)
        return Ended(report, log.replace(here, "…"), {name: text.replace(here, "…") for name, text in kept.items()})

    async def run(self, cell: str, own: Mapping[str, str] | None = None, **more: Any) -> Ended:
        """Start a session of one cell, and wait for it."""
        return await self.ended(await self.submit(cell, own, **more))

    async def wrote(self, attempt: str, text: str = "up") -> None:
        """Wait until its log has ``text``."""
        deadline = time.monotonic() + 20
        log = self.home / f"attempts/{attempt}/log"
        while not log.exists() or text not in log.read_text():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    def warm(self) -> list[int]:
        """Pids of the warm interpreters."""
        return [pid for pid, _, _ in self.backend._open_sessions().warm]


@contextlib.asynccontextmanager
async def house(home: Path, *, warm: bool = True, mode: str = "auto", **chosen: Any) -> AsyncIterator[House]:
    """A house in ``home``."""
    backend = LocalBackend(LocalSettings(home, mode=mode, warm_start=warm, grace=0.5, **chosen))
    async with opened(backend) as reports:
        yield House(backend, reports, home)


def in_a_house(home: Path, *cells: str, **how: Any) -> list[Ended]:
    """Run cells one after the other in a house with warm start."""

    async def go() -> list[Ended]:
        async with house(home) as it:
            return [await it.run(cell, **how) for cell in cells]

    return asyncio.run(go())
