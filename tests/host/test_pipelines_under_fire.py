"""Real engines killed between the end of a job and what that lets go on: nothing is lost, nothing happens twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.home import Home

if TYPE_CHECKING:
    from tests.host.conftest import Engines

KILLER = """
import os, runpy, signal, sys
from {module} import {owner} as owner
really = owner.{name}
sys.argv[0] = "host"
async def dying(*args, **kwargs):
    if {after}:
        await really(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
owner.{name} = dying
runpy.run_module("fasttrack_jupyter.host", run_name="__main__")
"""
DESK, STORE = "fasttrack_jupyter.engine.triggering TriggerDesk", "fasttrack_jupyter.store.sqlite SqliteStore"
FOLLOWING = "fasttrack_jupyter.engine.following Following"
TRIGGERS = {
    "the end is stored, nothing looked at": (f"{DESK} _ended", False),
    "it is about to start the other": (f"{DESK} _fire", False),
    "the other is made, the trigger does not know": (f"{STORE} trigger_fired", False),
    "the trigger knows": (f"{STORE} trigger_fired", True),
}
WAITS = {
    "the end is seen, the other is about to go on": (f"{FOLLOWING} _tell", False),
    "it is told that the other goes on": (f"{FOLLOWING} _tell", True),
}


def start_killer(home: Home, engines: Engines, place: str, after: bool) -> subprocess.Popen[bytes]:
    """An engine that kills itself at a place."""
    module, owner, name = place.split()
    code = KILLER.format(module=module, owner=owner, name=name, after=after)
    argv = [sys.executable, "-P", "-c", code, "--home", str(home.path), "--foreground"]
    null = subprocess.DEVNULL
    killer = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null)
    engines.wait_until(lambda: home.engine().get("pid") == killer.pid)
    return killer


def pipeline(folder: Path, name: str, head: str = "") -> Path:
    """A file with a pipeline that notes each of its executions."""
    file = folder / f"{name}.fasttrack.yaml"
    file.write_text(f"name: {name}\n{head}tasks: [{{name: a, command: 'echo {name} >>{folder}/ran'}}]\n")
    return file


def ended(client: Client, engines: Engines, *jobs: str) -> list[dict[str, Any]]:
    """The jobs after their ends."""

    def are_ended() -> bool:
        known = {f"{job['pipeline']}#{job['index']}": job["status"] for job in client.jobs()}
        return all(known.get(job) == "TERMINATED" for job in jobs)

    engines.wait_until(are_ended)
    return [client.job(job) for job in jobs]


@pytest.mark.parametrize("moment", TRIGGERS)
def test_a_trigger_starts_one_job_for_each_end(home: Home, engines: Engines, tmp_path: Path, moment: str) -> None:
    """The engine is killed at each step of it."""
    place, after = TRIGGERS[moment]
    prep, train = pipeline(tmp_path, "prep"), pipeline(tmp_path, "train")
    with connect(home.path) as client:
        client.add_trigger(str(train), "prep")
    engines.end()
    killer = start_killer(home, engines, place, after)
    with connect(home.path) as client:
        client.run({"source": str(prep)})
        assert killer.wait(30) == -9
    with connect(home.path) as client:
        ended(client, engines, "prep#1", "train#1")
        client.run({"source": str(prep)})
        ended(client, engines, "prep#2", "train#2")
        assert [job["note"] for job in client.jobs(pipeline="train")] == ["started by prep#2", "started by prep#1"]
    assert sorted((tmp_path / "ran").read_text().split()) == ["prep", "prep", "train", "train"]


@pytest.mark.parametrize("moment", WAITS)
def test_a_job_that_waits_goes_on_once(home: Home, engines: Engines, tmp_path: Path, moment: str) -> None:
    """The engine is killed when the other pipeline's job has ended."""
    place, after = WAITS[moment]
    prep, train = pipeline(tmp_path, "prep"), pipeline(tmp_path, "train", "after: [prep]\n")
    killer = start_killer(home, engines, place, after)
    with connect(home.path) as client:
        client.run({"source": str(train)})
        client.run({"source": str(prep)})
        assert killer.wait(30) == -9
    with connect(home.path) as client:
        (job,) = ended(client, engines, "train#1")
        assert job["result"] == "SUCCESS"
    assert (tmp_path / "ran").read_text().split() == ["prep", "train"]
