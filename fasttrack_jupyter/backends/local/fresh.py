"""Small things with files that several parts need."""

from __future__ import annotations

import os
import shutil


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
