"""Warm start: tasks of cells that are forked from an interpreter end as those do that begin with a fresh one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.testing.conformance import FOLDER, Reports, opened, session_spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm start needs Linux")
CELLS = {
    "shows": "import numpy\nprint('printed')\nnumpy.arange(10).sum()",
    "fails": "x = 0\n\ndef inner():\n    return 1 / x\n\ninner()",
    "is no Python": "x = (",
    "exits": "import sys\nsys.exit(3)",
    "says why": "import sys\nsys.exit('in words')",
    "crashes": "import os, resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.abort()",
    "is killed": "import os\nos.kill(os.getpid(), 9)",
    "terminates itself": "import os\nos.kill(os.getpid(), 15)",
    "leaves a file open": "import os\nx = open(os.environ['PIPELINE_OUTPUTS'] + '/left', 'w')\nx.write('all of it')",
    "leaves a function": "import atexit\natexit.register(print, 'at the exit')",
    "leaves a thread": "import threading, time\nthreading.Timer(0.1, lambda: print('from a thread')).start()",
    "leaves an object": "class Left:\n    def __del__(self):\n        print('deleted')\nleft = Left()",
    "has a module": "import helper\nhelper.said()",
    "starts a process": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo $MINE; env | wc -l'])",
    "forks": "import os\nif os.fork() == 0:\n    print('child', flush=True)\n    os._exit(0)\nos.wait();",
    "reads": "import sys\nprint([sys.stdin.read(), sys.argv, sys.orig_argv, sys.path[0]])",
    "stands": "import os\nprint(os.getcwd(), os.umask(0), os.listdir(), os.nice(0), os.getsid(0) == os.getppid())",
    "limits": "import os, resource\nprint(sorted(os.sched_getaffinity(0)), [resource.getrlimit(n) for n in range(9)])",
    "hears": "import signal\nprint([signal.getsignal(n) for n in (1, 2, 3, 13)], signal.pthread_sigmask(0, []))",
    "has descriptors": "import os\nprint(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])",
    "sees variables": "import os\nprint(*sorted(f'{k}={v}' for k, v in os.environ.items()), sep='\\n')",
    "is seen": "import os\ntold = open('/proc/self/environ').read()\nprint(sorted(filter(None, told.split('\\0'))))",
}  # fmt: skip
OWN = {"helper.py": "def said():\n    print('from a module')\n    raise ValueError(__name__)\n"}


class Ended(NamedTuple):
    """What is left of a session."""

    report: SessionReport
    log: str
    outputs: Mapping[str, str]

    @property
    def notes(self) -> str:
        """What people are told about how it started."""
        return " ".join(self.report.data.get("notes", ()))


class House:
    """A backend, open, and its sessions of cells."""

    def __init__(self, backend: LocalBackend, reports: Reports, home: Path) -> None:
        self.backend, self.reports, self.home = backend, reports, home
        self.count = 0

    async def submit(self, cell: str, own: Mapping[str, str] | None = None, **more: Any) -> str:
        """Start a session of one cell; ``own`` lies beside the notebook."""
        files = {f"n.cells/{name}": data for name, data in travel_files().items()}
        entry = {"file": "c.py", "label": "cell 1", "kind": "task"}
        files["n.cells/c.py"] = cell.encode()
        files["n.cells/tasks.json"] = json.dumps({"format": 1, "tasks": {"it": {"cells": [entry]}}}).encode()
        code = await self.backend.put_code(files | {name: text.encode() for name, text in (own or {}).items()})
        attempt, self.count = f"j-{self.count}-1", self.count + 1
        await self.backend.submit(session_spec(attempt, "python3 n.cells/execute.py it", code=code, **more))
        return attempt

    async def ended(self, attempt: str) -> Ended:
        """Wait for it."""
        report = await self.reports.ended(attempt)
        log = (self.home / f"attempts/{attempt}/log").read_text()
        outputs = self.home / f"folders/{FOLDER}/jobs/1/{attempt}"
        kept = {path.name: path.read_text() for path in outputs.iterdir() if path.is_file()}
        here = str(self.home)
        return Ended(report, log.replace(here, "…"), {name: text.replace(here, "…") for name, text in kept.items()})

    async def run(self, cell: str, own: Mapping[str, str] | None = None, **more: Any) -> Ended:
        """Start a session of one cell, and wait for it."""
        return await self.ended(await self.submit(cell, own, **more))

    async def wrote(self, attempt: str, text: str = "up") -> None:
        """Wait until its log has ``text``."""
        deadline = time.monotonic() + 20
        log = self.home / f"attempts/{attempt}/log"
        while not log.exists() or text not in log.read_text():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    def warm(self) -> list[int]:
        """Pids of the warm interpreters."""
        return [pid for pid, _, _ in self.backend._open_sessions().warm]


@contextlib.asynccontextmanager
async def house(home: Path, *, warm: bool = True, mode: str = "auto", **chosen: Any) -> AsyncIterator[House]:
    """A house in ``home``."""
    backend = LocalBackend(LocalSettings(home, mode=mode, warm_start=warm, grace=0.5, **chosen))
    async with opened(backend) as reports:
        yield House(backend, reports, home)


def in_a_house(home: Path, *cells: str, **how: Any) -> list[Ended]:
    """Run cells one after the other in a house with warm start."""

    async def go() -> list[Ended]:
        async with house(home) as it:
            return [await it.run(cell, **how) for cell in cells]

    return asyncio.run(go())


# ------------------------------------------------------------ like a fresh one


@pytest.fixture(scope="module", params=["auto", "folders"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, Ended]]:
    """Every cell, fresh (False) and warm (True)."""

    async def go(warm: bool) -> dict[str, Ended]:
        async with house(tmp_path_factory.mktemp("home") / "ft", warm=warm, mode=request.param) as it:
            how: dict[str, Any] = {
                "slots": ResourceSlots({"cpu": 100}),
                "environ": {"MINE": "mine ü", "TZ": "Asia/Seoul"},
            }
            return {name: await it.run(cell, OWN, **how) for name, cell in CELLS.items()}

    return {warm: asyncio.run(go(warm)) for warm in (False, True)}


@pytest.mark.parametrize("name", CELLS)
def test_a_warm_cell_ends_as_a_fresh_one_does(both: dict[bool, dict[str, Ended]], name: str) -> None:
    """Log, exit code, reason and files are the same, and it was warm."""
    fresh, warm = both[False][name], both[True][name]
    assert warm.notes == fresh.notes
    assert warm.log == fresh.log
    assert warm.outputs == fresh.outputs
    assert (warm.report.exit_code, warm.report.result, warm.report.reason, warm.report.data.get("failure")) == (
        fresh.report.exit_code, fresh.report.result, fresh.report.reason, fresh.report.data.get("failure"),
    )  # fmt: skip


def test_nobody_sees_what_another_task_did(tmp_path: Path) -> None:
    """Modules, variables, folders and masks are each task's own."""
    spoils = (
        "import os, random, sys\nrandom.random = None\nsys.modules['decimal'] = None\n"
        "os.environ['X'] = 'y'\nos.umask(0)"
    )
    looks = "import os, random, decimal\nprint(random.random is None, os.environ.get('X'), os.umask(0))"
    first, second = in_a_house(tmp_path / "ft", f"{spoils}\nprint('spoilt')", looks)
    assert (first.log, second.log) == ("spoilt\n", "False None 18\n")
    assert (first.notes, second.notes) == ("", "")


