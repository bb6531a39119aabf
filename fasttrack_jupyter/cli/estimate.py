"""How long a job will still take, from what the plan expected of each task.

The larger of two lower bounds: the longest chain of what is left, and the work that is left spread over as
many task instances as have run at a time. Nothing is said while a task is left of which
nothing is known: half an estimate misleads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fasttrack_jupyter.api.states import RUNNING
from fasttrack_jupyter.api.words import parse_time
from fasttrack_jupyter.cli.board import Board, Row


class Estimate:
    """Remaining seconds of one job. ``expected`` maps a path to the seconds its task took before."""

    def __init__(self, expected: Mapping[str, float | None]) -> None:
        self._expected = expected
        self._at_a_time = 1

    def remaining(self, board: Board, at: datetime) -> float | None:
        """Seconds from ``at`` to the end of the job; None where the plan does not know."""
        self._at_a_time = max(self._at_a_time, board.count(RUNNING))
        left: dict[str, float] = {}
        for row in board.rows.values():
            if not row.state.is_ended:
                seconds = self._left(row, at)
                if seconds is None:
                    return None
                left[row.path] = seconds
        return max(self._longest_chain(board, left), sum(left.values()) / self._at_a_time)

    def _left(self, row: Row, at: datetime) -> float | None:
        expected = self._expected.get(row.path)
        if expected is None:
            return None
        begun = parse_time(row.started_at) if row.state is RUNNING else None
        return max(0.0, expected - (at - begun).total_seconds()) if begun else expected

    @staticmethod
    def _longest_chain(board: Board, left: Mapping[str, float]) -> float:
        """The longest path through what is left, without recursion: a chain may be longer than Python's stack."""
        ends: dict[str, float] = {}
        stack = list(left)
        while stack:
            path = stack[-1]
            open_ones = [name for name in board.rows[path].dependencies if name in left and name not in ends]
            if path in ends or not open_ones:
                stack.pop()
                before = (ends[name] for name in board.rows[path].dependencies if name in ends)
                ends.setdefault(path, max(before, default=0.0) + left[path])
            else:
                stack.extend(open_ones)
        return max(ends.values(), default=0.0)
