"""One attempt's session, as the engine that looks after it sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.asking import session_name
from fasttrack_jupyter.backends.backend_ai.ends import Kill
from fasttrack_jupyter.backends.backend_ai.looking import Row
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec, UsagePoint
from fasttrack_jupyter.model.lifecycle import Status

MOST_POINTS = 300


@dataclass(slots=True)
class Session:
    """What is known of one attempt."""

    spec: SessionSpec
    was_found: bool = False
    """Whether another engine made it: then the vfolder may know why it was ended."""
    rows: tuple[Row, ...] = ()
    """What the cluster told last; more than one only where an answer was lost and it was asked for twice."""
    is_asked: bool = False
    """Whether a request for it may have reached the cluster."""
    status: Status = Status.PENDING
    """As it was reported last."""
    reason: str = ""
    waits_because: str = ""
    """Why it is PENDING, as far as that was found out, and when that was (monotonic)."""
    asked_why: float = 0.0
    trouble: str = ""
    """Why its records could not be looked at, when that was tried last; empty where they could."""
    kill: Kill | None = None
    began_at: float | None = None
    said_running_at: float = 0.0
    """When it began, as it was reported: it does not end before. With several containers a cluster says so late."""
    work: asyncio.Task[None] | None = None
    """Its beginning or its end, whichever is under way."""
    other_key: str = ""
    """The end of another access key than ours that it was asked for with, if it was."""
    is_unseen: bool = False
    """Whether only its records tell how it goes: see ``unseen.py``."""
    told_at: float | None = None
    """When (monotonic) its records told it to end."""
    ending: asyncio.Task[None] | None = None
    """What asks the cluster to end it."""
    is_finishing: bool = False
    last: SessionReport | None = None
    since: float = field(default_factory=time.monotonic)
    points: list[UsagePoint] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called on the cluster."""
        return session_name(self.spec.attempt_id)

    @property
    def folder(self) -> str:
        """The vfolder with its records, by the name it has on the cluster."""
        return places.cluster_name(self.spec.folder)

    @property
    def is_over(self) -> bool:
        """Whether its last report was made."""
        return self.last is not None

    @property
    def is_watched(self) -> bool:
        """Whether the cluster is to be asked how it is."""
        return self.is_asked and self.last is None and not self.is_finishing and not self.is_unseen

    @property
    def is_running(self) -> bool:
        """Whether its command runs."""
        return self.last is None and not self.is_finishing and self.status is Status.RUNNING

    @property
    def may_have_ended(self) -> bool:
        """Whether its command may be over without the cluster's saying so; nobody has ended it on purpose."""
        return self.is_watched and self.kill is None and self.status in (Status.RUNNING, Status.TERMINATING)

    @property
    def live(self) -> list[Row]:
        """What of it the cluster has not ended."""
        return [row for row in self.rows if not row.is_over]

    def took(self, rows: Sequence[Row]) -> None:
        """This is what the cluster tells now."""
        self.rows = tuple(rows)
        moments = [row.began_at for row in rows if row.began_at is not None]
        if moments and self.began_at is None:
            self.began_at = min(moments)

    def report_data(self) -> dict[str, Any]:
        """The part of a report's data that every report carries."""
        data: dict[str, Any] = {"mode": "cluster", "session": self.rows[-1].id if self.rows else self.name}
        if self.began_at is not None:
            data["started_at"] = self.began_at
        return data

    def used(self, at: float, use: Mapping[str, Any]) -> None:
        """Keep a point of its usage; of very many, every second one is kept."""
        if not use:
            return
        before = self.points[-1] if self.points else None
        cpu = 0.0
        if before is not None and at > before.at:
            cpu = max(0.0, (float(use.get("cpu_seconds", 0.0)) - self._cpu_seconds) / (at - before.at))
        self._cpu_seconds = float(use.get("cpu_seconds", 0.0))
        self.points.append(UsagePoint(at, round(cpu, 3), int(use.get("mem", 0)), 0))
        if len(self.points) > MOST_POINTS:
            del self.points[1:-1:2]

    _cpu_seconds: float = 0.0
