"""Warm start: whoever is killed, a task runs once and ends as it should; and what cannot be forked starts fresh."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from backends.warm_house import Ended, house, in_a_house

from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import FOLDER, session_spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm start needs Linux")


def test_the_end_of_the_warm_interpreter_is_nobodys(tmp_path: Path) -> None:
    """Killed in the middle of a task, it takes nothing with it, and the next task has another."""

    async def go() -> tuple[Ended, Ended]:
        async with house(tmp_path / "ft") as it:
            attempt = await it.submit("import sys, time\nprint('up', flush=True)\ntime.sleep(0.5)\nsys.exit(7)")
            await it.wrote(attempt)
            (pid,) = it.warm()
            os.kill(pid, signal.SIGKILL)
            return await it.ended(attempt), await it.run("print('next')")

    first, second = asyncio.run(go())
    assert (first.report.exit_code, first.notes) == (7, "")
    assert (second.log, second.notes) == ("next\n", "")


def test_what_a_dying_interpreter_was_asked_starts_once(tmp_path: Path) -> None:
    """Nobody knows how far it came: the attempt's directory does."""

    async def go() -> Ended:
        async with house(tmp_path / "ft") as it:
            await it.run("1")
            (pid,) = it.warm()
            os.kill(pid, signal.SIGSTOP)
            attempt = await it.submit("import os\nopen(os.environ['PIPELINE_VFROOT'] + '/ran', 'a').write('x')")
            os.kill(pid, signal.SIGKILL)
            return await it.ended(attempt)

    ended = asyncio.run(go())
    assert ended.report.result is Result.SUCCESS
    assert "started fresh, not warm: its warm interpreter ended" in ended.notes
    assert (tmp_path / f"ft/folders/{FOLDER}/.pipeline/ran").read_text() == "x"


@pytest.mark.parametrize("mode", ["auto", "folders"])
def test_a_cancel_leaves_no_process(tmp_path: Path, mode: str) -> None:
    """Neither the cell, which ignores TERM, nor what it started, however far away that went."""
    cell = (
        "import os, signal, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['/bin/sh', '-c', 'exec sleep 291'], start_new_session=True, env={})\n"
        "if os.fork():\n    print('up', flush=True)\nelse:\n    os.setsid(); os.closerange(0, 200)\n"
        "time.sleep(291)"
    )

    async def go() -> Ended:
        async with house(tmp_path / "ft", mode=mode) as it:
            attempt = await it.submit(cell)
            await it.wrote(attempt)
            await it.backend.cancel(attempt, "enough")
            return await it.ended(attempt)

    ended = asyncio.run(go())
    assert (ended.report.status, ended.notes) == (Status.CANCELLED, "")
    assert not [process for process in psutil.process_iter(["cmdline"]) if is_of(process, tmp_path)]


def is_of(process: psutil.Process, home: Path) -> bool:
    """Whether it belongs to a session of ``home``."""
    with contextlib.suppress(psutil.Error):
        return "291" in process.cmdline() or process.environ().get("FASTTRACK_ATTEMPT", "").startswith(str(home))
    return False


@pytest.mark.parametrize("mode", ["auto", "folders"])
def test_a_session_outlives_engine_and_launcher(tmp_path: Path, mode: str) -> None:
    """The next engine adopts it, hears how it ended, and the warm interpreter of the first has gone."""

    async def first() -> tuple[str, int]:
        async with house(tmp_path / "ft", mode=mode) as it:
            attempt = await it.submit("import sys, time\nprint('up', flush=True)\ntime.sleep(1.5)\nsys.exit(9)")
            await it.wrote(attempt)
            launcher = it.backend._open_sessions()._link.pid
            assert launcher is not None
            (pid,) = it.warm()
            os.kill(launcher, signal.SIGKILL)
            return attempt, pid

    async def second(attempt: str) -> SessionReport:
        async with house(tmp_path / "ft", mode=mode) as it:
            await it.backend.adopt(session_spec(attempt, "python3 n.cells/execute.py it"))
            return await it.reports.ended(attempt)

    attempt, pid = asyncio.run(first())
    assert asyncio.run(second(attempt)).exit_code == 9
    assert is_over(pid)


def is_over(pid: int) -> bool:
    """Whether the process ends, or ended; a zombie has."""
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE or process.wait(5) is None
    except psutil.NoSuchProcess:
        return True


