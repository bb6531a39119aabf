"""What the tests of the store share: a store on a temporary file, jobs and changes in few words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fasttrack_jupyter.engine.storing import NewJob
from fasttrack_jupyter.model.job import Change, new_job_id
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.store.sqlite import SqliteStore

T = TypeVar("T")


class Kit:
    """Stores below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.db"
        self.now = 1_700_000_000.0

    def run(self, scenario: Callable[[SqliteStore], Awaitable[T]], **settings: Any) -> T:
        """Open the store, let ``scenario`` use it, close it."""

        async def opened() -> T:
            store = await SqliteStore.open(self.path, **settings)
            try:
                return await scenario(store)
            finally:
                await store.aclose()

        return asyncio.run(opened())

    def new_job(self, *tasks: str, pipeline: str = "digits", **more: Any) -> NewJob:
        """A job of ``tasks`` (default: one, ``train``), one second later than the last."""
        self.now += 1
        fields: dict[str, Any] = {
            "id": new_job_id(self.now),
            "pipeline": pipeline,
            "folder": f"{pipeline}-abc123",
            "text": f"name: {pipeline}\n",
            "source": "/home/me/p.fasttrack.yaml",
            "backend": "local",
            "params": {},
            "instances": [(task, task) for task in tasks or ("train",)],
            "created_at": self.now,
        }
        return NewJob(**{**fields, **more})

    def move(self, job: Any, path: str | None, old: Any, new: Any, **more: Any) -> Change:
        """A change from ``old`` to ``new``, a second later than the last."""
        self.now += 1
        fields: dict[str, Any] = {"event": "Moved", "at": self.now}
        return Change(job.id, path, old, new, **{**fields, **more})

    async def finish(
        self, store: SqliteStore, job: Any, path: str, result: Result = Result.SUCCESS, **more: Any
    ) -> None:
        """Take a waiting instance through one attempt to its end; ``more`` goes into the last change."""
        await store.record([self.move(job, path, Status.WAITING, Status.PENDING, attempt=1)])
        await store.record([self.move(job, path, Status.PENDING, Status.RUNNING, attempt=1)])
        ended = {"attempt": 1, "result": result, "exit_code": 0 if result is Result.SUCCESS else 3}
        await store.record([self.move(job, path, Status.RUNNING, Status.TERMINATED, **{**ended, **more})])

    async def end(self, store: SqliteStore, job: Any, result: Result = Result.SUCCESS) -> None:
        """End a pending job."""
        await store.record(
            [
                self.move(job, None, JobStatus.PENDING, JobStatus.RUNNING),
                self.move(job, None, JobStatus.RUNNING, JobStatus.TERMINATED, result=result),
            ]
        )


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A kit on a temporary folder."""
    return Kit(tmp_path)
