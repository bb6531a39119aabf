"""Following a job to its end: one loop for the moving screen and for plain lines.

The job lives in the engine. Following it is only looking, so leaving it (Ctrl-C) leaves the job be, and
an engine that dies under us is a line on the screen: the client starts another, which takes the job
over, and the event log goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fasttrack_jupyter.api.words import command, job_word
from fasttrack_jupyter.cli.app import CANCELLED, FAILED, INTERRUPTED
from fasttrack_jupyter.cli.board import Board, Move
from fasttrack_jupyter.cli.face import Face, is_live
from fasttrack_jupyter.cli.feed import Around, Feed
from fasttrack_jupyter.cli.keys import Interrupts, can_ask, wait_for_key

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client

Json = dict[str, Any]

_FRAME_SECONDS = 0.1


class View(Protocol):
    """How a followed job is shown."""

    def start(self, board: Board) -> None:
        """Before anything else."""

    def show(self, moves: list[Move], around: Around) -> tuple[str, ...]:
        """What changed since the last call (ten times a second at most); returns the paths whose log lines it wants."""

    def hold(self) -> None:
        """Leave the terminal to a question; the next :meth:`show` goes on."""

    def stop(self) -> None:
        """Nothing more will be shown."""


def view_for(face: Face, *, quiet: bool, expect: Any = None) -> View:
    """The moving screen on a terminal, plain lines elsewhere; with ``--json`` nothing but the screen, on stderr."""
    from fasttrack_jupyter.cli.plain import PlainView, SilentView

    if quiet:
        return SilentView()
    if is_live(face.stream()):
        from fasttrack_jupyter.cli.live import LiveView

        return LiveView(face.console(), expect)
    return SilentView() if face.as_json else PlainView(face.say, face.stream().encoding)


def follow(face: Face, job_id: str, view: View) -> tuple[Json, int]:
    """Follow a job until it has ended or the person leaves: the job as it is then, and the exit status."""
    client = face.client
    info = client.info()  # before the snapshot, so that no event falls between the two
    job = client.job(job_id)
    board = Board.of(job)
    if board.has_ended:
        view.start(board)
        view.stop()
        return job, exit_status(job)
    with Interrupts() as interrupts, Feed(client, job_id, info["seq"], info["pid"]) as feed:
        left_with = _watch(face, board, feed, interrupts, view)
    job = client.job(job_id)
    return job, exit_status(job) if left_with is None else left_with


def exit_status(job: Json) -> int:
    """What an ended job's result means to a script."""
    if job["status"] == "CANCELLED":
        return CANCELLED
    return FAILED if job["result"] == "FAILURE" else 0


def _watch(face: Face, board: Board, feed: Feed, interrupts: Interrupts, view: View) -> int | None:
    """Show ``board`` until its job has ended (None), or the person leaves it: the exit status then."""
    try:
        view.start(board)
        while not board.has_ended:
            feed.shown = view.show(_take(board, feed), feed.around)
            if interrupts.take():
                view.hold()
                if (left_with := _ask(face, board, feed, interrupts, view)) is not None:
                    return left_with
        view.show([], feed.around)
    finally:
        view.stop()
    return None


def _take(board: Board, feed: Feed) -> list[Move]:
    moves = (board.apply(event) for event in feed.take(_FRAME_SECONDS))
    return [move for move in moves if move is not None]


def _ask(face: Face, board: Board, feed: Feed, interrupts: Interrupts, view: View) -> int | None:
    """After Ctrl-C: go on or cancel (None), detach as asked (0), or be left by Ctrl-C once more (130)."""
    word = job_word(board.job)
    if not (can_ask() and face.stream().isatty()):
        return _leave(face, word, INTERRUPTED)
    face.note(f"\n{word} is running.  c: cancel it   d: detach (it goes on)   Enter: go on following")
    missed: list[Move] = []

    def is_over() -> bool:
        missed.extend(_take(board, feed))
        return board.has_ended or interrupts.has_come()

    try:
        key = wait_for_key("cd\n\r", is_over)
    except EOFError:
        return _leave(face, word, INTERRUPTED)
    if key == "d":
        return _leave(face, word, 0)
    if key is None and interrupts.take():
        return _leave(face, word, INTERRUPTED)
    if key == "c":
        _cancel(face, face.client, board)
    view.show(missed, feed.around)
    return None


def _cancel(face: Face, client: Client, board: Board) -> None:
    client.cancel(board.job["id"])
    face.note(f"{job_word(board.job)} is being cancelled …")


def _leave(face: Face, word: str, status: int) -> int:
    face.note(f"Detached; {word} goes on. Follow it again: {command('fasttrack', 'attach', word)}")
    return status
