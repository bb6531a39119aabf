"""Files that are put into a vfolder of this machine, and those that are lent out of one. Every call blocks.

A file is written beside its place under another name, made durable, and renamed: under its name it is whole.
Tasks write in these folders too: no symlink is ever followed out of one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fasttrack_jupyter.backends.files.beneath import opened
from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.engine.ports import LentFile
from fasttrack_jupyter.errors import BackendError, FastTrackError, Forbidden

_PART = 4 << 20


def put_file(folders: Folders, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None]) -> None:
    """See :meth:`ExecutionBackend.put_file`."""
    target = folders.path_of(folder, path)
    if target == folders.path(folder):
        raise Forbidden(f"{path!r} is the folder {folder!r} itself", hint="name a file inside it")
    with _told(folder, path):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name[:200]}.part")
        with partial.open("wb") as file:
            done = 0
            for data in _parts(source):
                done += file.write(data)
                progress(done)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)


def make_dirs(folders: Folders, folder: str, paths: Sequence[str]) -> None:
    """See :meth:`ExecutionBackend.make_dirs`."""
    for path in paths:
        place = folders.path_of(folder, path)
        with _told(folder, path):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)


def lend(folders: Folders, folder: str, path: str) -> dict[str, LentFile]:
    """See :meth:`OnThisMachine.lend`."""
    root = folders.path_of(folder, path)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = {entry.path: _lent(fd, root, entry.path) for entry in folders.files(folder, path) if not entry.is_dir}
    finally:
        os.close(fd)
    return {name: file for name, file in found.items() if file is not None}


def _lent(root: int, place: Path, path: str) -> LentFile | None:
    """A plain file below ``root``, or what a link within it leads to; None for everything else."""
    try:
        with opened(root, path) as fd, os.fdopen(os.dup(fd), "rb") as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                return None
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return LentFile(Path(os.path.realpath(place / path)), found.st_size, digest)
    except FastTrackError:  # a link that leads out of it, or to nothing
        return None


def _parts(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while data := file.read(_PART):
            yield data


@contextmanager
def _told(folder: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackendError(
            f"{path!r} cannot be made in the folder {folder!r}: {error.strerror}",
            hint="check its permissions and the space on the disk",
        ) from error
