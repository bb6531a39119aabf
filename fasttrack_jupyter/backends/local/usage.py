"""What sessions use over time: samples in the file ``usage`` beside each session's log.

The watchdog looks anyway; a look at a session that is due becomes a line. A line holds what adds
up, not what is shown: ``<time> <cpu seconds so far> <bytes> <processes> [<gpu busy>,<gpu bytes> …]``,
so that any lines may be dropped and the mean between two that stay is still right. The first line is the
beginning (no cpu, no memory). When there are 600 points every second one is dropped, and from then on one is
kept half as often: the file stays below 30 KiB, and covers a second as well as a week.

Sessions younger than a second have no file at all, so that a thousand short tasks cost nothing. After a
restart the file itself tells how far it has come. A crash in the middle of a line loses that line.

A task can reach its own session's folder. So the file may be anything by now: a link, a pipe, a gigabyte of
nonsense. It is opened without waiting and without following, and only so much is read of it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.local.devices import gpu_usage
from fasttrack_jupyter.engine.ports import UsagePoint

FILE = "usage"
MOST = 600
"""Points of one session at most."""
YOUNGEST = 1.0
"""Seconds that a session runs before it is sampled."""
_LARGEST = 1 << 20
"""Bytes of a file that are read: many times what it holds, unless somebody else wrote it."""
_LATEST = 1e11
"""Seconds since the epoch that a moment can be at most (and no NaN, nor infinity)."""
_GPU_PAUSE = 2.0
"""Seconds between two questions to the GPUs' driver."""

Gpus = Mapping[str, tuple[float | None, int]]
"""By device id: percent of time in which it is busy (None: not told), bytes in use."""


class Sample(NamedTuple):
    """One line: seconds since the epoch, seconds of cpu since the beginning, bytes, processes, the session's GPUs."""

    at: float
    cpu_seconds: float
    mem: int
    processes: int
    gpus: tuple[tuple[float | None, int], ...] = ()


@dataclass(slots=True)
class _Series:
    """How far a session's file has come: points, seconds between two, time of the last."""

    points: int
    every: float
    last: float


class Sampler:
    """Writes the files. ``devices`` gives the ids of the GPUs that an attempt holds. For one thread at a time."""

    def __init__(
        self,
        every: float,
        devices: Callable[[str], Sequence[str]] = lambda attempt_id: (),
        look: Callable[[], list[dict[str, Any]]] = gpu_usage,
    ) -> None:
        self._every, self._devices, self._look_at_gpus = every, devices, look
        self._series: dict[str, _Series] = {}
        self._gpus: Gpus = {}
        self._gpus_at = 0.0

    def keep_only(self, attempt_ids: set[str]) -> None:
        """Forget all others: they have ended."""
        for attempt_id in self._series.keys() - attempt_ids:
            del self._series[attempt_id]

    def note(self, attempt_id: str, control: str, began: float, now: Sample) -> None:
        """Append a point, if one is due. A full disk, or a folder that is gone, costs the point and nothing else."""
        if now.at - began < YOUNGEST:
            return
        with contextlib.suppress(OSError):
            series = self._series.get(attempt_id)
            if series is None:
                series = self._series[attempt_id] = _open_series(control, began, self._every)
            if 0 <= now.at - series.last < series.every * 0.9:
                return
            if ids := self._devices(attempt_id):
                gpus = self._gpus_now(now.at)
                now = now._replace(gpus=tuple(gpus[name] for name in ids if name in gpus))
            _append(control, _line(now))
            series.points, series.last = series.points + 1, now.at
            if series.points >= MOST:
                series.points, series.every = _thin(control), series.every * 2

    def _gpus_now(self, at: float) -> Gpus:
        if not 0 <= at - self._gpus_at < _GPU_PAUSE:
            self._gpus = {gpu["id"]: (gpu["busy"], gpu["mem_used"]) for gpu in self._look_at_gpus()}
            self._gpus_at = at
        return self._gpus


def points_of(control: str) -> list[UsagePoint]:
    """What the session of an attempt's directory used, point by point; empty where nothing was kept."""
    found = _read(control)
    return [
        UsagePoint(now.at, _cores(before, now), now.mem, now.processes, now.gpus) for before, now in pairwise(found)
    ]


def _cores(before: Sample, now: Sample) -> float:
    seconds = now.at - before.at
    return max(now.cpu_seconds - before.cpu_seconds, 0.0) / seconds if seconds > 0 else 0.0


def _open_series(control: str, began: float, every: float) -> _Series:
    """The file of a session, begun, or gone on with where an earlier engine left it."""
    found = _read(control)
    if not found:
        _append(control, _line(Sample(began, 0.0, 0, 0)))
        return _Series(0, every, began)
    _append(control, "\n")  # a crash may have broken off the last line
    while (found[-1].at - found[0].at) / every > MOST:
        every *= 2
    return _Series(len(found) - 1, every, found[-1].at)


def _thin(control: str) -> int:
    """Drop every second point, the newest not; how many are left."""
    first, *rest = _read(control) or [Sample(0.0, 0.0, 0, 0)]
    kept = rest[1 - len(rest) % 2 :: 2]
    draft = f"{control}/{FILE}.new"
    with open(draft, "w", encoding="ascii", opener=_private) as file:
        file.writelines(map(_line, [first, *kept]))
    os.replace(draft, f"{control}/{FILE}")
    return len(kept)


def _append(control: str, line: str) -> None:
    fd = _private(f"{control}/{FILE}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.write(fd, line.encode("ascii"))
    finally:
        os.close(fd)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _line(sample: Sample) -> str:
    gpus = "".join(f" {'-' if busy is None else busy},{mem}" for busy, mem in sample.gpus)
    return f"{sample.at:.2f} {sample.cpu_seconds:.2f} {sample.mem} {sample.processes}{gpus} .\n"


def _read(control: str) -> list[Sample]:
    try:
        fd = os.open(f"{control}/{FILE}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        text = os.read(fd, _LARGEST) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)
    found = [_parsed(line) for line in text.decode("ascii", "replace").split("\n")]
    return [sample for sample in found if sample is not None]


def _parsed(line: str) -> Sample | None:
    """One line; None for a broken one."""
    words = line.split()
    if len(words) < 5 or words[-1] != ".":
        return None
    at, cpu, mem, processes, *gpus = words[:-1]
    try:
        parts = [gpu.split(",") for gpu in gpus]
        told = tuple((None if busy == "-" else float(busy), int(used)) for busy, used in parts)
        sample = Sample(float(at), float(cpu), int(mem), int(processes), told)
    except ValueError:
        return None
    return sample if 0 <= sample.at < _LATEST and 0 <= sample.cpu_seconds < _LATEST else None
