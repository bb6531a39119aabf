"""Which processes belong to which session.

Every process of a session can be found by at least one of: descending from its supervisor, being
in the supervisor's own Unix session, holding the lock (descriptor 100), or carrying ``FASTTRACK_ATTEMPT``,
the path of its attempt's directory. A process must drop all four (daemonise, close every descriptor *and*
clear its environment) to get away from that, and in a private pid namespace there is no getting away at all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fasttrack_jupyter.backends.local.attempts import BOOT, supervisor
from fasttrack_jupyter.backends.local.process import Claim, Process
from fasttrack_jupyter.backends.local.system import claims_of, may_lead, process_table


def children_of(table: Mapping[int, Process]) -> dict[int, list[int]]:
    """Parent → children."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    return children


def descendants(roots: Iterable[int], children: Mapping[int, list[int]]) -> set[int]:
    """``roots`` and everything below them."""
    found: set[int] = set()
    queue = list(roots)
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.add(pid)
            queue.extend(children.get(pid, ()))
    return found


class Snapshot:
    """All processes of this machine at one time, and which session each of them shows to belong to."""

    def __init__(self) -> None:
        self.table = process_table()
        self.children = children_of(self.table)
        self.sessions: dict[int, list[int]] = {}
        self.claims: dict[Claim, list[int]] = {}
        own = os.getpid()
        for process in self.table.values():
            self.sessions.setdefault(process.session, []).append(process.pid)
            for claim in claims_of(process.pid) if process.pid != own else ():
                self.claims.setdefault(claim, []).append(process.pid)


@dataclass(frozen=True, slots=True)
class Tree:
    """A session as processes, known by its attempt's directory."""

    control: str

    def members(self, snapshot: Snapshot) -> list[Process]:
        """All its live processes."""
        roots = [pid for name in self._names() for pid in snapshot.claims.get(name, ())]
        try:
            lock = os.stat(f"{self.control}/lock")
            roots += snapshot.claims.get((lock.st_dev, lock.st_ino), ())
        except OSError:
            pass  # its directory is gone: what is left of it shows the other claim
        roots += self._led(snapshot)
        table, own = snapshot.table, os.getpid()
        return [table[pid] for pid in descendants(roots, snapshot.children) if pid in table and pid != own]

    def _names(self) -> set[str]:
        """Its directory as processes were told it, and as the system calls it (a home may be behind a symlink)."""
        return {self.control, os.path.realpath(self.control)}

    def _led(self, snapshot: Snapshot) -> list[int]:
        """Its supervisor and who is in the supervisor's Unix session; none once that number is another process's."""
        leader = supervisor(self.control)
        if leader is None or leader.boot != BOOT:
            return []
        there = snapshot.table.get(leader.pid)
        if there is not None and not may_lead(there, leader.start, leader.at):
            return []
        return [leader.pid, *snapshot.sessions.get(leader.pid, ())]


class ProcessWatch:
    """Snapshots, made in a thread, and shared by all who asked before one was begun."""

    def __init__(self) -> None:
        self._begun = self._done = 0
        self._snapshot: Snapshot | None = None
        self._lock = asyncio.Lock()

    async def snapshot(self) -> Snapshot:
        """A snapshot that was begun after this call."""
        wanted = self._begun + 1
        async with self._lock:
            if self._snapshot is None or self._done < wanted:
                self._begun += 1
                self._snapshot = await asyncio.to_thread(Snapshot)
                self._done = self._begun
            return self._snapshot
