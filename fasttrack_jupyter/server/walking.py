"""Finds the pipeline files below a folder, without ever looking at too much of a disk. Blocks: for a thread."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ENDINGS = (".fasttrack.yaml", ".fasttrack.yml")
MAX_DEPTH, MAX_ENTRIES, MAX_FILES = 12, 100_000, 2_000
"""Folders below the root, entries looked at, pipelines told."""
_NOBODY_S = frozenset({"node_modules", "__pycache__", "site-packages"})
_ENVIRONMENT = "pyvenv.cfg"
"""What marks a folder as a virtual environment (PEP 405)."""


class Found(NamedTuple):
    """One pipeline file; ``path`` is relative to the root, with slashes."""

    path: str
    modified_ns: int
    size: int


class Findings(NamedTuple):
    """Pipeline files by path; ``is_complete`` is false where a limit ended the search."""

    files: list[Found]
    is_complete: bool


def find_pipelines(root: Path, spare: Path) -> Findings:
    """Breadth first, so that what lies on top is found first; ``spare`` is a folder not to enter.

    Folders are told apart by device and inode: a symbolic link may lead in a circle, or to the same folder twice.
    """
    files: list[Found] = []
    seen = set(_identity(spare))
    folders, entries, is_complete = deque([("", 0)]), 0, True
    while folders:
        folder, depth = folders.popleft()
        listed = _entries(root / folder)
        entries += len(listed)
        if entries > MAX_ENTRIES or len(files) >= MAX_FILES:
            return Findings(sorted(files)[:MAX_FILES], False)
        identity = set(_identity(root / folder))
        if identity & seen or any(entry.name == _ENVIRONMENT for entry in listed):
            continue
        seen |= identity
        below = [entry for entry in listed if not entry.name.startswith(".")]
        files.extend(_pipelines(folder, below))
        deeper = [f"{folder}/{entry.name}".lstrip("/") for entry in below if _is_folder(entry)]
        is_complete = is_complete and (depth < MAX_DEPTH or not deeper)
        folders.extend((each, depth + 1) for each in deeper if depth < MAX_DEPTH)
    return Findings(sorted(files)[:MAX_FILES], is_complete and len(files) <= MAX_FILES)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where it may not be read, or is gone."""
    try:
        with os.scandir(folder) as listed:
            return sorted(listed, key=lambda entry: entry.name)
    except OSError:
        return []


def _identity(folder: Path) -> Iterator[tuple[int, int]]:
    try:
        found = folder.stat()
    except OSError:
        return
    yield found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.name not in _NOBODY_S and entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _pipelines(folder: str, entries: list[os.DirEntry[str]]) -> Iterator[Found]:
    for entry in entries:
        if not entry.name.endswith(ENDINGS):
            continue
        try:
            found = entry.stat()
            is_file = entry.is_file()
        except OSError:
            continue  # gone meanwhile, or a link to nowhere
        if is_file:
            yield Found(f"{folder}/{entry.name}".lstrip("/"), found.st_mtime_ns, found.st_size)
