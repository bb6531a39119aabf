"""Which files of a pipeline's folder are its code.

Without ``files:`` it is everything below the folder of the YAML, less what ``.gitignore`` files
(nested ones too) and ``.fasttrackignore`` name, hidden folders, virtual environments and caches. With
``files:`` it is what the patterns name: gitignore's language, read as a list of what to take, ``!`` excludes;
ignore files do not count then, and a hidden folder, environment or cache is entered only if a pattern
begins with it.

A pipeline may lie in somebody's home directory. So the walk stops as soon as a cap is passed, or
when it has looked at far more entries than the cap on files: the error then names what is largest
of what was seen so far.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fasttrack_jupyter.engine.ignore import Patterns, read_lines
from fasttrack_jupyter.errors import Forbidden, NotFound, Refused

CAP_BYTES = 100_000_000
CAP_FILES = 20_000

_LOOKED_AT_PER_FILE = 10
_IGNORE_FILES = (".gitignore", ".fasttrackignore")
_CACHES = frozenset({"__pycache__", "node_modules", "__pypackages__"})
_REMEDY = "name what the tasks need in `files:`, or what they do not in a .fasttrackignore file"

_Rules = tuple[tuple[str, Patterns], ...]
"""``(folder that an ignore file stands in: "" or "a/b/"; its patterns)``, outermost first."""


def find_code(
    root: Path, patterns: Sequence[str] | None, *, cap_bytes: int = CAP_BYTES, cap_files: int = CAP_FILES
) -> dict[str, str]:
    """``{relative path with "/": absolute path}`` of the code below ``root``, sorted; symlinks stay as they are.

    Raises:
        NotFound: ``root`` is no folder.
        Forbidden: a symlink leads out of ``root``, or a file cannot be read.
        Refused: more than ``cap_bytes`` or ``cap_files``.
    """
    if not root.is_dir():
        raise NotFound(f"the pipeline's folder {root} is not there")
    walk = _Walk(root, patterns, cap_bytes, cap_files)
    walk.run()
    return dict(sorted(walk.found.items()))


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Paths that were added, removed or changed between two manifests (``{path: digest}``), sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


class _Walk:
    """One look at a folder; ``found`` is what it finds."""

    def __init__(self, root: Path, patterns: Sequence[str] | None, cap_bytes: int, cap_files: int) -> None:
        self.root, self.real_root = root.absolute(), Path(os.path.realpath(root))
        self.wanted = None if patterns is None else Patterns(patterns)
        self.named = tuple(pattern.strip("/") + "/" for pattern in patterns or ())
        self.cap_bytes, self.cap_files = cap_bytes, cap_files
        self.found: dict[str, str] = {}
        self.sizes: Counter[str] = Counter()
        self.total_bytes = 0
        self.looked_at = 0

    def run(self) -> None:
        """Fill ``found``."""
        # With each folder goes the last of the wanted patterns that matches it or a folder around it.
        folders: list[tuple[str, _Rules, int]] = [("", (), -1)]
        while folders:
            prefix, rules, match = folders.pop()
            entries = self._entries(prefix)
            if self.wanted is None:
                rules = (*rules, *self._rules_of(prefix, entries))
            for entry in entries:
                path, is_folder = prefix + entry.name, entry.is_dir(follow_symlinks=False)
                own = match if self.wanted is None else max(match, self.wanted.last_match(path, is_folder))
                if not is_folder and self._takes(path, rules, own):
                    self._add(path, entry)
                elif is_folder and not self._skips_folder(path, entry, rules):
                    folders.append((path + "/", rules, own))

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / prefix) as scanned:
                return sorted(self._counted(scanned), key=lambda entry: entry.name)
        except OSError as error:
            raise Forbidden(
                f"the folder {prefix or self.root!s} cannot be read: {error.strerror}", hint=_REMEDY
            ) from error

    def _counted(self, scanned: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
        for entry in scanned:
            self.looked_at += 1
            if self.looked_at > self.cap_files * _LOOKED_AT_PER_FILE:
                raise Refused(
                    f"the folder {self.root} holds too much to look through: stopped at {self.looked_at - 1} entries",
                    hint=f"put the pipeline into a folder of its own, or {_REMEDY}",
                )
            yield entry

    def _rules_of(self, prefix: str, entries: list[os.DirEntry[str]]) -> Iterator[tuple[str, Patterns]]:
        for entry in entries:
            if entry.name in _IGNORE_FILES and entry.is_file():
                try:
                    yield prefix, Patterns(read_lines(Path(entry.path).read_bytes()))
                except OSError as error:
                    raise Forbidden(f"{prefix}{entry.name} cannot be read: {error.strerror}") from error

    def _skips_folder(self, path: str, entry: os.DirEntry[str], rules: _Rules) -> bool:
        if entry.name.startswith(".") or entry.name in _CACHES or _is_environment(entry.path) or _is_home(entry.path):
            return not any(pattern.startswith(path + "/") for pattern in self.named)
        return self.wanted is None and _is_ignored(path, True, rules)

    def _takes(self, path: str, rules: _Rules, match: int) -> bool:
        return self.wanted.takes(match) if self.wanted is not None else not _is_ignored(path, False, rules)

    def _add(self, path: str, entry: os.DirEntry[str]) -> None:
        if not self._is_code(path, entry):
            return
        self.found[path] = entry.path
        self.sizes[path] = size = 0 if entry.is_symlink() else entry.stat(follow_symlinks=False).st_size
        self.total_bytes += size
        if len(self.found) > self.cap_files or self.total_bytes > self.cap_bytes:
            raise self._too_much()

    def _is_code(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Whether it is a file or a symlink that stays inside; sockets, pipes and devices are none."""
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if Path(target).is_relative_to(self.real_root):
                return True
            raise Forbidden(
                f"{path} is a symlink that leads out of the pipeline's folder, to {target}",
                hint=f"copy what it leads to, or {_REMEDY}",
            )
        if not entry.is_file(follow_symlinks=False):
            return False
        if not os.access(entry.path, os.R_OK):
            raise Forbidden(f"{path} cannot be read", hint=f"change its permissions, or {_REMEDY}")
        return True

    def _too_much(self) -> Refused:
        folders: Counter[str] = Counter()
        for path, size in self.sizes.items():
            if "/" in path:
                folders[path.split("/", 1)[0] + "/"] += size
        largest = [f"{path} ({_megabytes(size)})" for path, size in (self.sizes | folders).most_common(5)]
        return Refused(
            f"the code of {self.root} is more than {self.cap_files} files or {_megabytes(self.cap_bytes)}; "
            f"largest so far: {', '.join(largest)}",
            hint=_REMEDY,
            details={"files": len(self.found), "bytes": self.total_bytes},
        )


def _is_ignored(path: str, is_folder: bool, rules: _Rules) -> bool:
    """As git decides: the innermost file that says anything about ``path`` has the last word."""
    for prefix, patterns in reversed(rules):
        match = patterns.last_match(path[len(prefix) :], is_folder)
        if match >= 0:
            return patterns.takes(match)
    return False


def _is_environment(folder: str) -> bool:
    return Path(folder, "pyvenv.cfg").is_file() or Path(folder, "conda-meta").is_dir()


def _is_home(folder: str) -> bool:
    """Whether this is a home of ours: jobs, secrets and logs are nobody's code."""
    return all(Path(folder, name).exists() for name in ("engine.lock", "fasttrack.db"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
