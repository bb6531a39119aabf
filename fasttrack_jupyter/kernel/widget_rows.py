"""A job's tasks as the widget shows them: one row each, and which of many come first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fasttrack_jupyter.api.states import (
    CANCELLED,
    FAILURE,
    PREPARING,
    REUSED,
    RUNNING,
    SKIPPED,
    STATES,
    SUCCESS,
    WAITING,
    State,
    state_of,
)
from fasttrack_jupyter.api.words import between, clean, duration, now, parse_time

Json = dict[str, Any]

_RELEVANCE = (RUNNING, FAILURE, PREPARING, WAITING, CANCELLED, SUCCESS, REUSED, SKIPPED)
"""What a reader of a long list looks for first."""
_LONGEST_PROGRESS = 120


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task instance. Texts hold no control characters; ``fraction`` is its progress, 0 to 1, where it tells."""

    path: str
    state: State
    took: str = ""
    progress: str = ""
    fraction: float | None = None
    attempts: int = 0
    why: str = ""
    is_cause: bool = False
    """Whether it is the first that failed: what was cancelled after it fell with it."""
    dependencies: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """``failed, the cause``, ``running`` …"""
        return f"{self.state.word}, the cause" if self.is_cause else self.state.word


def task_rows(view: Json, at: datetime | None = None) -> list[TaskRow]:
    """The rows of a JobView, in the pipeline's order. ``at``: now."""
    rows = [_row(task, at) for task in view["tasks"]]
    failed = [place for place, row in enumerate(rows) if row.state is FAILURE]
    if failed:
        cause = min(failed, key=lambda place: view["tasks"][place]["ended_at"] or "~")
        rows[cause] = replace(rows[cause], is_cause=True)
    return rows


def _row(task: Json, at: datetime | None) -> TaskRow:
    state = state_of(task["status"], task["result"], task["reason"])
    is_timed = state is RUNNING or state.is_ended
    text, fraction = _progress(task) if state is RUNNING else ("", None)
    why = "" if state is SUCCESS else clean(task["reason"] or "").strip().partition("\n")[0]
    return TaskRow(
        path=clean(task["path"]),
        state=state,
        took=between(task["started_at"], task["ended_at"], at) if is_timed else "",
        progress=text,
        fraction=fraction,
        attempts=task["attempts"],
        why=why,
        dependencies=tuple(clean(name) for name in task.get("dependencies", ())),
    )


def _progress(task: Json) -> tuple[str, float | None]:
    """What a task says of itself, which may be anything at all, as text and share."""
    found = task.get("progress") or {}
    text, fraction = found.get("text"), found.get("fraction")
    said = clean(str(text or "")).replace("\n", " ")[:_LONGEST_PROGRESS]
    if isinstance(fraction, int | float) and not isinstance(fraction, bool) and 0 <= fraction <= 1:
        return said, float(fraction)
    return said, None


def most_relevant(rows: Sequence[TaskRow], limit: int) -> list[TaskRow]:
    """All rows in the pipeline's order if they fit; else the cause, what runs, what failed, what comes next."""
    if len(rows) <= limit:
        return list(rows)
    order = {state.name: place for place, state in enumerate(_RELEVANCE)}
    return sorted(rows, key=lambda row: -1 if row.is_cause else order[row.state.name])[:limit]


def totals(rows: Sequence[TaskRow]) -> list[tuple[int, State]]:
    """How many there are of each state that there is."""
    counts = Counter(row.state.name for row in rows)
    return [(counts[state.name], state) for state in STATES if counts[state.name]]


def totals_text(rows: Sequence[TaskRow]) -> str:
    """``3 succeeded, 1 running, 2 waiting``."""
    return ", ".join(f"{count:,} {state.word}" for count, state in totals(rows)) or "no tasks"


def job_state(view: Json) -> State:
    """The job's own state."""
    return state_of(view["status"], view["result"])


def headline(view: Json, at: datetime | None = None) -> str:
    """The job in words, without its name: ``running for 12 s, about 40 s in all``, ``failed after 3 s``."""
    state = job_state(view)
    took = between(view["started_at"], view["ended_at"], at)
    words = state.word + (f" {'after' if state.is_ended else 'for'} {took}" if took else "")
    if not state.is_ended and (view.get("expected_seconds") or 0) > _elapsed(view, at):
        words += f", about {duration(view['expected_seconds'])} in all"
    if view.get("paused"):
        words += f"; paused: {clean(view['paused'])}"
    why = clean(view["reason"] or "").strip().partition("\n")[0]
    return f"{words}: {why}" if why and state is not SUCCESS and why != state.word else words


def _elapsed(view: Json, at: datetime | None) -> float:
    begun = parse_time(view["started_at"])
    return 0.0 if begun is None else ((at or now()) - begun).total_seconds()


def middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, its middle left out: both ends tell names apart."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
