"""An engine whose home is removed, moved or replaced under it ends, and leaves what is there now alone."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import psutil
import pytest

from fasttrack_jupyter.api.client import connect
from fasttrack_jupyter.home import Home

if TYPE_CHECKING:
    from tests.host.conftest import Engines

SLOW = "name: slow\ntasks:\n- {name: one, command: sleep 300}\n"


def sessions_of(home: Home) -> list[psutil.Process]:
    """The processes of all sessions that belong to ``home``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("FASTTRACK_ATTEMPT", "").startswith(f"{home.path}/"):
                found.append(process)
    return found


def busy_engine(home: Home) -> int:
    """The pid of an engine on ``home`` with an unfinished job, so that it would not end by itself."""
    with connect(home.path) as client:
        job = client.run({"text": SLOW})["id"]
        for event in client.follow_events(job=job):
            if event["status"] == "RUNNING" and event["path"] == "one":
                return int(client.info()["pid"])
    pytest.fail("the task never ran")


def test_an_engine_whose_home_was_removed_ends(home: Home, engines: Engines) -> None:
    """Although its job is unfinished; it ends the sessions that nobody could find again, and makes no new home."""
    pid = busy_engine(home)
    assert sessions_of(home)
    shutil.rmtree(home.path)
    engines.wait_until(lambda: not engines.is_alive(pid), seconds=15)
    assert not home.path.exists()
    assert sessions_of(home) == []


def test_an_engine_that_lost_its_home_leaves_the_next_one_alone(home: Home, engines: Engines) -> None:
    """The new engine on the same path keeps its socket, its record, its store and its job."""
    old = busy_engine(home)
    shutil.rmtree(home.path)
    new = busy_engine(home)
    assert new != old
    engines.wait_until(lambda: not engines.is_alive(old), seconds=15)
    with connect(home.path, start=False) as client:
        assert client.info()["pid"] == new
        [job] = client.jobs()
        assert job["status"] == "RUNNING"
        client.cancel(job["id"])
        engines.wait_until(lambda: client.job(job["id"])["status"] == "CANCELLED")
    engines.end()
    with connect(home.path) as client:
        assert client.job(job["id"])["status"] == "CANCELLED"


def test_a_home_that_was_moved_is_served_where_it_is_now(home: Home, engines: Engines) -> None:
    """The old engine lets go of it, and the next one takes its job over."""
    old = busy_engine(home)
    moved = Home(home.path.rename(home.path.with_name("moved")))
    engines.wait_until(lambda: not engines.is_alive(old), seconds=15)
    with connect(moved.path) as client:
        [job] = client.jobs()
        assert job["status"] == "RUNNING"
        client.cancel(job["id"])
        engines.wait_until(lambda: client.job(job["id"])["status"] == "CANCELLED")
        client.shutdown()
