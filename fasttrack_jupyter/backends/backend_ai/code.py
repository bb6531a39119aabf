"""The code of a job, brought into the pipeline's vfolder once for all sessions that use it.

A snapshot of this machine (``backends/files``) goes file by file to ``.code/<digest>/``, several at a time. Each is
there whole or not at all; all are when the marker ``.code/<digest>.whole`` is, which comes last. Whoever goes on after
a break leaves out what is there in its full size: nothing but that content is ever put at such a path.

A cluster takes neither symlinks nor executable bits: of a link, what it leads to is brought, and which files are to be
executable is for whoever starts the session to know (:func:`executables`).
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.listing import MOST, Lister
from fasttrack_jupyter.backends.backend_ai.uploads import Uploads
from fasttrack_jupyter.backends.files.snapshots import EXECUTABLE, LINK, Snapshots
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.resources import say_quantity

Progress = Callable[[float | None, str], None]
"""Hears the part that is done (0 to 1; None: not known) and what is being done, in words."""

_AT_ONCE = 8


class CodeBringer:
    """Brings snapshots of this machine's store to the vfolders of one user on one cluster."""

    def __init__(self, lister: Lister, uploads: Uploads, snapshots: Snapshots) -> None:
        self._lister, self._uploads, self._snapshots = lister, uploads, snapshots
        self._whole: set[tuple[str, str]] = set()
        self._locks: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def bring(self, folder: str, digest: str, progress: Progress, *, folder_id: str) -> None:
        """See to it that the snapshot is in the vfolder, complete. ``folder_id``: another one may get its name.

        Raises:
            NotFound: there is no such snapshot here any more, or no such vfolder.
            Forbidden, BadRequest: the cluster does not take it (a quota).
            BackendUnreachable: it broke; the next call goes on where this one stopped.
        """
        key = (folder_id, digest)
        if key in self._whole:
            return
        async with self._locks[key]:
            if key not in self._whole:
                is_whole, has_begun = await self._standing(folder, digest)
                if not is_whole:
                    await self._bring(folder, digest, progress, has_begun=has_begun)
                self._whole.add(key)
        self._locks.pop(key, None)

    async def _standing(self, folder: str, digest: str) -> tuple[bool, bool]:
        """Whether a snapshot is there, complete, and whether any of it is; also where more are than are listed."""
        found = await self._lister.entries(folder, places.CODE) or ()
        known = {entry.name for entry in found}
        if len(found) < MOST or digest + places.WHOLE in known:
            return digest + places.WHOLE in known, digest in known
        is_whole = await self._uploads.size(folder, places.code_marker(digest)) is not None
        return is_whole, await self._lister.entries(folder, places.code(digest)) is not None

    def forget(self, folder_id: str, digests: Iterable[str]) -> None:
        """They are not there any more."""
        self._whole -= {(folder_id, digest) for digest in digests}

    async def _bring(self, folder: str, digest: str, progress: Progress, *, has_begun: bool) -> None:
        files = await asyncio.to_thread(lambda: dict(contents(self._snapshots, digest)))
        sizes = await asyncio.to_thread(lambda: {path: file.stat().st_size for path, file in files.items()})
        there = await self._there(folder, digest, sizes) if has_begun else set()
        tally = _Tally(len(files), sum(sizes.values()), progress)
        for path in there:
            tally.has(path, sizes[path])
        left = iter(sorted(files.keys() - there, key=lambda path: -sizes[path]))
        workers = [self._work(folder, digest, files, left, tally) for _ in range(_AT_ONCE)]
        await _all(workers)
        about = json.dumps({"files": len(files), "bytes": tally.total})
        await self._uploads.put(folder, places.code_marker(digest), about.encode())

    async def _work(self, folder: str, digest: str, files: dict[str, Path], left: Iterator[str], tally: _Tally) -> None:
        for path in left:
            target = f"{places.code(digest)}/{path}"
            await self._uploads.put(folder, target, files[path], sent=tally.hearing(path), kept=True)
            tally.has(path, files[path].stat().st_size)

    async def _there(self, folder: str, digest: str, sizes: dict[str, int]) -> set[str]:
        """What came before a break, in its full size."""
        cut: list[str] = []
        found = await self._lister.below(folder, places.code(digest), cut.append)
        return {entry.path for entry in found if not entry.is_dir and sizes.get(entry.path) == entry.size}


def contents(snapshots: Snapshots, digest: str) -> Iterator[tuple[str, Path]]:
    """``(path, file of this machine)`` of all that a cluster gets of a snapshot; links by what they lead to.

    Raises NotFound. A link that leads in a circle is left out.
    """
    tree = snapshots.path(digest)
    for path, kind in snapshots.kinds(digest).items():
        place = tree / path
        if kind != LINK:
            yield path, place
            continue
        real = place.resolve()
        if real.is_file():
            yield path, real
        elif real.is_dir() and not tree.joinpath(path).parent.is_relative_to(real):
            for file in sorted(each for each in real.rglob("*") if each.is_file()):
                yield f"{path}/{file.relative_to(real).as_posix()}", file


def executables(snapshots: Snapshots, digest: str) -> tuple[str, ...]:
    """The files of a snapshot that are executable here, and are not on the cluster. Raises NotFound."""
    return tuple(path for path, kind in snapshots.kinds(digest).items() if kind == EXECUTABLE)


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except* FastTrackError as errors:
        raise errors.exceptions[0] from None


@dataclass
class _Tally:
    """How far it is."""

    files: int
    total: int
    progress: Progress
    done: int = 0
    sent: int = 0
    said: float = -1.0
    under_way: dict[str, int] = field(default_factory=dict)

    def hearing(self, path: str) -> Callable[[int], None]:
        """For the upload of ``path`` to say how many of its bytes are there."""
        return lambda sent: self._count(path, sent)

    def has(self, path: str, size: int) -> None:
        """All of ``path`` is there."""
        self._count(path, size)
        self.under_way.pop(path)
        self.done += 1
        self._say()

    def _count(self, path: str, sent: int) -> None:
        self.sent += sent - self.under_way.get(path, 0)
        self.under_way[path] = sent
        self._say()

    def _say(self) -> None:
        """Not oftener than each hundredth."""
        fraction = min(1.0, self.sent / self.total if self.total else self.done / max(1, self.files))
        if fraction - self.said >= 0.01 or self.done == self.files:
            self.said = fraction
            size = say_quantity("mem", self.total)
            self.progress(fraction, f"uploading the code: {self.done} of {self.files} files, {size}")
