"""How far running sessions are: the ``.progress.json`` among their outputs, ``{"fraction": 0.4, "text": "…"}``.

To look costs a request of the manager for each session, so one session is looked at a time, with what the budget of
watching leaves, and each at most every :data:`PAUSE` seconds; a file that has not changed is not read. What makes no
sense is no progress.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.watching import Budget
from fasttrack_jupyter.backends.progress_file import parse_progress
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.artifacts import PROGRESS

PAUSE = 5.0
_LARGEST = 16_384


@dataclass(slots=True)
class _Known:
    looked_at: float
    changed: tuple[float, int] = (0.0, 0)
    told: dict[str, Any] | None = None


class ProgressReader:
    """Looks at the files of many sessions; ``heard`` gets what is new: ``{fraction, text}``."""

    def __init__(self, vfolders: Vfolders, heard: Callable[[Session, dict[str, Any]], None]) -> None:
        self._vfolders, self._heard = vfolders, heard
        self._known: dict[str, _Known] = {}

    async def look(self, running: Sequence[Session], budget: Budget) -> None:
        """Look at the one that has waited longest. Raises FastTrackError: it could not be looked at."""
        now = time.monotonic()
        self._known = {each.name: self._known.get(each.name) or _Known(now) for each in running}
        due = [each for each in running if now - self._known[each.name].looked_at >= PAUSE]
        if not due or not budget.take(keep=1.0):
            return
        session = min(due, key=lambda each: self._known[each.name].looked_at)
        known = self._known[session.name]
        known.looked_at = now
        path = f"{session.spec.outputs}/{PROGRESS}"
        entry = await self._vfolders.lister.entry(session.folder, path)
        if entry is None or entry.is_link or (entry.modified_at, entry.size) == known.changed:
            return
        try:
            told = parsed(await self._vfolders.read(session.folder, path, 0, _LARGEST))
        except NotFound:
            return  # it has ended meanwhile
        known.changed = (entry.modified_at, entry.size)
        if told is not None and told != known.told and session.is_running:
            known.told = told
            self._heard(session, told)


def parsed(content: bytes) -> dict[str, Any] | None:
    """What the file says, as a report tells it; None where it makes no sense."""
    told = parse_progress(content)
    return None if told is None else {"fraction": told[0], "text": told[1]}
