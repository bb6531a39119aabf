"""Waiting for what comes from elsewhere: a package index, a Git server.

One that does not answer now may answer soon, so it is asked again, ever more slowly; but not for ever, for a typing
error in an address looks just the same. An engine that takes a waiting session over begins to count anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fasttrack_jupyter.errors import BackendError, BackendUnreachable
from fasttrack_jupyter.model.quantities import format_duration

T = TypeVar("T")
PAUSES = (5.0, 60.0)
"""Seconds before a source is asked again: the first time, and at most."""


async def patiently(
    get: Callable[[], Awaitable[T]],
    say: Callable[[str], None],
    patience: float,
    *,
    pauses: tuple[float, float] = PAUSES,
) -> T:
    """What ``get`` gives, asked for ``patience`` seconds as long as it raises BackendUnreachable.

    ``say`` hears why it waits, and how long.

    Raises:
        BackendError: there was no answer in all that time.
    """
    began, (pause, longest) = time.monotonic(), pauses
    while True:
        try:
            return await get()
        except BackendUnreachable as error:
            left = patience - (time.monotonic() - began)
            if left <= 0:
                raise _given_up(error, patience) from error
            why = error.message
        pause = min(pause, longest, left)
        say(f"{why}; it is asked again in {format_duration(round(pause, 2))}, for {format_duration(round(left))} more")
        await asyncio.sleep(pause)
        pause *= 2


def _given_up(error: BackendUnreachable, patience: float) -> BackendError:
    return BackendError(
        f"it could not be started: {error.message} (asked for {format_duration(patience)})",
        hint=f"{error.hint}; then run it again. FASTTRACK_LOCAL_SOURCE_PATIENCE=1h would wait longer".lstrip("; "),
    )
