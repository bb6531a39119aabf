"""Small things with files that several parts need."""

from __future__ import annotations

import os
import shutil
import stat


def make_fresh(folder: str) -> None:
    """Make ``folder`` and its parents, empty: what an earlier attempt left in it is removed."""
    try:
        os.mkdir(folder, 0o700)
    except FileNotFoundError:
        os.makedirs(folder, 0o700)
    except FileExistsError:
        shutil.rmtree(folder)
        os.mkdir(folder, 0o700)


def open_private(path: str, flags: int) -> int:
    """An opener for ``open``: what it makes is for this user alone."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def read_small(path: str, most: int) -> bytes:
    """What a file holds that somebody else writes; nothing where it is larger than ``most`` bytes, or no plain file.

    Neither waits nor follows a link. Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        is_small = stat.S_ISREG(found.st_mode) and found.st_size <= most
        return os.read(fd, most) if is_small else b""
    finally:
        os.close(fd)
