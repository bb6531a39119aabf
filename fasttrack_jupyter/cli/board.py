"""What is known of a job while it is followed: a snapshot, then events; pure, no I/O.

A job is fetched whole once; after that only events move the board, so following 10,000 task
instances costs what changes, not what there is. Events may repeat what the snapshot already told
(the sequence number is taken *before* the snapshot), so applying one twice must do no harm.
Rows are kept by state in ordered sets: the screen asks for a few of each, never for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
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

Json = dict[str, Any]

_JOB_ENDED = frozenset({"TERMINATED", "CANCELLED"})


@dataclass(slots=True)
class Row:
    """One task instance as the screen shows it. Times are RFC 3339."""

    path: str
    state: State
    status: str
    reason: str = ""
    attempts: int = 0
    started_at: str | None = None
    ended_at: str | None = None
    dependencies: tuple[str, ...] = ()
    progress: Json | None = None
    """What it says of how far it is, while it runs."""


@dataclass(frozen=True, slots=True)
class Move:
    """What an event changed for the reader: the row as it was then.

    ``before`` is ``row.state`` where only the reason is new, or another tenth is done.
    """

    at: str
    row: Row
    before: State


@dataclass(slots=True)
class Board:
    """A followed job. ``job`` is the last known summary of it (status, result, reason are kept up to date)."""

    job: Json
    rows: dict[str, Row] = field(default_factory=dict)
    by_state: dict[str, dict[str, None]] = field(default_factory=lambda: {state.name: {} for state in STATES})

    @classmethod
    def of(cls, job: Json) -> Board:
        """A board from a whole job (``show JOB --json``)."""
        board = cls({key: value for key, value in job.items() if key not in ("tasks", "outputs")})
        for task in job["tasks"]:
            state = state_of(task["status"], task["result"], task["reason"])
            board.rows[task["path"]] = Row(
                task["path"],
                state,
                task["status"],
                task["reason"] or "",
                task["attempts"],
                task["started_at"],
                task["ended_at"],
                tuple(task.get("dependencies", ())),
                task.get("progress"),
            )
            board.by_state[state.name][task["path"]] = None
        return board

    @property
    def has_ended(self) -> bool:
        """Whether nothing will follow."""
        return self.job["status"] in _JOB_ENDED

    @property
    def state(self) -> State:
        """The job's own state."""
        return state_of(self.job["status"], self.job["result"])

    def count(self, state: State) -> int:
        """How many task instances are in ``state``."""
        return len(self.by_state[state.name])

    def apply(self, event: Json) -> Move | None:
        """Take one event of this job; what a reader should hear of it, if anything."""
        if event["path"] is None:
            self._apply_to_job(event)
            return None
        row = self.rows.get(event["path"])
        if row is None:
            row = self._new_row(event["path"])
        return self._apply_to_row(row, event)

    def _apply_to_job(self, event: Json) -> None:
        self.job["status"] = event["status"] or self.job["status"]
        self.job["result"] = event["result"] or self.job["result"]
        if event["reason"] is not None:
            self.job["reason"] = event["reason"]
        if self.job["status"] == "RUNNING":
            self.job["started_at"] = self.job["started_at"] or event["at"]
        if self.has_ended:
            self.job["ended_at"] = self.job.get("ended_at") or event["at"]

    def _new_row(self, path: str) -> Row:
        row = self.rows[path] = Row(path, WAITING, "WAITING")
        self.by_state[WAITING.name][path] = None
        return row

    def _apply_to_row(self, row: Row, event: Json) -> Move | None:
        reason = row.reason if event["reason"] is None else event["reason"]
        before, state = row.state, state_of(event["status"], event["result"], reason)
        if before.is_ended:
            return None
        is_retry = state is WAITING and bool(reason) and reason != row.reason
        is_stage = state is PREPARING and bool(reason) and event["status"] != row.status
        row.state, row.status, row.reason = state, event["status"], reason
        row.attempts = max(row.attempts, event["attempt"])
        self._time(row, before, event["at"])
        is_tenth = self._progress(row, event)
        if state is before:
            return Move(event["at"], replace(row), before) if is_retry or is_stage or is_tenth else None
        del self.by_state[before.name][row.path]
        self.by_state[state.name][row.path] = None
        return Move(event["at"], replace(row), before)

    @staticmethod
    def _progress(row: Row, event: Json) -> bool:
        """Take what the task says of how far it is; whether another tenth of it is done."""
        before = _tenths(row.progress)
        news = event["data"].get("progress")
        row.progress = (news or row.progress) if event["status"] == "RUNNING" else None
        return _tenths(row.progress) > before

    @staticmethod
    def _time(row: Row, before: State, at: str) -> None:
        if row.state is RUNNING and before is not RUNNING:
            row.started_at = at
        if row.state.is_ended:
            row.ended_at = at
        elif row.state is WAITING:
            row.started_at = None

    def visible(self, limit: int) -> list[Row]:
        """At most ``limit`` rows: all in the pipeline's order if they fit, else the ones that matter most just now."""
        if len(self.rows) <= limit:
            return list(self.rows.values())
        return list(islice(self._by_relevance(max(1, limit // 3)), max(limit, 0)))

    def _by_relevance(self, share: int) -> Iterator[Row]:
        """What goes on; of the first failures and of what comes next a ``share`` each; what ended last; the rest."""
        yield from self._rows(RUNNING)
        yield from self._rows(PREPARING)
        yield from self._rows(FAILURE, 0, share)
        yield from self._rows(WAITING, 0, share)
        for state in (SUCCESS, REUSED, CANCELLED, SKIPPED):
            yield from map(self.rows.__getitem__, reversed(self.by_state[state.name]))
        yield from self._rows(WAITING, share)
        yield from self._rows(FAILURE, share)

    def _rows(self, state: State, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        return map(self.rows.__getitem__, islice(self.by_state[state.name], start, stop))

    def failures(self) -> list[Row]:
        """The task instances that failed, first one first: the first is the cause."""
        rows = (self.rows[path] for path in self.by_state[FAILURE.name])
        return sorted(rows, key=lambda row: row.ended_at or "")

    def totals(self) -> list[tuple[int, State]]:
        """How many of each state, those with any."""
        return [(count, state) for state in STATES if (count := self.count(state))]


def _tenths(progress: Json | None) -> int:
    fraction = progress.get("fraction") if progress else None
    return int(fraction * 10 + 1e-6) if fraction is not None else 0
