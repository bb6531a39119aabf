"""What lies in folders, as digests: of output folders by content, of mounted ones by what a look at them tells.

A folder's digest is that of its sorted list of files, each with its sha256 (of a symlink: where it leads, within the
folder), executable or not. A file is read again only if its device, inode, size, mtime or ctime is another one; and as
git has it, a file that was changed a moment before it was looked at is not believed the next time (its times may not
tell the next change). What FastTrack itself notes beside the outputs (:data:`RECORDS`) is no part of it: it holds
times, and no task is meant to read it.

Of folders that are not on this machine no content is read: names, sizes and times of what the backend lists stand for
it. Such a digest is that of one folder at one place; another execution's is never the same.

A folder that cannot be vouched for has no digest: a link leads out of it, or something cannot be read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fasttrack_jupyter.engine.caching import CacheStore, Contents
from fasttrack_jupyter.engine.ports import ExecutionBackend, OnThisMachine
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.artifacts import FAILURE, PROGRESS
from fasttrack_jupyter.model.fingerprint import digest_of

RECORDS = frozenset({PROGRESS, FAILURE, ".metrics.jsonl"})
"""Names directly in an output folder that are no outputs."""
_CHUNK = 1 << 20
_RACY_NS, _RACY_COARSE_NS = 50_000_000, 2_000_000_000
"""How fresh a change may be to be told from the next one; where a file system keeps whole seconds only."""
_NOT_BELIEVED = [0, 0, 0, 0, 0]
_DEEPEST = 100

Place = tuple[str, str, str]
"""Backend, vfolder, path in it."""
Row = list[int]
"""``[device, inode, size, mtime_ns, ctime_ns]`` of a file."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Of a folder: ``text``, and the bytes of the files in it."""

    text: str
    size: int


class Unreadable(Exception):
    """Nobody can vouch for what is in a folder. The text says why."""


