"""The user's own map of image names: ``<home>/images.yaml``, for this machine and for clusters.

::

    "cr.backend.ai/*/ngc-pytorch:*": "conda:torch"       on this machine: name or glob → what stands for it here
    backend.ai:                                          on a cluster; backend.ai:work is for one profile alone
      "uv:scikit-learn*": cr.backend.ai/stable/python-sklearn:1.5-py311
      current: cr.backend.ai/stable/python:3.11          of tasks that name no image

The exact name wins, then the first glob in the file's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from fasttrack_jupyter.errors import ImageUnresolved

MAP_FILE = "images.yaml"
NO_IMAGE = "current"
"""How the map calls the image of a task that names none."""


class ImageMap:
    """The map at ``path`` as it is for ``backend``, read again whenever it changed; ``fixed`` entries come first."""

    def __init__(self, path: Path, fixed: Mapping[str, str] | None = None, *, backend: str = "local") -> None:
        self.path = path
        self._backend = backend
        self._fixed = dict(fixed or {})
        self._stamp: tuple[int, int] | None = None
        self._entries: dict[str, str] = dict(self._fixed)

    def entries(self) -> Mapping[str, str]:
        """Name or glob → image.

        Raises:
            ImageUnresolved: the file is there and is no such map.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._entries = None, self._fixed
            return self._entries
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._entries = {**_part(_read_map(self.path), self._backend), **self._fixed}
            self._stamp = stamp
        return self._entries

    def lookup(self, image: str) -> str | None:
        """What the map says for ``image``; None if nothing."""
        entries = self.entries()
        if image in entries:
            return entries[image]
        return next((target for pattern, target in entries.items() if fnmatchcase(image, pattern)), None)


def _part(whole: Mapping[str, Any], backend: str) -> dict[str, str]:
    """What of the file is for ``backend``: a profile's own entries come before those of all clusters."""
    if backend == "local":
        return {name: target for name, target in whole.items() if isinstance(target, str)}
    return {**whole.get(backend, {}), **whole.get(backend.partition(":")[0], {}), **whole.get(backend, {})}


def _read_map(path: Path) -> dict[str, Any]:
    try:
        read: Any = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ImageUnresolved(f"{path} cannot be read: {error}", hint="mend or remove the file") from error
    if not isinstance(read, dict) or not all(_is_entry(name, target) for name, target in read.items()):
        hint = 'write lines such as "cr.backend.ai/*/python:3.11*": current, and those of a cluster below backend.ai:'
        raise ImageUnresolved(f"{path} is not a map of image names to images", hint=hint)
    return read


def _is_entry(name: Any, target: Any) -> bool:
    if isinstance(target, dict):
        return str(name).startswith("backend.ai") and all(
            isinstance(inner, str) and isinstance(image, str) for inner, image in target.items()
        )
    return isinstance(name, str) and isinstance(target, str)
