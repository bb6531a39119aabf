"""The log of a session: stdout and stderr in one file, bounded on the disk by a hole in its middle.

The session appends to the file itself; nobody stands in between. When the file takes more than the cap, the
blocks between its first half-cap and its last half-cap are given back to the disk: offsets stay as
they are, and a reader that comes to the hole goes on behind it. Where the hole begins, a line in the log
says so. File systems without holes: the log is cut to its first half instead, again and again.
"""

from __future__ import annotations

import ctypes
import errno
import os

from fasttrack_jupyter.engine.ports import LogChunk
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.resources import format_size

_PUNCH_AND_KEEP_SIZE = 0x03
_BLOCK = 4096


def read(control: str, attempt_id: str, after: int, limit: int, ended: bool) -> LogChunk:
    """At most ``limit`` bytes from byte ``after``; ``ended`` says whether nobody may write any more.

    Where a part was dropped the chunk begins behind it, so that its ``start`` is greater than ``after``.

    Raises:
        NotFound: there is no such log.
    """
    try:
        fd = os.open(f"{control}/log", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"there is no log of attempt {attempt_id}", hint="it has not started yet") from None
    try:
        found = os.fstat(fd)
        size = found.st_size
        start = min(max(after, 0), size)
        if found.st_blocks * 512 < size:
            start, limit = _around_hole(fd, start, limit)
        data = os.pread(fd, limit, start)
    finally:
        os.close(fd)
    size = max(size, start + len(data))
    return LogChunk(data, start, start + len(data), size, ended and start + len(data) >= size)


def _around_hole(fd: int, start: int, limit: int) -> tuple[int, int]:
    try:
        start = os.lseek(fd, start, os.SEEK_DATA)
        return start, min(limit, os.lseek(fd, start, os.SEEK_HOLE) - start)
    except OSError:
        return start, limit  # at the end of the file, or a system that knows no holes


def is_over(control: str, cap: int) -> bool:
    """Whether the attempt's log takes more than ``cap`` bytes on the disk."""
    try:
        found = os.stat(f"{control}/log")
    except FileNotFoundError:
        return False
    return found.st_size > cap and found.st_blocks * 512 > cap


def keep_bounded(control: str, cap: int) -> None:
    """Give back the middle of the attempt's log if it takes more than ``cap`` bytes on the disk."""
    if not is_over(control, cap):
        return
    fd = os.open(f"{control}/log", os.O_RDWR | os.O_CLOEXEC)
    try:
        _drop_middle(fd, os.fstat(fd).st_size, cap)
    finally:
        os.close(fd)


def _drop_middle(fd: int, size: int, cap: int) -> None:
    half = max(cap // 2 // _BLOCK, 1) * _BLOCK
    end = (size - half) // _BLOCK * _BLOCK
    notice = (
        f"\n[fasttrack] the log reached its cap of {format_size(cap)}: from here on only its end is kept\n".encode()
    )
    begin = half + _BLOCK
    if end <= begin:
        return
    if not _punch(fd, begin, end - begin):
        os.ftruncate(fd, half)
    os.pwrite(fd, notice.ljust(_BLOCK - 1) + b"\n", half)


def _punch(fd: int, start: int, length: int) -> bool:
    """Give blocks back to the disk; False where the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "fallocate"):
        return False
    libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
    if libc.fallocate(fd, _PUNCH_AND_KEEP_SIZE, start, length) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), "log")
