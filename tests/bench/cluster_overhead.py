"""What our engine adds, for one session of a Backend.AI cluster, to what any client must do: one request for it.

::

    python tests/bench/cluster_overhead.py --env FILE [--links 6]

FILE is what the cluster's script wrote. A job is a chain of trivial tasks; a proxy between engine and manager takes the
time of every request. Of each child, by this machine's clock: *asked*: from when its attempt was decided upon until the
request for its session sets out, and how much of that was spent in other calls; *the request*: until its answer;
*noticed*: from when the manager's database says that the parent's session had ended until the request sets out.
Targets: *asked* at most 0.2 s, then 0.05 s; *noticed* at most 1 s, then 0.2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, web
from chain_job import BACKEND, run_chain
from yarl import URL

from fasttrack_jupyter.api.client import Client, connect

_NOT_SENT_ON = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


class Call(NamedTuple):
    """One request: what, from when until when, and for the session of which attempt."""

    what: str
    began: float
    ended: float
    attempt: str


class Link(NamedTuple):
    """Seconds of one child."""

    asked: float
    in_calls: float
    request: float
    noticed: float


class TimingProxy:
    """Sends on what comes, as it comes, and takes the time."""

    def __init__(self, target: str) -> None:
        self.calls: list[Call] = []
        self.endpoint = ""
        self._target = URL(target)
        self._ready = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """It listens while the block runs."""
        thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        thread.start()
        self._ready.wait(10)
        yield
        self._loop.call_soon_threadsafe(self._over.set)
        thread.join(10)

    async def _serve(self) -> None:
        self._over, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with ClientSession(
            cookie_jar=DummyCookieJar(), timeout=ClientTimeout(None), auto_decompress=False
        ) as self._session:
            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", self._send_on)
            runner = web.AppRunner(app, shutdown_timeout=0.5)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._ready.set()
            await self._over.wait()
            await runner.cleanup()

    async def _send_on(self, request: web.Request) -> web.StreamResponse:
        body, began = await request.read(), time.time()
        where = self._target.join(URL(request.raw_path, encoded=True))
        async with self._session.request(
            request.method, where, data=body or None, headers=request.headers, allow_redirects=False
        ) as answer:
            headers = {key: value for key, value in answer.headers.items() if key.lower() not in _NOT_SENT_ON}
            told = web.StreamResponse(status=answer.status, headers=headers)
            await told.prepare(request)
            async for piece in answer.content.iter_any():
                await told.write(piece)
        await told.write_eof()
        self.calls.append(Call(f"{request.method} {request.path}", began, time.time(), _attempt(body)))
        return told


def _attempt(body: bytes) -> str:
    try:
        asked = json.loads(body)
        name = str(asked.get("name") or asked.get("session_name") or "")
    except (ValueError, AttributeError):
        return ""
    return name.removeprefix("ft-") if name.startswith("ft-") else ""


def main() -> None:
    """Measure, and say how it compares."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--env", type=Path, required=True)
    asked.add_argument("--links", type=int, default=6)
    asked.add_argument("--calls", action="store_true", help="tell every call between a parent's end and its child")
    args = asked.parse_args()
    env = dict(line.split("=", 1) for line in args.env.read_text("utf-8").splitlines() if "=" in line)
    os.environ |= {"FASTTRACK_SECRETS": "file", "FASTTRACK_IDLE": "60"}
    proxy = TimingProxy(env["BACKEND_ENDPOINT"])
    with (
        proxy.running(),
        tempfile.TemporaryDirectory(prefix="ft") as folder,
        connect(f"{folder}/home", timeout=120.0) as client,
    ):
        keys = {"user": env["BACKEND_ACCESS_KEY"], "secret": env["BACKEND_SECRET_KEY"]}
        client.put_profile("default", {"endpoint": proxy.endpoint, **keys})
        try:
            job = run_chain(client, "bench-overhead-", env["BACKEND_IMAGE"], args.links)
            _tell(list(_links(client, job, proxy.calls, told=args.calls)), proxy.calls, env["BACKEND_VERSION"])
        finally:
            for each in client.cluster_folders(BACKEND):
                if each["name"].startswith("bench-overhead-"):
                    client.remove_cluster_folder(BACKEND, each["name"])
            client.shutdown()


def _links(client: Client, job: str, calls: list[Call], *, told: bool) -> Iterator[Link]:
    found = client.cluster_sessions(BACKEND, live=False, text=job, limit=100)["sessions"]
    ended = {each["attempt"]: _at(each["ended_at"]) for each in found}
    made = {call.attempt: call for call in calls if call.attempt}
    attempts = sorted(client.attempts(job), key=lambda each: int(each["id"].split("-")[1]))
    for parent, child in itertools.pairwise(attempts):
        decided, request = _at(child["created_at"]), made[child["id"]]
        within = [call for call in calls if decided <= call.began and call.ended <= request.began]
        busy = _covered([(call.began, call.ended) for call in within])
        if told:
            _tell_calls(calls, ended[parent["id"]], decided, request)
        yield Link(request.began - decided, busy, request.ended - request.began, request.began - ended[parent["id"]])


def _tell_calls(calls: list[Call], ended: float, decided: float, request: Call) -> None:
    print(f"the parent's end; {decided - ended:.3f} s later the child is decided upon")
    for call in sorted(calls, key=lambda each: each.began):
        if call.ended >= ended and call.began <= request.ended:
            print(f"  {call.began - ended:7.3f} … {call.ended - ended:7.3f} s  {call.what}")


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds in which at least one of them was."""
    total, until = 0.0, 0.0
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _tell(links: list[Link], calls: list[Call], release: str) -> None:
    for number, link in enumerate(links, 1):
        words = (f"{name} {seconds:.3f} s" for name, seconds in link._asdict().items())
        print(f"{number}: {'; '.join(words)}")
    asked, in_calls, request, noticed = (statistics.median(column) for column in zip(*links, strict=True))
    print(
        f"{release}, median of {len(links)}: asked {asked:.3f} s ({in_calls:.3f} s of it in calls), "
        f"the request {request:.3f} s: {(asked + request) / request:.2f} of it; noticed {noticed:.3f} s; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    whats = Counter(call.what.partition("?")[0].replace("-", "") for call in calls)
    print("calls in all:", ", ".join(f"{what} {times}" for what, times in whats.most_common(8)))


if __name__ == "__main__":
    main()
