"""One task instance as the job machine holds it."""

from __future__ import annotations

from fasttrack_jupyter.engine.stimuli import InstancePlan
from fasttrack_jupyter.model.lifecycle import Result, Status


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
        """Whether somebody asked for the end of its session; one that the backend ends by itself may be retried."""
        self.is_offered = False
        self.is_retrying = False
