"""Files of a variable's folder: their digests, the same file under two names."""

from __future__ import annotations

import hashlib
import os


def digest_of(path: str) -> str:
    """``sha256:…`` of the file's bytes."""
    state = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        block = memoryview(bytearray(1 << 20))
        while True:
            count = file.readinto(block)
            if not count:
                return "sha256:" + state.hexdigest()
            state.update(block[:count])


def link_files(source: str, target: str, but: str) -> None:
    """Everything in the folder ``source`` into ``target`` too, ``but`` the file of that name."""
    for entry in os.listdir(source):
        if entry != but:
            link(os.path.join(source, entry), os.path.join(target, entry))


def link(source: str, target: str) -> None:
    """One file under two names; a copy where the file system does not do that."""
    try:
        os.link(source, target)
    except OSError:
        import shutil

        shutil.copyfile(source, target)


def remove(folder: str) -> None:
    """Remove a folder of plain files, if it is there."""
    if os.path.isdir(folder):
        for entry in os.listdir(folder):
            os.unlink(os.path.join(folder, entry))
        os.rmdir(folder)
