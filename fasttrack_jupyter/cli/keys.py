"""Interrupts and single keys of the person at the terminal, without a blocking read."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """Counts SIGINT instead of raising: whoever follows a job decides what one means.

    SIGTERM raises SystemExit, so that the terminal is left as it was found. Used as a context
    manager, on the main thread; the earlier handlers come back at the end.
    """

    def __init__(self) -> None:
        self._count = 0
        self._answered = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        self._before = {
            signal.SIGINT: signal.signal(signal.SIGINT, self._heard),
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._terminate),
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def has_come(self) -> bool:
        """Whether one has come that nobody took yet."""
        return self._count > self._answered

    def take(self) -> bool:
        """Whether any has come since the last call; what comes from now on is another one."""
        before, self._answered = self._answered, self._count
        return self._answered > before

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1

    @staticmethod
    def _terminate(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)


def can_ask() -> bool:
    """Whether somebody is there to press a key."""
    return sys.stdin is not None and sys.stdin.isatty()


def wait_for_key(wanted: str, until: Callable[[], bool]) -> str | None:
    """The first of the ``wanted`` characters that is typed; None once ``until()`` is true (asked ten times a second).

    Raises:
        EOFError: the terminal went away.
    """
    with _single_keys() as poll:
        while not until():
            key = poll(0.1).lower()
            if key and key in wanted:
                return key
    return None


@contextmanager
def _single_keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for one character; ``""`` if none came."""
    if sys.platform == "win32":
        yield _windows_key
        return
    import os
    import select
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def poll(seconds: float) -> str:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        if not ready:
            return ""
        if not (key := os.read(descriptor, 1)):
            raise EOFError("the terminal is gone")
        return key.decode("ascii", "ignore")

    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)  # keys come one by one; Ctrl-C still is a signal
        yield poll
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _windows_key(seconds: float) -> str:
    import msvcrt
    import time

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
            return str(msvcrt.getwch())  # type: ignore[attr-defined,unused-ignore]
        time.sleep(0.02)
    return ""
