"""Logs and outputs of task instances: which attempt is meant, and its log with the secrets masked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from fasttrack_jupyter.engine.masking import Masker
from fasttrack_jupyter.engine.ports import ExecutionBackend, LogChunk
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.engine.views import LogView
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import Forbidden, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance, attempt_id
from fasttrack_jupyter.model.lifecycle import ENDED

SHOWN = "shown"
"""Folder of what cells showed, in a task's outputs (``notebook/travel`` writes it)."""
MAX_PAGE = 4 << 20
"""Bytes of a log that one call gives at most."""


Read = Callable[[int, int], Awaitable[LogChunk]]
"""At most so many (second) bytes of a log from a byte (first) on."""


class LogReader:
    """Reads logs of one home. Every read is masked: with all secrets that the pipeline could have been given."""

    def __init__(self, store: JobStore, backends: Callable[[str], ExecutionBackend], secrets: SecretStore) -> None:
        self._store, self._backends, self._secrets = store, backends, secrets
        self._maskers: dict[str | None, Masker] = {}

    def forget_secrets(self) -> None:
        """A secret was set or removed: look at them again."""
        self._maskers.clear()

    async def read(self, job: PipelineJob, path: str, attempt: int | None, after: int, limit: int) -> LogView:
        """At most ``limit`` bytes from byte ``after`` on (below zero: from the end). Raises NotFound."""
        row = await self._instance(job, path)
        number, name = _chosen(job, row, attempt)
        if number == 0:
            ended = row.status in ENDED
            return LogView(attempt="", data="", start=0, next=max(after, 0), size=0, ended=ended)
        is_over = row.status in ENDED or number < row.attempts
        read = partial(self._backends(backend_of(job, path)).logs, name)
        masker = await asyncio.to_thread(self._masker, job.pipeline)
        try:
            return await _page(read, masker, name, after, limit, is_over)
        except NotFound:
            after = max(after, 0)
            return LogView(attempt=name, data="", start=after, next=after, size=0, ended=is_over)

    async def page_of(self, read: Read, pipeline: str | None, name: str, after: int, limit: int) -> LogView:
        """Part of a log that ``read`` gives, masked with the secrets of its pipeline, or all where that is not known.

        ``name`` is said in the page. Raises NotFound as ``read`` does.
        """
        masker = await asyncio.to_thread(self._masker, pipeline)
        return await _page(read, masker, name, after, limit, None)

    async def masked(
        self, job: PipelineJob, read: Callable[[int, int], Awaitable[bytes]], start: int, limit: int
    ) -> bytes:
        """A range of a text that ``read(start, length)`` gives, with the secrets masked."""
        masker = await asyncio.to_thread(self._masker, job.pipeline)
        first, length = masker.window(start, limit)
        return masker.cut(await read(first, length), first, start, limit)

    async def masked_text(self, text: str) -> str:
        """A text that a session of any pipeline may have written, with all secrets of the home masked."""
        return await asyncio.to_thread(self._mask_all, text)

    async def masker_of_all(self) -> Callable[[Any], Any]:
        """What masks all secrets of the home in JSON that a session of any pipeline may have written."""
        return (await asyncio.to_thread(self._masker, None)).mask_tree

    async def instance(self, job: PipelineJob, path: str) -> TaskInstance:
        """A task instance of a job. Raises NotFound."""
        return await self._instance(job, path)

    async def current_attempt(self, job: PipelineJob, path: str) -> str:
        """The id of an instance's current attempt. Raises NotFound."""
        row = await self._instance(job, path)
        if row.attempts == 0:
            raise NotFound(f"task {path!r} of {job.pipeline}#{job.index} has not started")
        return attempt_id(job.id, row.ordinal, row.attempts)

    async def attempt_of(self, job: PipelineJob, path: str, attempt: int | None) -> tuple[int, str]:
        """Number and id of an attempt, the current one by default; number 0 before there is one. Raises NotFound."""
        return _chosen(job, await self._instance(job, path), attempt)

    async def outputs_dir(self, job: PipelineJob, path: str) -> str | None:
        """Where an instance's outputs are, within the pipeline folder."""
        return (await self._instance(job, path)).outputs_dir

    async def _instance(self, job: PipelineJob, path: str) -> TaskInstance:
        for row in await self._store.instances(job.id, path):
            return row
        hint = did_you_mean(path, (row.path for row in await self._store.instances(job.id)))
        raise NotFound(f"job {job.pipeline}#{job.index} has no task {path!r}", hint=hint)

    def _mask_all(self, text: str) -> str:
        return self._masker(None).mask(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def _masker(self, pipeline: str | None) -> Masker:
        """With what a pipeline could have been given; None: with all secrets of the home."""
        masker = self._maskers.get(pipeline)
        if masker is None:
            scopes = {pipeline} if pipeline is not None else {None, *(scope for _, scope in self._secrets.names())}
            values = {value for scope in scopes for value in self._secrets.values(scope)}
            masker = self._maskers[pipeline] = Masker(values)
        return masker


async def _page(read: Read, masker: Masker, name: str, after: int, limit: int, is_over: bool | None) -> LogView:
    """``is_over``: nothing more is written; None: the log itself says so. Raises NotFound as ``read``."""
    limit = min(limit, MAX_PAGE)
    if after < 0:
        after = max((await read(0, 0)).size + after, 0)
    first, length = masker.window(after, limit)
    chunk = await read(first, length)
    if chunk.next <= after and chunk.next < chunk.size:  # between the two lies what was dropped
        chunk = await read(after, length - (after - first))
    is_over = chunk.ended if is_over is None else is_over
    after = max(after, chunk.start)  # it begins behind what was dropped
    data = masker.cut(chunk.data, chunk.start, after, limit, ended=is_over)
    if after + len(data) < chunk.size or not is_over:
        data = whole_characters(data)
    end = after + len(data)
    text = data.decode("utf-8", "replace")
    ended = is_over and chunk.ended and end >= chunk.size
    return LogView(attempt=name, data=text, start=after, next=end, size=chunk.size, ended=ended)


def _chosen(job: PipelineJob, row: TaskInstance, attempt: int | None) -> tuple[int, str]:
    number = row.attempts if attempt is None else attempt
    if number > row.attempts or number < 0 or (number == 0 and attempt is not None):
        raise NotFound(f"task {row.path!r} of {job.pipeline}#{job.index} had {row.attempts} attempts, not {number}")
    return number, attempt_id(job.id, row.ordinal, number)


def whole_characters(data: bytes) -> bytes:
    """``data`` without a UTF-8 character that is cut off at its end; bytes that are no UTF-8 at all stay."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 1 if byte >= 0xF8 or byte < 0xC0 else 2 + (byte >= 0xE0) + (byte >= 0xF0)
        return data[:-back] if length > back and len(data) > back else data
    return data


def is_record(file: str) -> bool:
    """Whether an output is what FastTrack itself noted of cells: what they printed and showed, executed notebooks."""
    path = PurePosixPath(file)
    return path.parts[:1] == (SHOWN,) or (len(path.parts) == 1 and path.suffix in (".ipynb", ".html"))


def check_relative(file: str) -> None:
    """Refuse a name that is not a plain path below the outputs. Raises Forbidden."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\0" in file or not path.parts:
        raise Forbidden(f"{file!r} is not a file below the outputs")
