"""``fasttrack serve`` behind a real webserver, which forwards its ``/pipeline`` and signs the login."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from backend_ai.real_cluster import Cluster
from backend_ai.real_cluster import Keys as RealKeys

from fasttrack_jupyter.api.client import connect

Json = dict[str, Any]


@pytest.fixture
def served(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of ``fasttrack serve`` for the cluster's ordinary user; jobs run on this machine."""
    monkeypatch.setenv("FASTTRACK_SECRETS", "file")
    monkeypatch.setenv("FASTTRACK_IDLE", "60")
    with tempfile.TemporaryDirectory(prefix="ft") as folder, connect(f"{folder}/home") as engine:
        monkeypatch.setenv("FASTTRACK_HOME", f"{folder}/home")
        keys = cluster.user
        profile = {"endpoint": cluster.endpoint, "user": keys.access_key, "secret": keys.secret_key}
        engine.put_profile("default", profile)
        argv = [sys.executable, "-m", "fasttrack_jupyter.cli", "serve", "--port", "0", "--backend", "local"]
        with _running(argv, Path(folder) / "serve.log") as log:
            yield _told(log, r"http://[\d.]+:\d+")
        engine.shutdown()


@pytest.fixture
def webserver(cluster: Cluster, served: str, tmp_path: Path, free_tcp_port: int) -> Iterator[str]:
    """A webserver of the cluster's release whose ``/pipeline`` leads to us."""
    conf = (cluster.dir / "conf" / "webserver.toml").read_text()
    conf = re.sub(r"(?m)^port = \d+", f"port = {free_tcp_port}", conf, count=1)
    conf = re.sub(r'(?ms)(^\[pipeline\]\n)endpoint = "[^"]*"\nfrontend-endpoint = "[^"]*"',
                  rf'\1endpoint = "{served}"\nfrontend-endpoint = "{served}"', conf)  # fmt: skip
    conf = re.sub(r"(?m)^ipc-base-path = .*", f'ipc-base-path = "{tmp_path}/ipc"', conf)
    assert served in conf
    (tmp_path / "ipc").mkdir()
    (tmp_path / "web.toml").write_text(conf)
    argv = [str(cluster.dir / "venv/bin/backend.ai"), "web", "start-server", "-f", str(tmp_path / "web.toml")]
    with _running(argv, tmp_path / "web.log", BACKEND_NAMESPACE="local") as log:
        _listens(free_tcp_port, log)
        yield f"http://127.0.0.1:{free_tcp_port}"


@contextmanager
def _running(argv: list[str], log: Path, **environ: str) -> Iterator[Path]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, env={**os.environ, **environ}
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _told(log: Path, pattern: str) -> str:
    deadline = time.monotonic() + 90
    while (found := re.search(pattern, log.read_text(errors="replace"))) is None:
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)
    return found[0]


def _listens(port: int, log: Path) -> None:
    """Wait until somebody does: what 26.4 says of that, it says before."""
    deadline = time.monotonic() + 90
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def test_a_pipeline_runs_through_a_real_webserver(cluster: Cluster, webserver: str) -> None:
    """Sign in, keep a pipeline, run it and see its task instance; nobody else gets in."""

    async def story() -> None:
        async with _signed_in(webserver, cluster.user) as (session, answer):
            assert set(answer["user"]) == {"account", "access_key"}
            assert cluster.user.secret_key not in str(answer)
            session.headers["Authorization"] = f"Token {answer['token']}"
            text = "name: through\ntasks:\n- {name: only, command: 'echo hi > /pipeline/outputs/x'}\n"
            made = await _ask(session, "POST", "/pipeline/api/pipelines/", {"name": "through", "yaml": text})
            job = await _ask(session, "POST", f"/pipeline/api/pipelines/{made['id']}/run/", {})
            deadline = time.monotonic() + 60
            while not job["terminated_at"]:
                assert time.monotonic() < deadline, job
                await asyncio.sleep(0.2)
                job = await _ask(session, "GET", f"/pipeline/api/pipeline-jobs/{job['id']}/")
            assert (job["status"], job["result"], job["pipeline"]) == ("TERMINATED", "SUCCESS", made["id"])
            tasks = await _ask(session, "GET", f"/pipeline/api/task-instances/?pipeline_job={job['id']}")
            assert [(task["name"], task["result"]) for task in tasks] == [("only", "SUCCESS")]
        async with _signed_in(webserver, cluster.second) as (session, answer):
            assert "token" not in answer
            async with session.get("/pipeline/api/pipelines/") as refused:
                assert refused.status == 401

    asyncio.run(story())


@asynccontextmanager
async def _signed_in(webserver: str, keys: RealKeys) -> AsyncIterator[tuple[aiohttp.ClientSession, Json]]:
    """A browser's session at the webserver, and what our login said to its signed request."""
    async with aiohttp.ClientSession(webserver, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        about = {"username": keys.email, "password": keys.password}
        async with session.post("/server/login", json=about) as answer:
            assert (await answer.json())["authenticated"], await answer.text()
        async with session.post("/pipeline/login/", json={}) as answer:
            yield session, await answer.json()


async def _ask(session: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Any:
    async with session.request(method, path, json=body) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()