def test_every_task_has_seeds_of_its_own(tmp_path: Path) -> None:
    """Python's and numpy's random numbers, and the key of multiprocessing, are not those of the interpreter before."""
    draws = (
        "import random, tempfile, numpy.random, uuid, multiprocessing\n"
        "print(random.random(), numpy.random.rand(), next(tempfile._get_candidate_names()), uuid.uuid4(), "
        "bytes(multiprocessing.current_process().authkey))"
    )
    first, second = (set(ended.log.split()) for ended in in_a_house(tmp_path / "ft", draws, draws))
    assert len(first) == 5
    assert not first & second


def test_blas_has_the_threads_that_the_task_asked_for(tmp_path: Path) -> None:
    """The warm interpreter itself has one, or it could not fork."""
    cell = (
        "import os, numpy\nnumpy.ones((300, 300)) @ numpy.ones((300, 300))\nprint(len(os.listdir('/proc/self/task')))"
    )
    counts = []
    for warm in (False, True):

        async def go(warm: bool = warm) -> str:
            async with house(tmp_path / f"ft{warm}", warm=warm) as it:
                return (await it.run(cell, environ={"OPENBLAS_NUM_THREADS": "3"})).log

        counts.append(asyncio.run(go()))
    assert counts[0] == counts[1]


# ------------------------------------------------------------ ends


def test_the_end_of_the_warm_interpreter_is_nobodys(tmp_path: Path) -> None:
    """Killed in the middle of a task, it takes nothing with it, and the next task has another."""

    async def go() -> tuple[Ended, Ended]:
        async with house(tmp_path / "ft") as it:
            attempt = await it.submit("import sys, time\nprint('up', flush=True)\ntime.sleep(0.5)\nsys.exit(7)")
            await it.wrote(attempt)
            os.kill(*it.warm(), signal.SIGKILL)
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


def test_it_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    """And then doctor says so, and what is warm."""

    async def go(chosen: LocalSettings) -> tuple[str, str, int]:
        async with opened(backend := LocalBackend(chosen)) as reports:
            it = House(backend, reports, chosen.home)
            before, ended = await told(backend), await it.run("import numpy")
            assert ended.notes == ""
            return before, await told(backend), len(it.warm())

    async def told(backend: LocalBackend) -> str:
        return next(str(row["found"]) for row in await backend.doctor() if row["check"] == "warm start")

    off = LocalSettings.from_environ(tmp_path / "off", {})
    on = LocalSettings.from_environ(tmp_path / "on", {"FASTTRACK_LOCAL_WARM_START": "1"})
    before, after, count = asyncio.run(go(off))
    assert (before, after, count) == ("off; FASTTRACK_LOCAL_WARM_START=1 turns it on for tasks of cells",) * 2 + (0,)
    before, after, count = asyncio.run(go(on))
    assert before == "on; warm now: none, the first task starts one"
    assert "with numpy (pid" in after
    assert count == 1
    with pytest.raises(BadRequest, match="neither 1 nor 0"):
        LocalSettings.from_environ(tmp_path, {"FASTTRACK_LOCAL_WARM_START": "perhaps"})


def test_a_command_that_is_no_cells_starts_as_ever(tmp_path: Path) -> None:
    """Without an interpreter, and without a note."""

    async def go() -> tuple[SessionReport, list[int]]:
        async with house(tmp_path / "ft") as it:
            await it.backend.submit(session_spec("j-0-1", "python3 -c 'print(1)'"))
            return await it.reports.ended("j-0-1"), it.warm()

    report, warm = asyncio.run(go())
    assert (report.exit_code, report.data.get("notes"), warm) == (0, None, [])
