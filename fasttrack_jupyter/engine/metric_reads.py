"""Metrics of task instances, read while they run and after: by whoever asks, for nobody else.

Through the backend's :meth:`~ExecutionBackend.read`, so that a task on a cluster is read like one here. Of a file only
what was added since is read: what it held until then is kept, folded, of the few that were asked for last. Who watches
asks for what came after an offset, and gets that alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.reads import LogReader
from fasttrack_jupyter.engine.sessions import outputs_dir_of
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED
from fasttrack_jupyter.model.metrics import METRICS, MetricTable, Number, Series, as_number

_PAGE = 1 << 20
_AT_ONCE = 8 << 20
"""Bytes that one question reads at most; whoever wants more asks again."""
_KEPT = 16
"""Files that are kept folded."""


class SeriesView(View):
    """One metric: at most 2,000 points of it, its peaks among them, in the order in which they were written."""

    steps: tuple[float, ...]
    values: tuple[Number, ...]
    """A value that JSON has no word for is ``NaN``, ``Infinity`` or ``-Infinity``."""
    times: tuple[float, ...]
    """Seconds since the epoch; 0 where it is not told."""
    count: int
    """How many points there were."""
    last: Number
    min: float | None
    """Of all values that are finite."""
    max: float | None


class MetricsView(View):
    """What an attempt has noted of itself, after the byte that was asked for."""

    attempt: int
    """Number of the attempt; 0: there is none yet, or the outputs are another job's."""
    next: int
    """Ask for what comes after it to go on from here."""
    more: bool
    """Whether there is more already: ask again at once."""
    ended: bool
    """Whether nothing will follow."""
    series: dict[str, SeriesView]
    params: dict[str, Any] = Field(default_factory=dict)
    tags: dict[str, Any] = Field(default_factory=dict)
    left_out: int = 0
    """Lines that made no sense."""


@dataclass(slots=True)
class _File:
    """What is known of one file."""

    table: MetricTable = field(default_factory=MetricTable)
    read: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MetricReader:
    """Reads metrics of one home."""

    def __init__(self, backends: Callable[[str], ExecutionBackend], logs: LogReader) -> None:
        self._backends, self._logs = backends, logs
        self._files: OrderedDict[tuple[str, str], _File] = OrderedDict()

    async def read(self, job: PipelineJob, row: TaskInstance, attempt: int | None, after: int) -> MetricsView:
        """What an attempt, the current one by default, has noted after byte ``after``. Raises NotFound."""
        number = row.attempts if attempt is None else attempt
        if number > row.attempts or number < 0 or (number == 0 and attempt is not None):
            raise NotFound(f"task {row.path!r} of {job.pipeline}#{job.index} had {row.attempts} attempts, not {number}")
        is_current = number == row.attempts
        place = row.outputs_dir if is_current else outputs_dir_of(job.index, row.path, number)
        is_over = row.status in ENDED or not is_current
        if place is None:
            return MetricsView(attempt=number, next=0, more=False, ended=is_over, series={})
        read = _Reading(self._backends(backend_of(job, row.path)), job.folder, f"{place}/{METRICS}")
        masked = await self._logs.masker_of_all()
        file = _File(read=after) if after > 0 else self._file((job.folder, place))
        async with file.lock:
            file.read, more = await read.onto(file.table, file.read)
            told = await asyncio.to_thread(_told, file.table, masked)
            end = file.read - file.table.pending
        return MetricsView(attempt=number, next=end, more=more, ended=is_over and not more, **told)

    def _file(self, key: tuple[str, str]) -> _File:
        file = self._files[key] = self._files.pop(key) if key in self._files else _File()
        while len(self._files) > _KEPT:
            self._files.popitem(last=False)
        return file


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where one file is."""

    backend: ExecutionBackend
    folder: str
    path: str

    async def onto(self, table: MetricTable, start: int) -> tuple[int, bool]:
        """Feed ``table`` with what comes from byte ``start`` on; how far that is now, and whether there is more."""
        until = start + _AT_ONCE
        while start < until:
            page = await self._page(start, _PAGE)
            await asyncio.to_thread(table.feed, page)
            start += len(page)
            if len(page) < _PAGE:
                return start, False
        return start, True

    async def _page(self, start: int, limit: int) -> bytes:
        try:
            return await self.backend.read(self.folder, self.path, start, limit)
        except (NotFound, Forbidden, BadRequest):  # nothing is noted yet, or what is there is no plain file
            return b""


def _told(table: MetricTable, masked: Callable[[Any], Any]) -> dict[str, Any]:
    """What a table holds, as a view has it. Blocks for as long as many points take."""
    series = {masked(name): _series(series) for name, series in table.series.items()}
    params, tags = masked(dict(table.params)), masked(dict(table.tags))
    return {"series": series, "params": params, "tags": tags, "left_out": table.left_out}


def _series(series: Series) -> SeriesView:
    points, told = series.points(), series.summary()
    return SeriesView(
        steps=tuple(point.step for point in points), values=tuple(as_number(point.value) for point in points),
        times=tuple(point.at for point in points), count=series.count, last=told["last"], min=told["min"],
        max=told["max"],
    )  # fmt: skip
