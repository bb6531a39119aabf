"""The model registry, on every backend: the handlers of these operations; see :mod:`.routes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from pydantic import Field

from fasttrack_jupyter.api.streams import while_working
from fasttrack_jupyter.engine import model_views as see
from fasttrack_jupyter.engine.model_origins import Origin
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import View


class ModelsQuery(View):
    """On which backend; on all where there is none."""

    backend: str | None = None


class CompareQuery(View):
    """Two versions, each a number, an alias or ``latest``."""

    one: str = Field(min_length=1)
    other: str = Field(min_length=1)


async def models(engine: FastTrack, query: ModelsQuery) -> see.ModelsView:
    """The registered models, and why those of a backend cannot be shown just now."""
    return await engine.models.models(query.backend)


async def model(engine: FastTrack, backend: str, name: str) -> see.ModelView:
    """One model: its versions with metrics, lineage and aliases, and which services serve them."""
    return await engine.models.model(backend, name)


async def model_register(engine: FastTrack, body: see.RegisterRequest) -> AsyncIterator[see.RegisterProgress | None]:
    """Register by hand what a task has left; the same output once more is the version that it is already."""
    return _register(engine, await engine.models.origin(body))


async def model_compare(engine: FastTrack, backend: str, name: str, query: CompareQuery) -> see.ModelComparison:
    """Two versions of a model side by side: metrics, parameters, files."""
    return await engine.models.compare(backend, name, query.one, query.other)


async def model_promote(engine: FastTrack, backend: str, name: str, alias: str, body: see.Promotion) -> see.ModelView:
    """Let an alias stand for a version from now on."""
    return await engine.models.promote(backend, name, alias, body.version)


async def model_demote(engine: FastTrack, backend: str, name: str, alias: str) -> None:
    """Forget an alias; the version stays."""
    await engine.models.drop_alias(backend, name, alias)


async def model_delete(engine: FastTrack, backend: str, name: str, version: str) -> None:
    """Remove a version for good. One that an alias or a service uses is refused."""
    await engine.models.delete(backend, name, version)


async def _register(engine: FastTrack, origin: Origin) -> AsyncIterator[see.RegisterProgress | None]:
    """How far it is, at most some times a second; whoever stops reading ends it, and may ask again."""
    sent = size = 0

    def hear(_version: str, done: int, of: int) -> None:
        nonlocal sent, size
        sent, size = done, of

    work = asyncio.create_task(engine.models.register(origin, hear))
    async with aclosing(while_working(work, lambda: see.RegisterProgress(sent=sent, size=size))) as beats:
        async for told in beats:
            yield told
    version = await engine.models.shown(origin.backend, work.result())
    yield see.RegisterProgress(sent=version.size, size=version.size, version=version)


HANDLERS = (models, model, model_register, model_compare, model_promote, model_demote, model_delete)
