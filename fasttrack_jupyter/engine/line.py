"""The line for one backend's slots, in two parts: what is intended, and what may start.

A ready instance is first *offered*. The best few of each demand are *intended*: their attempts are
recorded as PENDING while their turn has not come yet. Only recorded ones are *queued* for slots,
and the end of a session starts the first of the queue at once, without waiting for the disk.

An instance that outranks everything that is queued is intended in any case, so that looking
ahead never makes the important wait behind the early.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from fasttrack_jupyter.engine.admission import Admission, Key, Rank
from fasttrack_jupyter.model.resources import ResourceSlots

LOOK_AHEAD = 16
"""Attempts of each demand that are intended and wait for slots."""
_STALE = 1_000


class Line:
    """The line of one backend; ``capacity`` None means that the backend queues by itself."""

    def __init__(self, capacity: ResourceSlots | None) -> None:
        self._slots = Admission(capacity)
        self._offers: dict[ResourceSlots, list[tuple[Rank, Key]]] = {}
        self._offered: dict[Key, tuple[Rank, ResourceSlots]] = {}
        self._stale = 0
        """How many offers were withdrawn since the heaps were last cleared of such."""
        self._ahead: dict[ResourceSlots, dict[Key, Rank]] = {}
        """Intended, and not started, by demand."""
        self._granted: dict[Key, Callable[[], None]] = {}
        """Whom to tell that they have their slots, of those that are no task instances."""

    @property
    def used(self) -> ResourceSlots:
        """What is handed out now."""
        return self._slots.used

    def offer(self, key: Key, demand: ResourceSlots, rank: Rank) -> None:
        """``key`` is ready."""
        self._offered[key] = (rank, demand)
        heapq.heappush(self._offers.setdefault(demand, []), (rank, key))

    def withdraw(self, key: Key) -> bool:
        """``key`` is not wanted any more; whether it was queued, and so has not started."""
        if self._offered.pop(key, None) is not None:
            self._stale += 1
            if self._stale > max(_STALE, len(self._offered)):
                self._drop_stale()
        self._forget_ahead(key)
        self._granted.pop(key, None)
        return self._slots.withdraw(key)

    def intend(self) -> list[Key]:
        """What is to be recorded as intended now, in order."""
        found: list[tuple[Rank, Key]] = []
        for demand, heap in list(self._offers.items()):
            ahead = self._ahead.setdefault(demand, {})
            while heap:
                rank, key = heap[0]
                if self._offered.get(key) != (rank, demand):
                    heapq.heappop(heap)
                elif len(ahead) < LOOK_AHEAD or rank < min(ahead.values()):
                    heapq.heappop(heap)
                    del self._offered[key]
                    ahead[key] = rank
                    found.append((rank, key))
                else:
                    break
            if not heap:
                del self._offers[demand]
        return [key for _, key in sorted(found)]

    def queue(self, key: Key, demand: ResourceSlots, rank: Rank) -> None:
        """The intent of ``key`` is recorded: it may start when its turn comes."""
        self._ahead.setdefault(demand, {})[key] = rank
        self._slots.offer(key, demand, rank)

    def start(self) -> list[Key]:
        """What starts now, in order; its slots are taken."""
        started = self._slots.admit()
        for key in started:
            self._forget_ahead(key)
            if granted := self._granted.pop(key, None):
                granted()
                started = [other for other in started if other != key]
        return started

    def ask(self, key: Key, demand: ResourceSlots, rank: Rank, granted: Callable[[], None]) -> None:
        """Something that is no task instance wants slots: ``granted`` is called when :meth:`start` gives them."""
        self._granted[key] = granted
        self._slots.offer(key, demand, rank)

    def has_room(self, demand: ResourceSlots) -> bool:
        """Whether what is queued next with ``demand`` would start at once."""
        return self._slots.has_room(demand)

    def hold(self, key: Key, demand: ResourceSlots) -> None:
        """``key`` runs already: a session of an earlier engine."""
        self._slots.hold(key, demand)

    def release(self, key: Key) -> None:
        """The attempt of ``key`` is over."""
        self.withdraw(key)
        self._slots.release(key)

    def rerank(self, job_id: str, minus_priority: int) -> None:
        """The job's priority changed."""
        for key, (rank, demand) in list(self._offered.items()):
            if key[0] == job_id:
                self.offer(key, demand, rank.with_priority(minus_priority))
        self._slots.rerank(job_id, minus_priority)

    def why_waiting(self, key: Key) -> str:
        """In words, what ``key`` waits for; empty when it does not wait here."""
        if key in self._offered:
            _rank, demand = self._offered[key]
            return self._slots.lacking(demand) or "waits for its turn"
        return self._slots.why_waiting(key)

    def _drop_stale(self) -> None:
        """Now and then, so that nobody has to wait while a cancelled job's offers are thrown away all at once."""
        for demand, heap in list(self._offers.items()):
            heap[:] = [(rank, key) for rank, key in heap if self._offered.get(key) == (rank, demand)]
            heapq.heapify(heap)
        self._stale = 0

    def _forget_ahead(self, key: Key) -> None:
        for ahead in self._ahead.values():
            if ahead.pop(key, None) is not None:
                return
