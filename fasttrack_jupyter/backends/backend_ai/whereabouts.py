"""In which vfolder an attempt's records are: kept on this machine, for a log is asked for by the attempt alone.

One line of JSON for each, ``["<attempt>", "<vfolder>", "<mark of an access key>", …]``: with which keys it was asked
for (see ``unseen.py``). Without it (another machine) the cluster still knows the vfolder.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


class Whereabouts:
    """The file at ``path``, which is read when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, tuple[str, ...]] | None = None

    def get(self, attempt_id: str) -> str | None:
        """The vfolder of an attempt; None where nobody noted it."""
        found = self._all().get(attempt_id)
        return found[0] if found else None

    def marks(self, attempt_id: str) -> tuple[str, ...]:
        """Of the access keys with which an attempt was asked for, as far as that was noted; the last one last."""
        return self._all().get(attempt_id, ())[1:]

    def note(self, attempt_id: str, folder: str, mark: str = "") -> None:
        """Remember it; ``mark`` is that of the access key that it is asked for with."""
        known = self._all()
        before = [each for each in self.marks(attempt_id) if each != mark]
        now = (folder, *before, *([mark] if mark else []))
        if known.get(attempt_id) == now:
            return
        known[attempt_id] = now
        with open(self._path, "a", encoding="utf-8", opener=_private) as file:
            file.write(json.dumps([attempt_id, *now]) + "\n")

    def by_folder(self, attempt_ids: Iterable[str]) -> dict[str, list[str]]:
        """Those of the attempts that are known, by vfolder."""
        found: dict[str, list[str]] = defaultdict(list)
        for attempt_id in attempt_ids:
            if (folder := self.get(attempt_id)) is not None:
                found[folder].append(attempt_id)
        return found

    def folders(self) -> set[str]:
        """All vfolders that attempts were in."""
        return {folder for folder, *_ in self._all().values()}

    def drop(self, attempt_ids: Iterable[str]) -> None:
        """Forget them."""
        known, gone = self._all(), set(attempt_ids)
        if not gone & known.keys():
            return
        self._known = {attempt: noted for attempt, noted in known.items() if attempt not in gone}
        fresh = self._path.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            file.writelines(json.dumps([attempt, *noted]) + "\n" for attempt, noted in self._known.items())
        fresh.replace(self._path)

    def _all(self) -> dict[str, tuple[str, ...]]:
        if self._known is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = self._path.read_text("utf-8") if self._path.exists() else ""
            self._known = dict(filter(None, map(_line, text.splitlines())))
            if not text.endswith("\n") and text:
                with open(self._path, "a", encoding="utf-8", opener=_private) as file:
                    file.write("\n")  # a crash cut the last line off: the next one is not to go on with it
        return self._known


def _line(text: str) -> tuple[str, tuple[str, ...]] | None:
    """One entry; a line that a crash cut off is none."""
    try:
        attempt_id, folder, *marks = json.loads(text)
    except (ValueError, TypeError):
        return None
    return str(attempt_id), (str(folder), *map(str, marks))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
