"""Progress where nobody watches a screen: one line per change, nothing that moves, no colour."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fasttrack_jupyter.cli.board import Board, Move
from fasttrack_jupyter.cli.feed import Around
from fasttrack_jupyter.cli.states import PREPARING, RUNNING, WAITING, icon
from fasttrack_jupyter.cli.words import between, clean, clock_time, job_word, now, plural

_MOST_DONE = 20
"""More that is done already is only counted."""


class SilentView:
    """Shows nothing."""

    def start(self, board: Board) -> None:
        """Nothing to show."""

    def show(self, moves: list[Move], around: Around) -> tuple[str, ...]:
        """Nothing to show, no log wanted."""
        return ()

    def hold(self) -> None:
        """Nothing to hold."""

    def stop(self) -> None:
        """Nothing to stop."""


class PlainView:
    """A line per change: the time, the icon, the task instance, what became of it."""

    def __init__(self, say: Callable[[str], None], encoding: str = "utf-8") -> None:
        self._say = say
        self._encoding = encoding
        self._restarts = 0
        self._paused: str | None = None

    def start(self, board: Board) -> None:
        """Say which job this is, and what of it is done already: reused, skipped, or over before we came."""
        job = board.job
        self._say(f"{job_word(job)} ({job['id']}) on {job['backend']}: {plural(len(board.rows), 'task')}")
        done = [row for row in board.rows.values() if row.state.is_ended]
        if len(done) > _MOST_DONE:
            totals = [f"{count:,} {state.word}" for count, state in board.totals() if state.is_ended]
            self._say(f"  already: {', '.join(totals)}")
            return
        for row in done:
            self._say(_line(Move(row.ended_at or job["created_at"], row, row.state), self._encoding))

    def show(self, moves: list[Move], around: Around) -> tuple[str, ...]:
        """Say each change; no log lines."""
        if around.restarts != self._restarts:
            self._restarts = around.restarts
            self._say(f"{clock_time(now().isoformat())}  engine restarted; going on")
        if around.paused != self._paused:
            self._paused = around.paused
            self._say(f"{clock_time(now().isoformat())}  {'paused: ' + self._paused if self._paused else 'going on'}")
        for move in moves:
            if line := _line(move, self._encoding):
                self._say(line)
        sys.stdout.flush()
        return ()

    def hold(self) -> None:
        """Lines need no holding."""

    def stop(self) -> None:
        """Lines need no stopping."""


def _line(move: Move, encoding: str) -> str:
    row = move.row
    if row.state is PREPARING or (row.state is WAITING and not row.reason):
        return ""
    more = [clean(row.reason)] if row.reason and row.state is not RUNNING else []
    if row.state.is_ended and row.started_at:
        more.insert(0, between(row.started_at, row.ended_at))
    if row.state is RUNNING and row.attempts > 1:
        more.append(f"attempt {row.attempts}")
    return "  ".join([clock_time(move.at), f"{icon(row.state, encoding)} {row.path}", row.state.word, *more])