class Digests:
    """Digests of the folders of one home. ``now_ns`` is the time as file systems have it."""

    def __init__(
        self,
        backends: Callable[[str], ExecutionBackend],
        store: CacheStore,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._backends, self._store, self._now_ns = backends, store, now_ns

    async def outputs(self, places: Sequence[Place]) -> dict[Place, Digest | None]:
        """Of output folders, by content; None for one that is gone, or that nobody can vouch for."""
        here: dict[Place, str] = {}
        found: dict[Place, Digest | None] = dict.fromkeys(places)
        roots = {folder: self._root(folder) for folder in dict.fromkeys(place[:2] for place in found)}
        for place in found:
            if (root := roots[place[:2]]) is not None:
                here[place] = f"{root}/{place[2]}"
            else:
                found[place] = await self._listed(place)
        if here:
            names = {place: json.dumps(place) for place in here}  # as text that every database keeps whole
            known = await self._store.contents(list(names.values()))
            told = await asyncio.to_thread(self._look, here, {x: known.get(name) for x, name in names.items()})
            if news := {names[x]: each for x, each in told.items() if each and each != known.get(names[x])}:
                await self._store.keep_contents(news)
            found |= {x: Digest(each.digest, each.size) if each else None for x, each in told.items()}
        return found

    async def mounted(self, backend: str, folder: str) -> str | None:
        """Of a whole vfolder, by paths, sizes, times and inodes; None where nobody can tell."""
        place = (backend, folder, "")
        if (root := self._root(place[:2])) is None:
            return (await self._listed(place) or Digest("", 0)).text or None
        try:
            stats = await asyncio.to_thread(lambda: dict(_walk(root, strict=False)))
        except OSError:
            return None
        return digest_of([[path, *row] for path, (row, _) in sorted(stats.items())])

    # ------------------------------------------------------------------ parts

    def _root(self, place: tuple[str, str]) -> str | None:
        """Where a vfolder is on this machine, if it is here."""
        try:
            backend = self._backends(place[0])
        except FastTrackError:
            return None
        return backend.place_of(place[1]) if isinstance(backend, OnThisMachine) else None

    async def _listed(self, place: Place) -> Digest | None:
        """As its backend lists it."""
        name, folder, path = place
        try:
            backend = self._backends(name)
            if path and await backend.missing(folder, [path]):
                return None
            entries = [x for x in await backend.files(folder, path) if x.path.partition("/")[0] not in RECORDS]
        except FastTrackError:
            return None
        rows = [[x.path, x.is_dir, x.size, 0 if x.is_dir else x.modified_at] for x in entries]
        return Digest(f"listed:{digest_of([folder, path, rows])}", sum(x.size for x in entries if not x.is_dir))

    def _look(self, here: Mapping[Place, str], known: Mapping[Place, Contents | None]) -> dict[Place, Contents | None]:
        return {place: self._contents(root, known[place]) for place, root in here.items()}

    def _contents(self, root: str, known: Contents | None) -> Contents | None:
        try:
            stats = dict(_walk(root))
            stamp = _stamp(stats)
            if known is not None and known.stamp == stamp:
                return known
            then = json.loads(known.files) if known is not None else {}
            files = {path: self._file(root, path, row, mode, then.get(path)) for path, (row, mode) in stats.items()}
        except (OSError, Unreadable):
            return None
        is_believed = all(row[:5] != _NOT_BELIEVED for row in files.values())
        digest = digest_of([[path, files[path][5]] for path in sorted(files)])
        size = sum(row[2] for row, _ in stats.values())
        return Contents(stamp if is_believed else "", digest, size, json.dumps(files))

    def _file(self, root: str, path: str, row: Row, mode: int, then: Sequence[object] | None) -> list[object]:
        if then is not None and list(then[:5]) == row and stat.S_ISREG(mode):
            return list(then)
        place = f"{root}/{path}"
        if stat.S_ISLNK(mode):
            return [*row, f"link:{_inside(root, place)}"]
        digest = _sha256(place)
        after = _row(os.lstat(place))
        if after != row:
            raise Unreadable(f"{path} changes while it is read")
        word = f"{digest}{'.x' if mode & 0o100 else ''}"
        return [*(row if self._is_settled(row) else _NOT_BELIEVED), word]

    def _is_settled(self, row: Row) -> bool:
        newest = max(row[3], row[4])
        margin = _RACY_COARSE_NS if row[4] % 1_000_000_000 == 0 else _RACY_NS
        return self._now_ns() - newest > margin


def _stamp(stats: Mapping[str, tuple[Row, int]]) -> str:
    text = "\0".join(f"{path}\0{row}\0{mode & 0o170100}" for path, (row, mode) in sorted(stats.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _walk(root: str, *, strict: bool = True) -> Iterator[tuple[str, tuple[Row, int]]]:
    """``path → (row, mode)`` of the files and links below ``root``. Raises OSError; Unreadable if ``strict``."""
    if Path(root).is_symlink():
        raise Unreadable(f"{root} is a link")
    yield from _below(root, "", strict)


def _below(folder: str, prefix: str, strict: bool) -> Iterator[tuple[str, tuple[Row, int]]]:
    with os.scandir(folder) as entries:
        listed: Iterable[os.DirEntry[str]] = list(entries)
    for entry in listed:
        if not prefix and strict and entry.name in RECORDS:
            continue
        found, path = entry.stat(follow_symlinks=False), prefix + entry.name
        if stat.S_ISDIR(found.st_mode):
            if path.count("/") >= _DEEPEST:
                raise Unreadable(f"{path} lies too deep")
            yield from _below(entry.path, f"{path}/", strict)
        elif strict and not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            raise Unreadable(f"{path} is no file")
        else:
            yield path, (_row(found), found.st_mode)


def _row(found: os.stat_result) -> Row:
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _inside(root: str, place: str) -> str:
    """Where a link leads, if that is within ``root``."""
    target = str(Path(place).readlink())
    if not (os.path.realpath(place) + "/").startswith(os.path.realpath(root) + "/"):
        raise Unreadable(f"{place} leads out of {root}")
    return target


def _sha256(place: str) -> str:
    found = hashlib.sha256()
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
