"""In which vfolder an attempt's records are: kept on this machine, for a log is asked for by the attempt alone.

One line of JSON for each, ``["<attempt>", "<vfolder>"]``. Without it (another machine) the cluster still knows.
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
        self._known: dict[str, str] | None = None

    def get(self, attempt_id: str) -> str | None:
        """The vfolder of an attempt; None where nobody noted it."""
        return self._all().get(attempt_id)

    def note(self, attempt_id: str, folder: str) -> None:
        """Remember it."""
        known = self._all()
        if known.get(attempt_id) == folder:
            return
        known[attempt_id] = folder
        with open(self._path, "a", encoding="utf-8", opener=_private) as file:
            file.write(json.dumps([attempt_id, folder]) + "\n")

    def by_folder(self, attempt_ids: Iterable[str]) -> dict[str, list[str]]:
        """Those of the attempts that are known, by vfolder."""
        found: dict[str, list[str]] = defaultdict(list)
        for attempt_id in attempt_ids:
            if (folder := self.get(attempt_id)) is not None:
                found[folder].append(attempt_id)
        return found

    def folders(self) -> set[str]:
        """All vfolders that attempts were in."""
        return set(self._all().values())

    def drop(self, attempt_ids: Iterable[str]) -> None:
        """Forget them."""
        known, gone = self._all(), set(attempt_ids)
        if not gone & known.keys():
            return
        self._known = {attempt: folder for attempt, folder in known.items() if attempt not in gone}
        fresh = self._path.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            file.writelines(json.dumps([attempt, folder]) + "\n" for attempt, folder in self._known.items())
        fresh.replace(self._path)

    def _all(self) -> dict[str, str]:
        if self._known is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = self._path.read_text("utf-8") if self._path.exists() else ""
            self._known = dict(filter(None, map(_line, text.splitlines())))
            if not text.endswith("\n") and text:
                with open(self._path, "a", encoding="utf-8", opener=_private) as file:
                    file.write("\n")  # a crash cut the last line off: the next one is not to go on with it
        return self._known


def _line(text: str) -> tuple[str, str] | None:
    """One entry; a line that a crash cut off is none."""
    try:
        attempt_id, folder = json.loads(text)
    except (ValueError, TypeError):
        return None
    return str(attempt_id), str(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
