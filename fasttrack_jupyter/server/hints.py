"""Hints on Jupyter's own event bus: something happened, ask for what it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from jupyter_events import EventLogger

SCHEMA = Path(__file__).with_name("hint.schema.yaml")
SCHEMA_ID = "https://events.jupyter.org/fasttrack_jupyter/hint/v1"
PERIOD = 0.1
"""Seconds between two hints, at least."""


class Hints:
    """Tells at once that something happened, and then at most ten times a second, whatever happens meanwhile."""

    def __init__(self, events: EventLogger) -> None:
        self._events = events
        self._waiting: dict[str, int | str] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def note(self, seq: int, engine: Literal["connected", "starting", "failed"], services: int = 0) -> None:
        """The newest event is ``seq``, the engine is in that state, and services changed so many times."""
        self._waiting = {"seq": seq, "engine": engine, "services": services}
        if self._timer is None:
            self._emit()

    def close(self) -> None:
        """Say nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _emit(self) -> None:
        self._timer = None
        if self._waiting is not None:
            hint, self._waiting = self._waiting, None
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._emit)
            self._events.emit(schema_id=SCHEMA_ID, data=hint)
