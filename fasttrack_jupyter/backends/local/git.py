"""Code of tasks that comes from Git: one checkout for each commit, shared by whoever runs it.

::

    <cache>/<digest of the URL>/
        lock        flock: whoever fetches; git's processes hold it too
        url         for people
        repo.git    bare, without refs: only the commits that were asked for, without their history if the server can
        <commit>/   the checkout, read-only; made beside and renamed into place, so what has the name is whole

A ref is looked up on the server when a job first asks; from then on the caller passes the commit that it
recorded, and a commit whose checkout is there needs no network. Submodules are fetched in the same way,
each into a folder of its own of the cache; they may not lead from a remote repository to this machine's
disk, and get the token only where they are on the same host. Files of Git LFS: see :mod:`.git_lfs`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from fasttrack_jupyter.backends.files.removal import is_older, mark_used, remove_tree
from fasttrack_jupyter.backends.local import git_lfs
from fasttrack_jupyter.backends.local.file_lock import locked, try_lock
from fasttrack_jupyter.backends.local.git_client import GitClient, git_binary, has_same_host
from fasttrack_jupyter.backends.local.sealing import seal_tree
from fasttrack_jupyter.engine.ports import GitSource
from fasttrack_jupyter.errors import FastTrackError, SessionRejected
from fasttrack_jupyter.model.module_uri import ModuleUri, check_module_uri, hide_user, is_local, is_url
from fasttrack_jupyter.model.problems import Problem

Say = Callable[[str], None]
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT = re.compile(r"[0-9a-f]{7,63}")
_DEEPEST = 8
"""Submodules in submodules, at most."""
_GITLINK = "160000"
"""The mode of a submodule in git's index."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_source(source: GitSource) -> Problem | None:
    """What is wrong with ``source``, as far as can be told without asking a server; None if nothing."""
    try:
        _check(source)
    except FastTrackError as error:
        return Problem(code=error.code, message=error.message, hint=error.hint)
    return None


def _check(source: GitSource) -> None:
    check_module_uri(ModuleUri(source.url, source.ref, source.subfolder))
    git_binary()
    if is_local(source.url) and not _local_path(source.url).exists():
        raise SessionRejected(f"there is no repository {source.url}", hint="mend module_uri")
    if source.token and any(sign in source.token + (source.username or "") for sign in "\n\r\0"):
        raise SessionRejected("GIT_TOKEN or GIT_USERNAME has a line break in it", hint="set the secret again")
    parts = urlsplit(source.url) if is_url(source.url) else None
    if source.token and parts is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        message = f"{source.url} would carry the token over the network for everybody to read"
        raise SessionRejected(message, hint="use https")


def _local_path(url: str) -> Path:
    return Path(urlsplit(url).path if url.startswith("file:") else url)


async def fetch(source: GitSource, cache: Path, say: Say, *, commit: str | None = None) -> tuple[Path, str]:
    """The folder with the code of ``source`` (its subfolder, if it names one), and the commit it is of.

    ``commit`` is the one that an earlier attempt of the job recorded: the ref is not looked up again then.
    The folder is read-only and shared. ``say`` hears of progress.

    Raises:
        BadRequest: an address or ref that git shall not see.
        SessionRejected: no such repository, ref, commit or folder; access refused; no git.
        BackendUnreachable: the server did not answer.
    """
    _check(source)
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise SessionRejected(f"{commit!r} is no commit id")
    try:
        tree, commit = await _Repository(source, cache, say).checkout(commit)
    except OSError as error:
        message = f"the code of {hide_user(source.url)} cannot be written: {error}"
        raise SessionRejected(message, hint="make room on the disk, or mend its permissions") from error
    return _inside(tree, source, commit), commit


def _inside(tree: Path, source: GitSource, commit: str) -> Path:
    if source.subfolder is None:
        return tree
    folder = (tree / source.subfolder).resolve()
    if not folder.is_relative_to(tree.resolve()) or not folder.is_dir():
        message = f"there is no folder {source.subfolder!r} in {hide_user(source.url)} at {commit[:12]}"
        raise SessionRejected(message, hint="mend what follows '#' in module_uri")
    return folder


def note_of(source: GitSource, cache: Path, commit: str) -> str:
    """What is missing in the fetched code of ``commit`` (content of Git LFS), in words; empty if nothing."""
    repository = _Repository(source, cache, lambda words: None)
    return git_lfs.note_of(repository.folder / commit, repository.url)


