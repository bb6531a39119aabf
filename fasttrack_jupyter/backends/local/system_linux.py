"""Processes through ``/proc`` (proc(5)) and pidfds. Times of beginnings are clock ticks since boot."""

from __future__ import annotations

import os
import signal
import time

from fasttrack_jupyter.backends.local.process import MARKER, Claim, Process
from fasttrack_jupyter.backends.local.runner.starting import LOCK_FD

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_GONE = " (deleted)"


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


def image_of(pid: int) -> object:
    """What the process ``pid`` runs: changed by exec, and by nothing else. None: it is gone.

    Where its code and its stack lie, which each exec rolls anew and a fork copies.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return words[23], words[25]


def process_table() -> dict[int, Process]:
    """All live processes of this machine."""
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def claims_of(pid: int) -> list[Claim]:
    """The claims that process ``pid`` shows; none if it is gone or not ours to look into."""
    claims = _claims_by_lock(f"/proc/{pid}/fd/{LOCK_FD}")
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = b"\0" + file.read()
    except OSError:
        return claims
    _, found, rest = environ.partition(f"\0{MARKER}=".encode())
    return [*claims, os.fsdecode(rest.partition(b"\0")[0])] if found else claims


def _claims_by_lock(descriptor: str) -> list[Claim]:
    """What the lock says, by what it is; and where it was removed, by where it was."""
    try:
        held = os.stat(descriptor)
        claims: list[Claim] = [(held.st_dev, held.st_ino)]
        if held.st_nlink == 0 and (path := os.readlink(descriptor)).endswith(f"/lock{_GONE}"):
            claims.append(path.removesuffix(f"/lock{_GONE}"))
    except OSError:
        return []  # not open there, or not ours: the environment may tell
    return claims


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


def start_of(pid: int) -> int | None:
    """When process ``pid`` started; None if it is not there or a zombie."""
    process = read_process(pid)
    return None if process is None else process.start


def may_lead(process: Process, start: int, at: float) -> bool:
    """Whether ``process`` can be the supervisor that said that it started at ``start`` (0: it could not tell)."""
    return start in (0, process.start)


def is_leader(pid: int, start: int, at: float) -> bool:
    """Whether the process ``pid`` is there and certainly the supervisor that started at ``start``."""
    return start_of(pid) == start


def age_of(pid: int, start: int) -> float:
    """Seconds since a process started; survives every jump of the clock."""
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - start / _TICKS) if start else 0.0


def end_of(pid: int) -> int:
    """A descriptor, the caller's to close, that becomes readable when process ``pid`` ends.

    Raises:
        ProcessLookupError: it is not there.
    """
    return os.pidfd_open(pid)
