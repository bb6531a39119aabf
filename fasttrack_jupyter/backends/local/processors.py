"""Which processors a session that asks for ``cpu`` stays on: the least taken ones."""

from __future__ import annotations

import os
from collections import Counter

from fasttrack_jupyter.model.resources import HUNDRED


class Processors:
    """Hands out processors by number. A fraction of one counts as a place on a shared one."""

    def __init__(self) -> None:
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self._taken: Counter[int] = Counter(dict.fromkeys(sorted(usable), 0))
        self._held: dict[str, list[int]] = {}

    def take(self, attempt_id: str, cpu: int) -> list[int] | None:
        """The processors for ``cpu`` hundredths; None (all) if it asks for none, or as many as there are."""
        count = -(-cpu // HUNDRED)
        if not 0 < count < len(self._taken):
            return None
        self.release(attempt_id)
        chosen = [number for number, _ in sorted(self._taken.items(), key=lambda item: (item[1], item[0]))[:count]]
        self._keep(attempt_id, chosen)
        return chosen

    def restore(self, attempt_id: str, pid: int) -> None:
        """Count a session that an earlier engine started as it is."""
        try:
            there = sorted(os.sched_getaffinity(pid))
        except (OSError, AttributeError):
            return
        if len(there) < len(self._taken):
            self._keep(attempt_id, [number for number in there if number in self._taken])

    def release(self, attempt_id: str) -> None:
        """Give back what the attempt holds."""
        self._taken.subtract(self._held.pop(attempt_id, ()))

    def _keep(self, attempt_id: str, chosen: list[int]) -> None:
        self._held[attempt_id] = chosen
        self._taken.update(chosen)
