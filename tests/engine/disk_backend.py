"""A fake backend whose vfolders are real folders: what its sessions leave follows from what they are given."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.ports import FileEntry, LentFile, SessionSpec
from fasttrack_jupyter.testing.fakes import FakeBackend

Program = Callable[[SessionSpec, Path, list[Path | None]], int]


class DiskBackend(FakeBackend):
    """Sessions run ``program(spec, outputs, inputs)`` at once; by default :func:`mix`."""

    def __init__(self, root: Path, program: Program | None = None, **how: Any) -> None:
        super().__init__(self._run, **how)
        self.root, self.program = root, program or mix

    def _run(self, spec: SessionSpec) -> int:
        outputs = self.root / spec.folder / spec.outputs
        shutil.rmtree(outputs, ignore_errors=True)
        outputs.mkdir(parents=True)
        inputs = [self.root / spec.folder / place if place else None for place in spec.inputs]
        return self.program(spec, outputs, inputs)

    def place_of(self, folder: str) -> str | None:
        return str(self.root / folder)

    async def lend(self, folder: str, path: str) -> Mapping[str, LentFile]:
        raise NotImplementedError

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        return {path for path in paths if not (self.root / folder / path).is_dir()}

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        root = self.root / folder / path
        found = sorted(place for place in root.rglob("*"))
        return [
            FileEntry(str(at.relative_to(root)), at.is_dir(), at.stat().st_size, at.stat().st_mtime) for at in found
        ]

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        for path in paths:
            shutil.rmtree(self.root / folder / path, ignore_errors=True)
        return 0

    def runs(self) -> list[str]:
        """What was started since the last call, by path."""
        started = [spec.path for spec in self.started]
        self.started.clear()
        return started


def contents(folder: Path | None) -> dict[str, bytes]:
    """The files below a folder."""
    if folder is None or not folder.is_dir():
        return {}
    return {str(at.relative_to(folder)): at.read_bytes() for at in sorted(folder.rglob("*")) if at.is_file()}


def mix(spec: SessionSpec, outputs: Path, inputs: list[Path | None]) -> int:
    """One file made of all that the session may read; ``lossy`` in its command forgets most of it."""
    environ = {name: value for name, value in spec.environ.items() if not name.startswith("BACKENDAI_")}
    seen = repr((spec.command, sorted(environ.items()), [contents(each) for each in inputs], spec.input_values))
    digest = hashlib.sha256(seen.encode()).hexdigest()
    (outputs / "out.txt").write_text(digest[0] if "lossy" in spec.command else digest)
    return 1 if "fails" in spec.command else 0
