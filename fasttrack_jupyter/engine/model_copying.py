"""The content of an artifact, copied into the vfolder of a model version: whole files only, and gone on with.

No release copies between vfolders, so each file comes to this machine and goes from it to its new place. On the way
it is hashed; where the files lie on this machine already the backend lends them with their hashes. The hash of a file
that has arrived is kept in the spool until the version is whole: after a crash such a file is not sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.fetching import fetch, key_of, together
from fasttrack_jupyter.engine.model_shelf import OURS
from fasttrack_jupyter.engine.ports import ExecutionBackend, LentFile, OnThisMachine
from fasttrack_jupyter.errors import BadRequest, NotFound

_AT_ONCE = 4
"""Files on their way at the same time."""

Say = Callable[[int, int], None]
"""Hears how many bytes have arrived, and how many there are."""


@dataclass(frozen=True, slots=True)
class Content:
    """The files of an artifact: by their path in the version, where they are now, and how large they are."""

    folder: str
    files: Mapping[str, tuple[str, int]]
    lent: Mapping[str, LentFile]
    left_out: tuple[str, ...] = ()
    """Links that lead out of the artifact, which cannot come along."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(size for _, size in self.files.values())


async def content_of(source: ExecutionBackend, folder: str, path: str) -> Content:
    """What is to be copied: a file as itself, of a folder what is in it.

    Raises:
        NotFound: there is nothing at ``path``.
        BadRequest: an empty folder.
    """
    entries = [entry for entry in await source.files(folder, path) if not entry.is_dir]
    if await source.missing(folder, [path]):  # it is no folder
        if not entries:
            raise NotFound(f"there is nothing at {path} in {folder} on {source.name}", hint="Was it removed by gc?")
        return Content(folder, {posixpath.basename(path): (path, entries[0].size)}, {})
    sizes = {entry.path: entry.size for entry in entries if entry.path.split("/")[0] != OURS}
    lent: Mapping[str, LentFile] = await source.lend(folder, path) if isinstance(source, OnThisMachine) else {}
    if isinstance(source, OnThisMachine):
        left_out = tuple(sorted(sizes.keys() - lent.keys()))
        sizes = {name: file.size for name, file in lent.items() if name in sizes}
    else:
        left_out = ()
    if not sizes:
        raise BadRequest(
            f"the folder {path} in {folder} holds no files", hint="A model is a file, or a folder of some."
        )
    return Content(folder, {name: (f"{path}/{name}", size) for name, size in sizes.items()}, lent, left_out)


async def copy(
    source: ExecutionBackend, content: Content, target: ExecutionBackend, to: str, spool: Path, say: Say
) -> list[dict[str, Any]]:
    """Bring all of it into the vfolder ``to``: ``{path, size, sha256}`` of each file, by path. Repeatable.

    ``spool`` is a folder for files on their way, of this version's own; it is there until :func:`clear`.
    """
    there = {entry.path: entry.size for entry in await target.files(to, "") if not entry.is_dir}
    done: dict[str, int] = {}
    sums: dict[str, str] = {}

    def heard(name: str, arrived: int) -> None:
        done[name] = arrived
        say(sum(done.values()), content.size)

    async def send(name: str) -> None:
        path, size = content.files[name]
        lent, note = content.lent.get(name), spool / f"{key_of(name)}.sum"
        known = lent.sha256 if lent else await asyncio.to_thread(_noted, note)
        if there.get(name) != size or not known:
            place = lent.place if lent else spool / key_of(name)
            if not lent:
                await fetch(source, content.folder, path, size, place)
                known = await asyncio.to_thread(_sum, place)
            await target.put_file(to, name, place, lambda arrived: heard(name, arrived))
            if not lent:
                await asyncio.to_thread(note.write_text, known)
                await asyncio.to_thread(place.unlink, missing_ok=True)
        sums[name] = known
        heard(name, size)

    names = iter(sorted(content.files))

    async def send_some() -> None:
        for name in names:
            await send(name)

    await together([send_some() for _ in range(min(_AT_ONCE, len(content.files)))])
    return [{"path": name, "size": content.files[name][1], "sha256": sums[name]} for name in sorted(sums)]


async def clear(spool: Path) -> None:
    """The version is whole: nothing of it has to be kept here."""
    await asyncio.to_thread(shutil.rmtree, spool, ignore_errors=True)


def digest_of(files: list[dict[str, Any]]) -> str:
    """What stands for the whole content: the SHA-256 of all paths and hashes."""
    listed = "".join(f"{file['sha256']}  {file['path']}\n" for file in files)
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()


def _noted(note: Path) -> str:
    return note.read_text() if note.exists() else ""


def _sum(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
