"""What is remembered of executions so that their results can be used again: the values, and what a store does."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from fasttrack_jupyter.model.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An execution that succeeded, or one that is under way (``digest`` None)."""

    folder: str
    """The pipeline folder, in which ``outputs_dir`` is."""
    key: str
    pipeline: str
    task: str
    job_id: str
    job_index: int
    path: str
    backend: str
    about: str
    """Its fingerprint as JSON; see :attr:`fingerprint`."""
    created_at: float
    outputs_dir: str | None = None
    outputs: Mapping[str, Any] | None = None
    digest: str | None = None
    """Of what lies in ``outputs_dir``."""
    size: int = 0
    last_used: float | None = None
    uses: int = 0
    pinned: bool = False
    num: int = 0
    """How people call it; the store gives it."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What its key was made of."""
        about = json.loads(self.about)
        return Fingerprint(about["parts"], about["told"])


def about_of(fingerprint: Fingerprint) -> str:
    """A fingerprint as an entry keeps it."""
    return json.dumps({"parts": dict(fingerprint.parts), "told": dict(fingerprint.told)})


@dataclass(frozen=True, slots=True)
class Contents:
    """What lay in an output folder when it was last looked at."""

    stamp: str
    """Of names, sizes, times and inodes: as long as it is the same, so are the contents."""
    digest: str
    size: int
    files: str
    """JSON: by path, ``[device, inode, size, mtime_ns, ctime_ns, sha256]``."""


class CacheStore(Protocol):
    """Durable memory of executions. Times are seconds since the epoch."""

    def version(self) -> int:
        """Another number after everything that was written: what was read since it was the same is as it was."""
        ...

    async def cache_begin(self, entry: CacheEntry) -> None:
        """An execution is under way; begun again by the same instance, it takes the place of the first."""
        ...

    async def cache_begun(self, job_id: str, path: str) -> CacheEntry | None:
        """The execution of that instance that is under way."""
        ...

    async def cache_running(self, folder: str, key: str) -> list[CacheEntry]:
        """All of that key that are noted as under way, the oldest first; their engine may be gone."""
        ...

    async def cache_end(self, job_id: str, path: str, entry: CacheEntry | None) -> None:
        """What was under way has ended: as ``entry``, in place of another one of its key; None: with no result."""
        ...

    async def cache_find(self, folder: str, keys: Collection[str]) -> Mapping[str, CacheEntry]:
        """By key, those that are there."""
        ...

    async def cache_newest(self, folder: str) -> Mapping[str, CacheEntry]:
        """By task, the entry that was made last."""
        ...

    async def cache_used(self, nums: Sequence[int], at: float) -> None:
        """Results were used again."""
        ...

    async def cache_list(self, pipeline: str | None = None, *, num: int | None = None) -> list[CacheEntry]:
        """Entries, the newest first."""
        ...

    async def cache_pin(self, nums: Collection[int], pinned: bool) -> None:
        """Keep them and their outputs, or do not any more."""
        ...

    async def cache_drop(self, nums: Collection[int]) -> None:
        """Forget entries; their outputs stay."""
        ...

    async def cache_drop_places(self, places: Collection[tuple[str, str]]) -> None:
        """Forget entries whose outputs, ``(folder, outputs_dir)``, were removed, and what was known of these."""
        ...

    async def contents(self, places: Collection[str]) -> Mapping[str, Contents]:
        """What is known of these places."""
        ...

    async def keep_contents(self, found: Mapping[str, Contents]) -> None:
        """Know this of them from now on."""
        ...


@runtime_checkable
class Identifying(Protocol):
    """A backend that knows what an image is where sessions run."""

    async def identity(self, image: str | None, code: str | None) -> str | None:
        """A text that is another one as soon as an image's programs are others; None where that is not known.

        ``code`` is the snapshot whose requirement files the image may name. Builds nothing, asks no network.
        """
        ...
