"""Writing files into a vfolder by tus 1.0: in parts, each after the other, gone on with where it broke.

A file comes into being whole: a storage proxy collects the parts elsewhere (``.upload/``) and renames the file into its
place with the last one. What differs by release is how it takes a part twice: up to 25.15 each part is put at the end
whatever offset it names, and what was under way when a connection broke may still arrive. So after any trouble
we ask where it stands until that has settled, and compare the size of what came out; 26.4 refuses a wrong offset.

The upload of a large file that is to be gone on with by another process (``kept``) leaves its ticket in a 0600 file. A
ticket is good for that one file, for a day.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.backend_ai import foreign, places
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue
from fasttrack_jupyter.backends.backend_ai.downloads import Downloads
from fasttrack_jupyter.backends.backend_ai.http import Cluster, StorageAnswer
from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, FastTrackError, Forbidden

PART = 16 << 20
"""Bytes in one request, at most: what is sent again after a break."""
_PIECE = 256 << 10
_PART_TIMEOUT = 600.0
_TRIES = 6
"""Breaks in a row, with nothing gained, after which we give up."""
_STARTS = 3
_SETTLING = 0.2
"""Seconds between two looks at an offset."""
_LARGE = 4 << 20
"""Bytes from which a ticket is worth keeping."""
_TICKET_AGE = 20 * 3600.0
_UPLOAD_FAILED = "vfolder-operation-failed"
_AGAIN = (408, 409, 423, 425, 429)

Sent = Callable[[int], None]
"""Hears how many bytes of the file are there; may go back after a break."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What is to be written: the bytes themselves, or a file of this machine."""

    content: bytes | Path
    size: int

    @classmethod
    def of(cls, content: bytes | Path) -> _Source:
        return cls(content, len(content) if isinstance(content, bytes) else content.stat().st_size)

    @property
    def identity(self) -> str:
        """What tells these bytes from others, also in another process."""
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).hexdigest()
        found = self.content.stat()
        return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}"

    def part(self, start: int, length: int, sent: Sent) -> bytes | _Part:
        if isinstance(self.content, bytes) and length <= _PIECE:
            return self.content[start : start + length]
        return _Part(self.content, start, length, sent)


@dataclass(frozen=True, slots=True)
class _Part:
    """A request's body; each iteration begins anew, as repeating the request must."""

    content: bytes | Path
    start: int
    length: int
    sent: Sent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self.content, bytes):
            for at in range(self.start, self.start + self.length, _PIECE):
                yield self.content[at : min(at + _PIECE, self.start + self.length)]
            return
        with await asyncio.to_thread(self.content.open, "rb") as file:
            file.seek(self.start)
            left = self.length
            while left:
                if not (piece := file.read(min(_PIECE, left))):
                    raise OSError(f"{self.content.name} became shorter while it was sent")
                left -= len(piece)
                yield piece
                self.sent(self.start + self.length - left)


class _StartAgain(Exception):
    """This upload cannot be gone on with: what was sent is lost."""


