"""What systems without ``/proc`` and pidfds get: the same sessions, seen through psutil."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import system_psutil
from fasttrack_jupyter.backends.local.process import MARKER

BY_PSUTIL = """
import os, sys
os.environ["FASTTRACK_LOCAL_PROCESSES"] = "psutil"
from fasttrack_jupyter.backends.local import system
assert system.end_of.__module__.endswith("system_psutil")
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture
def child(tmp_path: Path) -> subprocess.Popen[bytes]:
    """A process of a session: it carries the marker, and holds the lock as descriptor 100."""
    (tmp_path / "lock").touch()
    program = f"import os; os.dup2(os.open('{tmp_path}/lock', os.O_RDWR), 100); os.execv('/bin/sleep', ['sleep', '60'])"
    argv = [sys.executable, "-c", program]
    return subprocess.Popen(argv, env={**os.environ, MARKER: "/marked"}, start_new_session=True)


def until(condition: object) -> None:
    """Wait for a condition, with a deadline."""
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_all_backends_keep_the_contract_without_proc(checkout: Path) -> None:
    """The suite for backend authors, in the mode of such systems: restarts, adoption, cancels."""
    suite = [str(checkout / "tests/backends/test_conformance.py"), "-k", "WithFolders", "-q"]
    argv = [sys.executable, "-c", BY_PSUTIL, *suite]
    done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_process_is_known_by_marker_and_by_lock(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Both lead to its attempt; it is in a Unix session of its own, below its parent."""
    try:
        until(lambda: len(system_psutil.claims_of(child.pid)) == 2)
        assert set(system_psutil.claims_of(child.pid)) == {"/marked", str(tmp_path)}
        seen = system_psutil.process_table()[child.pid]
        assert (seen.parent, seen.session) == (os.getpid(), child.pid)
    finally:
        child.kill()
        child.wait()
    assert system_psutil.read_process(child.pid) is None
    assert system_psutil.claims_of(child.pid) == []


def test_a_signal_reaches_that_very_process_only(child: subprocess.Popen[bytes]) -> None:
    """One that has its number but began at another time is left alone."""
    seen = system_psutil.read_process(child.pid)
    assert seen is not None
    system_psutil.send_signal(replace(seen, start=seen.start - 100), signal.SIGKILL)
    assert child.poll() is None
    system_psutil.send_signal(seen, signal.SIGKILL)
    assert child.wait(20) == -signal.SIGKILL


def test_the_end_of_a_process_can_be_waited_for(child: subprocess.Popen[bytes]) -> None:
    """By a descriptor, as with a pidfd; one that is gone already is said so."""
    descriptor = system_psutil.end_of(child.pid)
    try:
        assert select.select([descriptor], [], [], 0.3)[0] == []
        child.kill()
        child.wait()
        assert select.select([descriptor], [], [], 20)[0] == [descriptor]
    finally:
        os.close(descriptor)
    with pytest.raises(ProcessLookupError):
        system_psutil.end_of(child.pid)


def test_a_supervisor_is_told_from_a_later_process_of_its_number(child: subprocess.Popen[bytes]) -> None:
    """It was there before it said who it is."""
    try:
        now = time.time()
        assert system_psutil.is_leader(child.pid, 0, now)
        assert not system_psutil.is_leader(child.pid, 0, now - 3600)
        assert 0 <= system_psutil.age_of(child.pid, 0) < 60
    finally:
        child.kill()
        child.wait()
