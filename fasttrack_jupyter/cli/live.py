"""The moving screen: one line per task instance, totals below; what a person watches while a job runs.

Each frame is built from at most as many rows as the screen has lines, and drawn only when something
changed or a second has passed, and never for more than a few percent of a core: the machine's cores
belong to the tasks. The terminal's size is
asked for every frame, so a resized window heals by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.live import Live
from rich.text import Text

from fasttrack_jupyter.api.states import CANCELLED, RUNNING, SUCCESS, State, icon
from fasttrack_jupyter.api.words import between, clean, command, duration, job_word, now, progress_words
from fasttrack_jupyter.cli.board import Board, Move, Row
from fasttrack_jupyter.cli.estimate import Estimate
from fasttrack_jupyter.cli.feed import Around
from fasttrack_jupyter.cli.style import colour

if TYPE_CHECKING:
    from rich.console import Console

Expect = Callable[[], Mapping[str, float | None]]

_CHROME = 3
"""Lines that are no task instance: the job's, the totals', and the cursor's."""
_SECOND = 1.0
_FRAME_SHARE = 25
"""A frame is followed by at least so many times its own cost: drawing takes no more than 4 % of one core."""
_ESTIMATE_SECONDS = 2.0
_EXPECT_AFTER = 2.0
"""Seconds before the plan is asked for its expectations: a short job does not pay for an estimate of it."""
_WIDEST_NAME = 36
_TIME_WIDTH = 10


