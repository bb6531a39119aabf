"""Slots for the replicas of services that live by this engine, out of the line in which task instances stand."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from fasttrack_jupyter.engine.admission import Key, Rank
from fasttrack_jupyter.engine.line import Line
from fasttrack_jupyter.model.resources import ResourceSlots

_SERVICE = "service"
"""Stands where the keys of task instances have a job's id, which is never that."""
_FIRST = Rank(-(1 << 62), -math.inf, 0, 0)
"""Before every task: somebody waits for an answer of a service."""


class LineDesk:
    """A :class:`~fasttrack_jupyter.engine.serving.SlotDesk`; ``wake`` lets the line be looked at."""

    def __init__(self, line: Line, wake: Callable[[], None]) -> None:
        self._line, self._wake = line, wake

    def hold(self, key: str, slots: ResourceSlots) -> None:
        """It runs already."""
        self._line.hold(_key(key), slots)

    async def take(self, key: str, slots: ResourceSlots) -> None:
        """Return when it has them."""
        granted = asyncio.Event()
        self._line.ask(_key(key), slots, _FIRST, granted.set)
        self._wake()
        try:
            await granted.wait()
        except asyncio.CancelledError:
            self.release(key)
            raise

    def why_waiting(self, key: str) -> str:
        """In words, what it waits for."""
        return self._line.why_waiting(_key(key))

    def release(self, key: str) -> None:
        """Give back what it holds, if anything, or step out of line."""
        self._line.release(_key(key))
        self._wake()


def _key(key: str) -> Key:
    return (_SERVICE, key)
