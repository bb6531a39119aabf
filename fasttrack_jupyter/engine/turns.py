"""Which jobs have started: so many run at once, the others wait for their turn."""

from __future__ import annotations

from collections.abc import Mapping

from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.model.lifecycle import JobStatus


class Turns:
    """The jobs that wait to be started; ``max_jobs`` run at once."""

    def __init__(self, max_jobs: int) -> None:
        self.max_jobs = max_jobs
        self._pending: list[LiveJob] = []

    def add(self, live: LiveJob) -> None:
        """A job that has not started."""
        self._pending.append(live)

    def due(self, alive: Mapping[str, LiveJob]) -> list[LiveJob]:
        """Those whose turn it is, of the jobs that are ``alive``; what was cancelled while it waited is gone."""
        self._pending = [live for live in self._pending if alive.get(live.job.id) is live and _waits(live)]
        if not self._pending:
            return []
        self._pending.sort(key=lambda live: (-live.priority, live.job.created_at, live.job.id))
        running = sum(live.machine.status is JobStatus.RUNNING for live in alive.values())
        places = max(self.max_jobs - running, 0)
        due, self._pending = self._pending[:places], self._pending[places:]
        return due


def _waits(live: LiveJob) -> bool:
    return live.machine.status is JobStatus.PENDING and not live.machine.is_cancelling
