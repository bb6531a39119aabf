"""One replica while an engine looks after it: slots, session, health, and its end once it is drained."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.services import health, replicas
from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.engine.serving import ReplicaInfo, SlotDesk
from fasttrack_jupyter.model.lifecycle import ENDED, Status
from fasttrack_jupyter.model.resources import ResourceSlots

_FIRST_LOOKS, _LOOKS = 0.1, 1.0
"""Seconds between two looks at a replica that was never healthy: at first, and at most."""
_ENOUGH_FAILURES = 3
"""Of a replica without a health check."""


class Ground(Protocol):
    """What replicas stand on."""

    desk: SlotDesk

    def control(self, attempt_id: str) -> str:
        """The directory of a session."""
        ...

    def exists(self, attempt_id: str) -> bool:
        """Whether a session was ever begun."""
        ...

    def begin_session(self, spec: SessionSpec, *, create: bool) -> None:
        """Start a session, or adopt it."""
        ...

    def end(self, attempt_id: str, reason: str) -> None:
        """Ask for its end."""
        ...

    def has_networks(self) -> Coroutine[Any, Any, bool]:
        """Whether a session can have a network of its own."""
        ...


@dataclass(slots=True)
class Replica:
    """See the module's text. ``news`` is called when anything changed."""

    record: ReplicaRecord
    revision: Revision
    ground: Ground
    news: Callable[[], None]
    status: str = Status.PENDING
    reason: str = ""
    is_healthy: bool = False
    was_healthy: bool = False
    is_failed: bool = False
    """It must be replaced: it ended, or its health is beyond what the definition bears."""
    is_begun: bool = False
    """Whether there may be a session."""
    is_ending: bool = False
    is_gone: bool = False
    """Its session is over, and everything of it."""
    is_cleared: bool = False
    """Nothing that it left lies about any more, but for its log."""
    healthy_since: float | None = None
    started_at: float | None = None
    exit_code: int | None = None
    work: asyncio.Task[None] | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        """Of its session."""
        return self.record.id

    @property
    def slots(self) -> ResourceSlots:
        """What it takes."""
        return self.revision.spec.slots

    def info(self) -> ReplicaInfo:
        """What is told of it."""
        reason = "" if self.is_healthy else self.reason or self.ground.desk.why_waiting(self.id)
        status = Status.TERMINATING if self.is_ending and not self.is_gone else self.status
        return ReplicaInfo(self.id, str(status), self.is_healthy, reason, self.started_at, self.revision.number)

    def adopt(self) -> None:
        """It was begun by an earlier engine: what was known of its health holds until it is asked."""
        if not self.ground.exists(self.id):
            self.is_failed = self.is_ending = self.is_gone = True
            return
        self.ground.desk.hold(self.id, self.slots)
        self.is_begun, self.was_healthy = True, self.record.was_healthy
        self.is_healthy = self.was_healthy and attempts.killed(self.ground.control(self.id)) is None
        self.ground.begin_session(replicas.replica_spec(self.revision, self.record), create=False)

    async def start(self) -> None:
        """Start it once there are slots for it. Raises FastTrackError, OSError."""
        await self.ground.desk.take(self.id, self.slots)
        self.reason, self.is_begun = "", True
        self.ground.begin_session(replicas.replica_spec(self.revision, self.record), create=True)

    def heard(self, report: SessionReport) -> None:
        """What the backend says about its session."""
        self.status, self.reason = report.status, report.reason or self.reason
        self.exit_code = report.exit_code
        self.started_at = report.data.get("started_at", self.started_at)
        if report.status in ENDED:
            self.is_gone, self.is_healthy, self.is_failed = True, False, True
            self._ended.set()
            if self.work is not None and not self.is_ending:
                self.work.cancel()
        elif report.status is Status.RUNNING and not self.is_ending and (self.work is None or self.work.done()):
            self.work = asyncio.get_running_loop().create_task(self._look_after())
        self.news()

    async def _look_after(self) -> None:
        """Ask for its health until it has failed for good."""
        check = self.revision.served.checked
        began, wait, failures = self.started_at or time.time(), _FIRST_LOOKS, 0
        interval = check.interval if check else _LOOKS
        most = check.max_retries if check else _ENOUGH_FAILURES
        patience = (check.initial_delay + interval * most) if check else self.revision.timeout
        while True:
            why = await health.ask(replicas.address_of(self.ground.control(self.id), self.record), check)
            failures = failures + 1 if why else 0
            if not why:
                self._is_well()
            else:
                self._is_ill(why)
                if failures >= most if self.was_healthy else time.time() - began > patience:
                    self.is_failed, self.is_healthy = True, False
                    self.news()
                    return
            await asyncio.sleep(interval if self.was_healthy else min(wait, interval))
            wait = min(wait * 1.5, _LOOKS)

    def _is_well(self) -> None:
        if not self.is_healthy:
            self.is_healthy = self.was_healthy = True
            self.healthy_since, self.reason = time.time(), ""
            self.news()

    def _is_ill(self, why: str) -> None:
        if why != self.reason:
            self.reason = why
            self.news()

    async def end(self, drained: Callable[[str], Coroutine[Any, Any, None]], why: str) -> None:
        """End it once nobody waits for an answer of it any more (``drained``); returns when nothing of it is left."""
        if self.work is not None:
            self.work.cancel()
            await asyncio.gather(self.work, return_exceptions=True)
        self.is_gone = self.is_gone or not self.is_begun
        if not self.is_gone:
            await drained(self.id)
        if not self.is_gone:
            self.ground.end(self.id, why)
            await self._ended.wait()
