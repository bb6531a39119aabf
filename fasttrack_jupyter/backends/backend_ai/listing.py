"""What is in a vfolder: folder by folder, for no release lists more than one at a time.

A storage proxy stops at 1,000 entries of one folder (``scandir-limit``) and does not say so: a folder that
has just as many is taken to have more. A folder that is not there, one that is a file, and one that leaves the vfolder
through a symlink are refused in the same words; the folder around it tells which it is.
"""

from __future__ import annotations

import asyncio
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.backends.backend_ai import alongside, places
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue, moment
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.engine.ports import FileEntry
from fasttrack_jupyter.errors import BackendError, BadRequest, Forbidden

MOST = 1000
"""Entries of one folder that a storage proxy lists, unless its administrator changed that."""
_AT_ONCE = 6
_DEEPEST = 100
_FILE, _FOLDER, _LINK = "FILE", "DIRECTORY", "SYMLINK"
_KINDS = {"d": _FOLDER, "l": _LINK}


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    kind: str
    size: int
    modified_at: float

    @property
    def is_folder(self) -> bool:
        """A real one, not a link to one."""
        return self.kind == _FOLDER

    @property
    def is_link(self) -> bool:
        """Whatever it leads to."""
        return self.kind == _LINK

    def at(self, path: str) -> FileEntry:
        """As the engine knows it."""
        return FileEntry(path, self.is_folder, 0 if self.is_folder else self.size, self.modified_at)


class Lister:
    """Lists what is in the vfolders of one user on one cluster."""

    def __init__(self, cluster: Cluster, catalogue: Catalogue) -> None:
        self._cluster, self._catalogue = cluster, catalogue
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def entries(self, folder: str, path: str) -> list[Entry] | None:
        """What is in one folder, not below it; None where there is no such folder. Raises NotFound: no vfolder."""
        where = await self._catalogue.path(folder)
        try:
            async with self._gate:
                told = await self._cluster.call("GET", f"{where}/files", query={"path": path})
        except BadRequest:
            return None
        return list(_entries(told))

    async def entry(self, folder: str, path: str) -> Entry | None:
        """What is at ``path``; None where nothing is (or too much around it to tell)."""
        parent, name = posixpath.split(path)
        found = await self.entries(folder, parent)
        return next((each for each in found or () if each.name == name), None)

    async def below(self, folder: str, path: str, on_cut: Callable[[str], None] | None = None) -> list[FileEntry]:
        """What is below ``path``, recursively, sorted; links are listed, never followed.

        ``on_cut`` hears of a folder with more entries than are listed.

        Raises:
            Forbidden: it leaves the vfolder.
            BackendError: a folder has more entries than are listed, and there is no ``on_cut``.
        """
        path = places.relative(path)
        top = await self.entries(folder, path)
        if top is None:
            return await self._alone(folder, path)
        return sorted(await self._walk(folder, path, "", top, on_cut or _refuse), key=lambda entry: entry.path)

    async def _alone(self, folder: str, path: str) -> list[FileEntry]:
        found = await self.entry(folder, path) if path else None
        if found is not None and found.is_link:
            raise Forbidden(f"{path!r} is a symlink that leaves its folder", hint="only files inside can be read")
        return [found.at(found.name)] if found is not None and not found.is_folder else []

    async def _walk(
        self, folder: str, root: str, prefix: str, entries: list[Entry], on_cut: Callable[[str], None]
    ) -> list[FileEntry]:
        if len(entries) >= MOST:
            on_cut(posixpath.join(root, prefix).rstrip("/"))
        found = [each.at(prefix + each.name) for each in entries]
        if prefix.count("/") >= _DEEPEST:
            return found
        inner = [f"{prefix}{each.name}/" for each in entries if each.is_folder]
        lists = await alongside.each(self.entries(folder, posixpath.join(root, each[:-1])) for each in inner)
        walks = zip(inner, lists, strict=True)
        deeper = [self._walk(folder, root, each, listed, on_cut) for each, listed in walks if listed]
        return found + [entry for walk in await alongside.each(deeper) for entry in walk]


def _refuse(path: str) -> None:
    raise BackendError(
        f"the folder {path!r} has more than the {MOST} entries that the cluster lists",
        hint="Let the task pack them into one file (tar), or spread them over several folders.",
        details={"path": path},
    )


def _entries(told: Any) -> Iterator[Entry]:
    if not isinstance(told, Mapping):
        return
    if isinstance(told.get("items"), list):
        for each in told["items"]:
            yield Entry(each["name"], each.get("type", _FILE), int(each.get("size") or 0), moment(each.get("modified")))
        return
    for each in json.loads(told.get("files") or "[]"):
        kind = _KINDS.get(str(each.get("mode"))[:1], _FILE)
        yield Entry(each["filename"], kind, int(each.get("size") or 0), float(each.get("mtime") or 0))
