"""Reading files of a vfolder: parts of them, whole ones, folders as an archive.

A manager hands out a ticket for one path (good for a day, as a rule), with which the storage proxy gives any
range of the file. Tickets are kept: whoever follows a log asks the storage proxy alone.

23.09's storage proxy follows a symlink out of the vfolder, to any file on its own machine. There the way to a
file is looked at first, and nothing behind a link is read; later releases refuse such links themselves.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from fasttrack_jupyter.backends.backend_ai import foreign, places
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue
from fasttrack_jupyter.backends.backend_ai.http import Cluster, StorageAnswer
from fasttrack_jupyter.backends.backend_ai.listing import Lister
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.errors import (
    BackendUnreachable,
    BadRequest,
    FastTrackError,
    Forbidden,
    KeysRefused,
    NotFound,
)

_MOST_AT_ONCE = 64 << 20
"""Bytes in one answer that is held in memory."""
_KEPT = 600.0
"""Seconds for which a ticket is used again."""
_MOST_TICKETS = 512
_TRIES = 5
_FIRST_STAYING_INSIDE = Release(24, 9)
_SIZE = re.compile(r"bytes (?:[\d-]+|\*)/(\d+)")


@dataclass(frozen=True, slots=True)
class _Ticket:
    url: str
    token: str
    until: float


class Downloads:
    """Reads the vfolders of one user on one cluster."""

    def __init__(self, cluster: Cluster, catalogue: Catalogue, lister: Lister) -> None:
        self._cluster, self._catalogue, self._lister = cluster, catalogue, lister
        self._tickets: dict[tuple[str, str], _Ticket] = {}

    async def read(self, folder: str, path: str, start: int = 0, limit: int = -1) -> bytes:
        """``limit`` bytes (below zero: all) of a file from byte ``start``; empty behind its end.

        Raises:
            NotFound: there is no such file.
            Forbidden: the path, or a symlink on it, leaves the vfolder.
            BadRequest: it is a folder, or too large to be read at once.
            BackendUnreachable: nothing is known.
        """
        if start < 0:
            raise BadRequest(f"a file cannot be read from byte {start}", hint="start at 0 or later")
        if limit == 0:
            return b""
        last = start + (limit if limit > 0 else _MOST_AT_ONCE) - 1
        answer = await self._ranged(folder, path, f"bytes={start}-{last}")
        if limit < 0 and (size := _size(answer)) is not None and size > last + 1:
            raise BadRequest(f"{path!r} has {size} bytes: too many at once", hint="read it in parts")
        return b"" if answer.status == 416 else answer.body

    async def size(self, folder: str, path: str) -> int | None:
        """Bytes in a file; None where there is none. Raises Forbidden, BadRequest, BackendUnreachable."""
        try:
            answer = await self._ranged(folder, path, "bytes=0-0")
        except NotFound:
            return None
        size = _size(answer)
        return len(answer.body) if size is None else size

    async def stream(self, folder: str, path: str, start: int = 0) -> AsyncGenerator[bytes, None]:
        """A file from byte ``start``, piece by piece; goes on by itself where the connection breaks.

        Raises:
            NotFound, Forbidden, BadRequest: as :meth:`read`.
            BackendUnreachable: it broke again and again.
        """
        size = await self.size(folder, path)
        if size is None:
            raise NotFound(f"there is no file {path!r} in the vfolder {folder!r}")
        at, tries = start, 0
        while at < size:
            ticket = await self._ticket(folder, path)
            try:
                pieces = self._cluster.storage_stream(
                    ticket.url, query={"token": ticket.token}, headers={"Range": f"bytes={at}-{size - 1}"}
                )
                async with aclosing(pieces) as open_pieces:
                    async for piece in open_pieces:
                        at, tries = at + len(piece), 0
                        yield piece
            except (BackendUnreachable, BadRequest, Forbidden, KeysRefused) as error:
                tries += 1
                is_old = self._tickets.pop((folder, path), None) is not None and tries == 1
                if tries == _TRIES or not (isinstance(error, BackendUnreachable) or is_old):
                    raise
                await asyncio.sleep(pause(tries))

    async def archive(self, folder: str, path: str) -> AsyncGenerator[bytes, None]:
        """A folder as a zip, made on the way; of one link in it that leads to a file, the file (24.09 and later).

        Raises:
            NotFound, Forbidden, BackendUnreachable: as :meth:`read`; not repeatable in the middle.
        """
        path = places.relative(path)
        if await self._lister.entries(folder, path) is None:
            raise await self._absent(folder, path)
        where = await self._catalogue.path(folder)
        body = {"path": path or ".", "archive": True}
        told = await self._cluster.call("POST", f"{where}/request-download", body=body, repeat=True)
        query = {"token": told["token"], "archive": True}
        async with aclosing(self._cluster.storage_stream(told["url"], query=query)) as pieces:
            async for piece in pieces:
                yield piece

    async def _ranged(self, folder: str, path: str, asked: str) -> StorageAnswer:
        path = places.relative(path)
        for is_last in (False, True):
            ticket = await self._ticket(folder, path)
            try:
                answer = await self._cluster.storage(
                    "GET", ticket.url, query={"token": ticket.token}, headers={"Range": asked}
                )
            except BackendUnreachable:
                self._tickets.pop((folder, path), None)  # the storage proxy may be elsewhere by now
                raise
            if answer.status in (200, 206, 416):
                return answer
            self._tickets.pop((folder, path), None)
            if is_last or answer.status == 404:
                break
        raise await self._refusal(folder, path, answer)

    async def _refusal(self, folder: str, path: str, answer: StorageAnswer) -> FastTrackError:
        if answer.status == 404:
            return await self._absent(folder, path)
        if answer.status == 400 and await self._lister.entries(folder, path) is not None:
            return BadRequest(f"{path!r} is no plain file", hint="name a file inside it")
        return foreign.refusal(answer.status, answer.headers, answer.body, where="the storage proxy")

    async def _absent(self, folder: str, path: str) -> FastTrackError:
        if link := await self._link_on(folder, path):
            return _leaves(link)
        return NotFound(f"there is no {path!r} in the vfolder {folder!r}", details={"folder": folder, "path": path})

    async def _ticket(self, folder: str, path: str) -> _Ticket:
        ticket = self._tickets.get((folder, path))
        if ticket is not None and ticket.until > time.monotonic():
            return ticket
        if await self._cluster.release() < _FIRST_STAYING_INSIDE and (link := await self._link_on(folder, path)):
            raise Forbidden(
                f"{link!r} is a symlink, which this cluster would follow out of its folder too",
                hint="name the file itself",
            )
        where = await self._catalogue.path(folder)
        told = await self._cluster.call("POST", f"{where}/request-download", body={"path": path}, repeat=True)
        ticket = _Ticket(str(told["url"]), str(told["token"]), time.monotonic() + _KEPT)
        while len(self._tickets) >= _MOST_TICKETS:
            self._tickets.pop(next(iter(self._tickets)))
        self._tickets[folder, path] = ticket
        return ticket

    async def _link_on(self, folder: str, path: str) -> str | None:
        """The first link on the way to ``path``, below what only we make (no task can put a link there)."""
        for place in _below(path, places.ours(path)):
            found = await self._lister.entry(folder, place)
            if found is None or found.is_link:
                return place if found else None
        return None


def _below(path: str, root: str) -> Iterator[str]:
    place = root
    for name in path.removeprefix(root).strip("/").split("/"):
        place = posixpath.join(place, name)
        yield place


def _leaves(link: str) -> Forbidden:
    return Forbidden(f"{link!r} is a symlink that leaves its folder", hint="only files inside can be read")


def _size(answer: StorageAnswer) -> int | None:
    found = _SIZE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None
