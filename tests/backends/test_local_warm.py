"""Warm start: tasks of cells that are forked from an interpreter end as those do that begin with a fresh one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from backends.warm_house import Ended, House, house, in_a_house

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.conformance import opened, session_spec

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


def test_helpers_that_travel_with_the_code_are_found_in_a_warm_cell(tmp_path: Path) -> None:
    """Where PYTHONPATH leads a fresh one; what is kept back is written at the end."""
    folder = "/pipeline/code/.fasttrack/task"
    helpers = Path(__file__).parents[2] / "fasttrack_jupyter/task/fasttrack_task.py"
    cell = "import fasttrack_task as ft, numpy, sys\nfor i in range(9): ft.metric('a', i)\nprint(sys.path[:2])"
    how: dict[str, Any] = {"own": {".fasttrack/task/fasttrack_task.py": helpers.read_text()}}
    (ended,) = in_a_house(tmp_path / "ft", cell, environ={"FASTTRACK_PYTHONPATH": folder}, **how)
    assert (ended.notes, ended.log) == ("", f"['', '{folder}']\n")
    assert ended.report.data["metrics"]["a"]["count"] == 9


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
