"""One task instance as the job machine holds it."""

from __future__ import annotations

from collections import deque

from fasttrack_jupyter.engine.fates import Tally
from fasttrack_jupyter.engine.stimuli import InstancePlan
from fasttrack_jupyter.model.lifecycle import Result, Status


class Instance:
    """Mutable state of one task instance."""

    __slots__ = (
        "attempts",
        "children",
        "downstream",
        "held",
        "is_cancelled",
        "is_considering",
        "is_held",
        "is_offered",
        "is_retrying",
        "plan",
        "reason",
        "result",
        "seen",
        "status",
        "unended",
    )

    def __init__(self, plan: InstancePlan) -> None:
        self.plan = plan
        self.status = Status.WAITING
        self.result = Result.UNDEFINED
        self.reason = ""
        self.attempts = 0
        self.seen = Tally()
        self.downstream: list[int] = []
        self.children: range | None = None
        """Of a container that was expanded: the ordinals of those inside."""
        self.unended = 0
        """How many of them have not ended."""
        self.held: deque[int] | None = None
        """Those of them that wait until others have ended."""
        self.is_held = False
        self.is_cancelled = False
        """Whether somebody asked for its end; a session that the backend ends by itself may be retried."""
        self.is_considering = False
        self.is_offered = False
        self.is_retrying = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing has been done with it yet."""
        busy = self.is_offered or self.is_considering or self.is_retrying or self.is_held
        return self.status is Status.WAITING and not busy

    def tell(self, tally: Tally) -> None:
        """Count it, which has ended, among those that somebody waits for."""
        tally.count(self.status, self.result, tolerated=self.plan.continue_on_failure)

    def hears(self, status: Status, reason: str, cancelled: str) -> bool:
        """Whether a report that is no end counts: of one that is ending already, only why it takes its time.

        What was ``cancelled`` keeps that word in front: an engine that takes over knows it by that.
        """
        if self.status is not Status.TERMINATING:
            return True
        return status is Status.TERMINATING and (not self.is_cancelled or reason.startswith(cancelled))
