"""The log of a session: stdout and stderr in one file of bounded size on the disk."""

from __future__ import annotations

import os

from fasttrack_jupyter.engine.ports import LogChunk
from fasttrack_jupyter.errors import NotFound


def read(control: str, attempt_id: str, after: int, limit: int, ended: bool) -> LogChunk:
    """At most ``limit`` bytes from byte ``after``; ``ended`` says whether anybody may still write.

    Raises:
        NotFound: there is no such log.
    """
    try:
        fd = os.open(f"{control}/log", os.O_RDONLY)
    except FileNotFoundError:
        raise NotFound(f"there is no log of attempt {attempt_id}") from None
    try:
        size = os.fstat(fd).st_size
        start = min(max(after, 0), size)
        data = os.pread(fd, limit, start)
    finally:
        os.close(fd)
    size = max(size, start + len(data))
    return LogChunk(data, start, start + len(data), size, ended and start + len(data) >= size)
