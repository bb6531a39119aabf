"""Progress where nobody watches a screen: one line per change, nothing that moves, no colour."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator

from fasttrack_jupyter.api.states import PREPARING, RUNNING, WAITING, icon
from fasttrack_jupyter.api.words import between, clean, clock_time, job_word, now, plural, progress_words
from fasttrack_jupyter.cli.board import Board, Move
from fasttrack_jupyter.cli.feed import Around

_MOST_DONE = 20
"""More that is done already is only counted."""
_MOST_SAME = 5
"""More of the same at once is said in one line."""


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
    """A line per change, and per tenth that is done: the time, the icon, the task instance, what became of it."""

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
        for line in self._lines(moves):
            self._say(line)
        sys.stdout.flush()
        return ()

    def _lines(self, moves: list[Move]) -> Iterator[str]:
        """A line per change, but one for many that never ran and all say the same (skipped, reused, cancelled)."""
        same = Counter(map(_sameness, moves))
        told = set()
        for move in moves:
            key = _sameness(move)
            if key is None or same[key] <= _MOST_SAME:
                if line := _line(move, self._encoding):
                    yield line
            elif key not in told:
                told.add(key)
                many = f"{icon(move.row.state, self._encoding)} {plural(same[key], 'task instance')}"
                yield "  ".join([clock_time(move.at), many, move.row.state.word, clean(move.row.reason)])

    def hold(self) -> None:
        """Lines need no holding."""

    def stop(self) -> None:
        """Lines need no stopping."""


def _sameness(move: Move) -> tuple[str, str] | None:
    """What makes changes alike for the reader; None for those of task instances that ran."""
    row = move.row
    return None if row.started_at or not row.state.is_ended else (row.state.name, row.reason)


def _line(move: Move, encoding: str) -> str:
    row = move.row
    if row.state in (PREPARING, WAITING) and not row.reason:
        return ""
    more = [clean(row.reason)] if row.reason and row.state is not RUNNING else []
    if row.state.is_ended and row.started_at:
        more.insert(0, between(row.started_at, row.ended_at))
    if row.state is RUNNING and row.progress:
        more.append(progress_words(row.progress))
    if row.state is RUNNING and row.attempts > 1:
        more.append(f"attempt {row.attempts}")
    return "  ".join([clock_time(move.at), f"{icon(row.state, encoding)} {row.path}", row.state.word, *more])
