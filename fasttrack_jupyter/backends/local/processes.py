"""Which processes belong to which session.

Every process of a session can be found by at least one of: descending from its supervisor, being
in the supervisor's own Unix session, holding the lock (descriptor 100), or carrying ``FASTTRACK_ATTEMPT``,
the path of its attempt's directory. A process must drop all four (daemonise, close every descriptor *and*
clear its environment) to get away from that, and in a private pid namespace there is no getting away at all.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fasttrack_jupyter.backends.local.attempts import BOOT, supervisor
from fasttrack_jupyter.backends.local.runner.launcher import LOCK_FD

MARKER = "FASTTRACK_ATTEMPT"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; ``start`` in ticks since boot, ``rss`` in bytes.

    ``cpu`` is in seconds, with that of its ended children: the sum over a session only grows.
    """

    pid: int
    parent: int
    session: int
    start: int
    cpu: float
    rss: int


def read_process(pid: int) -> Process | None:
    """Process ``pid``, or None if it is gone or a zombie."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        words = os.read(fd, 1024).rpartition(b")")[2].split()
    except OSError:
        return None
    finally:
        os.close(fd)
    if not words or words[0] in (b"Z", b"X"):
        return None
    cpu = sum(map(int, words[11:15])) / _TICKS
    return Process(pid, int(words[1]), int(words[3]), int(words[19]), cpu, int(words[21]) * _PAGE)


def process_table() -> dict[int, Process]:
    """All live processes of this machine."""
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


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


Claim = str | tuple[int, int]
"""What ties a process to a session: the directory named in its environment, or the lock it holds (device, inode)."""


def claims_of(pid: int) -> list[Claim]:
    """The claims that process ``pid`` shows; none if it is gone or not ours to look into."""
    claims: list[Claim] = []
    try:
        held = os.stat(f"/proc/{pid}/fd/{LOCK_FD}")
        claims.append((held.st_dev, held.st_ino))
    except OSError:
        pass  # not open there, or not ours: the environment may tell
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = b"\0" + file.read()
    except OSError:
        return claims
    _, found, rest = environ.partition(f"\0{MARKER}=".encode())
    return [*claims, os.fsdecode(rest.partition(b"\0")[0])] if found else claims


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
        roots = list(snapshot.claims.get(self.control, ()))
        try:
            lock = os.stat(f"{self.control}/lock")
            roots += snapshot.claims.get((lock.st_dev, lock.st_ino), ())
        except OSError:
            pass  # its directory is gone: what is left of it shows the other claim
        roots += self._led(snapshot)
        table, own = snapshot.table, os.getpid()
        return [table[pid] for pid in descendants(roots, snapshot.children) if pid in table and pid != own]

    def _led(self, snapshot: Snapshot) -> list[int]:
        """Its supervisor and who is in the supervisor's Unix session; none once that number is another process's."""
        leader = supervisor(self.control)
        if leader is None or leader.boot != BOOT:
            return []
        there = snapshot.table.get(leader.pid)
        if there is not None and leader.start not in (0, there.start):
            return []
        return [leader.pid, *snapshot.sessions.get(leader.pid, ())]


def send_signal(process: Process, number: signal.Signals) -> None:
    """Signal that very process, and never another that got its number meanwhile."""
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return  # it is gone
    try:
        now = read_process(process.pid)
        if now is not None and now.start == process.start:
            signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return  # it went just now
    finally:
        os.close(fd)


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
