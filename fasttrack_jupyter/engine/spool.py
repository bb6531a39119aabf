"""Files on their way from a browser to a cluster: a browser sends parts, which are put together here first.

A part may come twice, and parts come in order; a file that nobody goes on with is removed after a day.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound

_KEY = re.compile(r"[0-9A-Za-z_-]{16,64}", re.ASCII)
_FORGOTTEN = 86_400.0
"""Seconds since the last part."""
_FOLDER = "uploads"


class Spool:
    """Puts files together below one home, readable by this user alone."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _FOLDER

    async def add(self, key: str, offset: int, part: bytes) -> int:
        """Write a part that begins at byte ``offset``; how many bytes there are now.

        Raises:
            BadRequest: the key is none.
            Conflict: parts before it are missing; ``details.received`` says from where on.
        """
        return await asyncio.to_thread(self._add, self._place(key), offset, part)

    def file(self, key: str) -> Path:
        """Where the file is. Raises NotFound, BadRequest."""
        place = self._place(key)
        if not place.exists():
            raise NotFound(f"no upload {key!r} has begun", hint="send its parts first")
        return place

    async def drop(self, key: str) -> None:
        """Remove a file, which may be gone."""
        await asyncio.to_thread(self._place(key).unlink, missing_ok=True)

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise BadRequest(f"{key!r} is no key of an upload", hint="16 to 64 letters, digits, `-` or `_`, at random")
        return self._folder / key

    def _add(self, place: Path, offset: int, part: bytes) -> int:
        if not offset or not self._folder.is_dir():
            self._begin()
        place.touch(mode=0o600)
        received = place.stat().st_size
        if offset > received:
            details = {"received": received}
            raise Conflict(f"the part at byte {offset} comes too soon", hint=f"go on at {received}", details=details)
        with place.open("r+b") as file:
            file.seek(offset)
            file.write(part)
        return max(received, offset + len(part))

    def _begin(self) -> None:
        """Make the folder, without what was forgotten in it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self._folder.iterdir():
            if time.time() - file.stat().st_mtime > _FORGOTTEN:
                file.unlink(missing_ok=True)
