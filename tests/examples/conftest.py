"""A fresh copy of this checkout, as somebody has it who has just cloned it, and what it needs to run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.api.client import connect
from fasttrack_jupyter.errors import EngineUnavailable

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "fasttrack_jupyter" / "labextension"
"""The JupyterLab extension. That a plain clone suffices to build it is shown by test_wheel.py, and by CI itself."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the tracked files with its own home; ``sh`` runs a command line there."""

    root: Path
    home: Path

    def sh(self, command: str, *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``command``, the copy's own ``.venv`` first on PATH, else the one these tests run in; what came of it."""
        path = os.pathsep.join([str(self.root / ".venv" / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = {**os.environ, "FASTTRACK_HOME": str(self.home), "PATH": path, "COLUMNS": "110"}
        return subprocess.run(
            ["sh", "-c", command], cwd=cwd or self.root, env=environ, text=True, check=False, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def json(self, command: str) -> Any:
        """What ``fasttrack COMMAND --json`` prints."""
        done = self.sh(f"fasttrack {command} --json")
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)


def _copy(to: Path) -> None:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if BUILT.is_dir():  # built from these very sources, or the copy's installation builds it again (see build_hook.py)
        shutil.copytree(BUILT, to / BUILT.relative_to(ROOT))


@pytest.fixture(scope="session")
def make_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Checkout]]:
    """Makes copies of this checkout; their engines end with the tests."""
    made: list[Checkout] = []

    def make(name: str) -> Checkout:
        base = tmp_path_factory.mktemp(name)
        made.append(Checkout(base / "my checkout", base / "home"))
        _copy(made[-1].root)
        return made[-1]

    yield make
    for checkout in made:
        try:
            with connect(checkout.home, start=False) as client:
                client.shutdown()
        except EngineUnavailable:
            continue
