"""Vfolders of this machine: named folders with a usage mode.

``<root>/<escaped name>/`` holds the files, ``<root>/.meta/<escaped name>.json`` says what it is (no escaped
name begins with a dot). The folder is made first and described last: without a description it is
one that somebody put there by hand, and is shown as ``general``.

Tasks write here, so what is read is opened without ever following a symlink out of the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files.beneath import opened, parts_of
from fasttrack_jupyter.backends.files.removal import disk_usage, remove_tree
from fasttrack_jupyter.engine.ports import FileEntry, FolderInfo
from fasttrack_jupyter.errors import BackendError, BadRequest, Forbidden, NotFound
from fasttrack_jupyter.model.names import escape_name, unescape_name

USAGE_MODES = ("general", "model", "data")
_META = ".meta"
_DEEPEST = 100
"""Folders within folders that a listing goes down: each level holds a descriptor."""


class Folders:
    """The vfolders below ``root`` (made 0700 if it is not there). Every call blocks: use a thread."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.root, self._clock = root, clock
        self._meta = root / _META
        for place in (root, self._meta):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make(self, name: str, usage_mode: str = "general", pipeline: str | None = None) -> FolderInfo:
        """Make a vfolder; an existing one of that name comes back as it is.

        Raises:
            BadRequest: no name, a name that is too long, or an unknown usage mode.
        """
        if usage_mode not in USAGE_MODES:
            raise BadRequest(f"no such usage mode: {usage_mode!r}", hint=f"one of {', '.join(USAGE_MODES)}")
        escaped = _escaped(name)
        with _told(f"the folder {name!r} cannot be made"):
            (self.root / escaped).mkdir(mode=0o700, exist_ok=True)
            if not self._description(escaped).exists():
                about = {"name": name, "usage_mode": usage_mode, "created_at": self._clock(), "pipeline": pipeline}
                _write_whole(self._description(escaped), json.dumps(about))
        return self.get(name)

    def get(self, name: str) -> FolderInfo:
        """Raises NotFound."""
        return self._info(_escaped(name), self.path(name))

    def remove(self, name: str) -> int:
        """Remove a vfolder and what is in it; the bytes that became free. Raises NotFound."""
        path = self.path(name)
        freed = remove_tree(path)
        self._description(_escaped(name)).unlink(missing_ok=True)
        return freed

    def path(self, name: str) -> Path:
        """Where the files of a vfolder are. Raises NotFound."""
        path = self.root / _escaped(name)
        if path.is_symlink() or not path.is_dir():
            raise NotFound(f"no folder {name!r}", hint="`fasttrack folders` lists them")
        return path

    def path_of(self, folder: str, relative: str) -> Path:
        """The place ``relative`` in a vfolder, whether there is something or not.

        Raises:
            NotFound: no such vfolder.
            Forbidden: it leaves the folder; symlinks that are there now included.
        """
        root = self.path(folder)
        path = root.joinpath(*parts_of(relative))
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            raise Forbidden(f"{relative!r} leaves the folder {folder!r} through a symlink")
        return path

    def files(self, folder: str, path: str = "") -> list[FileEntry]:
        """What is below ``path``, recursively, sorted; paths relative to it; empty if there is nothing.

        A symlink is listed as itself and never followed; the rest of what cannot be read is left out.

        Raises:
            NotFound: no such vfolder.
            Forbidden: ``path`` leaves it.
        """
        with self._root(folder) as root:
            try:
                with opened(root, path) as fd:
                    if not stat.S_ISDIR(os.fstat(fd).st_mode):
                        return [_entry(Path(path).name, os.fstat(fd))]
                    return sorted(_walk(fd, ""), key=lambda entry: entry.path)
            except NotFound:
                return []

    def read(self, folder: str, path: str, start: int = 0, limit: int = -1) -> bytes:
        """``limit`` bytes (below zero: all) of a file from byte ``start``. Raises NotFound, Forbidden, BadRequest."""
        if start < 0:
            raise BadRequest(f"a file cannot be read from byte {start}", hint="start at 0 or later")
        with self._root(folder) as root, opened(root, path) as fd:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise BadRequest(f"{path!r} is no plain file", hint="name a file inside it")
            with _told(f"{path!r} cannot be read"), os.fdopen(os.dup(fd), "rb") as file:
                file.seek(start)
                return file.read(limit)

    def size(self, folder: str, path: str = "") -> int:
        """Bytes on the disk of what is below ``path``; what has several names counts once; 0 if there is nothing."""
        return disk_usage(self.path_of(folder, path))

    def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        """Which of ``paths`` are no folders of a vfolder (all, where it is not there itself)."""
        root = self.root / _escaped(folder)
        return {path for path in paths if not (root / path).is_dir()}

    def remove_paths(self, folder: str, paths: Sequence[str]) -> int:
        """Remove ``paths`` of a vfolder, as far as they are there; the bytes that became free.

        Raises:
            Forbidden: one of them is the folder itself or leaves it; then nothing was removed.
        """
        targets = []
        for path in paths:
            parts = parts_of(path)
            if not parts:
                raise Forbidden(f"{path!r} is the folder {folder!r} itself", hint="`fasttrack folders` removes folders")
            # The parent must lie inside; the last name may be a symlink to anywhere: the link is what goes.
            targets.append(self.path_of(folder, "/".join(parts[:-1])) / parts[-1])
        return sum(remove_tree(target) for target in targets)

    def list(self) -> list[FolderInfo]:
        """All of them, by name."""
        infos = []
        for entry in os.scandir(self.root):
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(ValueError):  # put there by hand, under a name that nobody can ask for
                    infos.append(self._info(entry.name, Path(entry.path)))
        return sorted(infos, key=lambda info: info.name)

    @contextlib.contextmanager
    def _root(self, folder: str) -> Iterator[int]:
        fd = os.open(self.path(folder), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            yield fd
        finally:
            os.close(fd)

    def _description(self, escaped: str) -> Path:
        return self._meta / f"{escaped}.json"

    def _info(self, escaped: str, path: Path) -> FolderInfo:
        try:
            about: dict[str, Any] = json.loads(self._description(escaped).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            about = {"name": unescape_name(escaped), "usage_mode": "general", "created_at": path.stat().st_mtime}
        return FolderInfo(about["name"], about["usage_mode"], about["created_at"], str(path), about.get("pipeline"))


def _escaped(name: str) -> str:
    escaped = escape_name(name)
    if not name or escaped.startswith("%~") or len(escaped) > 250:  # room for ".json"
        raise BadRequest(f"{name[:40]!r} cannot name a folder: it is {'too long' if name else 'empty'}")
    return escaped


def _walk(folder: int, prefix: str) -> Iterator[FileEntry]:
    for name in os.listdir(folder):
        # Gone, changed or shut while we looked: a listing shows what can be seen.
        with contextlib.suppress(OSError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            yield _entry(prefix + name, found)
            if stat.S_ISDIR(found.st_mode) and prefix.count("/") < _DEEPEST:
                yield from _below(folder, name, f"{prefix}{name}/")


def _below(folder: int, name: str, prefix: str) -> Iterator[FileEntry]:
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        yield from _walk(inner, prefix)
    finally:
        os.close(inner)


def _entry(path: str, found: os.stat_result) -> FileEntry:
    is_dir = stat.S_ISDIR(found.st_mode)
    return FileEntry(path, is_dir, 0 if is_dir else found.st_size, found.st_mtime)


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{os.getpid()}.{time.monotonic_ns()}.part")
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    partial.replace(path)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackendError(
            f"{what}: {error.strerror}", hint="check its permissions and the space on the disk"
        ) from error
