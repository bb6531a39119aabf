"""Private mounts for an ordinary user: through a user namespace, where the kernel lets them.

Where the tests run as root they give up their rights in a process of its own; this needs a Python that
others may start as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.testing.conformance import opened, session_spec

NOBODY = 65534
CELL = {"file": "c.py", "label": "cell 1", "kind": "task"}
CELLS = {
    "tasks.json": json.dumps({"format": 1, "tasks": {"rights": {"cells": [CELL]}}}).encode(),
    "c.py": b"print(*[line for line in open('/proc/self/status') if line.startswith('Cap') and 'CapBnd' not in line])",
}
_START_YOURSELF = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True); print(sys.version_info[:2])"
)


async def tell(home: Path) -> dict[str, object]:
    """Run two sessions; what they saw and how they ended."""
    async with opened(backend := LocalBackend(LocalSettings(home, grace=0.5, warm_start=True))) as reports:
        await backend.submit(session_spec("j-0-1", "id -u; echo $$; echo kept > /pipeline/outputs/f; pwd"))
        first = await reports.ended("j-0-1")
        more = {"inputs": ("jobs/1/j-0-1",), "shmem": 1 << 20}
        command = "cat /pipeline/input1/f; touch /pipeline/input1/g; df -k /dev/shm | tail -n 1 | (read a b c; echo $b)"
        await backend.submit(session_spec("j-1-1", command, **more))
        await reports.ended("j-1-1")
        await backend.submit(session_spec("j-2-1", "sleep 60; true"))
        await reports.running("j-2-1")
        await backend.cancel("j-2-1", "cancelled")
        cancelled = await reports.ended("j-2-1")
        code = await backend.put_code({f"n.cells/{name}": text for name, text in {**travel_files(), **CELLS}.items()})
        await backend.submit(session_spec("j-3-1", "python3 n.cells/execute.py rights", code=code))
        warm = await reports.ended("j-3-1")
        return {
            "warm": [
                warm.data.get("notes"),
                (home / "attempts/j-3-1/log").read_text(),
                len(backend._open_sessions().warm),
            ],
            "mode": first.data["mode"],
            "why": (await backend.doctor())[0]["found"],
            "logs": [(home / f"attempts/j-{number}-1/log").read_text() for number in range(2)],
            "cancelled": cancelled.status,
        }


def python_for_all() -> str | None:
    """A Python of this version that other users may start, if there is one."""
    others = [sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin:/bin")]
    for python in filter(None, others):
        argv = [*_as_nobody(), python, "-c", _START_YOURSELF]
        found = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
        if found.returncode == 0 and found.stdout.strip() == str(sys.version_info[:2]):
            return python
    return None


def _as_nobody() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if setpriv else ["false"]


def run_as_user(tmp_path: Path) -> dict[str, object]:
    """:func:`tell` as an ordinary user: this one, or nobody if this is root."""
    if os.getuid() != 0:
        return asyncio.run(tell(tmp_path / "ft"))
    python = python_for_all()
    if python is None:
        pytest.skip("there is no Python that an ordinary user may start")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        paths = os.pathsep.join(path for path in [str(Path(__file__).parents[2]), *sys.path] if path)
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": paths, "HOME": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [*_as_nobody(), python, __file__, f"{folder}/ft"]
        found = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", env=environ, timeout=60)
    if "Permission denied" in found.stderr or "ModuleNotFoundError" in found.stderr:
        pytest.skip("an ordinary user may not read this checkout or its packages")
    assert found.returncode == 0, found.stderr
    told: dict[str, object] = json.loads(found.stdout)
    return told


def test_an_ordinary_user_has_private_mounts(tmp_path: Path) -> None:
    """Own ids, an own pid namespace, read-only inputs, an own /dev/shm, and sessions that can be cancelled."""
    told = run_as_user(tmp_path)
    if told["mode"] != "namespaces":
        pytest.skip(f"the kernel does not let users do that: {told['why']}")
    uid = NOBODY if os.getuid() == 0 else os.getuid()
    logs = told["logs"]
    assert isinstance(logs, list)
    own_id, pid, folder = logs[0].split()
    assert (own_id, folder) == (str(uid), "/home/work")
    assert int(pid) < 10
    assert logs[1].splitlines()[0] == "kept"
    assert "Read-only file system" in logs[1]
    assert logs[1].splitlines()[-1] == "1024"
    assert told["cancelled"] == "CANCELLED"


def test_a_warm_start_leaves_an_ordinary_user_no_rights(tmp_path: Path) -> None:
    """What it takes to mount is lent to the warm interpreter, and given up before any cell runs."""
    told = run_as_user(tmp_path)
    if told["mode"] != "namespaces":
        pytest.skip(f"the kernel does not let users do that: {told['why']}")
    assert isinstance(told["warm"], list)
    notes, log, alive = told["warm"]
    assert (notes, alive) == (None, 1)
    assert set(log.split()[1::2]) == {"0" * 16}, log


if __name__ == "__main__":
    print(json.dumps(asyncio.run(tell(Path(sys.argv[1])))))
