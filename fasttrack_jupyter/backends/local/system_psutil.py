"""Processes through psutil, where there is no ``/proc``. Beginnings are hundredths of seconds since the epoch."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

import psutil

from fasttrack_jupyter.backends.local.process import MARKER, Claim, Process
from fasttrack_jupyter.backends.local.runner.starting import LOCK_FD

_UNIT = 100
_SLACK = 1.0
"""Seconds by which the times of files and of processes may differ."""
_LOOK_AGAIN = 0.2


def read_process(pid: int) -> Process | None:
    """Process ``pid``, or None if it is gone or a zombie."""
    try:
        return _read(psutil.Process(pid))
    except psutil.Error:
        return None


def image_of(pid: int) -> object:
    """What the process ``pid`` runs, as far as its command line tells. None: it is gone, or somebody else's."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return None


def process_table() -> dict[int, Process]:
    """All live processes of this machine."""
    found = (read_process(pid) for pid in psutil.pids())
    return {process.pid: process for process in found if process is not None}


def _read(seen: psutil.Process) -> Process | None:
    with seen.oneshot():
        if seen.status() == psutil.STATUS_ZOMBIE:
            return None
        parent, start = seen.ppid(), int(seen.create_time() * _UNIT)
        try:
            times, rss = seen.cpu_times(), seen.memory_info().rss
            cpu = times.user + times.system + times.children_user + times.children_system
        except psutil.AccessDenied:  # somebody else's: it is no session's of ours
            cpu, rss = 0.0, 0
    return Process(seen.pid, parent, _unix_session(seen.pid), start, cpu, rss)


def _unix_session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def claims_of(pid: int) -> list[Claim]:
    """The claims that process ``pid`` shows; none if it is gone or not ours to look into."""
    claims: list[Claim] = []
    with suppress(psutil.Error, OSError):
        seen = psutil.Process(pid)
        if seen.uids().real != os.getuid():
            return []
        held = [file.path for file in seen.open_files() if file.fd == LOCK_FD]
        claims += [os.path.dirname(path) for path in held if os.path.basename(path) == "lock"]
        if marked := seen.environ().get(MARKER):
            claims.append(marked)
    return claims


def send_signal(process: Process, number: signal.Signals) -> None:
    """Signal that process, unless another has its number by now."""
    with suppress(psutil.Error, ProcessLookupError):
        if start_of(process.pid) == process.start:
            psutil.Process(process.pid).send_signal(number)


def start_of(pid: int) -> int | None:
    """When process ``pid`` started; None if it is not there or a zombie."""
    process = read_process(pid)
    return None if process is None else process.start


def may_lead(process: Process, start: int, at: float) -> bool:
    """Whether ``process`` can be the supervisor that said at ``at`` (seconds since the epoch) that it leads.

    The shell cannot tell its own beginning where there is no ``/proc``, so ``start`` means nothing here; but a process
    that got the number later began after ``at``.
    """
    return process.start / _UNIT <= at + _SLACK


def is_leader(pid: int, start: int, at: float) -> bool:
    """Whether the process ``pid`` is there and, as far as can be told, that supervisor."""
    process = read_process(pid)
    return process is not None and may_lead(process, start, at)


def age_of(pid: int, start: int) -> float:
    """Seconds since process ``pid`` started, by the wall's clock; 0 if it is gone."""
    began = start_of(pid)
    return 0.0 if began is None else max(0.0, time.time() - began / _UNIT)


def end_of(pid: int) -> int:
    """A descriptor, the caller's to close, that becomes readable when process ``pid`` ends.

    A thread looks after it: adopted sessions are few, as many as this machine has slots for.

    Raises:
        ProcessLookupError: it is not there.
    """
    start = start_of(pid)
    if start is None:
        raise ProcessLookupError(pid)
    reading, writing = os.pipe()

    def watch() -> None:
        while start_of(pid) == start:
            time.sleep(_LOOK_AGAIN)
        os.close(writing)

    threading.Thread(target=watch, name=f"end of {pid}", daemon=True).start()
    return reading
