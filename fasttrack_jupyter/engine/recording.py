"""Recording what was decided, whatever befalls the store.

While the store cannot write (a full disk, another program that holds it) it is asked again, and
``paused`` says why everything waits. Changes that it refuses are a contradiction between one job
and its rows: they are recorded job by job then, and who is refused again is told of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import EventBus
from fasttrack_jupyter.errors import StoreError
from fasttrack_jupyter.model.job import Change

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two tries to record while the store cannot write."""


class Recorder:
    """Records changes, and hints at them; ``refused`` is told of a job whose changes the store will not take."""

    def __init__(self, store: JobStore, bus: EventBus, refused: Callable[[str, Exception], None]) -> None:
        self._store, self._bus, self._refused = store, bus, refused
        self.paused: str | None = None
        """Why nothing is recorded, and so nothing new started, just now; None while all is well."""

    async def record(self, changes: Sequence[Change]) -> None:
        """Return when each of ``changes`` is durable, or refused."""
        try:
            await self._record(changes)
        except Exception as error:
            by_job: dict[str, list[Change]] = {}
            for change in changes:
                by_job.setdefault(change.job_id, []).append(change)
            if len(by_job) == 1:
                self._refused(changes[0].job_id, error)
                return
            for of_one_job in by_job.values():
                await self.record(of_one_job)

    async def _record(self, changes: Sequence[Change]) -> None:
        while True:
            try:
                seq = await self._store.record(changes)
                break
            except StoreError as error:
                if self.paused is None:
                    log.error("paused: %s", error)
                self.paused = f"paused: {error.message}"
                await asyncio.sleep(PAUSE)
        self.paused = None
        self._bus.publish(seq)
