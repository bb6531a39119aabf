"""The one thread behind a widget: it paints, and does what a button asked for; the kernel's own thread never waits.

It exists only while there is something to do: it begins when asked and ends when nothing more will come by itself.
Messages to the front-end may be sent from any thread (ipykernel hands them to its own for output), so a job stays live
even while a cell computes or waits. Between two paintings lie at least :data:`SHORTEST` seconds, and so many times the
cost of the last one that painting never takes more than a small share of the process: a thousand tasks that
all move cost no more than one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SHORTEST = 0.2
_TICK = 1.0
"""Without news, times and logs are looked at this often."""
_SHARE = 10


class Worker:
    """Runs ``paint`` on a thread of its own, again and again for as long as it returns True, and what it is given."""

    def __init__(self, name: str, paint: Callable[[], bool]) -> None:
        self._name = name
        self._paint = paint
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._todo: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a thread just now."""
        return self._thread is not None

    def ask(self, do: Callable[[], None] | None = None) -> None:
        """Paint soon, after ``do`` is done. For any thread; never waits."""
        with self._lock:
            if self._closed.is_set():
                return
            if do is not None:
                self._todo.append(do)
            self._asked.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread; what it was asked and has not begun is left."""
        self._closed.set()
        self._asked.set()

    def _run(self) -> None:
        try:
            while not self._closed.is_set() and self._once():
                pass
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _once(self) -> bool:
        """One painting; whether to go on."""
        self._asked.clear()
        with self._lock:
            todo, self._todo = self._todo, []
        for do in todo:
            do()
        begun = time.thread_time()  # waiting for the engine costs this process nothing
        goes_on = self._paint()
        cost = time.thread_time() - begun
        with self._lock:
            if not goes_on and not self._todo and not self._asked.is_set():
                self._thread = None
                return False
        self._closed.wait(max(SHORTEST, _SHARE * cost))
        if goes_on:
            self._asked.wait(_TICK)
        return True
