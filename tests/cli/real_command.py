"""The command itself, as a process of its own, in a home of the test's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fasttrack_jupyter.api.client import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def real_command(folder: Path) -> Iterator[Run]:
    """What runs ``fasttrack`` with some words in ``folder`` and checks its exit status; its engine is ended at last."""
    environ = {**os.environ, "FASTTRACK_HOME": str(folder / "home"), "FASTTRACK_CONTAINER_ENGINE": "none"}

    def run(*words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "fasttrack_jupyter.cli", *words]
        done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, (words, done.stdout, done.stderr)
        return done

    yield run
    with connect(Path(environ["FASTTRACK_HOME"])) as client:
        client.shutdown()
