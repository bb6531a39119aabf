"""How long the Jupyter server's loop is ever busy with one thing while a job of 1,000 tasks runs.

``python tests/bench/server_loop.py [TASKS]``: a real server with the extension and one probe (this file, loaded as an
extension of its own), a client that polls as the panel does, a listener to hints, a reader of a log,
and somebody who has 10 MB of text validated. The probe
times every callback of the loop: while one goes on, nobody else of the server is served. A stall is its wall time
less what it waited for a processor (Linux tells that per thread), which is the doing of other processes.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from asyncio import events
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

REPORT = "FASTTRACK_BENCH_REPORT"
TOKEN = "bench"
LIMIT_MS = 50.0


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "server_loop"}]


def _load_jupyter_server_extension(app: Any) -> None:
    Probe(Path(os.environ[REPORT])).start(app)


class Probe:
    """Times each callback of the loop; writes what it found every half a second, in a thread of its own."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._found: dict[str, Any] = {"stall_ms": 0.0, "wall_ms": 0.0, "cpu_ms": 0.0, "what": "", "calls": 0}

    def start(self, app: Any) -> None:
        app.io_loop.call_later(5.0, self._begin)  # what the server does once, at its start, is not the question

    def _begin(self) -> None:
        inner, found, queue = events.Handle._run, self._found, os.open("/proc/thread-self/schedstat", os.O_RDONLY)

        def timed(handle: events.Handle) -> None:
            wall, cpu, waited = time.perf_counter(), time.thread_time(), _waited(queue)
            inner(handle)
            took, used = (time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000
            stall = took - (_waited(queue) - waited) * 1000
            found["calls"] += 1
            found["wall_ms"], found["cpu_ms"] = max(found["wall_ms"], took), max(found["cpu_ms"], used)
            if stall > found["stall_ms"]:
                found["stall_ms"], found["what"] = stall, repr(handle)[:300]

        events.Handle._run = timed  # type: ignore[method-assign]
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        while True:
            self._report.write_text(json.dumps(self._found))
            time.sleep(0.5)


def _waited(schedstat: int) -> float:
    """Seconds that the thread stood in line for a processor (proc_schedstat: time on it, time in line, turns)."""
    return int(os.pread(schedstat, 100, 0).split()[1]) / 1e9


async def measure(tasks: int) -> dict[str, Any]:
    """Run it all once; the probe's report, with what the clients saw."""
    with tempfile.TemporaryDirectory(prefix="ftb", ignore_cleanup_errors=True) as folder:
        port, report = _free_port(), Path(folder, "report.json")
        server = _serve(Path(folder), port, report)
        try:
            base = f"http://127.0.0.1:{port}/"
            async with aiohttp.ClientSession(headers={"Authorization": f"token {TOKEN}"}) as session:
                await _until_probed(session, base, report)
                seen = await _use(session, base, tasks)
                await asyncio.sleep(1.0)
                await session.post(f"{base}api/shutdown")
            return {**json.loads(report.read_text()), **seen}
        finally:
            server.terminate()
            server.wait(20)
            _stop_engine(Path(folder, "home"))


def _serve(folder: Path, port: int, report: Path) -> subprocess.Popen[bytes]:
    Path(folder, "root").mkdir()
    extensions = {"fasttrack_jupyter": True, "server_loop": True}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}/root"),
        f"--ServerApp.jpserver_extensions={extensions}",
    ]
    variables = {"FASTTRACK_HOME": f"{folder}/home", REPORT: str(report), "PYTHONPATH": str(Path(__file__).parent)}
    with Path(folder, "server.log").open("wb") as log:
        return subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)


async def _until_probed(session: aiohttp.ClientSession, base: str, report: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        try:
            async with session.get(f"{base}fasttrack/info") as answer:
                info = await answer.json()
        except (aiohttp.ClientError, ValueError):
            continue
        if report.exists() and info["engine"]["state"] == "connected":
            return
    raise TimeoutError(f"the server at {base} does not come up")


async def _use(session: aiohttp.ClientSession, base: str, tasks: int) -> dict[str, Any]:
    """A job, and everybody who looks at it until it ends."""
    text = "name: loop\ntasks:\n" + "".join(f"- {{name: t{n}, command: 'echo {n}'}}\n" for n in range(tasks))
    api = f"{base}fasttrack"
    seen: dict[str, Any] = {"hints": 0, "polls": 0, "slowest_poll_ms": 0.0}
    listening = asyncio.create_task(_listen(session, base, seen))
    began = time.monotonic()
    async with session.post(f"{api}/jobs", json={"text": text}) as answer:
        job = (await answer.json())["id"]
    following = asyncio.create_task(_follow(session, f"{api}/jobs/{job}/tasks/t{tasks - 1}/logs/stream"))
    big = text + "# " + "x" * (10 << 20)
    writing = asyncio.create_task(_post(session, f"{api}/validate", {"text": big}))
    after, status = 0, "PENDING"
    while status not in ("TERMINATED", "CANCELLED"):
        asked = time.monotonic()
        async with session.get(f"{api}/events?after={after}&limit=10000") as answer:
            after = (await answer.json())["next"]
        async with session.get(f"{api}/jobs/{job}") as answer:
            status = (await answer.json())["status"]
        seen["polls"] += 2
        seen["slowest_poll_ms"] = max(seen["slowest_poll_ms"], (time.monotonic() - asked) * 1000)
        await asyncio.sleep(0.25)
    seen |= {"seconds": time.monotonic() - began, "log": await following, "events": after}
    assert (await writing)["valid"]
    listening.cancel()
    return seen


async def _post(session: aiohttp.ClientSession, address: str, body: Any) -> Any:
    async with session.post(address, json=body) as answer:
        return await answer.json()


async def _listen(session: aiohttp.ClientSession, base: str, seen: dict[str, Any]) -> None:
    async with session.ws_connect(URL(f"{base}api/events/subscribe")) as socket_:
        async for message in socket_:
            seen["hints"] += "fasttrack_jupyter/hint" in str(message.data)


async def _follow(session: aiohttp.ClientSession, address: str) -> str:
    async with session.get(address) as answer:
        lines = [json.loads(line) async for line in answer.content if line.strip()]
    return "".join(line["data"] for line in lines)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _stop_engine(home: Path) -> None:
    from fasttrack_jupyter.api.client import Client
    from fasttrack_jupyter.home import Home

    with Client(Home(home), start=False, timeout=20) as client:
        client.shutdown()


def main() -> int:
    """Measure and tell; 1 where the limit is not kept."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = asyncio.run(measure(tasks))
    print(json.dumps({"tasks": tasks, **found}, indent=1))
    print(f"longest stall of the loop: {found['stall_ms']:.1f} ms; limit {LIMIT_MS:.0f}")
    return int(found["stall_ms"] > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
