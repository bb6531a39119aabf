"""How far a task is, as ``.progress.json`` in its outputs: which cell of how many, and how far its bar.

Whoever watches is told what the task's state does not tell anyway: so one cell without a bar says nothing, and
nobody says that all is done, for then the task ends.

tqdm's and rich's bars are recognised when the cells import them; the log gets a line of a bar now and then, and its
last one, in place of hundreds drawn over each other.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable, Dict, Optional

from .record import write_atomically

INTERVAL = 0.5
"""Seconds between two writes, at least; the beginning of a cell is written at once."""
LOG_INTERVAL = 10.0
"""Seconds between two lines of one bar in the log, at least."""
FILE = ".progress.json"


class Progress:
    """Writes the file. ``folder`` None: nowhere; ``hide`` masks what bars say."""

    def __init__(
        self,
        folder: Optional[str],
        cells: int,
        clock: Callable[[], float] = time.monotonic,
        hide: Callable[[str], str] = str,
    ) -> None:
        self._hide = hide
        self._path = None if folder is None else os.path.join(folder, FILE)
        self._cells, self._cell, self._clock = max(cells, 1), 0, clock
        self._written, self._is_told = -INTERVAL, cells > 1
        self._bars: Dict[int, Any] = {}

    def begin_cell(self, number: int) -> None:
        """The cell ``number`` (from 1) begins; 0: none yet."""
        self._cell = number
        self._bars.clear()
        self._write()

    def note(self, text: str) -> None:
        """All cells have run, and something else goes on (saving)."""
        self._cell, self._bars = self._cells + 1, {}
        self._write(text, force=False)

    def bar(self, key: int, text: str, done: float, total: Optional[float]) -> None:
        """A bar of the present cell stands at ``done`` of ``total`` (None: unknown)."""
        self._bars.pop(key, None)
        self._bars[key] = (text, done, total)
        self._is_told = True
        self._write(force=False)

    def drop_bar(self, key: int) -> None:
        """A bar is gone."""
        self._bars.pop(key, None)

    def state(self, said: str = "") -> Dict[str, Any]:
        """What the file says."""
        part, texts = 0.0, [f"cell {min(self._cell, self._cells)} of {self._cells}"] if self._cell else ["starting"]
        texts = texts if self._cells > 1 else []
        known = [bar for bar in self._bars.values() if bar[2]]
        if known:  # the outermost of nested bars is the oldest one
            part = min(max(known[0][1] / known[0][2], 0.0), 1.0)
        for text, done, total in list(self._bars.values())[-1:]:
            count = f"{_short(done)}/{_short(total)}" if total else _short(done)
            texts.append(f"{text} {count}".strip())
        texts += [said] if said else []
        fraction = min((max(self._cell - 1, 0) + part) / self._cells, 1.0)
        return {"fraction": round(fraction, 4), "text": self._hide(" · ".join(texts))}

    def _write(self, text: str = "", force: bool = True) -> None:
        now = self._clock()
        if self._path is None or not self._is_told or (now - self._written < INTERVAL and not force):
            return
        self._written = now
        try:
            write_atomically(self._path, json.dumps(self.state(text)).encode("ascii"))
        except OSError:  # a full disk: the task's own writes will say so
            self._path = None


def _short(number: float) -> str:
    return f"{number:,.6g}" if number != int(number) else f"{int(number):,}"


def hooks(progress: Progress) -> Dict[str, Callable[[Any], None]]:
    """What to change in which library when it is imported."""

    def watch(module: Any) -> None:
        from . import bars  # most cells have none

        bars.CHANGES[module.__name__](module, progress)

    return dict.fromkeys(("tqdm.std", "tqdm.notebook", "rich.progress"), watch)
