"""What a service lives in, and how long it waits before it tries again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision, ServiceRecord
from fasttrack_jupyter.backends.local.services.replica import Ground
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec

_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
"""Seconds before a failed replica is replaced: the first time, doubled each time, and at most."""


class House(Ground, Protocol):
    """What a service lives in."""

    def save(self, record: ServiceRecord) -> None:
        """Write it down."""
        ...

    def forget(self, record: ServiceRecord) -> Coroutine[Any, Any, None]:
        """Remove what is left of the replicas of a service that is gone, then its file. May be done again."""
        ...

    def let_go(self, record: ServiceRecord) -> None:
        """A service is gone, and all its rollouts are told."""
        ...

    def discard(self, replica: ReplicaRecord, revision: Revision) -> Coroutine[Any, Any, None]:
        """Remove what a replica that is gone left, but for its log. Raises OSError."""
        ...

    def discard_logs(self, replicas: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Remove the logs of replicas that are gone."""
        ...

    def recall(self, attempt_id: str) -> Awaitable[SessionSpec]:
        """The spec of a deployment once more."""
        ...

    def report(self, report: SessionReport) -> None:
        """Tell the engine about a rollout."""
        ...

    def looked(self) -> None:
        """A service has looked at itself, and may have something new to tell."""
        ...

    def sync(self) -> Coroutine[Any, Any, dict[str, int]]:
        """Tell the gateway how things are; by replica, how many requests it is busy with."""
        ...


@dataclass(slots=True)
class Pauses:
    """The pause before the next replica is started, longer with each one that failed soon."""

    failures: int = 0
    until: float = 0.0

    def failed(self, *, was_stable: bool) -> None:
        """Another one did; ``was_stable``: after it had been healthy for long."""
        self.failures = 1 if was_stable else self.failures + 1
        self.until = time.monotonic() + min(_PAUSE * 2 ** (self.failures - 1), _LONGEST_PAUSE)

    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.until - time.monotonic())
