"""A job on two backends, for tests: its tasks, and what survives an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.testing.fakes import FakeBackend

PREP = "{name: prep, command: prepare}"
TRAIN = "{name: train, command: learn, dependencies: [prep], backend: cluster}"
REPORT = "{name: report, command: tell, dependencies: [train]}"


class Pair:
    """Two backends and what survives an engine; ``prep`` leaves ``leaves``."""

    def __init__(self, leaves: dict[str, bytes] | None = None) -> None:
        self.leaves = {"data.csv": b"1,2", "sub/more.bin": b"x" * 1000} if leaves is None else leaves
        self.local, self.cluster = FakeBackend(self.decide), FakeBackend(lambda spec: 0)

    def decide(self, spec: SessionSpec) -> int:
        """``prep`` writes its outputs."""
        for name, data in self.leaves.items() if spec.path == "prep" else ():
            place = f"{spec.outputs}/{name}"
            files = self.local.contents.setdefault(spec.folder, {})
            files |= {f"{place.rpartition('/')[0]}/": b"", f"{spec.outputs}/": b"", place: data}
        return 0

    @staticmethod
    def again(before: FakeBackend, decide: Callable[[SessionSpec], Any]) -> FakeBackend:
        """A backend over the same sessions and files."""
        later = FakeBackend(decide, sessions=before.sessions, contents=before.contents)
        later.started, later.sent = before.started, before.sent
        return later


def tree_of(backend: FakeBackend, place: str) -> dict[str, bytes]:
    """The files below a place in the only pipeline folder."""
    (files,) = backend.contents.values()
    return {name[len(place) + 1 :]: data for name, data in files.items() if name.startswith(f"{place}/") and data}
