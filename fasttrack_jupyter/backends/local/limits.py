"""The watchdog: memory over the limit, peaks, logs that grow without end.

One look at the process table serves all sessions. It takes about 15 µs per process, in a thread; the pause
until the next is at least fifty times what the last took, so that thousands of idle tasks cost at
most two percent of one processor. A log is bounded without touching the writer: the file stays as
it is and the blocks in its middle are given back (a hole), so that offsets stay true, nobody blocks, and
a task that never gets near the cap pays nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fasttrack_jupyter.backends.local import logs
from fasttrack_jupyter.backends.local.attempts import Killed
from fasttrack_jupyter.backends.local.process import Process
from fasttrack_jupyter.backends.local.processes import children_of, descendants
from fasttrack_jupyter.backends.local.progress import Progress, ProgressReader, Watched
from fasttrack_jupyter.backends.local.session import Session
from fasttrack_jupyter.backends.local.system import process_table
from fasttrack_jupyter.backends.local.usage import Sample, Sampler

_SHARE = 50
_GIB = 1 << 30


Wanted = tuple[str, str, int | None, int]
"""A session to look at: attempt id, directory, pid of its supervisor, bytes that it may use (0: no limit)."""


class Look(NamedTuple):
    """What one session uses: bytes, seconds of cpu so far, processes."""

    mem: int
    cpu_seconds: float
    processes: int


class Watchdog:
    """Watches sessions; ``end`` is told of those that go over their memory, ``devices`` tells an attempt's GPUs.

    ``progressed`` is told of those that say how far they are.
    """

    def __init__(
        self,
        interval: float,
        log_cap: int,
        sessions: Callable[[], list[Session]],
        end: Callable[[Session, Killed], None],
        devices: Callable[[str], Sequence[str]] = lambda attempt_id: (),
        progressed: Callable[[Session, Progress], None] = lambda session, progress: None,
    ) -> None:
        self._interval, self._log_cap, self._sessions, self._end = interval, log_cap, sessions, end
        self._progressed = progressed
        self._sampler, self._reader = Sampler(interval, devices), ProgressReader()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        pause = self._interval
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            if sessions := self._sessions():
                await self._look(sessions)
            pause = max(self._interval, _SHARE * (time.monotonic() - began))

    def is_log_too_big(self, session: Session) -> bool:
        """Whether :meth:`keep_bounded` has something to do: one stat."""
        return logs.is_over(session.control, self._log_cap)

    def keep_bounded(self, session: Session) -> None:
        """A last look at the log of a session that has ended: it may have grown since the one before. Blocks."""
        logs.keep_bounded(session.control, self._log_cap)

    async def _look(self, sessions: list[Session]) -> None:
        wanted = [(s.spec.attempt_id, s.control, s.leader, memory_limit(s)) for s in sessions]
        began = {s.spec.attempt_id: s.started_at for s in sessions if s.mode != "container"}
        watched = [Watched(s.spec.attempt_id, s.outputs, s.started_at or 0.0) for s in sessions]
        looks = await asyncio.to_thread(self._look_and_note, wanted, began)
        news = await asyncio.to_thread(self._reader.news, watched, time.time())
        for session in sessions:
            look, progress = looks.get(session.spec.attempt_id), news.get(session.spec.attempt_id)
            if look is not None and session.is_running:
                self._judge(session, look)
            if progress is not None and session.is_running and not session.ending:
                self._progressed(session, progress)

    def _look_and_note(self, wanted: Sequence[Wanted], began: Mapping[str, float | None]) -> dict[str, Look]:
        """Look, and keep what was seen of sessions that have run for a while (of a container only its client is)."""
        looks, now = _look_at(wanted, self._log_cap), time.time()
        self._sampler.keep_only(set(looks))
        for attempt_id, control, _, _ in wanted:
            look, since = looks.get(attempt_id), began.get(attempt_id)
            if look is not None and look.processes and since is not None:
                self._sampler.note(attempt_id, control, since, Sample(now, look.cpu_seconds, look.mem, look.processes))
        return looks

    def _judge(self, session: Session, look: Look) -> None:
        session.now = look._asdict()
        session.usage["peak_mem"] = max(look.mem, session.usage.get("peak_mem", 0))
        session.usage["cpu_seconds"] = round(max(look.cpu_seconds, session.usage.get("cpu_seconds", 0.0)), 3)
        limit = memory_limit(session)
        if limit and look.mem > limit and not session.ending:
            over = f"memory {look.mem / _GIB:.3g} GiB over the limit of {limit / _GIB:.3g} GiB"
            self._end(session, Killed("memory", over))


def memory_limit(session: Session) -> int:
    """Bytes that the session may use in all; 0: no limit."""
    return 0 if session.mode == "container" else session.spec.slots.get("mem", 0) * session.spec.cluster_size


def _look_at(wanted: Sequence[Wanted], log_cap: int) -> dict[str, Look]:
    table = process_table()
    children = children_of(table)
    in_session: dict[int, list[int]] = {}
    for process in table.values():
        in_session.setdefault(process.session, []).append(process.pid)
    looks = {}
    for attempt_id, control, leader, limit in wanted:
        logs.keep_bounded(control, log_cap)
        if leader is not None:
            pids = descendants([leader, *in_session.get(leader, ())], children)
            looks[attempt_id] = _measure([table[pid] for pid in pids if pid in table], limit)
    return looks


def _measure(processes: Sequence[Process], limit: int) -> Look:
    mem = sum(process.rss for process in processes)
    if limit and mem > limit:  # shared pages were counted once for each process: look closer
        mem = sum(proportional(process) for process in processes)
    return Look(mem, round(sum(process.cpu for process in processes), 3), len(processes))


def proportional(process: Process) -> int:
    """Bytes of memory of a process, each shared page divided among those who share it; else its resident size."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            fields: Mapping[bytes, bytes] = dict(line.split(b":", 1) for line in file if b":" in line)
        return int(fields[b"Pss"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return process.rss


def look_now(session: Session) -> Look:
    """What the session uses at this moment. Blocks for some milliseconds."""
    wanted = [(session.spec.attempt_id, session.control, session.leader, 0)]
    return _look_at(wanted, 1 << 62).get(session.spec.attempt_id, Look(0, 0.0, 0))
