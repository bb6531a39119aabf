"""What becomes of a task instance once those that it waits for have ended: its ``run_if`` as a rule over counts. Pure.

- ``all_success`` goes on when all have succeeded, or failed with ``continue_on_failure``; it is cancelled with the
  first that did not;
- ``all_done`` goes on when all have ended, however;
- ``any_failed`` goes on when all have ended and one of them failed or was cancelled; else it is skipped;
- ``one_success`` goes on when all have ended and one of them succeeded that was not skipped; else it is cancelled
  where one failed, and skipped where all were skipped.

Counting makes the end of an instance cost its out-degree, whatever the rules of those behind it are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.pipeline import RunIf


class Fate(Enum):
    """What is to be done with a waiting instance."""

    WAIT = "wait"
    GO = "go"
    SKIP = "skip"
    CANCEL = "cancel"


@dataclass(slots=True)
class Tally:
    """How those that an instance waits for came out."""

    unended: int = 0
    succeeded: int = 0
    """Without those that were skipped."""
    failed: int = 0
    """Failed, or cancelled."""
    hindering: int = 0
    """Of these, what does not count as satisfied."""

    def count(self, status: Status, result: Result, *, tolerated: bool) -> None:
        """One more has ended; ``tolerated``: its failure hinders nobody."""
        self.unended -= 1
        if result is not Result.SUCCESS:
            self.failed += 1
            self.hindering += result is not Result.FAILURE or not tolerated
        elif status is not Status.SKIPPED:
            self.succeeded += 1

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.unended + other.unended,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.hindering + other.hindering,
        )


def fate_of(run_if: RunIf, seen: Tally) -> tuple[Fate, str]:
    """What becomes of an instance that has seen so much, and why; the reason is empty where its dependency has it."""
    if run_if is RunIf.ALL_SUCCESS and seen.hindering:
        return Fate.CANCEL, ""
    if seen.unended:
        return Fate.WAIT, ""
    if run_if is RunIf.ANY_FAILED and not seen.failed:
        return Fate.SKIP, "no dependency failed"
    if run_if is RunIf.ONE_SUCCESS and not seen.succeeded:
        return (Fate.CANCEL, "no dependency succeeded") if seen.failed else (Fate.SKIP, "every dependency was skipped")
    return Fate.GO, ""


def fate_of_final(run_if: RunIf, seen: Tally) -> tuple[Fate, str]:
    """The same of a final task, which has seen all others end: what cannot go on is skipped, and hinders nobody."""
    if seen.unended:
        return Fate.WAIT, ""
    fate, why = fate_of(run_if, seen)
    return (Fate.SKIP, why or "not everything succeeded") if fate is Fate.CANCEL else (fate, why)
