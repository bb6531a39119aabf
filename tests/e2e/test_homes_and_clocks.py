"""One engine for each home, older stores, clocks that jump, ordinary users: real engine processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from fasttrack_jupyter.model.job import new_job_id
from fasttrack_jupyter.store.schema import migrate, migrations

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

CALLER = """\
import json, sys
from fasttrack_jupyter.api.client import connect
with connect(sys.argv[1]) as client:
    job = client.run({"text": sys.argv[2], "key": "the same for all"})
    print(json.dumps([client.info()["pid"], job["id"]]))
"""


def test_twenty_callers_at_once_are_served_by_one_engine_and_make_one_job(new_place: Callable[..., Place]) -> None:
    """Twenty processes find no engine and each starts one; all of them ask for a job under one key: it runs once."""
    place = new_place("folders")
    text = "name: one\ntasks:\n- {name: t, command: echo x >> /pipeline/vfroot/ran}\n"
    place.kill_engine()
    argv = [sys.executable, "-c", CALLER, str(place.home), text]
    callers = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(20)]
    said = [caller.communicate(timeout=120) for caller in callers]
    assert [caller.returncode for caller in callers] == [0] * 20, said
    answers = {tuple(json.loads(out)) for out, _ in said}
    assert len(answers) == 1
    job = place.ended(answers.pop()[1])
    assert (place.home / "folders" / job["folder"] / ".pipeline/ran").read_text() == "x\n"
    assert len(engines_of(place.home)) == 1


def engines_of(home: Path) -> list[int]:
    """The processes that are engines of ``home``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "fasttrack_jupyter.host" in words and str(home) in words and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_a_second_engine_on_a_home_ends_at_once(new_place: Callable[..., Place]) -> None:
    """Started by hand, in the foreground: it sees that the home is served, and touches nothing."""
    place = new_place("folders")
    first = place.pid
    argv = [sys.executable, "-P", "-m", "fasttrack_jupyter.host", "--home", str(place.home), "--foreground"]
    assert subprocess.run(argv, timeout=60, check=False).returncode == 0
    assert (place.pid, engines_of(place.home)) == (first, [first])


def test_an_engine_that_hangs_is_not_doubled(new_place: Callable[..., Place]) -> None:
    """Stopped (SIGSTOP), it still holds the home: no other engine takes it over, and it goes on where it was."""
    place = new_place("folders")
    go = place.home.parent / "go"
    job = place.start({"name": "t", "command": f"echo up; while [ ! -e {go} ]; do sleep 0.02; done"})
    place.running(job, "up")
    pid = place.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        argv = [sys.executable, "-P", "-m", "fasttrack_jupyter.host", "--home", str(place.home), "--foreground"]
        second = subprocess.run(argv, timeout=60, capture_output=True, check=False)
        assert second.returncode in (0, 2)
        go.touch()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert place.ended(job)["result"] == "SUCCESS"
    assert (place.pid, place.client.attempts(job)[0]["number"], len(place.client.attempts(job))) == (pid, 1, 1)


def test_a_client_outlives_many_engines(new_place: Callable[..., Place]) -> None:
    """Killed again and again under one client, which asks on; the job ends as if nothing had been."""
    place = new_place("folders")
    go = place.home.parent / "go"
    waits = ("true", f"while [ ! -e {go} ]; do sleep 0.02; done", "true")
    tasks = [{"name": f"t{i}", "command": f"echo {i} >> /pipeline/vfroot/ran; {wait}"} for i, wait in enumerate(waits)]
    for before, task in pairwise(tasks):
        task["dependencies"] = [before["name"]]  # type: ignore[assignment]
    job = place.start(*tasks)
    for _ in range(4):
        assert not place.client.job(job)["ended_at"]
        place.kill_engine()
    go.touch()
    ended = place.ended(job)
    assert (ended["result"], [task["attempts"] for task in ended["tasks"]]) == ("SUCCESS", [1] * 3)
    assert (place.home / "folders" / ended["folder"] / ".pipeline/ran").read_text().split() == list("012")


# ---------------------------------------------------------------- older stores


