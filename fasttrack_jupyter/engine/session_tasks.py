"""Which task instances the sessions of a cluster are, as far as this home knows their jobs."""

from __future__ import annotations

from fasttrack_jupyter.engine.clusters import ClusterSession, SessionsPage, SessionTask
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.job import parse_attempt_id

_MOST = 2000
"""Sessions that are remembered: what one is an attempt of stays the same, and is asked for every few seconds."""


class SessionTasks:
    """Finds them in one home's store."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._known: dict[str, SessionTask] = {}
        """By attempt."""

    async def told(self, page: SessionsPage) -> SessionsPage:
        """The same sessions, with their tasks."""
        missing = {each.attempt for each in page.sessions if each.attempt and each.attempt not in self._known}
        if len(self._known) + len(missing) > _MOST:
            self._known.clear()
        for job in {parse_attempt_id(attempt)[0] for attempt in missing}:
            self._known |= await self._of(job, missing)
        return page.model_copy(update={"sessions": tuple(map(self._with_task, page.sessions))})

    async def _of(self, job: str, attempts: set[str]) -> dict[str, SessionTask]:
        """The tasks of those of ``attempts`` that are the job's; none where this home does not have it."""
        try:
            found = await self._store.job(job)
        except NotFound:
            return {}
        paths = {instance.ordinal: instance.path for instance in await self._store.instances(job)}
        tasks = {}
        for attempt in attempts:
            owner, ordinal, number = parse_attempt_id(attempt)
            if owner == job and ordinal in paths:
                tasks[attempt] = SessionTask(
                    job=job, pipeline=found.pipeline, index=found.index, path=paths[ordinal], attempt=number
                )
        return tasks

    def _with_task(self, session: ClusterSession) -> ClusterSession:
        return session.model_copy(update={"task": self._known.get(session.attempt or "")})
