"""The moving screen: on a console in memory, and in a real terminal (pty) with a person's keys."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from fasttrack_jupyter.cli.board import Board
from fasttrack_jupyter.cli.feed import Around
from fasttrack_jupyter.cli.live import LiveView

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _screen(board: Board, around: Around | None = None, *, width: int = 100, height: int = 24) -> list[str]:
    """The last frame that a person would see."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height)
    view = LiveView(console)
    view.start(board)
    view.stop()
    if around is not None:
        view.show([], around)
        view._draw()
        view.stop()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = ESCAPES.sub("", text).replace("\r", "\n").split("\n")
    lines = [line for line in lines if line.strip()]
    first = max(n for n, line in enumerate(lines) if not line.startswith(" "))
    return lines[first:]


def test_a_frame_has_a_line_per_task_and_the_totals(shapes: Any) -> None:
    """Icon, name, state; the sum below."""
    board = Board.of(shapes.job(shapes.task("prepare", "RUNNING", started_at=shapes.at(0)), shapes.task("train")))
    lines = _screen(board)
    assert lines[0].startswith("▶ digits#12  running")
    assert lines[1].split()[:3] == ["▶", "prepare", "running"]
    assert lines[2].split() == ["○", "train", "waiting"]
    assert lines[3].startswith("  1 ▶  1 ○  of 2    fasttrack logs digits#12 prepare -f")


def test_a_frame_never_leaves_the_screen(shapes: Any) -> None:
    """No line is wider than the terminal, no frame higher; wide letters count twice."""
    tasks = [shapes.task(f"아주-긴-이름의-태스크-{n}", "ERROR", "FAILURE", reason="이유 " * 40) for n in range(200)]
    lines = _screen(Board.of(shapes.job(*tasks)), width=60, height=10)
    assert len(lines) <= 10
    assert max(cell_len(line) for line in lines) <= 60
    assert "of 200" in lines[-1]


def test_names_keep_both_ends(shapes: Any) -> None:
    """A long name is shortened in the middle."""
    lines = _screen(Board.of(shapes.job(shapes.task("a" * 40 + "-fold-17"))))
    assert re.search(r"aaa…a*-fold-17 ", lines[1])


def test_the_last_log_line_is_shown_while_it_runs(shapes: Any) -> None:
    """What the task says stands on its line."""
    board = Board.of(shapes.job(shapes.task("train", "RUNNING", started_at=shapes.at(0))))
    around = Around(tails={"train": "epoch 3"}, paused="the disk is full", restarts=1)
    lines = _screen(board, around)
    assert any("epoch 3" in line for line in lines)
    assert lines[-1].strip() == "paused: the disk is full"


def test_how_far_a_task_is_stands_before_its_log(shapes: Any) -> None:
    """In percent and in its own words, without its control characters."""
    progress = {"fraction": 0.29, "text": "cell 2 of 5\x1b[2J"}
    board = Board.of(shapes.job({**shapes.task("train", "RUNNING", started_at=shapes.at(0)), "progress": progress}))
    lines = _screen(board, Around(tails={"train": "epoch 7"}))
    assert "29 % · cell 2 of 5   epoch 7" in lines[1]


