"""Garbage of local sessions: code snapshots that no job names any more."""

from __future__ import annotations

from fasttrack_jupyter.backends.local.removal import disk_usage
from fasttrack_jupyter.backends.local.snapshots import Snapshots


def sweep(snapshots: Snapshots, keep: set[str], dry_run: bool) -> tuple[list[str], int]:
    """The names of what is removed (or would be), and the bytes. Blocks."""
    unused = [path for path in snapshots.root.iterdir() if not path.name.startswith(".") and path.name not in keep]
    names = sorted(f"code {path.name[:12]}" for path in unused)
    if dry_run:
        return names, sum(disk_usage(path) for path in unused)
    return names, snapshots.remove_unused(keep)
