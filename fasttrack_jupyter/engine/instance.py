"""One task instance as the job machine holds it."""

from __future__ import annotations

from collections.abc import Sequence

from fasttrack_jupyter.engine.stimuli import InstancePlan
from fasttrack_jupyter.model.lifecycle import Result, Status

_MOST_NAMES = 3


class Instance:
    """Mutable state of one task instance."""

    __slots__ = (
        "attempts",
        "downstream",
        "is_cancelled",
        "is_offered",
        "is_retrying",
        "plan",
        "reason",
        "result",
        "status",
        "waits_for",
    )

    def __init__(self, plan: InstancePlan) -> None:
        self.plan = plan
        self.status = Status.WAITING
        self.result = Result.UNDEFINED
        self.reason = ""
        self.attempts = 0
        self.waits_for = 0
        self.downstream: list[int] = []
        self.is_cancelled = False
        """Whether somebody asked for its end; a session that the backend ends by itself may be retried."""
        self.is_offered = False
        self.is_retrying = False

    def hears(self, status: Status, reason: str, cancelled: str) -> bool:
        """Whether a report that is no end counts: of one that is ending already, only why it takes its time.

        What was ``cancelled`` keeps that word in front: an engine that takes over knows it by that.
        """
        if self.status is not Status.TERMINATING:
            return True
        return status is Status.TERMINATING and (not self.is_cancelled or reason.startswith(cancelled))


def cancelled_words(paths: Sequence[str]) -> str:
    """``task train was cancelled``, ``tasks a, b were cancelled``: why a job is not whole that nobody cancelled."""
    if len(paths) == 1:
        return f"task {paths[0]} was cancelled"
    more = f" and {len(paths) - _MOST_NAMES} more" if len(paths) > _MOST_NAMES else ""
    return f"tasks {', '.join(paths[:_MOST_NAMES])}{more} were cancelled"
