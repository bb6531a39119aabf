"""The TypeScript half: types, lint and unit tests, by the tools that its own package names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fasttrack_jupyter import __version__

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "labextension"


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """A PATH on which this environment's node and jlpm come first; node's packages are there."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if shutil.which("jlpm", path=environ["PATH"]) is None or shutil.which("node", path=environ["PATH"]) is None:
        pytest.skip("there is no jlpm or no node: pip install 'fasttrack-jupyter[test]'")
    if not (SOURCES / "node_modules").is_dir():
        subprocess.run(["jlpm", "install", "--immutable"], cwd=SOURCES, env=environ, check=True, timeout=280)
    return environ


@pytest.mark.xdist_group("frontend")
@pytest.mark.parametrize("script", ["check", "lint", "test"])
def test_the_package_passes_its(script: str, environ: dict[str, str]) -> None:
    """``check``: types; ``lint``: eslint (which parts may know which, sizes) and prettier; ``test``: vitest."""
    done = subprocess.run(
        ["jlpm", "run", script], cwd=SOURCES, env=environ, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_both_halves_have_one_version() -> None:
    """The Python package's version is the TypeScript package's."""
    assert json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))["version"] == __version__
