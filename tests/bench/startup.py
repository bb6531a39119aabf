"""What ``fasttrack run`` of one task costs as a whole process: with a cold engine, and with a warm one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engines import MODES, median, stop

from fasttrack_jupyter.api.client import connect

ONE = "name: one\ntasks: [{name: only, command: 'true'}]\n"


def python_seconds() -> float:
    """The floor: an interpreter that does nothing."""
    return _wall([sys.executable, "-c", "pass"], dict(os.environ))


def run_seconds(mode: str, *, warm: bool, times: int) -> float:
    """Median wall time of the whole command, a fresh home for each cold one."""
    with tempfile.TemporaryDirectory(prefix="ftb", ignore_cleanup_errors=True) as folder:
        pipeline = Path(folder, "one.yaml")
        pipeline.write_text(ONE)
        command = [str(Path(sys.executable).with_name("fasttrack")), "run", str(pipeline)]
        walls = []
        for number in range(times + warm):
            home = Path(folder, "warm" if warm else f"cold{number}")
            walls.append(
                _wall(command, {**os.environ, "FASTTRACK_HOME": str(home), "FASTTRACK_LOCAL_MODE": MODES[mode]})
            )
            if not warm or number == times:
                with connect(home, start=False) as client:
                    stop(client)
        return median(walls[warm:])


def _wall(command: list[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - began
