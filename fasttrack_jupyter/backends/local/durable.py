"""What a session left in its outputs, safe from a power cut before anybody is told that it succeeded.

A handful of files are synced one by one. A great many, or some that cannot be opened, are synced with all else
on their file system (``syncfs``): one wait instead of thousands, and it tells of write errors as well.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from itertools import islice

_FEW = 256
_NOT_SYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems say that have no such thing for folders, or at all: there is no more to be had."""


def has_entries(folder: str) -> bool:
    """Whether anything is in ``folder``; False where it is not there."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it cannot be told: whoever takes a closer look says why


def sync_tree(folder: str, root: str) -> None:
    """Return when everything below ``folder``, and its name below ``root``, is on the disk. Blocks.

    Raises:
        OSError: something did not get there (disk full, write error).
    """
    try:
        paths = list(islice(_below(folder), _FEW + 1))
    except OSError:  # a folder that cannot be listed: what is in it is there all the same
        paths = []
    if not 0 < len(paths) <= _FEW or not all(map(_sync, paths)):
        _sync_file_system(folder)
        return
    while len(folder) > len(root):
        folder = os.path.dirname(folder)
        _sync(folder)


def _below(folder: str) -> Iterator[str]:
    """The files below ``folder``, then all folders, the deepest first; no symlinks, no pipes, no sockets."""
    folders = [folder]
    for place in folders:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path
    yield from reversed(folders)


def _sync(path: str) -> bool:
    """Sync one file or folder; False if it cannot be opened."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NOT_SYNCABLE:
            raise
    finally:
        os.close(fd)
    return True


def _sync_file_system(folder: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()  # not Linux: there is no more to be had
        return
    fd = os.open(os.path.dirname(folder), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.syncfs(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(fd)
