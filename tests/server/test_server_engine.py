"""The server and its engine: each may die, and the job goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tornado.simple_httpclient import HTTPStreamClosedError

from fasttrack_jupyter import errors
from fasttrack_jupyter.api import forward, starter
from fasttrack_jupyter.api.client import Client, connect

LONG = 40.0


def _text(seconds: float) -> str:
    return f"name: lives\ntasks:\n- name: sleep\n  command: sleep {seconds}; echo done\n"


async def _until(call: Any, path: str, wanted: Any) -> Any:
    """The answer at a path, once it is as wanted."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        answer = await call("GET", path)
        found = json.loads(answer.body)
        if answer.code == 200 and wanted(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


def _is_connected(info: Any) -> bool:
    return bool(info["engine"]["state"] == "connected")


class TestWithItsOwnEngine:
    @pytest.fixture
    def home(self, own_home: Path) -> Path:
        return own_home

    async def test_an_engine_killed_in_mid_job_is_followed_by_the_next(self, call: Any) -> None:
        """Without anybody asking; and the job ends as if nothing had happened."""
        job = json.loads((await call("POST", "/jobs", {"text": _text(3)})).body)["id"]
        await _until(call, f"/jobs/{job}", lambda view: view["tasks"][0]["status"] == "RUNNING")
        old = await _until(call, "/info", _is_connected)
        os.kill(old["pid"], signal.SIGKILL)
        assert (await call("GET", "/jobs")).code == 200  # the call waits for the next engine
        new = await _until(call, "/info", _is_connected)
        assert new["pid"] != old["pid"]
        view = await _until(call, f"/jobs/{job}", lambda view: view["status"] == "TERMINATED")
        assert (view["result"], view["tasks"][0]["attempts"]) == ("SUCCESS", 1)

    async def test_a_stream_breaks_off_when_its_engine_dies(self, call: Any) -> None:
        """It does not end as if it were whole; and the next one goes on."""
        info = await _until(call, "/info", _is_connected)
        began = asyncio.Event()
        stream = asyncio.ensure_future(call("GET", "/events/stream", streaming_callback=lambda _: began.set()))
        await asyncio.wait_for(began.wait(), LONG)
        os.kill(info["pid"], signal.SIGKILL)
        with pytest.raises(HTTPStreamClosedError):
            await asyncio.wait_for(stream, LONG)

    async def test_the_engine_finishes_its_job_when_the_server_stops(
        self, call: Any, jp_serverapp: Any, home: Path
    ) -> None:
        """And then another server, or a command line, finds it where it is."""
        job = json.loads((await call("POST", "/jobs", {"text": _text(1)})).body)["id"]
        info = await _until(call, "/info", _is_connected)
        await jp_serverapp.cleanup_extensions()
        assert psutil.pid_exists(info["pid"])
        client = await asyncio.to_thread(connect, home)
        assert (await asyncio.to_thread(_wait_for, client, job))["result"] == "SUCCESS"
        assert client.info()["pid"] == info["pid"]
        client.close()

    async def test_an_engine_of_another_version_is_told_of(
        self, call: Any, monkeypatch: Any, jp_serverapp: Any
    ) -> None:
        """Nothing is taken away from whoever uses it; the message says what to do."""
        monkeypatch.setattr(forward, "__version__", "0.0.1")
        info = await _until(call, "/info", lambda info: info["engine"]["state"] == "failed")
        assert "0.0.1" in info["engine"]["message"]
        assert "fasttrack doctor" in info["engine"]["hint"]
        refused = await call("GET", "/jobs")
        assert (refused.code, json.loads(refused.body)["code"]) == (503, "engine_unavailable")


class TestWhereNoEngineCanBe:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        file = tmp_path / "a file"
        file.write_text("")
        return file

    async def test_the_reason_is_told_and_the_server_lives(self, call: Any) -> None:
        """503 with a hint."""
        info = await _until(call, "/info", lambda info: info["engine"]["state"] == "failed")
        assert info["engine"]["message"]
        assert (info["version"], info["pid"]) == (None, None)
        answer = await call("GET", "/jobs")
        told = json.loads(answer.body)
        assert (answer.code, told["code"], set(told)) == (
            503, "engine_unavailable", {"code", "message", "hint", "details"},
        )  # fmt: skip
        assert "fasttrack doctor" in told["hint"]

    async def test_asking_again_and_again_starts_nothing_again_and_again(self, call: Any, monkeypatch: Any) -> None:
        """A panel polls; an engine that cannot start costs a process each time it is tried."""
        await _until(call, "/info", lambda info: info["engine"]["state"] == "failed")
        tries, real = [], starter.connection_to
        monkeypatch.setattr(starter, "connection_to", lambda *given, **how: (tries.append(given), real(*given, **how)))
        for _ in range(200):
            assert (await call("GET", "/jobs")).code == 503
        assert len(tries) < 10

    async def test_files_can_be_read_and_written_all_the_same(self, call: Any) -> None:
        """Editing needs no engine."""
        await _until(call, "/info", lambda info: info["engine"]["state"] == "failed")
        assert (await call("PUT", "/files/a.fasttrack.yaml", {})).code == 200
        (listed,) = json.loads((await call("GET", "/files")).body)["files"]
        assert (listed["path"], listed["name"], listed["tasks"]) == ("a.fasttrack.yaml", None, None)


def _wait_for(client: Client, job: str) -> dict[str, Any]:
    for _ in client.follow_events(job=job):
        view = client.job(job)
        if view["status"] == "TERMINATED":
            return view
    raise errors.NotFound(job)
