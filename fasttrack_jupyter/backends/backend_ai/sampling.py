"""What running sessions use, looked at now and then for many at once; kept a while beyond their end, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence

from fasttrack_jupyter.backends.backend_ai.looking import Looker
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.watching import Budget
from fasttrack_jupyter.engine.ports import UsagePoint

PAUSE = 10.0
"""Seconds between two looks."""
_MOST = 200
"""Sessions that are looked at."""
KEPT = 200
"""Ended sessions whose points are kept."""


class Sampler:
    """Samples what sessions use."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._sampled = 0.0
        self._ended: OrderedDict[str, list[UsagePoint]] = OrderedDict()

    async def look(self, running: Sequence[Session], budget: Budget) -> None:
        """Look, if it is time and ``budget`` has something left. Raises FastTrackError."""
        now = time.monotonic()
        if not running or now - self._sampled < PAUSE or not budget.take(keep=1.0):
            return
        self._sampled = now
        sampled = running[:_MOST]
        used = await self._looker.measure([session.name for session in sampled])
        for session in sampled:
            session.used(time.time(), used.get(session.name, {}))

    def keep(self, session: Session) -> None:
        """Its end is stored; what it used may still be asked for."""
        if session.points:
            self._ended[session.spec.attempt_id] = list(session.points)
        while len(self._ended) > KEPT:
            self._ended.popitem(last=False)

    def of_ended(self, attempt_id: str) -> Sequence[UsagePoint]:
        """What an ended session used, while that is kept."""
        return self._ended.get(attempt_id, [])
