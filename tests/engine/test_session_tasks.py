"""Which tasks the sessions of a cluster are."""

from __future__ import annotations

import asyncio
from typing import Any

from fasttrack_jupyter.engine.clusters import ClusterSession, SessionsPage
from fasttrack_jupyter.engine.session_tasks import SessionTasks
from fasttrack_jupyter.testing.fakes import FakeBackend


def session(attempt: str | None) -> ClusterSession:
    """As a cluster tells of it."""
    return ClusterSession(
        id="1", name=f"ft-{attempt}", type="batch", status="RUNNING", result="UNDEFINED", image="python", project="p",
        group=None, resources={}, cluster_size=1, created_at=None, ended_at=None, attempt=attempt, apps=(),
    )  # fmt: skip


def test_sessions_are_told_with_the_tasks_that_this_home_knows(engine: Any) -> None:
    """Pipeline, job, task and attempt; nothing of another home's, of a task that there is not, or of a notebook's."""

    async def story() -> None:
        async with engine.on(FakeBackend(lambda spec: 0)) as fasttrack:
            job = await fasttrack.run(engine.request("{name: prepare, command: a}", "{name: train, command: b}"))
            attempts = (f"{job.id}-1-2", f"{job.id}-7-1", "elsewhere-0-1", None)
            page = SessionsPage(total=9, sessions=tuple(map(session, attempts)))
            told = await SessionTasks(fasttrack._store).told(page)
            assert told.total == 9
            found, *others = [each.task for each in told.sessions]
            assert found is not None
            assert (found.job, found.pipeline, found.index, found.path, found.attempt) == (
                job.id, job.pipeline, 1, "train", 2,
            )  # fmt: skip
            assert others == [None, None, None]

    asyncio.run(story())
