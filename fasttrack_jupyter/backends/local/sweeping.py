"""Garbage of local sessions: code snapshots, built environments and Git checkouts that no job needs any more.

What was used within the last hour stays: its job may be about to be stored. A dry run tells the same.
"""

from __future__ import annotations

from pathlib import Path

from fasttrack_jupyter.backends.files.removal import GRACE, would_free
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.backends.local import git
from fasttrack_jupyter.backends.local.environments import ImageResolver


class Sweeper:
    """Sweeps one home. Every call blocks."""

    def __init__(self, snapshots: Snapshots, images: ImageResolver, checkouts: Path, grace: float = GRACE) -> None:
        self._snapshots, self._images, self._checkouts, self._grace = snapshots, images, checkouts, grace

    def sweep(self, keep: set[str], dry_run: bool) -> tuple[list[str], int]:
        """The names of what is removed (or would be), and the bytes."""
        code = self._snapshots.unused(keep, grace=self._grace)
        environments = self._images.unused(keep, self._grace)
        checkouts = git.unused(self._checkouts, keep, self._grace)
        names = [f"code {path.name[:12]}" for path in code]
        names += [f"environment {path.name[:8]}" for path in environments]
        names += [f"checkout {path.name[:12]}{_origin(path)}" for path in checkouts]
        if dry_run:
            # each file of a snapshot has one more name, its content's, which goes with the last tree that has it
            return names, would_free(code, other_names=1) + would_free([*environments, *checkouts])
        freed = self._snapshots.remove_unused(keep, grace=self._grace)
        freed += self._images.remove_unused(keep, self._grace)
        return names, freed + git.remove_unused(self._checkouts, keep, self._grace)


def _origin(checkout: Path) -> str:
    try:
        return f" of {(checkout.parent / 'url').read_text().strip()}"
    except OSError:
        return ""
