"""Catalogs: clones of Git repositories below the folders of templates, whose pipelines the palette then offers.

A clone is made beside its place, in a hidden folder, and renamed into it: what has the name is whole. Nothing of it is
remembered but what is on the disk, so that a clone made in a terminal is a catalog as well.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, NotFound, Refused
from fasttrack_jupyter.server.git import Git, check_url, name_of, shown
from fasttrack_jupyter.server.views import Catalog, CatalogRequest, Catalogs

CLONE_S, QUICK_S = 300.0, 20.0
"""Seconds that git may take: over a network, and for a look at a folder."""
_DEEPEST, _MOST, _MOST_ENTRIES = 3, 100, 5_000
_MAKING = ".cloning-"
_LEFT_S = 3600.0
"""Seconds after which what a clone left half made (the server was killed) is nobody's any more."""
_FETCH = ("--quiet", "--no-recurse-submodules", "--upload-pack=git-upload-pack")


class CatalogKeeper:
    """The catalogs of one server; ``root`` is where its contents are on disk, None where they are not."""

    def __init__(self, root: str | None) -> None:
        self._root = None if root is None else Path(root)
        self._git = Git()
        self._busy: set[str] = set()

    async def all(self, folders: Sequence[str]) -> Catalogs:
        """The clones below these folders (contents paths); none where contents are not on disk."""
        if self._root is None:
            return Catalogs(catalogs=())
        places = [_clean(folder) for folder in folders]
        return Catalogs(catalogs=tuple(await asyncio.to_thread(self._look, places)))

    async def add(self, request: CatalogRequest) -> Catalog:
        """Clone a repository. Raises BadRequest, Refused, NotFound, Conflict, BackendUnreachable."""
        url = request.url.strip()
        check_url(url)
        name = request.name or name_of(url)
        if "/" in name:
            raise BadRequest(f"{name!r} is no name of a folder", hint="Leave the slash out.")
        path = f"{_clean(request.folder)}/{_clean(name)}"
        return await self._alone(path, self._clone, url)

    async def update(self, path: str) -> Catalog:
        """Bring a clone up to date, where nothing has been changed in it. Raises as :meth:`add`."""
        return await self._alone(_clean(path), self._pull)

    def close(self) -> None:
        """End what still runs."""
        self._git.close()

    async def _alone(self, path: str, work: Callable[..., Catalog], *more: str) -> Catalog:
        if self._root is None:
            raise Refused(
                "the files of this server are not on its own disk, so nothing can be cloned there",
                hint="Upload pipeline files into the folder of templates instead.",
            )
        if path in self._busy:
            raise Conflict(f"{path!r} is being cloned or updated already", hint="Wait for that to end.")
        self._busy.add(path)
        return await asyncio.shield(asyncio.to_thread(self._work, work, path, *more))  # also if nobody waits any more

    # ------------------------------------------------------------ in a thread

    def _work(self, work: Callable[..., Catalog], path: str, *more: str) -> Catalog:
        try:
            return work(path, *more)
        except OSError as error:
            why = error.strerror or str(error)
            raise Refused(f"{path!r} cannot be written: {why}", hint="See to its permissions and the space.") from error
        finally:
            self._busy.discard(path)

    def _place(self, path: str) -> Path:
        assert self._root is not None
        return self._root / path

    def _clone(self, path: str, url: str) -> Catalog:
        target = self._place(path)
        _check_free(path, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=target.parent))
        try:
            clone = making / target.name
            words = ("clone", "--quiet", "--depth=1", "--no-recurse-submodules", "--template=", "--")
            self._git.run(*words, url, str(clone), url=url, timeout=CLONE_S)
            _check_free(path, target)
            clone.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return self._described(path)

    def _pull(self, path: str) -> Catalog:
        folder = self._place(path)
        if not _is_clone(folder):
            raise NotFound(f"{path!r} is no clone of a Git repository", hint="Look whether it was moved or deleted.")
        url, _, _, changed = self._state(folder)
        if changed:
            names = ", ".join(changed[:3]) + (" …" if len(changed) > 3 else "")
            raise Conflict(
                f"{path!r} has local changes, which an update could lose: {names}",
                hint="Commit or discard them in a terminal, then update again.",
            )
        words = ("pull", "--ff-only", "--no-rebase", "--no-stat", "--no-verify-signatures", *_FETCH)
        self._git.run(*words, url=url, timeout=CLONE_S, folder=folder)
        return self._described(path)

    def _look(self, places: Sequence[str]) -> list[Catalog]:
        found = sorted({path for place in places for path in _clones(self._place(""), place)})
        return [self._described(path) for path in found[:_MOST]]

    def _described(self, path: str) -> Catalog:
        """The clone as it is now; where git cannot tell, why."""
        try:
            url, branch, commit, changed = self._state(self._place(path))
        except FastTrackError as error:
            return Catalog(path=path, problem=f"{error.message}. {error.hint}")
        return Catalog(path=path, url=shown(url) or None, branch=branch, commit=commit, is_dirty=bool(changed))

    def _state(self, folder: Path) -> tuple[str, str | None, str | None, list[str]]:
        """Address, branch and commit (None: there is none), and the tracked files that were changed."""
        ask = ("config", "--default", "", "--get", "remote.origin.url")
        url = self._git.run(*ask, url=folder.name, timeout=QUICK_S, folder=folder).strip()
        status = ("status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=all", "-z")
        told = self._git.run(*status, url=url, timeout=QUICK_S, folder=folder).split("\0")
        heads = dict(line[2:].split(" ", 1) for line in told if line.startswith("# branch."))
        branch, commit = heads.get("branch.head"), heads.get("branch.oid")
        changed = [line.split(" ", _FIELDS[line[0]])[-1] for line in told if line[:2] in ("1 ", "2 ", "u ")]
        return url, None if branch == "(detached)" else branch, None if commit == "(initial)" else commit, changed


_FIELDS = {"1": 8, "2": 9, "u": 10}
"""Words before the path in a line of ``git status --porcelain=v2``, by the line's kind."""


def _clean(path: str) -> str:
    """A contents path that stays where it is. Raises BadRequest."""
    parts = PurePosixPath(path.strip("/")).parts
    if not parts or any(part.startswith(".") or not part.isprintable() or "\\" in part for part in parts):
        raise BadRequest(f"{path!r} is no folder for templates", hint="Write a path such as templates/team.")
    return "/".join(parts)


def _check_free(path: str, target: Path) -> None:
    if os.path.lexists(target):
        raise Conflict(
            f"there is a {path!r} already", hint="Update it, if it is that repository, or give another name."
        )


def _is_clone(folder: Path) -> bool:
    return (folder / ".git").exists()


def _clones(root: Path, top: str) -> Iterator[str]:
    """Contents paths of the clones at or below ``top``; nothing is looked for inside of one."""
    folders, entries = deque([(top, 0)]), 0
    while folders and entries < _MOST_ENTRIES:
        path, depth = folders.popleft()
        if _is_clone(root / path):
            yield path
        elif depth < _DEEPEST:
            below = _folders(root / path)
            entries += len(below)
            folders.extend((f"{path}/{name}", depth + 1) for name in below)


def _folders(folder: Path) -> list[str]:
    """Names of the folders in it; none where it cannot be read, or is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_MAKING}*"):
        if time.time() - left.stat().st_mtime > _LEFT_S:
            shutil.rmtree(left, ignore_errors=True)
