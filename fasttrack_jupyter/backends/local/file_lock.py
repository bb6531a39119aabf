"""Flocks that are waited for without holding up the event loop, and that children share."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_LOOK_AGAIN = 0.05


@asynccontextmanager
async def locked(path: Path, say: Callable[[str], None], what: str) -> AsyncIterator[int]:
    """Hold the flock of ``path``, made if it is not there; yields the descriptor.

    A child that inherits the descriptor holds the lock as well, until it has ended too: so work that
    outlives a killed engine is not disturbed by the next one. Waiting can be cancelled.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            say(f"waiting for somebody else who prepares {what}")
            while not try_lock(descriptor):
                await asyncio.sleep(_LOOK_AGAIN)
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the flock if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
