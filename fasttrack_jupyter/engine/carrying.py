"""Outputs are carried to the backend where a task runs that needs them, once for the same content.

In the pipeline folder of the backend that they are carried to::

    .carried/<digest>/…               the tree; the digest is that of all its paths and contents
    .carried/.index/<dd>/<digest>.whole   it is complete
    .carried/.index/<dd>/<digest>.<key>   an output folder that it stands for (its path, of which the key is a
                                          digest), noted before anything is sent

A session mounts ``.carried/<digest>`` as its input, and is not asked for before the tree is whole. Each file appears
under its name only when all of it is there (:meth:`~ExecutionBackend.put_file`), and the name holds the digest: so
after a crash what is there with its size is right, and the rest is sent. The same content of another job is there
already. ``gc`` removes a tree once no job has any of the output folders that it stands for, ``.whole`` first.

The index is a folder for each first two digits of a digest (0.4 had one for all), so that none soon becomes longer
than a backend lists; what it does not list is left alone.

Where the outputs are on this machine they are hashed; of a cluster's files nobody knows hashes before they are
here, so such a tree goes by where it comes from, by paths, sizes and times of change; by contents, where no times are
told. A file on its way from one cluster to another, or to this machine, lies in the home meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fasttrack_jupyter.engine.fetching import PART, fetch, key_of, together
from fasttrack_jupyter.engine.ports import ExecutionBackend, FileEntry, OnThisMachine
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, NotFound, SessionRejected

CARRIED = ".carried"
_INDEX = f"{CARRIED}/.index"
_WHOLE, _DIGITS = ".whole", 2
_AT_ONCE = 4
"""Files on their way at the same time."""
TOLD = 3.0
"""Seconds between two words about how far a carriage is."""
_REMEMBERED = 200
"""Trees whose hashes are known without reading them again."""

Say = Callable[[str], None]
"""Told in words how far it is, often."""


@dataclass(frozen=True, slots=True)
class Carriage:
    """The outputs of task ``what``, at ``path`` in a pipeline folder, from one backend to another."""

    folder: str
    path: str
    source: str
    target: str
    what: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What is to be carried: size and place (if on this machine) of each file, folders, and what cannot be."""

    digest: str
    files: Mapping[str, tuple[int, Path | None]]
    folders: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it is carried to, in the pipeline folder."""
        return f"{CARRIED}/{self.digest}"

    def notes(self, wanted: Carriage) -> list[str]:
        """What of it could not be carried, in words; nothing if all was."""
        if not self.left_out:
            return []
        more = f" and {len(self.left_out) - 5} more" if len(self.left_out) > 5 else ""
        some = f"{', '.join(self.left_out[:5])}{more} of {wanted.what}"
        return [f"not carried over from {wanted.source}: {some} (links that lead out of its outputs)"]


class Words:
    """Says how far a carriage is, at once and then every :data:`TOLD` seconds: each word becomes an event."""

    def __init__(self, clock: Clock, tell: Say) -> None:
        self._clock, self._tell = clock, tell
        self._told_at: float | None = None

    def say(self, words: str) -> None:
        """So far it is."""
        now = self._clock.monotonic()
        if self._told_at is None or now - self._told_at >= TOLD:
            self._told_at = now
            self._tell(words)


class Carrier:
    """Carries outputs between the backends of one home. ``spool`` is a folder for files that are on their way."""

    def __init__(self, backends: Callable[[str], ExecutionBackend], spool: Path) -> None:
        self._backends, self._spool = backends, spool
        self._trees: OrderedDict[tuple[str, str, str], tuple[str, Tree]] = OrderedDict()
        """By backend, folder and path: with the digest of its listing."""
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def carry(self, wanted: Carriage, say: Say) -> Tree:
        """Return when the outputs are whole where they are wanted. May be asked for again at any time.

        Raises:
            SessionRejected: they are not there any more.
            BackendUnreachable: one of the two backends does not answer, or is not here: try again.
        """
        source, target = self._backend(wanted.source), self._backend(wanted.target)
        tree = await self._tree(source, wanted)
        async with self._lock(wanted.target, wanted.folder, tree.digest):
            name, whole = _noted_as(tree.digest, f".{key_of(wanted.path)}"), _noted_as(tree.digest, _WHOLE)
            noted = await _noted(target, wanted.folder, (name, whole))
            if name not in noted:
                await target.put_file(wanted.folder, f"{_INDEX}/{name}", wanted.path.encode())
            is_whole = whole in noted
            if not is_whole or await target.missing(wanted.folder, [tree.place]):
                await self._send(source, target, wanted, tree, say)
                await target.put_file(wanted.folder, f"{_INDEX}/{whole}", b"1")
                await asyncio.to_thread(shutil.rmtree, self._spool / tree.digest, ignore_errors=True)
        return tree

    async def sweep(
        self, backend: str, folder: str, kept: Callable[[], Awaitable[set[str]]], *, dry_run: bool
    ) -> tuple[list[str], int]:
        """Remove trees that stand for no output folder that is ``kept``: where they were, and the bytes of them.

        ``kept`` is asked only after the index was read, so that what is noted meanwhile is never taken for unneeded.
        """
        target = self._backend(backend)
        noted = _by_digest(await _index(target, folder))
        if not noted:
            return [], 0
        needed = {key_of(path) for path in await kept()}
        doomed = [digest for digest, names in noted.items() if not {name.rpartition(".")[2] for name in names} & needed]
        size = 0
        for digest in doomed:
            if dry_run:
                files = await target.files(folder, f"{CARRIED}/{digest}")
                size += sum(entry.size for entry in files if not entry.is_dir)
            else:
                size += await self._remove(backend, folder, digest, noted[digest])
        return [f"{CARRIED}/{digest}" for digest in doomed], size

    async def _remove(self, backend: str, folder: str, digest: str, names: Collection[str]) -> int:
        target, freed = self._backend(backend), 0
        async with self._lock(backend, folder, digest):
            try:
                now = _by_digest(await _index_at(target, folder, digest[:_DIGITS])).get(digest, set())
            except BackendUnreachable:
                raise
            except BackendError:
                return 0  # more than it lists
            if not now <= set(names):
                return 0  # somebody needs it by now
            whole_first = sorted(names, key=lambda name: not name.endswith(_WHOLE))
            marks = [f"{_INDEX}/{name}" for name in whole_first]
            for path in (marks[0], f"{CARRIED}/{digest}", *marks[1:]):
                freed += await target.remove(folder, [path])
        await asyncio.to_thread(shutil.rmtree, self._spool / digest, ignore_errors=True)
        return freed

    # ------------------------------------------------------------------ what there is

    async def _tree(self, source: ExecutionBackend, wanted: Carriage) -> Tree:
        key = (wanted.source, wanted.folder, wanted.path)
        if await source.missing(wanted.folder, [wanted.path]):
            raise SessionRejected(
                f"the outputs of {wanted.what} ({wanted.path}) are not on {wanted.source} any more",
                hint=f"run {wanted.what} again",
            )
        entries = await source.files(wanted.folder, wanted.path)
        listing = _digest([[entry.path, entry.is_dir, entry.size, entry.modified_at] for entry in entries])
        known = self._trees.get(key)
        if known is None or known[0] != listing:
            known = self._trees[key] = (listing, await _look(source, wanted, entries))
        self._trees.move_to_end(key)
        while len(self._trees) > _REMEMBERED:
            self._trees.popitem(last=False)
        return known[1]

    def _backend(self, name: str) -> ExecutionBackend:
        try:
            return self._backends(name)
        except NotFound as error:  # it may be back any moment
            raise BackendUnreachable(error.message, hint=error.hint) from error

    def _lock(self, *key: str) -> asyncio.Lock:
        target, folder, digest = key
        return self._locks.setdefault((target, folder, digest), asyncio.Lock())

    # ------------------------------------------------------------------ sending

    async def _send(
        self, source: ExecutionBackend, target: ExecutionBackend, wanted: Carriage, tree: Tree, say: Say
    ) -> None:
        await target.make_dirs(wanted.folder, [tree.place, *(f"{tree.place}/{name}" for name in tree.folders)])
        there = await _sizes(target, wanted.folder, tree.place)
        lacking = [name for name, (size, _) in tree.files.items() if there.get(name) != size]
        progress = _Progress(wanted, sum(tree.files[name][0] for name in lacking), say)

        async def send(name: str) -> None:
            async with self._slots:
                size, place = tree.files[name]
                spooled = place or await self._fetch(source, wanted, tree, name, size)
                path = f"{tree.place}/{name}"
                await target.put_file(wanted.folder, path, spooled, lambda done: progress.heard(name, done))
                progress.heard(name, size)
                if place is None:
                    await asyncio.to_thread(spooled.unlink, missing_ok=True)

        names = iter(lacking)

        async def send_some() -> None:
            for name in names:
                await send(name)

        await together([send_some() for _ in range(min(_AT_ONCE, len(lacking)))])

    async def _fetch(self, source: ExecutionBackend, wanted: Carriage, tree: Tree, name: str, size: int) -> Path:
        """A file of another machine, brought here; gone on with where it was left."""
        spooled = self._spool / tree.digest / key_of(name)
        await fetch(source, wanted.folder, f"{wanted.path}/{name}", size, spooled)
        return spooled


class _Progress:
    """Tells how much of what is to be sent has arrived."""

    def __init__(self, wanted: Carriage, total: int, say: Say) -> None:
        self._words, self._total, self._say = f"carrying over {wanted.what} from {wanted.source}", total, say
        self._done: dict[str, int] = {}
        self._sum = 0
        say(self._words)

    def heard(self, name: str, done: int) -> None:
        """``done`` bytes of a file are there."""
        self._sum += done - self._done.get(name, 0)
        self._done[name] = done
        percent = 100 * self._sum // self._total if self._total else 100
        self._say(f"{self._words}: {percent} % of {self._total / 1e6:.1f} MB")


def _by_digest(names: Collection[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[2].partition(".")[0], set()).add(name)
    return found


async def _look(source: ExecutionBackend, wanted: Carriage, entries: Sequence[FileEntry]) -> Tree:
    folders = tuple(entry.path for entry in entries if entry.is_dir)
    plain = {entry.path: entry.size for entry in entries if not entry.is_dir}
    if not isinstance(source, OnThisMachine):
        changed = [[entry.path, await _changed(source, wanted, entry)] for entry in entries if not entry.is_dir]
        about = [wanted.source, wanted.folder, wanted.path, sorted(plain.items()), sorted(changed), folders]
        return Tree(_digest(about), {name: (size, None) for name, size in plain.items()}, folders, ())
    lent = await source.lend(wanted.folder, wanted.path)
    digest = _digest([[[name, file.sha256] for name, file in sorted(lent.items())], folders])
    files = {name: (file.size, file.place) for name, file in lent.items()}
    return Tree(digest, files, folders, tuple(sorted(plain.keys() - lent.keys())))


async def _changed(source: ExecutionBackend, wanted: Carriage, entry: FileEntry) -> float | str:
    """When a file was changed; its hash, where the backend does not tell."""
    if entry.modified_at:
        return entry.modified_at
    digest = hashlib.sha256()
    for at in range(0, entry.size, PART):
        digest.update(await source.read(wanted.folder, f"{wanted.path}/{entry.path}", at, PART))
    return digest.hexdigest()


def _noted_as(digest: str, ending: str) -> str:
    """A name in the index."""
    return f"{digest[:_DIGITS]}/{digest}{ending}"


async def _index_at(target: ExecutionBackend, folder: str, part: str) -> set[str]:
    """The names in a part of the index (all of it: empty)."""
    found = await target.files(folder, f"{_INDEX}/{part}".rstrip("/"))
    return {f"{part}/{entry.path}".lstrip("/") for entry in found if not entry.is_dir}


async def _index(target: ExecutionBackend, folder: str) -> set[str]:
    """All names in it, without those of parts that are longer than the backend lists."""
    names: set[str] = set()
    for part in ("", *(f"{number:0{_DIGITS}x}" for number in range(16**_DIGITS))):
        try:
            names |= await _index_at(target, folder, part)
        except BackendUnreachable:
            raise
        except BackendError:
            continue
        if not part:
            break  # that was all
    return names


async def _noted(target: ExecutionBackend, folder: str, names: Collection[str]) -> set[str]:
    """Which of ``names``, of one digest, are in the index."""
    try:
        return await _index_at(target, folder, next(iter(names))[:_DIGITS])
    except BackendUnreachable:
        raise
    except BackendError:
        return {name for name in names if await _has(target, folder, f"{_INDEX}/{name}")}


async def _sizes(target: ExecutionBackend, folder: str, place: str) -> dict[str, int]:
    """The files below a place, with their sizes; none where there are more than a backend lists: all are sent then."""
    try:
        return {entry.path: entry.size for entry in await target.files(folder, place) if not entry.is_dir}
    except BackendUnreachable:
        raise
    except BackendError:
        return {}


async def _has(target: ExecutionBackend, folder: str, path: str) -> bool:
    try:
        await target.read(folder, path, 0, 1)
    except NotFound:
        return False
    return True


def _digest(about: object) -> str:
    return hashlib.sha256(json.dumps(about, separators=(",", ":")).encode()).hexdigest()[:40]
