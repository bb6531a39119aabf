"""The real clock, and the bus of hints inside one engine process."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Clock of the operating system."""

    def now(self) -> float:
        """Seconds since the epoch; may jump."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class LocalBus:
    """EventBus within one asyncio loop. Waiters are woken by whatever is published; they look for themselves."""

    def __init__(self) -> None:
        self._newest = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def publish(self, seq: int) -> None:
        """Something up to ``seq`` was committed."""
        self._newest = max(self._newest, seq)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, after: int, timeout: float) -> int:
        """The newest published seq, as soon as it exceeds ``after``, or after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while self._newest <= after and (left := deadline - time.monotonic()) > 0:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            await asyncio.wait([waiter], timeout=left)
            self._waiters.discard(waiter)
        return self._newest