def unused(cache: Path, keep: Collection[str], grace: float) -> list[Path]:
    """Checkouts of commits that are not in ``keep``, last used ``grace`` seconds ago or earlier."""
    trees = [path for path in cache.glob("*/*") if _COMMIT.fullmatch(path.name) and path.name not in keep]
    return sorted(path for path in trees if is_older(path, grace))


def remove_unused(cache: Path, keep: Collection[str], grace: float = 0.0) -> int:
    """Remove what :func:`unused` tells, and the histories that then serve no checkout; the bytes freed."""
    freed = 0
    for lock in sorted(cache.glob("*/lock")):
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            if try_lock(descriptor):
                freed += _remove_unused(lock.parent, keep, grace)
        finally:
            os.close(descriptor)
    return freed


def _remove_unused(folder: Path, keep: Collection[str], grace: float) -> int:
    trees = [path for path in folder.iterdir() if _COMMIT.fullmatch(path.name)]
    gone = [path for path in trees if path.name not in keep and is_older(path, grace)]
    # the history goes with the last checkout; the lock's file stays, or two could hold "the" lock
    others = [folder / "repo.git", *folder.glob("making-*")] if len(gone) == len(trees) else []
    for path in gone:
        git_lfs.forget(path)
    return sum(remove_tree(path) for path in (*gone, *others))


