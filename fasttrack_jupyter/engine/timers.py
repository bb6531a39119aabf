"""Waits before next attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.engine.admission import Key


class Timers:
    """At most one timer for each task instance."""

    def __init__(self) -> None:
        self._handles: dict[Key, asyncio.TimerHandle] = {}

    def start(self, key: Key, seconds: float, call: Callable[..., None], *args: Any) -> None:
        """Call after so many seconds."""

        def due() -> None:
            del self._handles[key]
            call(*args)

        self.stop(key)
        self._handles[key] = asyncio.get_running_loop().call_later(seconds, due)

    def stop(self, key: Key) -> None:
        """There is nothing more to wait for, if there was."""
        if (handle := self._handles.pop(key, None)) is not None:
            handle.cancel()

    def stop_all(self) -> None:
        """The engine ends."""
        for key in list(self._handles):
            self.stop(key)
