"""What goes into the job machine (events, past tense) and what comes out (instructions, imperative)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.pipeline import Retry, RunIf

# ------------------------------------------------------------------ what may be given


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """What the machine must know of a task instance. ``ends_as`` is set for what does not run at all."""

    path: str
    upstream: tuple[int, ...] = ()
    retry: Retry = field(default_factory=Retry)
    continue_on_failure: bool = False
    ends_as: Status | None = None
    """SKIPPED, or TERMINATED for a reused one; ``reason`` and ``data`` go with it."""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    run_if: RunIf = RunIf.ALL_SUCCESS
    is_final: bool = False
    """Runs when all that is not final has ended, however, and after the job was cancelled."""
    is_in_final: bool = False
    """Whether it is inside of such a one."""
    is_considered: bool = False
    """Whether what becomes of it is decided when its dependencies let it go on: see :class:`Consider`."""
    task: str = ""
    """Where its task is in the pipeline, as ``sweep[]/train``; empty where that is its path."""
    parent: int | None = None
    """The container that it is inside of, by ordinal."""
    is_loop: bool = False
    """Of a container: whether those inside are iterations, not the tasks of a group."""
    at_once: int | None = None
    """Of a container: how many of those inside may go on at a time."""


class Growth(Protocol):
    """What the machine asks of those who know the tasks when a container opens, and when it ends."""

    def expand(self, path: str, data: Mapping[str, Any]) -> Sequence[InstancePlan]:
        """What is inside of a container, by the data of its verdict; the same for the same."""
        ...

    def collect(self, path: str) -> Mapping[str, Any]:
        """What a container hands on, all inside of which has ended: ``outputs``, ``outputs_dir``."""
        ...


# ------------------------------------------------------------------ events


class VerdictKind(Enum):
    """What becomes of an instance that was considered."""

    RUN = "run"
    SKIP = "skip"
    REUSE = "reuse"
    FAIL = "fail"
    EXPAND = "expand"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an instance goes on.

    ``data`` is that of a reused one (``outputs_dir``, ``outputs``, and whose they are), or what a container is
    expanded by (``items``, ``params``).
    """

    kind: VerdictKind
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


RUN = Verdict(VerdictKind.RUN)


@dataclass(frozen=True, slots=True)
class JobStarted:
    """The job's turn has come."""

    at: float


@dataclass(frozen=True, slots=True)
class InstanceAdmitted:
    """The admission gave this instance its slots, ``resources``; ``outputs_dir`` is where its next attempt writes."""

    path: str
    at: float
    outputs_dir: str
    resources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionReported:
    """A backend said something about attempt ``attempt`` of an instance. ``is_final``: a retry would be no use."""

    path: str
    attempt: int
    status: Status
    at: float
    result: Result = Result.UNDEFINED
    exit_code: int | None = None
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The wait before the next attempt is over."""

    path: str
    at: float


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody wants the job (``path`` None) or one instance to end; asked for twice, its final tasks too.

    ``goes_on``: nobody asked again, the machine goes on with a large job's end.
    """

    path: str | None
    at: float
    goes_on: bool = False
    reason: str = ""
    """Why the job is cancelled, where it is not that somebody asked for it."""


@dataclass(frozen=True, slots=True)
class InstanceDecided:
    """What becomes of an instance that the machine gave to be considered."""

    path: str
    at: float
    verdict: Verdict


Event = JobStarted | InstanceAdmitted | SessionReported | RetryDue | CancelRequested | InstanceDecided

# ------------------------------------------------------------------ instructions


@dataclass(frozen=True, slots=True)
class Offer:
    """Ready: let the admission decide when."""

    path: str


@dataclass(frozen=True, slots=True)
class Consider:
    """It might go on: find out whether it runs, is skipped or reused, and send :class:`InstanceDecided`."""

    path: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """No longer wanted: take it out of the admission's queue, consider it no more."""

    path: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Start attempt ``attempt``."""

    path: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Find attempt ``attempt`` again after a restart; create it only if it ``may_create`` (never seen alive)."""

    path: str
    attempt: int
    may_create: bool


@dataclass(frozen=True, slots=True)
class CancelSession:
    """Ask the backend to end attempt ``attempt``."""

    path: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Attempt ``attempt`` has ended: its slots are free, the backend may forget it."""

    path: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WaitForRetry:
    """Send :class:`RetryDue` after so many seconds."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class GoOnCancelling:
    """Send :class:`CancelRequested` for the job again, once others had their turn: there is more to cancel."""


@dataclass(frozen=True, slots=True)
class FinishJob:
    """Everything has ended."""


Instruction = (
    Offer | Consider | Withdraw | Submit | Adopt | CancelSession | GoOnCancelling | Release | WaitForRetry | FinishJob
)


@dataclass(slots=True)
class Decision:
    """What came of an event: record ``changes``, then perform ``instructions``, both in order."""

    changes: list[Change] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
