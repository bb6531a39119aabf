"""How a job comes out of its task instances, and why, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fasttrack_jupyter.engine.instance import Instance
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status, roll_up

CANCELLED = "cancelled"
"""An instance's reason once somebody asked for its end, and so a job's; it survives the engine as well."""
_MOST_NAMES = 3


class Ending(NamedTuple):
    """A job's end."""

    status: JobStatus
    result: Result
    reason: str

    @property
    def word(self) -> str:
        """``SUCCESS``, ``FAILURE``, ``CANCELLED``: as final tasks are told."""
        return str(self.status if self.status is JobStatus.CANCELLED else self.result)


class ContainerEnd(NamedTuple):
    """The end of a task instance that has others inside."""

    status: Status
    result: Result
    reason: str


def ending_of(instances: Sequence[Instance], *, is_cancelling: bool) -> Ending:
    """The end that ``instances`` have, all of which have ended; ``is_cancelling``: somebody cancelled the job."""
    ends = [(x.status, x.result, x.plan.continue_on_failure) for x in instances]
    cancelled = is_cancelling and any(status is Status.CANCELLED for status, _, _ in ends)
    status, result = roll_up(ends, cancelled=cancelled)
    return Ending(status, result, CANCELLED if cancelled else _cause(instances, status))


def ending_of_container(inside: Sequence[Instance], *, is_loop: bool, is_cancelled: bool) -> ContainerEnd:
    """The end of what has these ``inside``, all of which have ended: a loop's iterations, or a group's tasks."""
    ends = [(x.status, x.result, x.plan.continue_on_failure) for x in inside]
    cancelled = is_cancelled and any(status is Status.CANCELLED for status, _, _ in ends)
    _, result = roll_up(ends, cancelled=cancelled)
    status = Status.CANCELLED if result is Result.UNDEFINED else Status.TERMINATED
    if result is Result.SUCCESS:
        return ContainerEnd(status, result, "")
    if result is Result.UNDEFINED:
        return ContainerEnd(status, result, CANCELLED if is_cancelled else _cancelled_words(_cancelled(inside)))
    if not is_loop:
        return ContainerEnd(status, result, _cause(inside, JobStatus.TERMINATED))
    failed = [x.plan.path for x in inside if x.result is Result.FAILURE and not x.plan.continue_on_failure]
    more = f" and {len(failed) - _MOST_NAMES} more" if len(failed) > _MOST_NAMES else ""
    told = f"{len(failed)} of {len(inside)} iterations failed: {', '.join(failed[:_MOST_NAMES])}{more}"
    return ContainerEnd(status, result, told)


def _cause(instances: Sequence[Instance], status: JobStatus) -> str:
    """Why the job failed, or was cancelled with tasks of its own, in words; empty when all went well."""
    failed = [x.plan.path for x in instances if x.result is Result.FAILURE and not x.plan.continue_on_failure]
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"task {failed[0]} failed{more}"
    return _cancelled_words(_cancelled(instances)) if status is JobStatus.CANCELLED else ""


def _cancelled(instances: Sequence[Instance]) -> list[str]:
    """Paths of what was cancelled for its own sake, not because something before it did not end well.

    Where that was outside of their container, all that were cancelled.
    """
    cancelled = [x for x in instances if x.result is Result.UNDEFINED]
    own = [x for x in cancelled if x.is_cancelled or not x.seen.hindering]
    return [x.plan.path for x in own or cancelled]


def _cancelled_words(paths: Sequence[str]) -> str:
    """``task train was cancelled``, ``tasks a, b were cancelled``: why a job is not whole that nobody cancelled."""
    if len(paths) == 1:
        return f"task {paths[0]} was cancelled"
    more = f" and {len(paths) - _MOST_NAMES} more" if len(paths) > _MOST_NAMES else ""
    return f"tasks {', '.join(paths[:_MOST_NAMES])}{more} were cancelled"
