"""The TypeScript types of the API are those of its models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LABEXTENSION = Path(__file__).parents[2] / "labextension"


@pytest.mark.skipif(
    not (LABEXTENSION / "node_modules").is_dir() or shutil.which("node") is None, reason="needs node and node_modules"
)
def test_generated_types_are_in_step_with_the_models(tmp_path: Path) -> None:
    """Whoever changes a view runs `labextension/scripts/generate.sh` and commits what it writes."""
    fresh = tmp_path / "generated.ts"
    subprocess.run(
        [str(LABEXTENSION / "scripts" / "generate.sh"), str(fresh)],
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
        timeout=60,
    )
    assert (LABEXTENSION / "src" / "generated.ts").read_text() == fresh.read_text()