def test_drawing_is_throttled_by_its_cost(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast news come, drawing keeps to its share of time."""
    clock = [100.0]
    monkeypatch.setattr("fasttrack_jupyter.cli.live.time", type("Clock", (), {"monotonic": lambda: clock[0]}))
    board = Board.of(shapes.job(shapes.task("train")))
    view = LiveView(Console(file=io.StringIO(), force_terminal=True, width=80, height=24))
    view.start(board)
    frames = []
    monkeypatch.setattr(view, "_draw", lambda: frames.append(clock[0]))
    view._frame_cost = 0.02
    move = board.apply(shapes.event(1, "train", "RUNNING"))
    for _ in range(4):
        clock[0] += 0.1
        view.show([move], Around())
    view.stop()
    assert frames == [pytest.approx(100.5)] or len(frames) <= 1


# ---------------------------------------------------------------- a real terminal

PROGRAM = """
import sys, time, threading
from datetime import UTC, datetime
from fasttrack_jupyter.cli.app import root
from fasttrack_jupyter.cli.face import Face

now = lambda: datetime.now(UTC).isoformat()
task = dict(path="train", task="train", status="RUNNING", result="UNDEFINED", reason="", attempts=1, exit_code=None,
            started_at=now(), ended_at=None, outputs={}, outputs_dir=None, resources={}, notes=[], dependencies=[])
job = dict(id="01abc", index=12, pipeline="digits", status="RUNNING", result="UNDEFINED", reason="", created_at=now(),
           started_at=now(), ended_at=None, name="", tags=[], note="", priority=0, backend="local", rerun_of=None,
           paused=None, params={}, folder="f", folder_path=None, source=None, tasks=[task], outputs={})

class Client:
    cancelled = threading.Event()
    info = lambda self: dict(pid=1, seq=0)
    job = lambda self, word: job
    jobs = lambda self, **which: [job]
    close = lambda self: None
    plan_rerun = lambda self, *args: dict(tasks=[])
    logs = lambda self, *args, **how: dict(data="epoch 3 of 10\\n", start=0)
    def cancel(self, *args):
        print("CANCEL ASKED", file=sys.stderr)
        self.cancelled.set()
    def follow_events(self, after, job=None):
        self.cancelled.wait()
        globals()["job"].update(status="CANCELLED", ended_at=now())
        yield dict(seq=1, at=now(), job_id="01abc", path=None, type="JobEnded", attempt=0, status="CANCELLED",
                   result="UNDEFINED", reason="cancelled", data={})
        threading.Event().wait()

root(["attach", "last"], obj=Face(connect=lambda home, start: Client()))
"""


@dataclass
class Terminal:
    """A program in a terminal of its own."""

    process: subprocess.Popen[bytes]
    master: int
    text: str = ""

    def wait_for(self, wanted: str, seconds: float = 20.0) -> None:
        """Read on until ``wanted`` has been on the screen."""
        deadline = time.monotonic() + seconds
        while wanted not in ESCAPES.sub("", self.text):
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            self._read()

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 0.1)
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data) or not ready

    def type(self, keys: str) -> None:
        """Press keys; what came before is forgotten."""
        self.text = ""
        os.write(self.master, keys.encode())

    def end(self, seconds: float = 20.0) -> int:
        """The exit status, with everything read."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read()
        while self._read() and select.select([self.master], [], [], 0)[0]:
            continue
        return self.process.returncode


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Start the program above in a terminal."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    opened: list[Terminal] = []

    def start(**environ: str) -> Terminal:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        process = subprocess.Popen(
            [sys.executable, str(program)], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**environment, "TERM": "xterm-256color", **environ},
            preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(slave)
        opened.append(Terminal(process, master))
        return opened[-1]

    yield start
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        os.close(one.master)


def _take_terminal() -> None:
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_terminal_gets_a_moving_screen(terminal: Open) -> None:
    """Colour, the task, its last log line."""
    screen = terminal()
    screen.wait_for("epoch 3 of 10")
    assert "\x1b[" in screen.text
    assert "train" in screen.text


def test_no_color_gets_plain_lines(terminal: Open) -> None:
    """NO_COLOR: no escape sequence at all."""
    screen = terminal(NO_COLOR="1")
    screen.wait_for("digits#12 (01abc) on local: 1 task")
    assert "\x1b" not in screen.text


def test_ctrl_c_asks_and_twice_detaches(terminal: Open) -> None:
    """The second Ctrl-C leaves the job be: exit status 130 and how to come back."""
    screen = terminal()
    screen.wait_for("running")
    screen.type("\x03")
    screen.wait_for("c: cancel it   d: detach")
    screen.type("\x03")
    assert screen.end() == 130
    assert "fasttrack attach digits#12" in screen.text


def test_ctrl_c_and_d_detaches(terminal: Open) -> None:
    """One key is enough; it was asked for, so the exit status is 0, as with --detach."""
    screen = terminal()
    screen.wait_for("running")
    screen.type("\x03")
    screen.wait_for("d: detach")
    screen.type("d")
    assert screen.end() == 0


def test_ctrl_c_and_enter_goes_on(terminal: Open) -> None:
    """The screen comes back; the next Ctrl-C asks again, and c cancels: exit status 3."""
    screen = terminal()
    screen.wait_for("running")
    screen.type("\x03")
    screen.wait_for("Enter: go on")
    screen.type("\n")
    screen.wait_for("of 1")
    screen.type("\x03")
    screen.wait_for("c: cancel it")
    screen.type("c")
    assert screen.end() == 3
    assert "CANCEL ASKED" in screen.text


def test_being_terminated_leaves_the_terminal_as_it_was(terminal: Open) -> None:
    """The cursor comes back."""
    screen = terminal()
    screen.wait_for("running")
    screen.process.terminate()
    assert screen.end() == 143
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l")


def test_an_interrupt_without_a_terminal_detaches(terminal: Open, tmp_path: Path) -> None:
    """Nobody can be asked: SIGINT leaves the job be, and says so."""
    terminal()
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("digits#12")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Detached; digits#12 goes on." in errors
