"""What tests of notebooks share: a bench on which tasks of cells run, as a backend runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fasttrack_jupyter.notebook.carried import travel_files

DEADLINE = 60.0


@dataclass(frozen=True)
class Done:
    """A task that ended."""

    status: int
    log: str
    outputs: Path

    def succeeded(self) -> Done:
        """This, if it did."""
        assert self.status == 0, self.log
        return self

    def notebook(self) -> Any:
        """The executed cells, valid."""
        notebook = nbformat.read(self.outputs / "cells.ipynb", as_version=4)
        nbformat.validate(notebook)
        return notebook

    def variable(self, name: str) -> dict[str, Any]:
        """The manifest of an output."""
        manifest: dict[str, Any] = json.loads((self.outputs / "variables" / name / "manifest.json").read_text())
        return manifest


class Bench:
    """A folder of cells, and tasks made of them."""

    def __init__(self, root: Path) -> None:
        self.root, self.cells = root, root / "digits.cells"
        for name, data in travel_files().items():
            path = self.cells / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.tasks: dict[str, Any] = {}

    def task(self, name: str, *cells: str | tuple[str, str], **keys: Any) -> None:
        """Add a task of ``cells``: sources, or (kind, source)."""
        entries = []
        for cell in cells:
            kind, source = cell if isinstance(cell, tuple) else ("task", cell)
            number = len(list(self.cells.glob("cell-*.py"))) + 1
            (self.cells / f"cell-{number:02}.py").write_text(source, encoding="utf-8")
            entries.append({"file": f"cell-{number:02}.py", "label": f"cell {number}", "kind": kind})
        self.tasks[name] = {"cells": entries, **keys}
        document = {"format": 1, "pipeline": "digits", "notebook": "digits.ipynb", "tasks": self.tasks}
        (self.cells / "tasks.json").write_text(json.dumps(document))

    def argv(self, name: str, *words: str, python: str = sys.executable) -> list[str]:
        """The command of a task."""
        return [python, str(self.cells / "execute.py"), name, *words]

    def environ(self, name: str, sources: Sequence[str] = ()) -> dict[str, str]:
        """The variables of a task's session; its inputs are the outputs of ``sources``."""
        inputs = self.root / f"inputs-{name}"
        inputs.mkdir(exist_ok=True)
        for source in sources:
            for folder in (self.root / source / "variables").iterdir():
                (inputs / folder.name).symlink_to(folder)
        return {**os.environ, "PIPELINE_INPUTS": str(inputs), "PIPELINE_OUTPUTS": str(self.root / name)}

    def left(self, name: str) -> Done:
        """What a task has left that was started otherwise."""
        return Done(-1, "", self.root / name)

    def run(self, name: str, *words: str, after: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Done:
        """Run a task."""
        work = self.root / "work"
        work.mkdir(exist_ok=True)
        environ = {**self.environ(name, after), **(env or {})}
        done = subprocess.run(
            self.argv(name, *words), cwd=work, env=environ, capture_output=True, timeout=DEADLINE, check=False
        )
        return Done(done.returncode, (done.stdout + done.stderr).decode(), self.root / name)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty one."""
    return Bench(tmp_path)
