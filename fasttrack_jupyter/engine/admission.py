"""Who goes next when slots are short. Pure: offers in, admissions out.

Ready instances of all running jobs wait here. The order is: the job's priority, then the length
of the path that still hangs on the instance (critical path first), then the older job, then the
task's place in the pipeline. Instances that ask for the same slots wait in one heap, so that a
decision costs the number of *different* demands, not of waiting instances.

A big demand must not starve behind small ones that always fit: when the first in line has been
passed over :data:`PATIENCE` times, nothing that it would need is given away any more until it fits.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity, say_quantity

PATIENCE = 64

Key = tuple[str, str]
"""``(job id, path)``."""


class Rank(NamedTuple):
    """The smaller, the earlier."""

    minus_priority: int
    minus_remaining: float
    job_number: int
    ordinal: int

    def with_priority(self, minus_priority: int) -> Rank:
        """The same place under another priority."""
        return Rank(minus_priority, self.minus_remaining, self.job_number, self.ordinal)


class Admission:
    """Hands out the slots of one backend; ``capacity`` None means that the backend queues by itself."""

    def __init__(self, capacity: ResourceSlots | None, *, max_in_flight: int = 10_000) -> None:
        self.capacity = capacity
        self._free: dict[str, int] = dict(capacity or {})
        self._max_in_flight = max_in_flight
        self._heaps: dict[ResourceSlots, list[tuple[Rank, Key]]] = {}
        self._waiting: dict[Key, tuple[Rank, ResourceSlots]] = {}
        self._held: dict[Key, ResourceSlots] = {}
        self._passed: dict[Key, int] = {}

    @property
    def used(self) -> ResourceSlots:
        """What is handed out now."""
        return ResourceSlots({k: v - self._free.get(k, 0) for k, v in (self.capacity or {}).items()})

    def offer(self, key: Key, demand: ResourceSlots, rank: Rank) -> None:
        """``key`` is ready and asks for ``demand``."""
        self._waiting[key] = (rank, demand)
        heapq.heappush(self._heaps.setdefault(demand, []), (rank, key))

    def withdraw(self, key: Key) -> bool:
        """``key`` wants nothing any more; whether it was waiting."""
        self._passed.pop(key, None)
        return self._waiting.pop(key, None) is not None

    def hold(self, key: Key, demand: ResourceSlots) -> None:
        """``key`` has its slots already (an adopted session)."""
        if key not in self._held:
            self._take(key, demand)

    def release(self, key: Key) -> None:
        """Give back what ``key`` holds."""
        for slot, amount in self._held.pop(key, ResourceSlots()).items():
            self._free[slot] = self._free.get(slot, 0) + amount

    def rerank(self, job_id: str, minus_priority: int) -> None:
        """The job's priority changed."""
        for key, (rank, demand) in list(self._waiting.items()):
            if key[0] == job_id:
                self.offer(key, demand, rank.with_priority(minus_priority))

    def admit(self) -> list[Key]:
        """Everything that may start now, in order; its slots are taken."""
        admitted: list[Key] = []
        blocked: set[ResourceSlots] = set()
        reserved: dict[str, int] = {}
        while len(self._held) < self._max_in_flight:
            head = self._first(blocked)
            if head is None:
                break
            key, demand = head
            if not self._fits(demand, reserved):
                blocked.add(demand)
                if self._passed.get(key, 0) >= PATIENCE:
                    for slot, amount in demand.items():
                        reserved[slot] = reserved.get(slot, 0) + amount
                continue
            heapq.heappop(self._heaps[demand])
            del self._waiting[key]
            self._passed.pop(key, None)
            self._take(key, demand)
            admitted.append(key)
            self._count_passed(blocked)
        return admitted

    def has_room(self, demand: ResourceSlots) -> bool:
        """Whether ``demand`` would start at once: it fits, and nobody waits."""
        return not self._waiting and self._fits(demand, {})

    def why_waiting(self, key: Key) -> str:
        """In words, what ``key`` waits for; empty when it is not waiting here."""
        if key not in self._waiting:
            return ""
        return self.lacking(self._waiting[key][1]) or "waits for its turn"

    def lacking(self, demand: ResourceSlots) -> str:
        """In words, what is missing for ``demand`` just now; empty if it would fit."""
        capacity = self.capacity or ResourceSlots()
        lacking = [
            f"{format_quantity(slot, asked)} {slot} asked, {say_quantity(slot, max(free, 0))} of "
            f"{say_quantity(slot, capacity.get(slot, 0))} free"
            for slot, (asked, free) in demand.exceeding(self._free).items()
        ]
        return f"waits for slots: {'; '.join(lacking)}" if lacking and self.capacity is not None else ""

    def _first(self, blocked: set[ResourceSlots]) -> tuple[Key, ResourceSlots] | None:
        best: tuple[Rank, Key, ResourceSlots] | None = None
        for demand, heap in list(self._heaps.items()):
            while heap and self._waiting.get(heap[0][1]) != (heap[0][0], demand):
                heapq.heappop(heap)
            if not heap:
                del self._heaps[demand]
            elif demand not in blocked and (best is None or heap[0][0] < best[0]):
                best = (*heap[0], demand)
        return (best[1], best[2]) if best else None

    def _count_passed(self, blocked: set[ResourceSlots]) -> None:
        for demand in blocked:
            if heap := self._heaps.get(demand):
                key = heap[0][1]
                self._passed[key] = self._passed.get(key, 0) + 1

    def _fits(self, demand: Mapping[str, int], reserved: Mapping[str, int]) -> bool:
        return self.capacity is None or all(
            amount <= self._free.get(slot, 0) - reserved.get(slot, 0) for slot, amount in demand.items()
        )

    def _take(self, key: Key, demand: ResourceSlots) -> None:
        self._held[key] = demand
        for slot, amount in demand.items():
            self._free[slot] = self._free.get(slot, 0) - amount
