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
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fasttrack_jupyter.backends.local.runner.launcher import LOCK_FD

MARKER = "FASTTRACK_ATTEMPT"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; ``start`` in ticks since boot, ``cpu`` in seconds, ``rss`` in bytes."""

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
    cpu = (int(words[11]) + int(words[12])) / _TICKS
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


def carries(pid: int, marker: bytes, lock: tuple[int, int] | None) -> bool:
    """Whether process ``pid`` has the session's ``marker`` in its environment or holds the file ``(device, inode)``."""
    try:
        there = os.stat(f"/proc/{pid}/fd/{LOCK_FD}")
        if lock == (there.st_dev, there.st_ino):
            return True
    except OSError:
        pass  # not open there, not ours to see, or gone: the environment decides
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return marker in b"\0" + file.read()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Tree:
    """A session as processes: its attempt's directory, and its supervisor where that is known."""

    control: str
    leader: int | None

    def members(self, table: Mapping[int, Process], own: int) -> list[Process]:
        """All its live processes in ``table``; never ``own`` or what is no part of the session."""
        marker = os.fsencode(f"\0{MARKER}={self.control}\0")
        lock = self._lock()
        roots = [
            process.pid
            for process in table.values()
            if process.pid != own and (process.session == self.leader or carries(process.pid, marker, lock))
        ]
        roots += [self.leader] if self.leader is not None and self.leader in table else []
        return [table[pid] for pid in descendants(roots, children_of(table)) if pid in table and pid != own]

    def _lock(self) -> tuple[int, int] | None:
        try:
            found = os.stat(f"{self.control}/lock")
        except OSError:
            return None
        return found.st_dev, found.st_ino


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
    """The process table, read in a thread at most every ``freshness`` seconds however many ask."""

    def __init__(self, freshness: float = 0.02) -> None:
        self._freshness = freshness
        self._table: dict[int, Process] = {}
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def table(self) -> dict[int, Process]:
        """A table that was read after this call or at most ``freshness`` seconds before it."""
        async with self._lock:
            if time.monotonic() - self._read_at > self._freshness:
                self._table = await asyncio.to_thread(process_table)
                self._read_at = time.monotonic()
            return self._table
