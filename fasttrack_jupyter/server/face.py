"""What the handlers share, made once for each server."""

from __future__ import annotations

from dataclasses import dataclass

from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server.catalogs import CatalogKeeper
from fasttrack_jupyter.server.debugging import DebugNotebooks
from fasttrack_jupyter.server.files import Files
from fasttrack_jupyter.server.notebooks import Notebooks
from fasttrack_jupyter.server.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Face:
    """One server's side of FastTrack."""

    supervisor: Supervisor
    files: Files
    catalogs: CatalogKeeper
    notebooks: Notebooks
    debugging: DebugNotebooks
    home: Home
    root: str | None
    """Absolute path of the contents root; None where contents are not on disk."""