def make_old_store(home: Path, text: str) -> str:
    """A store as the first version wrote it, with one job that ended and one that is in the middle; the latter's id."""
    home.mkdir(mode=0o700)
    path = home / "fasttrack.db"
    con = sqlite3.connect(path, isolation_level=None)
    migrate(con, str(path), 1.0, {1: migrations()[1]})
    now = 1_700_000_000
    ended, living = new_job_id(now), new_job_id(now + 60)
    con.executescript(
        f"""
        INSERT INTO pipelines (num, name, folder, created_at, last_index)
          VALUES (1, 'old', 'old-abc123', {now}000000, 2);
        INSERT INTO texts VALUES (1, x'00', x'00');
        INSERT INTO jobs
          (num, id, pipeline, idx, folder, text, backend, params, status, result, created_at, ended_at, options) VALUES
          (1, '{ended}', 1, 1, 'old-abc123', 1, 'local', '{{}}', 'TERMINATED', 'SUCCESS', {now}000000,
           {now}000001, '{{}}');
        INSERT INTO jobs (num, id, pipeline, idx, folder, text, backend, params, status, created_at, options)
          VALUES (2, '{living}', 1, 2, 'old-abc123', 1, 'local', '{{}}', 'RUNNING', {now}000002, '{{}}');
        INSERT INTO instances (num, path, status, attempts) VALUES ((1 << 24) + 0, 'a', 'TERMINATED', 1);
        INSERT INTO instances (num, path, status, attempts) VALUES ((1 << 24) + 1, 'b', 'TERMINATED', 1);
        INSERT INTO instances (num, path, status, attempts) VALUES ((2 << 24) + 0, 'a', 'WAITING', 0);
        INSERT INTO instances (num, path, status, attempts) VALUES ((2 << 24) + 1, 'b', 'WAITING', 0);
        INSERT INTO events VALUES (1, {now}000000, 1, NULL, 'JobCreated', 0, 'PENDING', NULL, NULL, NULL);
        """
    )
    con.execute("UPDATE texts SET text = ?", (zlib.compress(text.encode()),))
    con.close()
    return living


