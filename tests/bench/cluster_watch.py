"""How many requests it takes to watch many live sessions of a Backend.AI cluster, counted by a made-up manager.

::

    python tests/bench/cluster_watch.py [--sessions 500] [--seconds 60]

The backend takes over so many running sessions, as a new engine does, and watches them; every request that reaches the
manager counts, the event stream and what is asked for progress included. Halfway one session ends, and the time until
that is known is told. Target: at most one request a second. Real sessions are not needed for counting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from fasttrack_jupyter.backends.backend_ai.backend import BackendAI
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.testing.conformance import session_spec

FOLDER = "watched"


class Manager:
    """Knows so many sessions, and one vfolder with nothing in it."""

    def __init__(self, names: list[str]) -> None:
        self.status = dict.fromkeys(names, "RUNNING")
        self.seen: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        path = request.path
        self.seen[f"{request.method} {path}"] += 1
        if path == "/":
            return web.json_response({"version": "v9.20250722", "manager": "26.9.6"})
        if path == "/admin/gql":
            return web.json_response({"data": self._graphql(await request.json())})
        if path == "/folders":
            folder = {"id": "f" * 32, "name": FOLDER, "usage_mode": "data", "is_owner": True, "status": "ready"}
            return web.json_response([folder])
        if path.endswith("/files"):
            return web.json_response({"items": []})
        if path == "/events/session":
            return await self._events(request)
        return web.json_response({"type": "not-found", "title": "not here"}, status=404)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(3600)
        return response

    def _graphql(self, asked: Any) -> Any:
        if "compute_session_list" not in asked["query"]:
            return {"groups": [{"id": "g", "name": "default"}], "keypair": {"access_key": "AKIABENCH"}}
        names = json.loads(asked["variables"]["filter"].partition(" in ")[2])
        items = [self._session(name) for name in names if name in self.status]
        start = asked["variables"]["offset"]
        return {"compute_session_list": {"total_count": len(items), "items": items[start:]}}

    def _session(self, name: str) -> dict[str, Any]:
        status = self.status[name]
        result = "UNDEFINED" if status == "RUNNING" else "SUCCESS"
        history = json.dumps({"RUNNING": "2026-01-01T00:00:00+00:00"})
        return {
            "session_id": name, "name": name, "status": status, "result": result, "status_info": None,
            "status_data": "{}", "status_history": history, "created_at": "2026-01-01T00:00:00+00:00",
            "terminated_at": None, "containers": [],
        }  # fmt: skip


async def measure(sessions: int, seconds: float) -> None:
    """Watch, and say what it took."""
    attempts = [f"job-{number}-1" for number in range(sessions)]
    manager = Manager([f"ft-{attempt}" for attempt in attempts])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", manager.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    heard: dict[str, SessionReport] = {}
    profile = Profile("bench", f"http://{address[0]}:{address[1]}")
    with tempfile.TemporaryDirectory() as home:
        backend = BackendAI(profile, Keys("AKIABENCH", "secret"), home=Path(home), name="bench")
        await backend.open(lambda report: heard.__setitem__(report.attempt_id, report))
        specs = [replace(session_spec(attempt, "true", image="image"), folder=FOLDER) for attempt in attempts]
        await asyncio.gather(*(backend.adopt(spec) for spec in specs))
        while sum(report.status is Status.RUNNING for report in heard.values()) < sessions:
            await asyncio.sleep(0.1)
        taken = sum(manager.seen.values())
        manager.seen.clear()
        cpu, began = _cpu(), time.monotonic()
        await asyncio.sleep(seconds / 2)
        manager.status[f"ft-{attempts[0]}"] = "TERMINATED"
        ended = time.monotonic()
        while heard[attempts[0]].status is Status.RUNNING:
            await asyncio.sleep(0.02)
        knew = time.monotonic() - ended
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        took, used = time.monotonic() - began, _cpu() - cpu
        total = sum(manager.seen.values())
        await backend.aclose()
    await runner.cleanup()
    print(
        f"{sessions} sessions taken over with {taken} requests; watched for {took:.0f} s: {total / took:.2f} requests/s"
    )
    print(f"an end was known after {knew:.1f} s; {used / took:.1%} of a core, the made-up manager's part included")
    for what, count in manager.seen.most_common():
        print(f"  {count:5d}  {what}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sessions", type=int, default=500)
    asked.add_argument("--seconds", type=float, default=60.0)
    args = asked.parse_args()
    asyncio.run(measure(args.sessions, args.seconds))


if __name__ == "__main__":
    main()
