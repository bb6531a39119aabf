"""What lies in folders, as digests: of output folders by content, of mounted ones by what a look at them tells.

A folder's digest is that of its sorted list of files, each with its sha256 (of a symlink: where it leads, within the
folder), executable or not. A file is read again only if its device, inode, size, mtime or ctime is another one; and as
git has it, a file that was changed a moment before it was looked at is not believed the next time (its times may not
tell the next change). What FastTrack itself notes beside the outputs (:data:`RECORDS`) is no part of it: it holds
times, and no task is meant to read it.

Beside that, a folder that was looked at under this engine is remembered with the times of all folders and files in it:
as long as they are the same, nothing was added, removed or written there, and no name is listed, no database asked.

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
LISTED = "listed:"
"""How the digest of a folder begins of which no content was read."""
_CHUNK = 1 << 20
_RACY_NS, _RACY_COARSE_NS = 50_000_000, 2_000_000_000
"""How fresh a change may be to be told from the next one; where a file system keeps whole seconds only."""
_NOT_BELIEVED = [0, 0, 0, 0, 0]
_DEEPEST = 100
_MOST_MARKS = 100_000
"""Files and folders that are remembered as they were found; with more, all are forgotten and looked at once more."""

Place = tuple[str, str, str]
"""Backend, vfolder, path in it."""
Row = list[int]
"""``[device, inode, size, mtime_ns, ctime_ns]`` of a file."""
Mark = tuple[int, ...]
"""A row and the mode: of a file or a folder that is as it was, the same."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Of a folder: ``text``, and the bytes of the files in it."""

    text: str
    size: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A folder as it was found: ``marks`` of it and all that is in it, by absolute path."""

    digest: Digest
    marks: Sequence[tuple[str, Mark]]

    def is_still_so(self) -> bool:
        """Whether nothing of it changed."""
        lstat = os.lstat
        try:
            for path, mark in self.marks:
                now = lstat(path)
                if mark != (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_mode):
                    return False
        except OSError:
            return False
        return True


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
        self._found: dict[Place, _Found] = {}
        self._marks = 0

    async def outputs(self, places: Sequence[Place]) -> dict[Place, Digest | None]:
        """Of output folders, by content; None for one that is gone, or that nobody can vouch for."""
        found, elsewhere = await asyncio.to_thread(self._unchanged, places)
        here: dict[Place, str] = {}
        roots = {folder: self._root(folder) for folder in {place[:2]: None for place in elsewhere}}
        far: dict[tuple[str, str], list[str]] = {}
        for place in elsewhere:
            if (root := roots[place[:2]]) is not None:
                here[place] = f"{root}/{place[2]}"
            else:
                far.setdefault(place[:2], []).append(place[2])
        for told in await asyncio.gather(*(self._listed(*folder, paths) for folder, paths in far.items())):
            found |= told
        return found | await self._looked_at(here) if here else found

    async def mounted(self, backend: str, folder: str) -> str | None:
        """Of a whole vfolder, by paths, sizes, times and inodes; None where nobody can tell."""
        place = (backend, folder, "")
        if (root := self._root(place[:2])) is None:
            return ((await self._listed(backend, folder, [""]))[place] or Digest("", 0)).text or None
        try:
            stats = await asyncio.to_thread(lambda: dict(_walk(root, {}, strict=False)))
        except OSError:
            return None
        return digest_of([[path, *row] for path, (row, _) in sorted(stats.items())])

    # ------------------------------------------------------------------ parts

    def _unchanged(self, places: Sequence[Place]) -> tuple[dict[Place, Digest | None], list[Place]]:
        """What is as it was found earlier, and the places about which that is not known."""
        told: dict[Place, Digest | None] = {}
        others = []
        for place in dict.fromkeys(places):
            found = self._found.get(place)
            if found is not None and found.is_still_so():
                told[place] = found.digest
            else:
                others.append(place)
        return told, others

    async def _looked_at(self, here: Mapping[Place, str]) -> dict[Place, Digest | None]:
        """Of folders on this machine."""
        names = {place: json.dumps(place) for place in here}  # as text that every database keeps whole
        known = await self._store.contents(list(names.values()))
        told = await asyncio.to_thread(self._look, here, {x: known.get(name) for x, name in names.items()})
        news = {names[x]: each for x, each in told.items() if each and each.stamp and each != known.get(names[x])}
        if news:
            await self._store.keep_contents(news)
        return {x: Digest(each.digest, each.size) if each else None for x, each in told.items()}

    def _root(self, place: tuple[str, str]) -> str | None:
        """Where a vfolder is on this machine, if it is here."""
        try:
            backend = self._backends(place[0])
        except FastTrackError:
            return None
        return backend.place_of(place[1]) if isinstance(backend, OnThisMachine) else None

    async def _listed(self, name: str, folder: str, paths: Sequence[str]) -> dict[Place, Digest | None]:
        """Folders of a vfolder as its backend lists them."""
        try:
            backend = self._backends(name)
            missing = await backend.missing(folder, [path for path in paths if path])
        except FastTrackError:
            return {(name, folder, path): None for path in paths}
        wanted = [path for path in paths if path not in missing]
        lists = await asyncio.gather(*(_listed(backend, folder, path) for path in wanted))
        known = dict(zip(wanted, lists, strict=True))
        return {(name, folder, path): known.get(path) for path in paths}

    def _look(self, here: Mapping[Place, str], known: Mapping[Place, Contents | None]) -> dict[Place, Contents | None]:
        return {place: self._contents(place, root, known[place]) for place, root in here.items()}

    def _contents(self, place: Place, root: str, known: Contents | None) -> Contents | None:
        folders: dict[str, Mark] = {}
        try:
            stats = dict(_walk(root, folders))
            contents = self._read(root, stats, known)
        except (OSError, Unreadable):
            self._forget(place)
            return None
        if contents.stamp and all(self._is_settled(mark) for mark in folders.values()):
            files = ((f"{root}/{path}", (*row, mode)) for path, (row, mode) in stats.items())
            self._keep(place, _Found(Digest(contents.digest, contents.size), (*folders.items(), *files)))
        return contents

    def _read(self, root: str, stats: Mapping[str, tuple[Row, int]], known: Contents | None) -> Contents:
        stamp = _stamp(stats)
        if known is not None and known.stamp == stamp:
            return known
        then = json.loads(known.files) if known is not None else {}
        files = {path: self._file(root, path, row, mode, then.get(path)) for path, (row, mode) in stats.items()}
        is_believed = all(row[:5] != _NOT_BELIEVED for row in files.values())
        digest = digest_of([[path, files[path][5]] for path in sorted(files)])
        size = sum(row[2] for row, _ in stats.values())
        return Contents(stamp if is_believed else "", digest, size, json.dumps(files))

    def _keep(self, place: Place, found: _Found) -> None:
        self._forget(place)
        self._marks += len(found.marks)
        if self._marks > _MOST_MARKS:
            self._found, self._marks = {}, len(found.marks)
        self._found[place] = found

    def _forget(self, place: Place) -> None:
        if (before := self._found.pop(place, None)) is not None:
            self._marks -= len(before.marks)

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

    def _is_settled(self, row: Sequence[int]) -> bool:
        newest = max(row[3], row[4])
        margin = _RACY_COARSE_NS if row[4] % 1_000_000_000 == 0 else _RACY_NS
        return self._now_ns() - newest > margin


async def _listed(backend: ExecutionBackend, folder: str, path: str) -> Digest | None:
    """One folder, by names, sizes and times."""
    try:
        entries = [x for x in await backend.files(folder, path) if x.path.partition("/")[0] not in RECORDS]
    except FastTrackError:
        return None
    rows = [[x.path, x.is_dir, x.size, 0 if x.is_dir else x.modified_at] for x in entries]
    size = sum(x.size for x in entries if not x.is_dir)
    return Digest(f"{LISTED}{digest_of([folder, path, rows])}", size)


def _stamp(stats: Mapping[str, tuple[Row, int]]) -> str:
    text = "\0".join(f"{path}\0{row}\0{mode & 0o170100}" for path, (row, mode) in sorted(stats.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _walk(root: str, folders: dict[str, Mark], *, strict: bool = True) -> Iterator[tuple[str, tuple[Row, int]]]:
    """``path → (row, mode)`` of the files and links below ``root``, and into ``folders`` the folders' marks.

    Raises OSError; Unreadable if ``strict``.
    """
    if Path(root).is_symlink():
        raise Unreadable(f"{root} is a link")
    yield from _below(root, "", folders, strict)


def _below(folder: str, prefix: str, folders: dict[str, Mark], strict: bool) -> Iterator[tuple[str, tuple[Row, int]]]:
    own = os.lstat(folder)  # before its names are read: what comes or goes meanwhile makes its times other ones
    folders[folder] = (*_row(own), own.st_mode)
    with os.scandir(folder) as entries:
        listed: Iterable[os.DirEntry[str]] = list(entries)
    for entry in listed:
        if not prefix and strict and entry.name in RECORDS:
            continue
        found, path = entry.stat(follow_symlinks=False), prefix + entry.name
        if stat.S_ISDIR(found.st_mode):
            if path.count("/") >= _DEEPEST:
                raise Unreadable(f"{path} lies too deep")
            yield from _below(entry.path, f"{path}/", folders, strict)
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