class LiveView:
    """Draws a followed job on a terminal.

    ``expect`` (asked once, on a thread) gives the seconds that each path took before.
    """

    def __init__(self, console: Console, expect: Expect | None = None) -> None:
        self._console = console
        self._expect = expect
        self._estimate: Estimate | None = None
        self._timer: threading.Timer | None = None
        self._live: Live | None = None
        self._board: Board | None = None
        self._around = Around()
        self._drawn_at = 0.0
        self._estimated_at = 0.0
        self._frame_cost = 0.0
        self._news = False
        self._name_width = 0
        self._wanted: tuple[str, ...] = ()
        self._left: float | None = None
        self._seen: tuple[int, str | None] = (0, None)

    def start(self, board: Board) -> None:
        """The first frame."""
        self._board = board
        widest = max((cell_len(path) for path in board.rows), default=4)
        self._name_width = min(widest, _WIDEST_NAME)
        if self._expect is not None:
            self._timer = threading.Timer(_EXPECT_AFTER, self._ask_expectations, (self._expect,))
            self._timer.daemon = True
            self._timer.start()
        self._begin()

    def show(self, moves: list[Move], around: Around) -> tuple[str, ...]:
        """A frame, if there is anything new to see."""
        self._around = around
        seen = (around.restarts, around.paused)
        if self._live is None:
            self._begin()
        else:
            self._news = self._news or bool(moves) or seen != self._seen
            if self._is_due():
                self._draw()
        self._seen = seen
        return self._wanted

    def hold(self) -> None:
        """Leave the last frame where it is; the next one is drawn below what is written meanwhile."""
        self._end()

    def stop(self) -> None:
        """The last frame stays."""
        self._end()
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _ask_expectations(self, expect: Expect) -> None:
        self._estimate = Estimate(expect())

    def _is_due(self) -> bool:
        """Whether to draw now: news wait a little where frames are dear, and the clock moves on without news."""
        age = time.monotonic() - self._drawn_at
        return self._has_ended() or age >= _SECOND or (self._news and age >= _FRAME_SHARE * self._frame_cost)

    def _has_ended(self) -> bool:
        return self._board is not None and self._board.has_ended

    def _begin(self) -> None:
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            get_renderable=self._frame,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start(refresh=True)
        self._drawn_at = time.monotonic()

    def _draw(self) -> None:
        if self._live is not None:
            begun = time.monotonic()
            self._live.refresh()
            self._drawn_at = time.monotonic()
            self._frame_cost = self._drawn_at - begun
            self._news = False

    def _frame(self) -> Text:
        board = self._board
        assert board is not None
        width = self._console.width
        rows = board.visible(max(1, self._console.height - _CHROME - bool(self._trouble())))
        self._wanted = tuple(row.path for row in rows if row.state is RUNNING)
        self._look_ahead(board)
        lines = [self._head(board), *(self._row(row) for row in rows), self._totals(board, len(rows))]
        if trouble := self._trouble():
            lines.append(Text(trouble, style="bold"))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n", no_wrap=True, end="").join(lines)

    def _look_ahead(self, board: Board) -> None:
        """Estimate again, but not with every frame: it costs as much as there are task instances left."""
        if self._estimate is not None and time.monotonic() - self._estimated_at >= _ESTIMATE_SECONDS:
            self._left = self._estimate.remaining(board, now())
            self._estimated_at = time.monotonic()

    def _mark(self, state: State) -> Text:
        return Text(icon(state, self._console.encoding), style=colour(state))

    def _head(self, board: Board) -> Text:
        job, state = board.job, board.state
        head = Text.assemble(self._mark(state), " ", (job_word(job), "bold"), "  ", (state.word, colour(state)))
        head.append(f"  {between(job['started_at'] or job['created_at'], job['ended_at'])}")
        if not board.has_ended and self._left is not None and self._left >= 1:
            head.append(f"  about {duration(self._left)} left", style="dim")
        if job["reason"] and not board.has_ended:
            head.append(f"  {clean(job['reason'])}", style="dim")
        if job.get("name"):
            head.append(f"  {clean(job['name'])}", style="dim")
        return head

    def _row(self, row: Row) -> Text:
        name = set_cell_size(_middle(clean(row.path), self._name_width), self._name_width)
        word = row.state.word + (f" ×{row.attempts}" if row.attempts > 1 else "")
        elapsed = between(row.started_at, row.ended_at) if row.state is RUNNING or row.state.is_ended else ""
        line = Text.assemble("  ", self._mark(row.state), f" {name}  ", (f"{word:<12}", colour(row.state)))
        line.append(f"{elapsed:>{_TIME_WIDTH}}  ")
        line.append(self._remark(row), style="" if row.state.name == "failure" else "dim")
        return line

    def _remark(self, row: Row) -> str:
        if row.state is RUNNING and row.status == "RUNNING":
            tail = self._around.tails.get(row.path, "")
            return "   ".join(words for words in (progress_words(row.progress), tail) if words)
        if row.state is SUCCESS or (row.state is CANCELLED and row.reason == "cancelled"):
            return ""
        return clean(row.reason).partition("\n")[0]

    def _totals(self, board: Board, shown: int) -> Text:
        line = Text("  ")
        for count, state in board.totals():
            line.append(f"{count:,} ").append_text(self._mark(state)).append("  ")
        line.append(f"of {len(board.rows):,}")
        if shown < len(board.rows):
            line.append(f" ({len(board.rows) - shown:,} not shown)", style="dim")
        if self._wanted and not board.has_ended:
            log = command("fasttrack", "logs", job_word(board.job), self._wanted[0], "-f")
            line.append(f"    {log}", style="dim")
        return line

    def _trouble(self) -> str:
        if self._around.paused:
            return f"  paused: {clean(self._around.paused)}"
        return "  engine restarted; going on" if self._around.restarts else ""


def _middle(name: str, width: int) -> str:
    """``name`` within ``width`` cells, its middle replaced by an ellipsis if need be: both ends tell names apart."""
    if cell_len(name) <= width:
        return name
    head, tail = name[: width // 2], name
    while cell_len(head) > width // 2:
        head = head[:-1]
    while cell_len(tail) > width - 1 - cell_len(head):
        tail = tail[1:]
    return f"{head}…{tail}"
