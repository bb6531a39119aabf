"""Which of a pipeline's files each task can see, as one digest for each task. Reads files: call it from a thread.

That is the whole snapshot, less the file that says the pipeline (all of it that counts for a task has a part of the key
of its own) or the notebook that the job came from. Of tasks that are cells of a notebook it is less, too, the cells of
others: ``tasks.json`` beside their program says which are theirs, and what it says of the task counts instead of it.
Of a task that says which files it reads (``files:``) it is these, and those that its command names.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from fasttrack_jupyter.engine.ignore import Patterns, takes
from fasttrack_jupyter.engine.scripts import LIST, folders_of, read_list, words_of
from fasttrack_jupyter.engine.task_files import is_helped
from fasttrack_jupyter.model.fingerprint import digest_of
from fasttrack_jupyter.model.notebooks import notebook_path
from fasttrack_jupyter.model.pipeline import Task

NO_FILES = "none"
"""Instead of a digest, of a task that says which files it reads, where there are none of these."""

Manifest = Mapping[str, str]
Files = Mapping[str, str | bytes]


class VisibleCode:
    """The code of one job. ``manifest`` is its snapshot's; ``files`` are what it is made of, as far as known here."""

    def __init__(self, manifest: Manifest, files: Files, source: str | None) -> None:
        name = PurePath(source or "").name
        self._manifest = {
            path: f"{digest}.x" if _is_executable(files.get(path)) else digest
            for path, digest in manifest.items()
            if path != name
        }
        self._lists = {posixpath.dirname(path): read_list(files[path]) for path in files if path.endswith(f"/{LIST}")}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VisibleCode) and self._manifest == other._manifest and self._lists == other._lists

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_helped(self) -> bool:
        """Whether programs can ask for the job's parameters."""
        return is_helped(self._manifest)

    def digests(self, tasks: Mapping[str, Task]) -> dict[str, str]:
        """By task of ``tasks``, of what it can see; under the empty name, what most do."""
        found = {"": digest_of(self._manifest)}
        for name, task in tasks.items():
            if (own := self._own(task)) is not None:
                found[name] = digest_of(own) if own or task.files is None else NO_FILES
        return found

    def paths(self, task: Task) -> Manifest:
        """What a task can see, by path."""
        own = self._own(task)
        return self._manifest if own is None else own

    def _own(self, task: Task) -> dict[str, str] | None:
        """What a task sees that does not see all of it; None of any other."""
        cells = self._of_cells(task)
        if task.files is None:
            return cells
        own = tuple(f"{folder}/" for folder in folders_of(task.command or "") & self._lists.keys())
        return _narrowed(self._manifest if cells is None else cells, task, own)

    def _of_cells(self, task: Task) -> dict[str, str] | None:
        """Of a task that is cells of a notebook; None of any other."""
        folders = folders_of(task.command or "") & self._lists.keys()
        if not folders:
            return None
        others: set[str] = set()
        more: dict[str, str] = {}
        for folder in folders:
            listed = self._lists[folder]
            mine = {f"{folder}/{name}" for name in _files_of(listed.get(task.name))}
            others |= {f"{folder}/{name}" for entry in listed.values() for name in _files_of(entry)} - mine
            others.add(f"{folder}/{LIST}")
            more[f"{folder}/{LIST}"] = digest_of(listed.get(task.name))
        return {path: digest for path, digest in self._manifest.items() if path not in others} | more


def changes(then: Manifest, now: Manifest) -> dict[str, str]:
    """By path, what happened to it: added, changed, removed."""
    changed = [path for path in sorted({*then, *now}) if then.get(path) != now.get(path)]
    return {path: "added" if path not in then else "changed" if path in now else "removed" for path in changed}


def _narrowed(manifest: Manifest, task: Task, own: tuple[str, ...]) -> dict[str, str]:
    """Of ``manifest``, the files that a task says it reads, those that it names, and those in its ``own`` folders.

    Empty where there are none that it says.
    """
    patterns, named = Patterns(task.files or ()), {*words_of(task.command or ""), notebook_path(task)}
    taken = {path: digest for path, digest in manifest.items() if takes(patterns, path)}
    return taken and taken | {path: manifest[path] for path in manifest if path in named or path.startswith(own)}


def _files_of(entry: Any) -> set[str]:
    cells = entry.get("cells") if isinstance(entry, dict) else None
    return {str(cell.get("file")) for cell in cells if isinstance(cell, dict)} if isinstance(cells, list) else set()


def _is_executable(file: str | bytes | None) -> bool:
    try:
        return isinstance(file, str) and stat.S_ISREG(mode := Path(file).lstat().st_mode) and bool(mode & 0o100)
    except OSError:
        return False
