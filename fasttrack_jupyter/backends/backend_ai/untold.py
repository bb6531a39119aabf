"""Ends that a cluster does not tell: the command is over, and its session runs on for ever.

Seen on 23.09 when the manager was killed just as a command ended: the agent's word of it was lost, and nobody says it
again. The wrapper's record in the vfolder tells. It is looked for seldom, at one session a time, with what the budget
of watching leaves, and believed only when the cluster has had :data:`GRACE` seconds to notice by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.watching import Budget
from fasttrack_jupyter.errors import FastTrackError

PAUSE = 30.0
"""Seconds between two looks for the record of one session."""
GRACE = 30.0


class UntoldEnds:
    """Looks for records of ends of sessions that go on; ``found`` gets one whose record has been there a while."""

    def __init__(
        self, vfolders: Vfolders, found: Callable[[Session], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._vfolders, self._found, self._clock = vfolders, found, clock
        self._looked: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    async def look(self, running: Sequence[Session], budget: Budget) -> None:
        """Look at the one that has waited longest. Raises FastTrackError: it could not be looked at."""
        now = self._clock()
        self._looked = {each.name: self._looked.get(each.name, now) for each in running}
        self._seen = {name: at for name, at in self._seen.items() if name in self._looked}
        due = [each for each in running if now - self._looked[each.name] >= PAUSE]
        if not due or not budget.take(keep=1.0):
            return
        session = min(due, key=lambda each: self._looked[each.name])
        self._looked[session.name] = now
        control = places.control(session.spec.attempt_id)
        try:
            record = await self._vfolders.lister.entry(session.folder, f"{control}/end")
        except FastTrackError as error:
            session.trouble = f"its end cannot be read yet: {error.message}"
            raise
        session.trouble = ""
        if record is None:
            return
        if now - self._seen.setdefault(session.name, now) >= GRACE:
            self._found(session)
