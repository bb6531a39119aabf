"""Removing trees that tasks left behind, and saying how much space that gave back.

Reused outputs and code snapshots share files by hard links, so a file's blocks become free only
if every one of its names is in what is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from fasttrack_jupyter.errors import BackendError

_BLOCK = 512  # st_blocks counts these, whatever the file system's own blocks are


GRACE = 3600.0
"""Seconds after its last use for which a thing is kept although no job names it: its job may be about to be stored."""


def is_older(path: Path, seconds: float) -> bool:
    """Whether ``path`` was last used (see :func:`mark_used`) that long ago."""
    try:
        return time.time() - path.lstat().st_mtime >= seconds
    except FileNotFoundError:
        return False


def mark_used(path: Path) -> None:
    """Note that ``path`` is used now."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(path)


def disk_usage(path: Path) -> int:
    """Bytes on the disk of a file, symlink or tree; what has several names in it counts once; 0 if there is nothing."""
    return sum({(found.st_dev, found.st_ino): found.st_blocks * _BLOCK for found in _inodes(path)}.values())


def would_free(paths: Iterable[Path], *, other_names: int = 0) -> int:
    """Bytes that become free when all of ``paths`` go; ``other_names``: of every file, so many more go as well."""
    names: Counter[tuple[int, int]] = Counter()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for found in (found for path in paths for found in _inodes(path)):
        inode = (found.st_dev, found.st_ino)
        names[inode] += 1
        sizes[inode] = (found.st_blocks * _BLOCK, 1 if stat.S_ISDIR(found.st_mode) else found.st_nlink)
    return sum(size for inode, (size, links) in sizes.items() if names[inode] + other_names >= links)


def remove_tree(path: Path) -> int:
    """Remove a file, a symlink (never what it leads to) or a tree, read-only folders included; bytes that became free.

    Raises:
        BackendError: something in it cannot be removed.
    """
    if not os.path.lexists(path):
        return 0
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            _make_removable(path)
            freed = would_free([path])
            shutil.rmtree(path)
        else:
            freed = would_free([path])
            path.unlink(missing_ok=True)
    except (OSError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its folders lie too deep"
        raise BackendError(f"{path} cannot be removed: {reason}", hint="remove it by hand") from error
    return freed


def _inodes(path: Path) -> Iterator[os.stat_result]:
    """Of ``path`` and all that can be seen below it; symlinks are not followed."""
    places = [str(path)]
    while places:
        with contextlib.suppress(OSError):  # gone or shut meanwhile: it is counted as nothing
            place = places.pop()
            found = os.lstat(place)
            yield found
            if stat.S_ISDIR(found.st_mode):
                with os.scandir(place) as entries:
                    places += [entry.path for entry in entries]


def _make_removable(folder: Path) -> None:
    """Give the owner back the right to list and change every folder of a tree."""
    places = [str(folder)]
    while places:
        place = places.pop()
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            os.chmod(place, 0o700)
        with os.scandir(place) as entries:
            places += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def remove_all(folders: list[str]) -> None:
    """Remove working directories; what cannot be removed stays."""
    for folder in folders:
        try:
            os.rmdir(folder)  # most are empty, and rmtree looks long before it leaps
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
