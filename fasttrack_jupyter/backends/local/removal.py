"""Removing trees that tasks left behind, and saying how much space that gave back.

Reused outputs and code snapshots share files by hard links, so a file's blocks become free only
if every one of its names is in what is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fasttrack_jupyter.errors import BackendError

_BLOCK = 512  # st_blocks counts these, whatever the file system's own blocks are


def disk_usage(path: Path) -> int:
    """Bytes on the disk of a file, symlink or tree; what has several names in it counts once; 0 if there is nothing."""
    return sum({(found.st_dev, found.st_ino): found.st_blocks * _BLOCK for found in _inodes(path)}.values())


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
            freed = _would_free(path)
            shutil.rmtree(path)
        else:
            freed = _would_free(path)
            path.unlink(missing_ok=True)
    except (OSError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its folders lie too deep"
        raise BackendError(f"{path} cannot be removed: {reason}", hint="remove it by hand") from error
    return freed


def _would_free(path: Path) -> int:
    names: Counter[tuple[int, int]] = Counter()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for found in _inodes(path):
        inode = (found.st_dev, found.st_ino)
        names[inode] += 1
        sizes[inode] = (found.st_blocks * _BLOCK, 1 if stat.S_ISDIR(found.st_mode) else found.st_nlink)
    return sum(size for inode, (size, links) in sizes.items() if names[inode] >= links)


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