@dataclass(frozen=True, slots=True)
class _Repository:
    """What the cache has of one repository. ``depth``: how many submodules lead to it."""

    source: GitSource
    cache: Path
    say: Say
    depth: int = 0

    @property
    def folder(self) -> Path:
        return self.cache / sha256(self.source.url.encode()).hexdigest()[:24]

    @property
    def url(self) -> str:
        """For messages."""
        return hide_user(self.source.url)

    async def checkout(self, commit: str | None) -> tuple[Path, str]:
        """The checkout of ``commit`` (None: of the source's ref), made if it is not there."""
        if commit is not None and self._has(commit):
            mark_used(self.folder / commit)
            return self.folder / commit, commit
        async with locked(self.folder / "lock", self.say, self.url) as lock:
            git = GitClient(self.source, lock, self.folder / "repo.git")
            if not (git.repository / "HEAD").exists():
                await git.init()
                (self.folder / "url").write_text(self.url + "\n")
            commit = commit or await self._resolve(git)
            if not self._has(commit):
                self.say(f"fetching {commit[:12]} of {self.url}")
                await self._get(git, commit)
                await self._make_tree(git, commit)
            mark_used(self.folder / commit)
            return self.folder / commit, commit

    def _has(self, commit: str) -> bool:
        """Whether the checkout is there, as whole as can be."""
        return (self.folder / commit).is_dir() and not git_lfs.may_be_filled(self.folder / commit)

    # ------------------------------------------------------------ commits

    async def _resolve(self, git: GitClient) -> str:
        """The commit of the source's ref, as git itself would choose: a tag before a branch of the same name."""
        ref = self.source.ref
        if ref is not None and _COMMIT.fullmatch(ref):
            return ref
        asked = ref or "HEAD"
        self.say(f"looking up {asked} of {self.url}")
        told = await git.run("ls-remote", "--", self.source.url, asked, asked + "^{}")
        found = {name: commit for commit, _, name in (line.partition("\t") for line in told.splitlines())}
        for name in (asked, f"refs/{asked}", f"refs/tags/{asked}", f"refs/heads/{asked}"):
            if name in found:
                return found.get(name + "^{}", found[name])  # an annotated tag leads to its commit
        if _SHORT.fullmatch(asked):
            await self._get_all(git)
            return await self._existing(git, asked)
        hint = "mend what follows '@' in module_uri" if ref else "it is empty: push something, or name a ref"
        raise SessionRejected(f"{self.url} has no branch, tag or commit {asked!r}", hint=hint)

    async def _get(self, git: GitClient, commit: str) -> None:
        """Bring the commit into the cache: alone if the server gives it by id, else with all of the history."""
        try:
            await git.run(*_FETCH, "--depth=1", "--", self.source.url, commit)
        except SessionRejected:
            await self._get_all(git)
        await self._existing(git, commit)

    async def _get_all(self, git: GitClient) -> None:
        whole = ["--unshallow"] if (git.repository / "shallow").exists() else []
        specs = [f"+refs/{kind}/*:refs/all/{kind}/*" for kind in ("heads", "tags")]
        await git.run(*_FETCH, *whole, "--", self.source.url, *specs)

    async def _existing(self, git: GitClient, commit: str) -> str:
        try:
            return (await git.run("rev-parse", "--verify", "--quiet", commit + "^{commit}")).strip()
        except SessionRejected:
            hint = "was it pushed, and not forced away since?"
            raise SessionRejected(f"{self.url} has no commit {commit}", hint=hint) from None

    # ------------------------------------------------------------ trees

    async def _make_tree(self, git: GitClient, commit: str) -> None:
        making, index = self.folder / f"making-{commit}", self.folder / "index"
        await asyncio.to_thread(remove_tree, making)
        making.mkdir()
        index.unlink(missing_ok=True)
        await git.run("read-tree", commit, index=index)
        await git.run("checkout-index", "--all", "--force", index=index, tree=making)
        why, left = await git_lfs.fill(git, making, commit)
        staged = await git.run("ls-files", "--stage", "-z", index=index)
        for mode, submodule, path in _entries(staged):
            if mode == _GITLINK:
                because, below = await self._add_submodule(git, making, path, submodule)
                why, left = why or because, [*left, *(f"{path}/{name}" for name in below)]
        git_lfs.remember(self.folder / commit, why, left)
        if left:
            self.say(git_lfs.note_of(self.folder / commit, self.url))
        await asyncio.to_thread(_finish, making, self.folder / commit)

    async def _add_submodule(self, git: GitClient, making: Path, path: str, commit: str) -> tuple[str, list[str]]:
        """Why files of the submodule stayed pointers (or nothing), and which."""
        if self.depth >= _DEEPEST:
            raise SessionRejected(f"submodules of {self.url} lie more than {_DEEPEST} deep")
        url = await self._submodule_url(git, making, path)
        child = replace(self.source, url=url, ref=commit, subfolder=None)
        if not has_same_host(self.source.url, url):
            child = replace(child, username=None, token=None)
        _check(child)
        tree, _ = await _Repository(child, self.cache, self.say, self.depth + 1).checkout(commit)
        await asyncio.to_thread(shutil.copytree, tree, making / path, symlinks=True, dirs_exist_ok=True)
        return git_lfs.left_in(tree)

    async def _submodule_url(self, git: GitClient, making: Path, path: str) -> str:
        """Where the submodule at ``path`` comes from; ``./`` and ``../`` are relative to the source's own address."""
        told = await git.run("config", "--file", str(making / ".gitmodules"), "--null", "--list")
        pairs = dict(pair.partition("\n")[::2] for pair in told.split("\0") if pair)
        names = [key.removesuffix(".path") for key, value in pairs.items() if key.endswith(".path") and value == path]
        url = pairs.get(f"{names[0]}.url", "") if names else ""
        if not url:
            raise SessionRejected(f"submodule {path!r} of {self.url} has no address in .gitmodules")
        if url.startswith(("./", "../")):
            url = _relative(self.source.url, url)
        if is_local(url) and not is_local(self.source.url):
            raise SessionRejected(f"submodule {path!r} of {self.url} is at {url}, a place of this machine")
        return url


def _entries(staged: str) -> Iterator[tuple[str, str, str]]:
    """``(mode, object, path)`` of ``git ls-files --stage -z``."""
    for entry in filter(None, staged.split("\0")):
        told, _, path = entry.partition("\t")
        mode, name, _ = told.split()
        yield mode, name, path


def _finish(making: Path, tree: Path) -> None:
    seal_tree(making)
    os.sync()  # a power cut shall not leave a tree of empty files under the commit's name
    if tree.is_dir():  # it lacked something; whoever runs on it keeps it until gc removes the rest
        tree.rename(tree.with_name(f"making-{tree.name}-{time.time_ns()}"))
    making.rename(tree)


def _relative(base: str, url: str) -> str:
    if is_url(base) and not base.startswith("file:"):
        return urljoin(base.rstrip("/") + "/", url)
    host, colon, path = base.rpartition(":")
    return host + colon + os.path.normpath(f"{path}/{url}")
