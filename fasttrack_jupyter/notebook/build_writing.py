"""Writing what a notebook became beside it, without touching what somebody else wrote.

``made.json`` in the folder of cells (a hidden file beside the YAML where there is no such folder) says which files were
made, and their digests. A file that is not named there, or is no longer what was made, is somebody's work: it is
overwritten only when that is asked for. All files are written aside first and moved into place at the end, the YAML
last, so that an error on the way leaves everything as it was.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fasttrack_jupyter.errors import BadRequest, Conflict
from fasttrack_jupyter.notebook.build import Built

MADE = "made.json"
_MOST_NAMED = 5


class Fate(StrEnum):
    """What became of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one file, ``path`` relative to the YAML's folder; how many lines came and went."""

    path: str
    fate: Fate
    added: int = 0
    removed: int = 0


def write(built: Built, target: Path, *, force: bool = False) -> list[Change]:
    """Write the YAML to ``target``, and the files beside it; what was made before and is no more is removed.

    Raises:
        Conflict: a file there was not made by us, or edited since; ``details.files`` names them. Nothing was written.
        BadRequest: it cannot be written there.
    """
    folder = target.parent
    files = {**built.files, target.name: built.text.encode()}
    try:
        _refuse_outside(folder, files)
        record = f"{built.folder}/{MADE}" if built.files else f".{target.name}.{MADE}"
        before = _made(folder / record)
        if not force:
            _refuse_edited(folder, files, before)
        changes = [_change(folder / path, path, content) for path, content in files.items()]
        gone = {path: digest for path, digest in before.items() if path not in files and _is_within(folder, path)}
        stale = [path for path, digest in gone.items() if _digest(folder / path) == digest]
        if any(change.fate is not Fate.SAME for change in changes) or stale or before.keys() != files.keys():
            _write_all(folder, {record: record_of(files).encode(), **files})
        for path in stale:
            (folder / path).unlink()
        return [*changes, *(Change(path, Fate.REMOVED) for path in stale)]
    except OSError as error:
        raise BadRequest(f"{target} cannot be written: {error.strerror or error}", hint="Name another file.") from error


def record_of(files: Mapping[str, bytes]) -> str:
    """The text of ``made.json``: which files were made, and their digests."""
    made = {"format": 1, "files": {path: _sha(content) for path, content in files.items()}}
    return f"{json.dumps(made, indent=1)}\n"


def leads_out(folder: Path, path: str) -> bool:
    """Whether what is at ``path`` below ``folder`` would be written elsewhere: a link on the way leads out of it."""
    return not _is_within(folder, f"{path}/any")


def _made(record: Path) -> dict[str, str]:
    """Digest by path, of what was made the last time; nothing where nobody knows."""
    try:
        files = json.loads(record.read_text("utf-8"))["files"]
        return {str(path): str(digest) for path, digest in files.items() if ".." not in str(path).split("/")}
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_within(folder: Path, path: str) -> bool:
    """Whether that file is below the folder, links followed: the record may have come with a stranger's repository."""
    return (folder / path).parent.resolve().is_relative_to(folder.resolve())


def _refuse_outside(folder: Path, files: Mapping[str, bytes]) -> None:
    """Nothing is written through a link to another place, with or without --force."""
    for parent in dict.fromkeys(str(Path(path).parent) for path in files):
        if leads_out(folder, parent):
            raise Conflict(
                f"{parent} leads out of {folder}: nothing was written",
                hint=f"Remove the link {parent}, or name another file: -o OTHER.fasttrack.yaml.",
                details={"files": [parent]},
            )


def _refuse_edited(folder: Path, files: Mapping[str, bytes], before: Mapping[str, str]) -> None:
    found = {path: _digest(folder / path) for path in files}
    edited = [
        path for path, digest in found.items()
        if digest is not None and digest not in (_sha(files[path]), before.get(path))
    ]  # fmt: skip
    if not edited:
        return
    named = ", ".join(edited[:_MOST_NAMED]) + (f" and {len(edited) - _MOST_NAMED} more" if len(edited) > 5 else "")
    what = "was edited, or not made from this notebook" if len(edited) == 1 else "were edited, or not made from it"
    hint = "--force overwrites; -o OTHER.fasttrack.yaml writes another file"
    raise Conflict(f"{named} {what}: nothing was written", hint=hint, details={"files": edited})


def _digest(path: Path) -> str | None:
    try:
        return _sha(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _sha(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _change(place: Path, path: str, content: bytes) -> Change:
    try:
        old = place.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Change(path, Fate.NEW, added=content.count(b"\n"))
    if old == content:
        return Change(path, Fate.SAME)
    one, other = (text.decode("utf-8", "replace").splitlines() for text in (old, content))
    told = list(difflib.unified_diff(one, other, lineterm="", n=0))[2:]
    return Change(
        path, Fate.CHANGED, sum(line.startswith("+") for line in told), sum(line.startswith("-") for line in told)
    )


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Everything aside, then into place in this order: the YAML is last, so that it never names what is not there."""
    aside = Path(tempfile.mkdtemp(prefix=".fasttrack-", suffix=".part", dir=folder))
    try:
        for path, content in contents.items():
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            (aside / path).write_bytes(content)
        for path in contents:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (aside / path).replace(folder / path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
