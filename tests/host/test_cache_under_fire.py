"""Real engines killed with SIGKILL around reuse: nothing wrong is ever reused, nothing is lost, little is repeated."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.home import Home

if TYPE_CHECKING:
    from tests.host.conftest import Engines

PATIENCE = 60.0
KILLER = """
import os, runpy, signal, sys
from {module} import {owner} as owner
really = owner.{name}
sys.argv[0] = "host"
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
{die}
owner.{name} = {how}
runpy.run_module("fasttrack_jupyter.host", run_name="__main__")
"""
BEFORE, AFTER = "die", "die_after"
_DIE_AFTER = """
async def die_after(*args, **kwargs):
    await really(*args, **kwargs)
    die()
"""
JUDGE, STORE = "fasttrack_jupyter.engine.cache:CacheJudge", "fasttrack_jupyter.store.sqlite:SqliteStore"
MOMENTS = {
    "a success is stored, its entry is not begun to be made": (f"{JUDGE}.ended", BEFORE, 0),
    "its outputs are digested, its entry is not written": (f"{STORE}.cache_end", BEFORE, 0),
    "its entry is written, nobody was told": (f"{STORE}.cache_end", AFTER, 0),
    "its key is noted, it has not begun": (f"{STORE}.cache_begin", AFTER, 0),
    "a reuse is found, and not noted": (f"{STORE}.cache_used", BEFORE, 1),
    "a reuse is noted, and not decided": (f"{STORE}.cache_used", AFTER, 1),
    "a result is looked for": (f"{STORE}.cache_find", AFTER, 1),
}


def _pipeline(log: Path, salt: int = 0) -> str:
    """Three tasks, of which the first forgets nearly all it is given."""
    lines = ["name: fire", "cache: true", "params: [{name: p, type: int, default: 0}]", "tasks:"]
    for name, needs, mention in (("a", [], "${{ params.p }}"), ("b", ["a"], f"{salt}"), ("c", ["a", "b"], "")):
        inputs = " ".join(f"/pipeline/input{number}/out" for number in range(1, len(needs) + 1)) or "/dev/null"
        command = f"echo {name} >> {log}; (echo {name} {mention}; cat {inputs}) | sha256sum > /pipeline/outputs/out"
        lines.append(json.dumps({"name": name, "command": command, "dependencies": needs}))
        lines[-1] = f"- {lines[-1]}"
    return "\n".join(lines) + "\n"


def _expected(param: int, salt: int = 0) -> dict[str, str]:
    """What each task leaves."""

    def digest(text: str) -> str:
        return f"{hashlib.sha256(text.encode()).hexdigest()}  -\n"

    a = digest(f"a {param}\n")
    b = digest(f"b {salt}\n{a}")
    return {"a": a, "b": b, "c": digest(f"c\n{a}{b}")}


def _ended(client: Client, job: str) -> dict[str, Any]:
    """The job after its end, whichever engines it takes."""
    for event in client.follow_events(job=job):
        if event["type"] == "JobEnded":
            return dict(client.job(job))
    raise AssertionError("there is no end of it")


def _left(home: Home, job: dict[str, Any]) -> dict[str, str]:
    """What each task of a job left, or took over."""
    root = home.path / "vfolders" / job["folder"]
    return {task["path"]: (root / task["outputs_dir"] / "out").read_text() for task in job["tasks"]}


def _runs(log: Path) -> list[str]:
    """What was executed since the last call."""
    found = log.read_text().split() if log.exists() else []
    log.write_text("")
    return sorted(found)


def _start_killer(home: Home, place: str, how: str) -> subprocess.Popen[bytes]:
    """An engine that kills itself at a place."""
    module, _, rest = place.partition(":")
    owner, _, name = rest.partition(".")
    code = KILLER.format(module=module, owner=owner, name=name, how=how, die=_DIE_AFTER if how == AFTER else "")
    command = [sys.executable, "-P", "-c", code, "--home", str(home.path), "--foreground"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_engine_dies_at_the_worst_moment(home: Home, engines: Engines, tmp_path: Path, moment: str) -> None:
    """The next one ends the job with what it must give; the job after that repeats at most what nobody remembers."""
    place, how, warm = MOMENTS[moment]
    log = tmp_path / "log"
    text = _once(_pipeline(log), warm)
    if warm:  # all is there already, but that ``a`` gives the same once more turns out only while the job runs
        with connect(home.path) as client:
            _ended(client, client.run({"text": text})["id"])
        engines.end()
        _runs(log)
    killer = _start_killer(home, place, how)
    engines.wait_until(lambda: home.engine().get("pid") == killer.pid)
    with connect(home.path) as client:
        made = threading.Thread(target=lambda: client.run({"text": text, "key": "one"}))
        made.start()
        assert killer.wait(PATIENCE) == -signal.SIGKILL
        made.join(PATIENCE)
        job = _ended(client, client.run({"text": text, "key": "one"})["id"])
        assert job["result"] == "SUCCESS"
        assert _left(home, job) == _expected(0)
        assert len(_runs(log)) <= 3 + 1  # at worst what ran just then ran twice
        again = _ended(client, client.run({"text": text})["id"])
        assert _left(home, again) == _expected(0)
        assert len(_runs(log)) <= 1 + warm
        last = _ended(client, client.run({"text": text})["id"])
        assert (_left(home, last), _runs(log)) == (_expected(0), ["a"] * warm)


def _once(text: str, warm: int) -> str:
    """If ``warm``, with a first task that runs each time: what follows is decided only while the job runs."""
    return text.replace('"name": "a"', '"name": "a", "cache": false') if warm else text


def test_engines_are_killed_at_random(home: Home, engines: Engines, tmp_path: Path) -> None:
    """Whatever is edited between jobs and whenever the engine dies, each job leaves what it would alone."""
    luck, log, kills, needed = random.Random(11), tmp_path / "log", 0, set()
    runs: list[str] = []
    with connect(home.path) as client:
        for number in range(6):
            param, salt = luck.randrange(2), luck.randrange(2)
            job = client.run({"text": _pipeline(log, salt), "params": {"p": param}, "key": str(number)})["id"]
            timer = threading.Timer(luck.uniform(0.0, 0.4), engines.end)
            timer.start()
            ended = _ended(client, job)
            timer.join()
            kills += 1
            assert ended["result"] == "SUCCESS"
            assert _left(home, ended) == _expected(param, salt)
            needed |= {("a", param), ("b", param, salt), ("c", param, salt)}
            runs += _runs(log)
    assert len(runs) <= len(needed) + 2 * kills  # two at once on this machine


def test_who_waits_for_an_execution_survives_its_engine(home: Home, engines: Engines, tmp_path: Path) -> None:
    """Two jobs want the same, the engine is killed meanwhile: it is done once, and both have it."""
    log, gate = tmp_path / "log", tmp_path / "gate"
    text = (
        "name: fire\ncache: true\ntasks:\n- name: a\n  command: "
        f"'echo a >> {log}; while [ ! -e {gate} ]; do sleep 0.05; done; echo done > /pipeline/outputs/out'\n"
    )
    with connect(home.path) as client:
        first = client.run({"text": text})["id"]
        engines.wait_until(lambda: log.exists())
        second = client.run({"text": text})["id"]
        engines.wait_until(lambda: "the same execution" in client.job(second)["tasks"][0]["reason"])
        engines.end()
        engines.wait_until(lambda: "the same execution" in client.job(second)["tasks"][0]["reason"])
        gate.touch()
        assert [_ended(client, job)["result"] for job in (first, second)] == ["SUCCESS", "SUCCESS"]
        assert _runs(log) == ["a"]
        assert client.job(second)["tasks"][0]["reason"] == "reused from job #1"
