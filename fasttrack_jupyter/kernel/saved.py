"""The notebook's file, as far as this process can know it: where it is, and what order its cells have there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fasttrack_jupyter.notebook.cells_json import text_of

_LARGEST = 200_000_000
"""Bytes; a larger file is not read for the order of its cells."""


def notebook_path(names: Mapping[str, Any]) -> Path | None:
    """Where the notebook of this kernel is saved, by what its front-end tells.

    Jupyter's server says so in ``JPY_SESSION_NAME``, VS Code by the name ``__vsc_ipynb_file__``. None where nobody
    does: in a terminal, in papermill and nbclient. The file may be gone, or renamed since.
    """
    told = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    path = Path(str(told)) if told else None
    return path if path is not None and path.suffix == ".ipynb" and path.is_absolute() else None


@dataclass(frozen=True, slots=True)
class SavedCell:
    """A code cell of the file; ``position`` counts from 1 among all cells."""

    position: int
    id: str | None
    source: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """What the file holds; no cells where there is none that can be read."""

    cells: tuple[SavedCell, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    written_at: float = 0.0
    """When the file was written: seconds since the epoch."""
    count: int = 0
    """How many cells there are, text among them."""

    def find(self, cell_id: str | None, source: str) -> SavedCell | None:
        """The cell of that id; where ids are not the file's (VS Code's are not), the only one with this text."""
        by_id = next((cell for cell in self.cells if cell_id is not None and cell.id == cell_id), None)
        if by_id is not None:
            return by_id
        same = [cell for cell in self.cells if cell.source == source]
        return same[0] if len(same) == 1 else None


def read_saved(path: Path | None) -> Saved:
    """The file's cells; without a file, or with one that is being written just now, none."""
    try:
        if path is None or path.stat().st_size > _LARGEST:
            return Saved()
        found = json.loads(path.read_bytes())
        cells = [
            SavedCell(place, cell.get("id"), text_of(cell.get("source", "")), cell.get("metadata") or {})
            for place, cell in enumerate(found.get("cells", []), 1)
            if cell.get("cell_type") == "code"
        ]
        return Saved(tuple(cells), found.get("metadata") or {}, path.stat().st_mtime, len(found.get("cells", [])))
    except (OSError, ValueError, AttributeError, TypeError):
        return Saved()
