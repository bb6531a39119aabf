"""What is remembered of executions: the handlers of these operations; see :mod:`.routes`."""

from __future__ import annotations

from pydantic import Field

from fasttrack_jupyter.engine import cache_desk as see
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest


class CacheQuery(View):
    """Of which pipeline, and of which of its tasks."""

    pipeline: str | None = Field(default=None, min_length=1)
    task: str | None = Field(default=None, min_length=1)


async def cache(engine: FastTrack, query: CacheQuery) -> list[see.CacheEntryView]:
    """The executions whose results may stand in for others, the newest first."""
    return await engine.cache.entries(query.pipeline, query.task)


async def cache_entry(engine: FastTrack, entry: str) -> see.CacheEntryDetails:
    """One of them, and what its key was made of."""
    if not entry.isdecimal() or len(entry) > 18:
        raise BadRequest(f"{entry!r} is no number of an entry", hint="`fasttrack cache` lists them")
    return await engine.cache.entry(int(entry))


async def cache_pin(engine: FastTrack, body: see.CachePin) -> list[see.CacheEntryView]:
    """Keep entries and their outputs, or do not any more."""
    return await engine.cache.pin(body)


async def cache_evict(engine: FastTrack, body: see.CacheRequest) -> list[see.CacheEntryView]:
    """Forget entries."""
    return await engine.cache.evict(body)


async def cache_verify(engine: FastTrack, body: see.CacheRequest) -> list[see.CacheCheck]:
    """Whether the outputs of entries are what they were."""
    return await engine.cache.verify(body)


HANDLERS = (cache, cache_entry, cache_pin, cache_evict, cache_verify)
