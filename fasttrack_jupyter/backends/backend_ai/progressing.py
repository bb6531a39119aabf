"""How far running sessions are: the ``.progress.json`` among their outputs, ``{"fraction": 0.4, "text": "…"}``.

To look costs a request of the manager for each session, so one session is looked at a time, with what the budget of
watching leaves, and each at most every :data:`PAUSE` seconds; a file that has not changed is not read. What makes no
sense is no progress.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.watching import Budget
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
    """What the file says; None where it makes no sense (half written, say)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    text = found.get("text")
    told = {"fraction": _fraction(found.get("fraction")), "text": text if isinstance(text, str) else ""}
    return None if told == {"fraction": None, "text": ""} else told


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(float(min(max(value, 0), 1)), 4)  # cut first: JSON's integers may be larger than any float
