"""Opening files that somebody else may be rearranging, without ever leaving a folder.

A path is walked name by name from an open descriptor of the folder. A symlink on the way is followed
as long as it stays inside: its target is walked in the same manner. Nothing is looked up twice, so
there is no moment between a check and its use (what ``openat2(RESOLVE_BENEATH)`` does where it exists).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from fasttrack_jupyter.errors import FastTrackError, Forbidden, NotFound

_MAX_LINKS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # O_NONBLOCK: a pipe must not hold us


def parts_of(path: str) -> list[str]:
    """The names that ``path``, relative with ``/``, consists of.

    Raises:
        Forbidden: it is absolute, climbs with ``..``, or holds NUL.
    """
    if path.startswith("/") or "\0" in path or ".." in PurePosixPath(path).parts:
        raise Forbidden(f"the path {path!r} leaves its folder", hint="give a path relative to the folder, without `..`")
    return [part for part in path.split("/") if part not in ("", ".")]


@contextlib.contextmanager
def opened(root: int, path: str) -> Iterator[int]:
    """A read-only descriptor of the file or folder at ``path`` below the open folder ``root``.

    Raises:
        NotFound: there is none.
        Forbidden: the path, or a symlink on it, leaves ``root``; or it may not be read.
    """
    fd = _Walk(root, path).run()
    try:
        yield fd
    finally:
        os.close(fd)


class _Walk:
    """One walk. ``trail`` holds a descriptor per folder that was entered, for a link's ``..``."""

    def __init__(self, root: int, path: str) -> None:
        self.path = path
        self.todo = parts_of(path)[::-1]
        self.trail = [os.dup(root)]
        self.links = 0

    def run(self) -> int:
        try:
            while self.todo:
                self._enter(self.todo.pop())
            return self.trail.pop()
        except OSError as error:
            raise self._told(error) from error
        finally:
            for fd in self.trail:
                os.close(fd)

    def _enter(self, name: str) -> None:
        if name == "..":
            if len(self.trail) == 1:
                raise self._leaves()
            os.close(self.trail.pop())
            return
        mode = os.stat(name, dir_fd=self.trail[-1], follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            self._follow(os.readlink(name, dir_fd=self.trail[-1]))
        else:
            self.trail.append(os.open(name, _FOLDER if stat.S_ISDIR(mode) else _FILE, dir_fd=self.trail[-1]))

    def _follow(self, target: str) -> None:
        self.links += 1
        if target.startswith("/"):
            raise self._leaves()
        if self.links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self.todo += [part for part in target.split("/") if part not in ("", ".")][::-1]

    def _leaves(self) -> Forbidden:
        return Forbidden(f"{self.path!r} is a symlink that leaves its folder", hint="only files inside can be read")

    def _told(self, error: OSError) -> FastTrackError:
        # ELOOP is also what O_NOFOLLOW says when a file was swapped for a symlink under our eyes.
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return NotFound(f"no file {self.path!r} here")
        return Forbidden(f"{self.path!r} cannot be read: {error.strerror}")