def test_a_session_can_be_entered_with_its_variables(tmp_path: Path) -> None:
    """A shell in it sees what the task was given."""

    async def go() -> str:
        async with house(tmp_path / "ft") as it:
            attempt = await it.submit("import time\nprint('up', flush=True)\ntime.sleep(60)", environ={"MINE": "seen"})
            await it.wrote(attempt)
            argv = await it.backend.shell(attempt)
            said = await asyncio.to_thread(
                subprocess.run, argv, input="echo $MINE; pwd", capture_output=True, text=True, check=True
            )
            await it.backend.cancel(attempt, "enough")
            await it.ended(attempt)
            return said.stdout

    assert asyncio.run(go()).split()[0] == "seen"


# ------------------------------------------------------------ fresh after all


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment without packages."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    base = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(base)
    packages(folder).mkdir(parents=True)
    return folder


def packages(venv: Path) -> Path:
    """Where its packages are."""
    return venv / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "scipy started 1",
        ),
        ("print('hello')", "importing scipy says: hello"),
        ("raise RuntimeError('no such device')", "importing scipy failed: RuntimeError: no such device"),
        ("import torch", "scipy imports torch"),
    ],
)
def test_a_module_that_forbids_forks_is_imported_afresh(tmp_path: Path, venv: Path, body: str, why: str) -> None:
    """The task runs all the same, says why it started fresh, and so does the next."""
    (packages(venv) / "torch.py").write_text("")
    (packages(venv) / "scipy.py").write_text(f"{body}\n")
    cell = "try:\n    import scipy\nexcept RuntimeError:\n    pass\nprint('ran')"
    for ended in in_a_house(tmp_path / "ft", cell, "import scipy.\n".replace(".", "") if "raise" not in body else cell,
                            image=str(venv)):  # fmt: skip
        assert ended.report.result is Result.SUCCESS
        assert f"started fresh, not warm: {why}" in ended.notes


def test_a_changed_environment_has_another_interpreter(tmp_path: Path, venv: Path) -> None:
    """What was installed since is what the cell finds."""
    (packages(venv) / "scipy.py").write_text("VERSION = 1\n")

    async def go() -> tuple[list[str], list[str], set[int]]:
        logs, notes, pids = [], [], set()
        async with house(tmp_path / "ft") as it:
            for version in (1, 2, 2):
                (packages(venv) / "scipy.py").write_text(f"VERSION = {version}  # {'#' * version}\n")
                ended = await it.run("import scipy\nprint(scipy.VERSION)", image=str(venv))
                logs.append(ended.log.strip())
                notes.append(ended.notes)
                pids.update(it.warm())
        return logs, notes, pids

    logs, notes, pids = asyncio.run(go())
    assert logs == ["1", "2", "2"]
    assert ["environment has changed" in note for note in notes] == [False, True, False]
    assert len(pids) == 2


@pytest.mark.parametrize(
    ("own", "environ", "why"),
    [
        ({"random.py": "OWN = 1\n"}, {}, "random in its code hides the module of that name"),
        ({}, {"PYTHONPATH": "/tmp"}, "its variable PYTHONPATH leads to places of its own"),
        ({}, {"OMP_PLACES": "/home/work/places"}, "its variable OMP_PLACES leads to places of its own"),
        ({}, {"LARGE": "x" * 40_000}, "its variables are too large"),
        ({".local/x": ""}, {}, "its code has packages of a user's own"),
        ({"n.cells/failures.py": "from .failures2 import *\n", "n.cells/failures2.py": ""}, {}, "its cells are run by"),
    ],
)
def test_a_task_that_would_see_another_interpreter_starts_fresh(
    tmp_path: Path, own: dict[str, str], environ: dict[str, str], why: str
) -> None:
    """And says why."""
    (ended,) = in_a_house(tmp_path / "ft", "import random\nprint(getattr(random, 'OWN', 0))", own=own, environ=environ)
    assert f"started fresh, not warm: {why}" in ended.notes
    if "run by" not in why:
        assert ended.log == f"{int('random.py' in own)}\n"


def test_other_variables_have_an_interpreter_of_their_own(tmp_path: Path) -> None:
    """What Python and libraries read once when they begin is read anew; everything else needs no other one."""

    async def go() -> tuple[list[str], int]:
        async with house(tmp_path / "ft") as it:
            seen = []
            for environ in ({}, {"MINE": "1"}, {"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "0", "MINE": "2"}):
                seen.append((await it.run("import sys\nprint(sys.flags.hash_randomization)", environ=environ)).log)
            return seen, len(it.warm())

    assert asyncio.run(go()) == (["1\n", "1\n", "0\n", "0\n"], 2)