class Uploads:
    """Writes into the vfolders of one user on one cluster; ``tickets``: a folder for tickets that are kept."""

    def __init__(
        self, cluster: Cluster, catalogue: Catalogue, downloads: Downloads, *, tickets: Path | None = None
    ) -> None:
        self._cluster, self._catalogue, self._downloads, self._tickets = cluster, catalogue, downloads, tickets

    async def put(
        self, folder: str, path: str, content: bytes | Path, *, sent: Sent | None = None, kept: bool = False
    ) -> None:
        """Write a file, in place of one that may be there; folders on the way are made.

        ``kept``: another process may go on with it, from the same file.

        Raises:
            NotFound: no such vfolder.
            Forbidden: the path leaves it, or you may not write there.
            BadRequest: it is refused: too large, a quota.
            BackendUnreachable: it broke too often.
        """
        path = places.relative(path)
        if not path:
            raise Forbidden("a file needs a name", hint="give a path inside the folder")
        source = _Source.of(content)
        for start in range(1, _STARTS + 1):
            upload = _Upload(self._cluster, source, sent or _nobody)
            with contextlib.suppress(_StartAgain):
                kept_at = await self._opened(upload, folder, path, kept and source.size >= _LARGE and start == 1)
                await upload.finish()
                if not upload.was_troubled or await self._downloads.size(folder, path) == source.size:
                    if kept_at is not None:
                        kept_at.unlink(missing_ok=True)
                    return
            await asyncio.sleep(pause(start))
        raise BackendUnreachable(f"{path!r} could not be uploaded to {folder!r}: the storage proxy loses what it got")

    async def size(self, folder: str, path: str) -> int | None:
        """Bytes in a file that is there; None where there is none. Raises BackendUnreachable."""
        return await self._downloads.size(folder, path)

    async def _opened(self, upload: _Upload, folder: str, path: str, kept: bool) -> Path | None:
        """Give ``upload`` its ticket: one that was kept, or a new one; where it is kept, if it is."""
        if not kept or self._tickets is None:
            upload.use(await self._ticket(folder, path, upload.source.size))
            return None
        found = await self._catalogue.get(folder)
        key = hashlib.sha256(f"{found.id}\0{path}\0{upload.source.identity}".encode()).hexdigest()
        file = self._tickets / key
        if (ticket := _kept(file)) is not None:
            upload.use(ticket)
            if await upload.has_begun():
                return file
        ticket = await self._ticket(folder, path, upload.source.size)
        _keep(file, ticket)
        upload.use(ticket)
        return file

    async def _ticket(self, folder: str, path: str, size: int) -> dict[str, Any]:
        where = await self._catalogue.path(folder)
        body = {"path": path, "size": size}
        for tried in range(1, _TRIES + 1):
            try:
                told = await self._cluster.call("POST", f"{where}/request-upload", body=body, repeat=True)
                return {"url": str(told["url"]), "token": str(told["token"])}
            except BadRequest as error:
                # The folder of parts goes with its last one, perhaps while ours is being made in it.
                if _UPLOAD_FAILED not in str(error.details.get("type")) or tried == _TRIES:
                    raise
            await asyncio.sleep(pause(tried) / 4)
        raise AssertionError("the last try either returns or raises")


class _Upload:
    """One file on its way."""

    def __init__(self, cluster: Cluster, source: _Source, sent: Sent) -> None:
        self._cluster, self.source, self._sent = cluster, source, sent
        self._url, self._token, self._at = "", "", 0
        self.was_troubled = False

    def use(self, ticket: dict[str, Any]) -> None:
        self._url, self._token, self._at = ticket["url"], ticket["token"], 0

    async def has_begun(self) -> bool:
        """Whether the storage proxy knows of it; sets out from where it stands."""
        try:
            self._at = await self._settled()
        except (_StartAgain, FastTrackError):
            return False
        self.was_troubled = True
        return True

    async def finish(self) -> None:
        """Send what is missing. Raises _StartAgain, or what :meth:`Uploads.put` does."""
        fails = 0
        while True:
            before = self._at
            try:
                if await self._send_part():
                    return
            except BackendUnreachable:
                fails += 1
                if fails == _TRIES:
                    raise
                self.was_troubled = True
                await asyncio.sleep(pause(fails))
                self._at = await self._settled()
            if self._at > before:
                fails = 0

    async def _send_part(self) -> bool:
        """Send the next part; whether it was the last."""
        length = min(PART, self.source.size - self._at)
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(self._at),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        part = self.source.part(self._at, length, self._sent)
        answer = await self._ask("PATCH", headers=headers, data=part, timeout=_PART_TIMEOUT)
        self._at = _offset(answer, self._at + length)
        self._sent(self._at)
        return self._at >= self.source.size

    async def _settled(self) -> int:
        """The offset, as soon as it is the same twice: what was on its way may still be arriving."""
        last = -1
        while True:
            at = _offset(await self._ask("HEAD"), 0)
            if at == last:
                return at
            last = at
            await asyncio.sleep(_SETTLING)

    async def _ask(self, method: str, **request: Any) -> StorageAnswer:
        answer = await self._cluster.storage(method, self._url, query={"token": self._token}, **request)
        if 200 <= answer.status < 300:
            return answer
        if answer.status == 404:
            raise _StartAgain
        if answer.status in _AGAIN:
            raise BackendUnreachable(f"the storage proxy takes no part of the file now (status {answer.status})")
        raise foreign.refusal(answer.status, answer.headers, answer.body, where="the storage proxy")


def _offset(answer: StorageAnswer, otherwise: int) -> int:
    told = answer.headers.get("Upload-Offset", "")
    return int(told) if told.isdigit() else otherwise


def _nobody(sent: int) -> None:
    """Nobody asked."""


def _kept(file: Path) -> dict[str, Any] | None:
    try:
        if time.time() - file.stat().st_mtime > _TICKET_AGE:
            return None
        ticket = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return ticket if isinstance(ticket, dict) and {"url", "token"} <= ticket.keys() else None


def _keep(file: Path, ticket: dict[str, Any]) -> None:
    """Keep it; without, the file would only have to be sent again."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as opened:
            json.dump(ticket, opened)
