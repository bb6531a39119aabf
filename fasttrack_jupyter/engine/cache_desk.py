"""Looking at what is remembered of executions: listed, explained, kept for good, forgotten, checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from fasttrack_jupyter.engine.cache import place_of
from fasttrack_jupyter.engine.caching import CacheEntry
from fasttrack_jupyter.engine.digests import Digests
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.present import moment
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, NotFound

MOST = 10_000
"""Entries that a request names at most."""


class CacheEntryView(View):
    """An execution whose result may stand in for another one."""

    entry: int
    """Its number."""
    pipeline: str
    task: str
    job: str
    """Whose execution it was, ``name#12``; the job may be gone."""
    job_id: str
    backend: str
    folder: str
    outputs_dir: str
    size: int
    """Bytes of its outputs."""
    created_at: datetime
    last_used: datetime | None
    uses: int
    """How often its result stood in for another execution."""
    pinned: bool


class CacheEntryDetails(CacheEntryView):
    """… and what its key was made of; no value that may be a secret."""

    key: str
    outputs: dict[str, Any]
    parts: dict[str, str]
    """Digests by name; see :mod:`~fasttrack_jupyter.model.fingerprint`."""
    params: dict[str, Any]
    """The parameters that the task mentioned."""
    inputs: tuple[str, ...]
    """The tasks behind ``input 1`` and so on."""
    digest: str


class CacheRequest(View):
    """Entries by number, or all of a pipeline, or of one task of it."""

    entries: tuple[int, ...] = Field(default=(), max_length=MOST)
    pipeline: str | None = None
    task: str | None = None


class CachePin(CacheRequest):
    """Whether gc keeps them and their outputs, whatever becomes of their jobs."""

    pinned: bool


class CacheCheck(View):
    """Whether the outputs of an entry are what they were."""

    entry: int
    task: str
    job: str
    ok: bool
    problem: str = ""


class CacheDesk:
    """Of one home; ``remembered`` waits for what just ended."""

    def __init__(
        self,
        store: JobStore,
        digests: Digests,
        backends: Callable[[str], ExecutionBackend],
        remembered: Callable[[], Awaitable[None]],
    ) -> None:
        self._store, self._digests, self._backends, self._remembered = store, digests, backends, remembered

    async def entries(self, pipeline: str | None = None, task: str | None = None) -> list[CacheEntryView]:
        """All, or those of a pipeline, the newest first."""
        await self._remembered()
        found = await self._store.cache_list(pipeline)
        return [CacheEntryView(**_shown(entry)) for entry in found if task in (None, entry.task)]

    async def entry(self, number: int) -> CacheEntryDetails:
        """One. Raises NotFound."""
        (entry,) = await self._named([number])
        made = entry.fingerprint
        return CacheEntryDetails(
            **_shown(entry), key=entry.key, outputs=dict(entry.outputs or {}), parts=dict(made.parts),
            params=dict(made.told.get("params", {})), inputs=tuple(made.told.get("inputs", ())),
            digest=entry.digest or "",
        )  # fmt: skip

    async def pin(self, request: CachePin) -> list[CacheEntryView]:
        """Keep entries and their outputs, or do not any more; as they are then. Raises NotFound, BadRequest."""
        found = await self._found(request)
        await self._store.cache_pin([entry.num for entry in found], request.pinned)
        return [CacheEntryView(**(_shown(entry) | {"pinned": request.pinned})) for entry in found]

    async def evict(self, request: CacheRequest) -> list[CacheEntryView]:
        """Forget entries; outputs that no job shows any more go with them. Raises NotFound, BadRequest."""
        found = await self._found(request)
        await self._store.cache_drop([entry.num for entry in found])
        shown = await self._store.kept_outputs({entry.folder for entry in found}, ())
        for entry in found:
            if entry.outputs_dir and (entry.folder, entry.outputs_dir) not in shown:
                await self._backends(entry.backend).remove(entry.folder, [entry.outputs_dir])
        return [CacheEntryView(**_shown(entry)) for entry in found]

    async def verify(self, request: CacheRequest) -> list[CacheCheck]:
        """Whether the outputs of entries are what they were. Raises NotFound, BadRequest."""
        found = await self._found(request)
        digests = await self._digests.outputs([place_of(entry) for entry in found])
        checks = []
        for entry in found:
            now = digests[place_of(entry)]
            problem = "" if now and now.text == entry.digest else "altered" if now else "gone, or cannot be read"
            job = f"{entry.pipeline}#{entry.job_index}"
            checks.append(CacheCheck(entry=entry.num, task=entry.task, job=job, ok=not problem, problem=problem))
        return checks

    async def _found(self, request: CacheRequest) -> list[CacheEntry]:
        if request.entries:
            return await self._named(request.entries)
        if request.pipeline is None:
            raise BadRequest("no entries were named", hint="give their numbers, or a pipeline")
        found = await self._store.cache_list(request.pipeline)
        return [entry for entry in found if request.task in (None, entry.task)]

    async def _named(self, numbers: Sequence[int]) -> list[CacheEntry]:
        everything = {entry.num: entry for entry in await self._store.cache_list()} if len(numbers) > 1 else {}
        if len(numbers) == 1:
            everything = {entry.num: entry for entry in await self._store.cache_list(num=numbers[0])}
        unknown = [number for number in numbers if number not in everything]
        if unknown:
            raise NotFound(f"there is no entry {unknown[0]} in the cache", hint="`fasttrack cache` lists them")
        return [everything[number] for number in dict.fromkeys(numbers)]


def _shown(entry: CacheEntry) -> dict[str, Any]:
    return {
        "entry": entry.num, "pipeline": entry.pipeline, "task": entry.task,
        "job": f"{entry.pipeline}#{entry.job_index}", "job_id": entry.job_id, "backend": entry.backend,
        "folder": entry.folder, "outputs_dir": entry.outputs_dir or "", "size": entry.size,
        "created_at": moment(entry.created_at), "last_used": moment(entry.last_used), "uses": entry.uses,
        "pinned": entry.pinned,
    }  # fmt: skip
