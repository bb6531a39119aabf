"""How a status and a result look: icon, word and colour, the same everywhere.

One of eight states is chosen by status AND result, never by status alone: a failed task instance
also ends as TERMINATED. Icon and word tell the eight apart without colour. Colours are those of
the canvas; on a light terminal the darker strokes are used, which read on white.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """One of the eight. ``icon`` is one cell wide; ``ascii`` replaces it where the output cannot carry it."""

    name: str
    word: str
    icon: str
    ascii: str
    dark: str
    light: str
    is_ended: bool = False


WAITING = State("waiting", "waiting", "○", "o", "#8a8a8a", "#6b6b6b")
PREPARING = State("preparing", "preparing", "◔", "~", "#7f97e8", "#3f57ad")
RUNNING = State("running", "running", "▶", ">", "#a8d820", "#5c7d00")
SUCCESS = State("success", "succeeded", "✓", "+", "#3fa9e8", "#005a94", True)
FAILURE = State("failure", "failed", "✕", "x", "#e8775a", "#a63f1d", True)
CANCELLED = State("cancelled", "cancelled", "■", "#", "#9a9a9a", "#6f6f6f", True)
SKIPPED = State("skipped", "skipped", "⤼", "-", "#8c8c8c", "#767676", True)
REUSED = State("reused", "reused", "↺", "=", "#3fa9e8", "#005a94", True)

STATES = (SUCCESS, REUSED, RUNNING, PREPARING, WAITING, FAILURE, CANCELLED, SKIPPED)
"""In the order in which totals are said."""

BY_STATUS: dict[str, State] = {
    **dict.fromkeys(("WAITING", "PENDING", "DEPRIORITIZING", "RESERVED", "SCHEDULED"), WAITING),
    **dict.fromkeys(("PREEMPTED", "RESCHEDULING", "SUSPENDED"), WAITING),
    **dict.fromkeys(("PREPARING", "BUILDING", "PULLING", "PREPARED", "CREATING"), PREPARING),
    **dict.fromkeys(("RUNNING", "RESTARTING", "RUNNING_DEGRADED", "RESIZING", "TERMINATING"), RUNNING),
    "ERROR": FAILURE,
    "CANCELLED": CANCELLED,
    "SKIPPED": SKIPPED,
}
"""Every status but TERMINATED, which the result decides."""

_BY_RESULT = {"SUCCESS": SUCCESS, "FAILURE": FAILURE}


def state_of(status: str, result: str | None = None, reason: str | None = "") -> State:
    """The state that ``status`` and ``result`` (of a task instance, an attempt or a job) amount to."""
    if status != "TERMINATED":
        return BY_STATUS.get(status, WAITING)
    if result == "SUCCESS" and (reason or "").startswith("reused"):
        return REUSED
    return _BY_RESULT.get(result or "", CANCELLED)


DECISIONS = {"will run": RUNNING, "reused": REUSED, "skipped": SKIPPED, "refused": FAILURE}
"""What a plan says about a task, in the same icons and colours."""


def icon(state: State, encoding: str = "utf-8") -> str:
    """The state's icon, or its ASCII stand-in where the output's encoding cannot carry it."""
    try:
        state.icon.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return state.ascii
    return state.icon
