"""Answers that go on: a log being written, events as they happen, a file's bytes."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import web

from fasttrack_jupyter.api.requests import LogQuery, StreamQuery
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import SERVICE_CHANGED, EventView, LogView
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, EmptyRange, NotFound
from fasttrack_jupyter.model.job import parse_attempt_id

T = TypeVar("T")

HEARTBEAT = 15.0
"""Seconds; a stream with nothing to say yields None this often, so that both ends notice when the other is gone.

The first comes at once: it carries the head of the answer, by which a caller knows that he is being served."""
_PART = 1 << 18
_QUICK, _SLOW = 0.04, 0.4
"""How long to wait for more of a log: right after there was some, and when nothing comes."""

_AWAY = 2.0
"""… and when its backend does not answer."""
_BEAT = 0.25
"""Seconds between two looks at how far something is."""
UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
"""What a file's name cannot hold on some system."""


async def while_working(work: asyncio.Task[Any], seen: Callable[[], T]) -> AsyncGenerator[T | None, None]:
    """What ``seen`` tells while ``work`` goes on, when it is new, at most some times a second; None as a heartbeat.

    Closed early, it ends the work, and waits until that has ended. Raises what the work raises.
    """
    try:
        told: T | None = None
        waited = 0.0
        while not work.done():
            await asyncio.wait([work], timeout=_BEAT)
            waited += _BEAT
            if (now := seen()) != told and not work.done():
                told, waited = now, 0.0
                yield now
            elif waited >= HEARTBEAT:
                waited = 0.0
                yield None
        await work
    finally:
        work.cancel()
        await asyncio.wait([work])


class TextResponse(web.StreamResponse):
    """Text in UTF-8 that is sent part by part."""


async def follow_log(engine: FastTrack, job: str, path: str, query: LogQuery) -> AsyncIterator[LogView | None]:
    """Pages that hold something, and the last one; a new attempt's log begins at its own start.

    A backend that does not answer any more is waited for: what was written meanwhile comes afterwards.
    """
    after, attempt, pause, silent = query.after, None, _QUICK, math.inf
    while True:
        try:
            page = await engine.logs(job, path, attempt=query.attempt, after=after, limit=query.limit)
        except BackendUnreachable:
            if attempt is None:  # nothing has been heard yet: who asks is told
                raise
            if silent > HEARTBEAT:
                silent = 0.0
                yield None
            await asyncio.sleep(_AWAY)
            silent += _AWAY
            continue
        if attempt not in (None, page.attempt) and page.start:
            after, attempt = 0, page.attempt
            continue
        after, attempt = page.next, page.attempt
        if page.data or page.ended or silent > HEARTBEAT:
            yield page if page.data or page.ended else None
            pause, silent = _QUICK, 0.0
        if page.ended and page.next >= page.size:
            return
        if not page.data:
            await asyncio.sleep(pause)
            silent, pause = silent + pause, min(_SLOW, pause * 1.5)


async def send_log(engine: FastTrack, request: web.Request, job: str, path: str, attempt: int | None) -> TextResponse:
    """An attempt's masked log as a file, to where its end is now; what is written later does not belong to it.

    Each page is masked with what stands before and after it in the log (:mod:`fasttrack_jupyter.engine.masking`), so
    where one page ends is nowhere to be seen.
    """
    page = await engine.logs(job, path, attempt=attempt, after=0, limit=_PART)
    if attempt is None and page.attempt:
        attempt = parse_attempt_id(page.attempt)[2]  # a new one may begin meanwhile
    size = page.size
    response = TextResponse()
    response.content_type, response.charset = "text/plain", "utf-8"
    name = UNFIT.sub("-", f"{path}.{attempt}.log" if attempt else f"{path}.log")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.enable_chunked_encoding()
    await response.prepare(request)
    while page.data:
        await response.write(page.data.encode("utf-8", "replace"))
        if page.next >= size:
            break
        page = await engine.logs(job, path, attempt=attempt, after=page.next, limit=_PART)
    await response.write_eof()
    return response


async def follow_events(engine: FastTrack, query: StreamQuery) -> AsyncIterator[EventView | None]:
    """Each event after the given seq, as soon as it is stored; with ``services``, hints about those in between."""
    after, wait = query.after, 0.0
    changes = asyncio.create_task(_change(engine, 0)) if query.services else None
    try:
        while True:
            asking = asyncio.create_task(engine.events(after, 1000, job=query.job, wait=wait))
            try:
                while changes and not asking.done():
                    await asyncio.wait([asking, changes], return_when=asyncio.FIRST_COMPLETED)
                    if changes.done():
                        changes = asyncio.create_task(_change(engine, changes.result()))
                        yield _service_changed(after)
                page = await asking
            finally:
                asking.cancel()
            for event in page.events:
                yield event
            if not page.events:
                yield None
            after, wait = page.next, HEARTBEAT
    finally:
        if changes:
            changes.cancel()


async def _change(engine: FastTrack, after: int) -> int:
    while (now := await engine.services.wait(after, HEARTBEAT)) <= after:
        pass
    return now


def _service_changed(seq: int) -> EventView:
    """See :class:`~fasttrack_jupyter.api.requests.StreamQuery`."""
    return EventView(
        seq=seq, at=datetime.now(UTC), job_id="", path=None, type=SERVICE_CHANGED, attempt=0, status="", result=None,
        reason=None, data={},
    )  # fmt: skip


async def send_file(engine: FastTrack, request: web.Request, job: str, path: str, file: str) -> web.StreamResponse:
    """The whole file in chunks, or the one range that the request asks for (RFC 9110, section 14)."""
    start, until, size = 0, None, None
    if "Range" in request.headers:
        size = await _size(engine, job, path, file)
        start, until = byte_range(request, size)
    first = await engine.read_output(job, path, file, start, _PART if until is None else min(_PART, until - start))
    response = web.StreamResponse(status=200 if until is None else 206)
    response.content_type = "application/octet-stream"
    response.headers["Accept-Ranges"] = "bytes"
    if until is not None:
        response.headers["Content-Range"] = f"bytes {start}-{until - 1}/{size}"
        response.content_length = until - start
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    part, at = first, start
    while part:
        await response.write(part)
        at += len(part)
        limit = _PART if until is None else min(_PART, until - at)
        part = await engine.read_output(job, path, file, at, limit) if limit else b""
    await response.write_eof()
    return response


async def _size(engine: FastTrack, job: str, path: str, file: str) -> int:
    for entry in await engine.outputs(job, path):
        if entry.path == file and not entry.is_dir:
            return entry.size
    raise NotFound(f"task instance {path!r} left no file {file!r}")


def byte_range(request: web.Request, size: int) -> tuple[int, int]:
    """The bytes that a request wants of a file: from one to before another (RFC 9110, section 14)."""
    try:
        start, until, _ = request.http_range.indices(size)
    except ValueError as error:
        raise BadRequest(f"the range {request.headers['Range']!r} makes no sense") from error
    if start >= size:
        raise EmptyRange(f"the file has {size} bytes", hint="ask again when it has grown", details={"size": size})
    if start >= until:
        raise BadRequest(f"the range {request.headers['Range']!r} holds nothing of {size} bytes")
    return start, until
