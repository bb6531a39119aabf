"""Files of a backend brought to this machine, part by part, and gone on with where they were left."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.errors import BackendUnreachable

PART = 8 << 20
"""Bytes of a file that are asked for at once."""


async def fetch(
    source: ExecutionBackend,
    folder: str,
    path: str,
    size: int,
    place: Path,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Make ``place`` the file at ``path``, which has so many bytes. ``progress`` hears how many of them are here.

    Raises:
        BackendUnreachable: the backend gave less than it said; asked again, this goes on from there.
    """
    at = await asyncio.to_thread(_begin, place, size)
    while at < size:
        data = await source.read(folder, path, at, min(PART, size - at))
        if not data:
            raise BackendUnreachable(f"{source.name} gave {at} of {size} bytes of {path}")
        at += await asyncio.to_thread(_append, place, data)
        progress(at)


async def together(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Until all are done, or one fails: then none goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def key_of(text: str) -> str:
    """A short name for any path, as a file's name."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _begin(place: Path, size: int) -> int:
    """Make place for a file; how much of it is there from an earlier try."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.touch(mode=0o600)
    if (there := place.stat().st_size) <= size:
        return there
    place.write_bytes(b"")
    return 0


def _append(place: Path, data: bytes) -> int:
    with place.open("ab") as file:
        return file.write(data)
