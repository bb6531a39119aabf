"""Folders that are made once and then only read."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def seal_tree(root: Path) -> None:
    """Take away everybody's right to write to ``root`` and to all below it.

    Files may be hard links shared with a cache: they become read-only there as well, which protects it.
    """
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            seal(Path(folder, name))
    seal(root)


def seal(path: Path) -> None:
    """Take away the right to write to one file or folder; a symlink has no such right."""
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode):
        path.chmod(stat.S_IMODE(mode) & ~0o222)
