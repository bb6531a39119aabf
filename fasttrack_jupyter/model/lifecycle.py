"""The life of a task instance and of a pipeline job.

Two fields tell it, and they are never mixed: *status* says where the session is, *result* says
how it came out. A task instance shows its current attempt's session status under the session's
own name, so every status that Backend.AI knows is here; WAITING is ours (there is no session
yet), and so is SKIPPED.

A session may jump: a short one is never seen RUNNING, a preempted one goes back to PENDING. So
within the living statuses nearly every move is legal, and what the table guards is the ends:

- nothing ever leaves an ended status; a retry is not a way out of one, because the machine
  decides on it *before* the instance ends: the attempt ends, the instance goes back to WAITING;
- a session that is being torn down (TERMINATING) never lives again;
- a job goes PENDING → RUNNING → ended, once.

An illegal move raises and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from fasttrack_jupyter.errors import IllegalTransition


class Status(StrEnum):
    """Where a session (and so a task instance) is."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    DEPRIORITIZING = "DEPRIORITIZING"
    RESERVED = "RESERVED"
    SCHEDULED = "SCHEDULED"
    PREPARING = "PREPARING"
    BUILDING = "BUILDING"
    PULLING = "PULLING"
    PREPARED = "PREPARED"
    CREATING = "CREATING"
    RUNNING = "RUNNING"
    RESTARTING = "RESTARTING"
    RUNNING_DEGRADED = "RUNNING_DEGRADED"
    RESIZING = "RESIZING"
    SUSPENDED = "SUSPENDED"
    PREEMPTED = "PREEMPTED"
    RESCHEDULING = "RESCHEDULING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


class Result(StrEnum):
    """How it came out; UNDEFINED until it has ended, and for what was cancelled."""

    UNDEFINED = "UNDEFINED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class JobStatus(StrEnum):
    """Where a pipeline job is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"
    CANCELLED = "CANCELLED"


ENDED = frozenset({Status.TERMINATED, Status.ERROR, Status.CANCELLED, Status.SKIPPED})
JOB_ENDED = frozenset({JobStatus.TERMINATED, JobStatus.CANCELLED})
LIVE = frozenset(Status) - ENDED - {Status.WAITING}
"""Statuses in which a session exists, or is about to."""

BEFORE_RUNNING = frozenset(
    {
        Status.PENDING, Status.DEPRIORITIZING, Status.RESERVED, Status.SCHEDULED, Status.PREPARING,
        Status.BUILDING, Status.PULLING, Status.PREPARED, Status.CREATING,
    }
)  # fmt: skip
"""Statuses of a session whose command has not begun."""

_ONCE_LIVE = frozenset({Status.WAITING, Status.TERMINATED, Status.ERROR, Status.CANCELLED})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.PENDING, Status.RUNNING}) | ENDED,  # RUNNING at once: what has others inside
    **{status: (LIVE - {status}) | _ONCE_LIVE for status in LIVE - {Status.TERMINATING}},
    Status.TERMINATING: _ONCE_LIVE,
    **{status: frozenset() for status in ENDED},
}
"""The one table: from each status, where a task instance may go."""

JOB_TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.RUNNING, JobStatus.TERMINATED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: JOB_ENDED,
    JobStatus.TERMINATED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}


def check_transition(path: str, old: Status, new: Status) -> None:
    """Raise :class:`IllegalTransition` unless the table allows ``old`` → ``new``."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"task instance {path!r} cannot go from {old} to {new}")


def roll_up(ends: Iterable[tuple[Status, Result, bool]], *, cancelled: bool) -> tuple[JobStatus, Result]:
    """A job's end from its instances' ``(status, result, continue_on_failure)``.

    Tasks with ``continue_on_failure`` do not matter. FAILURE if any other instance failed;
    CANCELLED and UNDEFINED when the job was cancelled, or any other instance: what was to be done is
    not done, and nothing has failed.
    """
    results = {result for _, result, tolerated in ends if not tolerated}
    if not cancelled and Result.FAILURE in results:
        return JobStatus.TERMINATED, Result.FAILURE
    if cancelled or Result.UNDEFINED in results:
        return JobStatus.CANCELLED, Result.UNDEFINED
    return JobStatus.TERMINATED, Result.SUCCESS
