"""One session, as the engine that looks after it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.backends.local.processes import Tree
from fasttrack_jupyter.backends.local.warm import not_warm
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.model.lifecycle import Status


@dataclass(slots=True)
class Launch:
    """What the launcher is asked to start (see ``Launcher.launch``), and what people are told about it."""

    request: dict[str, Any] = field(repr=False)
    mode: str
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


Preparing = Callable[[], Awaitable[Launch]]
"""The wait for what a session needs."""
Prepare = Callable[["Session", Callable[[Status, str], None]], Launch | Preparing]


@dataclass(slots=True)
class Session:
    """A session that this engine looks after."""

    spec: SessionSpec
    control: str
    outputs: str
    mode: str = ""
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    launched: bool = False
    """Whether the launcher was asked to start it, and nobody has had to look for it since."""
    leader: int | None = None
    """Pid of its supervisor."""
    started_at: float | None = None
    ended_at: float | None = None
    """When its command ended, if the launcher saw it; else its directory tells, to the tick of the file system."""
    timer: asyncio.TimerHandle | None = None
    pidfd: int | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    """The latest look: ``{mem, cpu_seconds, processes}``."""
    work: asyncio.Task[None] | None = None
    """Its preparation or its end, whichever is under way."""
    ending: bool = False
    last: SessionReport | None = None

    def led_by(self, pid: int, why_fresh: str) -> None:
        """It has begun, with the supervisor ``pid``; ``why_fresh``: a warm interpreter did not start it."""
        self.leader = pid
        if why_fresh:
            self.notes += (not_warm(why_fresh),)

    def took(self, launch: Launch) -> None:
        """The launcher is asked for ``launch``."""
        self.mode, self.notes, self.data = launch.mode, launch.notes, launch.data
        self.launched, self.work = True, None

    @property
    def tree(self) -> Tree:
        """Its processes."""
        return Tree(self.control)

    @property
    def is_over(self) -> bool:
        """Whether its last report was made."""
        return self.last is not None

    @property
    def is_running(self) -> bool:
        """Whether its command runs."""
        return self.started_at is not None and self.last is None

    def report_data(self) -> dict[str, Any]:
        """The part of a report's data that every report carries."""
        data: dict[str, Any] = {"mode": self.mode, "session": f"ft-{self.spec.attempt_id}", **self.data}
        if self.started_at is not None:
            data["started_at"] = self.started_at
        if self.usage:
            data["usage"] = dict(self.usage)
        if self.notes:
            data["notes"] = list(self.notes)
        return data