def test_an_older_store_is_brought_up_to_date_and_its_job_goes_on(
    new_place: Callable[..., Place], tmp_path: Path
) -> None:
    """With a backup beside it, private like the store; what had ended is as it was."""
    home = tmp_path / "old-home"
    text = "name: old\ntasks:\n- {name: a, command: echo one}\n- {name: b, command: echo two, dependencies: [a]}\n"
    job = make_old_store(home, text)
    place = new_place("folders", home)
    ended = place.ended(job)
    assert (ended["index"], ended["result"], place.log(job, "b")) == (2, "SUCCESS", "two\n")
    assert [(one["index"], one["result"]) for one in place.client.jobs()] == [(2, "SUCCESS"), (1, "SUCCESS")]
    [backup] = home.glob("fasttrack.db.v1.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert sqlite3.connect(backup).execute("PRAGMA user_version").fetchone() == (1,)


def test_a_store_of_a_later_version_is_left_alone(new_place: Callable[..., Place], tmp_path: Path) -> None:
    """The caller hears why, and not a byte of it changes."""
    home = tmp_path / "new-home"
    make_old_store(home, "name: old\ntasks: []\n")
    with contextlib.closing(sqlite3.connect(home / "fasttrack.db")) as con:
        con.execute("PRAGMA user_version = 99")
    before = (home / "fasttrack.db").read_bytes()
    place = new_place("folders", home)
    with pytest.raises(Exception, match="99"):
        place.client.jobs()
    assert (home / "fasttrack.db").read_bytes()[100:] == before[100:]


# ---------------------------------------------------------------- clocks


JUMPING = """\
import runpy, sys, time
real, jump = time.time, [0.0]
def now():
    try:
        jump[0] = float(open({path!r}).read() or 0)
    except (OSError, ValueError):
        pass
    return real() + jump[0]
time.time = now
sys.argv[0] = "host"
runpy.run_module("fasttrack_jupyter.host", run_name="__main__")
"""


@pytest.mark.parametrize("seconds", [-86_400 * 400, 86_400 * 400])
def test_an_engine_whose_clock_jumps_loses_nothing(
    new_place: Callable[..., Place], tmp_path: Path, seconds: int
) -> None:
    """A year back or ahead in the middle of a job: no timeout fires early or never, retries come, the order stays.

    The wall clock of this machine is nobody's to set, and Linux has no namespace for it: the engine process is
    given one that jumps. Sessions count with the boot clock, which no test can move either.
    """
    place, shift = new_place("folders"), tmp_path / "shift"
    place.kill_engine()
    program = JUMPING.format(path=str(shift))
    subprocess.run([sys.executable, "-P", "-c", program, "--home", str(place.home)], check=True, timeout=60)
    slow = "echo up; sleep 0.8; mkdir /pipeline/vfroot/once && exit 1; exit 0"
    job = place.start(
        {"name": "slow", "command": slow, "timeout": 20, "retry": {"max_attempts": 2, "delay": 0.2}},
        {"name": "next", "command": "echo next", "dependencies": ["slow"]},
        {"name": "late", "command": "sleep 60", "timeout": 1.5},
    )
    place.running(job, "up", "slow")
    shift.write_text(str(seconds))
    began = time.monotonic()
    ended = place.ended(job)
    assert time.monotonic() - began < 20
    told = {task["path"]: (task["attempts"], task["reason"]) for task in ended["tasks"]}
    assert told == {"slow": (2, ""), "next": (1, ""), "late": (1, "timeout 1.5s")}
    seqs = [event["seq"] for event in place.client.events(0, job=job)["events"]]
    assert seqs == sorted(seqs)
    fresh = place.run({"name": "t", "command": "true"})
    assert [place.client.jobs(limit=1)[0]["id"], place.client.job("last")["id"]] == [fresh["id"]] * 2
    place.kill_engine()
    assert place.client.job(job)["result"] == "FAILURE"


def test_a_clock_that_jumped_while_no_engine_was_there(new_place: Callable[..., Place], tmp_path: Path) -> None:
    """A session that runs on meanwhile keeps its timeout: counted from its beginning, by the boot clock."""
    place, shift = new_place("folders"), tmp_path / "shift"
    job = place.start({"name": "t", "command": "echo up; sleep 60", "timeout": 2.5})
    place.running(job, "up")
    began = time.monotonic()
    place.kill_engine()
    shift.write_text(str(-86_400 * 30))
    program = JUMPING.format(path=str(shift))
    subprocess.run([sys.executable, "-P", "-c", program, "--home", str(place.home)], check=True, timeout=60)
    task = place.ended(job)["tasks"][0]
    assert task["reason"] == "timeout 2.5s"
    assert 1.0 < time.monotonic() - began < 12


# ---------------------------------------------------------------- ordinary users


USER = 65534
AS_USER = """\
import json, os, sys
sys.path.insert(0, sys.argv[1])
sys.modules["keyring"] = None
from fasttrack_jupyter.api.client import connect
tasks = json.loads(sys.argv[2])
with connect() as client:
    mode = client.slots()["mode"]
    job = client.run({"text": json.dumps({"name": "of a user", "tasks": tasks}), "key": "k"})["id"]
    while not client.job(job)["ended_at"]:
        client.events(0, job=job, wait=0.2)
        import time; time.sleep(0.02)
    logs = {t["path"]: client.logs(job, t["path"])["data"] for t in client.job(job)["tasks"]}
    print(json.dumps({"mode": mode, "job": client.job(job), "logs": logs, "uid": os.getuid()}))
    client.shutdown()
"""


@pytest.fixture
def home_of_a_user() -> Iterator[Path]:
    """A home directory of somebody who is not root."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, and setpriv, to be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="ftu"))
    os.chown(folder, USER, USER)
    yield folder
    deadline = time.monotonic() + 20
    while engines_of(folder / "ft") and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_an_ordinary_user_has_the_same_contract(home_of_a_user: Path, mode: str) -> None:
    """No root: private mounts through a user namespace where the system allows it, the same folders, the same ends."""
    tasks = [
        {"name": "a", "command": "id -u; echo one > /pipeline/outputs/f; pwd -P; (setsid sleep 7777.5 &) ; exit 0"},
        {"name": "b", "command": "cat /pipeline/input1/f; exit 3", "dependencies": ["a"], "continue_on_failure": True},
        {"name": "c", "command": "sleep 60", "timeout": 0.3, "continue_on_failure": True},
    ]
    site = next(path for path in map(Path, sys.path) if (path / "pydantic").is_dir())
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    candidates = [python, sys.executable]
    package = str(Path(__file__).resolve().parents[2])
    for candidate in filter(None, candidates):
        probe = f"import sys; sys.path[:0] = [{package!r}, {str(site)!r}]; import fasttrack_jupyter.host.serving"
        if _as_user(home_of_a_user, str(candidate), "-c", probe).returncode == 0:
            break
    else:
        pytest.skip("no Python with our dependencies that another user may run")
    environ = {"FASTTRACK_LOCAL_MODE": mode, "PYTHONPATH": f"{package}:{site}"}
    done = _as_user(home_of_a_user, str(candidate), "-c", AS_USER, package, json.dumps(tasks), **environ)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    if told["mode"] != mode:
        pytest.skip("user namespaces do not work here")
    ends = [(task["path"], task["exit_code"], task["reason"]) for task in told["job"]["tasks"]]
    assert ends[:2] == [("a", 0, ""), ("b", 3, "exit 3")]
    assert ends[2][2] == "timeout 0.3s"
    uid, where = told["logs"]["a"].split()
    assert (uid, told["logs"]["b"]) == (str(USER), "one\n")
    assert (where == "/home/work") == (mode == "namespaces")
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "7777.5"]]


def _as_user(home: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    who = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    own = {"HOME": str(home), "PATH": os.environ["PATH"], "FASTTRACK_HOME": f"{home}/ft", **environ}
    return subprocess.run([*who, *argv], env=own, cwd=home, capture_output=True, text=True, timeout=90, check=False)
