"""Files that a repository keeps in Git LFS: fetched where git-lfs is installed, else said to be missing.

What git holds of such a file is a pointer of three lines, see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
git-lfs fetches the objects of a commit beside the repository, ``lfs/objects/ab/cd/abcd…``; from there they are put in
the pointers' place. No filter is run, and no file of the repository decides where to ask, but for an ``lfs.url`` (http
or https) in its ``.lfsconfig``. The token goes to the source's own host only, as everywhere (:mod:`.git_client`).

What stays a pointer is written to ``<commit>.pointers`` beside the checkout: why, then the paths.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fasttrack_jupyter.backends.files.removal import is_older, remove_tree
from fasttrack_jupyter.backends.local.git_client import GitClient
from fasttrack_jupyter.errors import SessionRejected

_LARGEST_POINTER = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
_ABSENT = "git-lfs is not installed"
_REMEDY = "install git-lfs (https://git-lfs.com) and run it again"
_NAMED = 3
_PATIENCE = 600.0
"""Seconds before a server that would not give a file is asked for it again."""


class Pointer(NamedTuple):
    """What stands for a file: the sha256 and the size of its content."""

    oid: str
    size: int


def find_pointers(tree: Path) -> dict[str, Pointer]:
    """Pointers below ``tree`` by relative path; symlinks are not followed. Blocks."""
    found: dict[str, Pointer] = {}
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink() and path.stat().st_size < _LARGEST_POINTER:
                match = _POINTER.fullmatch(path.read_bytes())
                if match is not None:
                    found[str(path.relative_to(tree))] = Pointer(match[1].decode(), int(match[2]))
    return found


async def fill(git: GitClient, tree: Path, commit: str) -> tuple[str, list[str]]:
    """Put their content in the place of the pointers below ``tree``, a checkout of ``commit``.

    Returns why some stayed pointers (or nothing), and which.

    Raises:
        BackendUnreachable: the server did not answer.
    """
    pointers = await asyncio.to_thread(find_pointers, tree)
    if not pointers:
        return "", []
    if not is_installed():
        return _ABSENT, sorted(pointers)
    why = ""
    try:
        await git.run(*(await _configured(git, tree)), "lfs", "fetch", "origin", commit)
    except SessionRejected as error:
        why = error.message
    left = await asyncio.to_thread(_replace_all, tree, pointers, git.repository / "lfs")
    return (why or "the server does not have them", left) if left else ("", [])


def is_installed() -> bool:
    """Whether git finds git-lfs."""
    return shutil.which("git-lfs") is not None


async def _configured(git: GitClient, tree: Path) -> list[str]:
    words = ["-c", f"remote.origin.url={git.source.url}"]
    config = tree / ".lfsconfig"
    if config.is_file() and not config.is_symlink():
        told = await git.run("config", "--file", str(config), "--null", "--list")
        own = dict(pair.partition("\n")[::2] for pair in told.split("\0") if pair).get("lfs.url", "")
        if own.startswith(("https://", "http://")):
            words += ["-c", f"lfs.url={own}"]
    return words


def _replace_all(tree: Path, pointers: Mapping[str, Pointer], fetched: Path) -> list[str]:
    """What could not be replaced."""
    left = []
    for name, (oid, size) in sorted(pointers.items()):
        content = fetched / "objects" / oid[:2] / oid[2:4] / oid
        if content.is_file() and content.stat().st_size == size:
            shutil.copyfile(content, tree / name)
        else:
            left.append(name)
    remove_tree(fetched)
    return left


# ---------------------------------------------------------------- what is remembered of a checkout


def remember(checkout: Path, why: str, left: Sequence[str]) -> None:
    """Note what stays a pointer in ``checkout``."""
    if left:
        _beside(checkout).write_text("\0".join([why, *left]), "utf-8", "surrogateescape")
    else:
        forget(checkout)


def forget(checkout: Path) -> None:
    """The checkout is gone, or whole."""
    _beside(checkout).unlink(missing_ok=True)


def left_in(checkout: Path) -> tuple[str, list[str]]:
    """Why there are pointers in ``checkout`` (or nothing), and which files they are."""
    try:
        why, *left = _beside(checkout).read_text("utf-8", "surrogateescape").split("\0")
    except FileNotFoundError:
        return "", []
    return why, left


def may_be_filled(checkout: Path) -> bool:
    """Whether another try may bring what is missing in ``checkout``."""
    why, left = left_in(checkout)
    return bool(left) and is_installed() and (why == _ABSENT or is_older(_beside(checkout), _PATIENCE))


def note_of(checkout: Path, url: str) -> str:
    """What to tell whoever runs the code of ``checkout``; empty if nothing is missing."""
    why, left = left_in(checkout)
    if not left:
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    files = "1 file is a pointer" if len(left) == 1 else f"{len(left)} files are pointers"
    named = ", ".join(name.encode("utf-8", "replace").decode() for name in left[:_NAMED])
    remedy = f"; {_REMEDY}" if why == _ABSENT else ""
    return f"{files} of Git LFS, without their content, in the code from {url} ({named}{more}): {why}{remedy}"


def _beside(checkout: Path) -> Path:
    return checkout.with_name(checkout.name + ".pointers")
