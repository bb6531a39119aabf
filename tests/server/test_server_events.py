"""Hints on Jupyter's own event bus."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from jupyter_events import EventLogger

from fasttrack_jupyter.server.hints import PERIOD, SCHEMA, SCHEMA_ID, Hints

DEPLOYMENT = "name: served\ntasks:\n- {name: serve, type: deployment, skip: true, service: {name: s, model: nowhere}}\n"
MANY = "name: many\ntasks:\n" + "".join(f"- {{name: t{n}, command: 'true'}}\n" for n in range(8))


class Emitted:
    """Stands for EventLogger: remembers what was said, and when."""

    def __init__(self) -> None:
        self.said: list[tuple[float, int]] = []

    def emit(self, *, schema_id: str, data: dict[str, Any]) -> None:
        assert schema_id == SCHEMA_ID
        self.said.append((time.monotonic(), data["seq"]))


def test_the_first_hint_comes_at_once_and_the_last_is_never_lost() -> None:
    """What comes in between is told by the one after it."""
    emitted = Emitted()

    async def burst() -> None:
        hints = Hints(emitted)  # type: ignore[arg-type]  # only what it is asked for
        for seq in range(1, 1001):
            hints.note(seq, "connected")
            if seq % 100 == 0:
                await asyncio.sleep(PERIOD / 4)
        assert emitted.said[0][1] == 1
        while emitted.said[-1][1] != 1000:
            await asyncio.sleep(PERIOD / 4)
        hints.close()

    asyncio.run(asyncio.wait_for(burst(), 10))
    times = [when for when, _ in emitted.said]
    assert len(times) <= (times[-1] - times[0]) / PERIOD + 2
    assert [seq for _, seq in emitted.said] == sorted({seq for _, seq in emitted.said})


def test_the_schema_is_one() -> None:
    """Jupyter's bus takes it, and a hint that does not fit is no hint."""
    events = EventLogger()
    events.register_event_schema(SCHEMA)
    events.schemas.validate_event(SCHEMA_ID, {"seq": 1, "engine": "connected"})
    with pytest.raises(Exception, match="seq"):
        events.schemas.validate_event(SCHEMA_ID, {"engine": "connected"})


async def test_a_change_of_services_is_heard_of_on_jupyters_bus(call: Any, jp_serverapp: Any) -> None:
    """The hint counts them: another number is a reason to ask for services, the same one is none."""
    heard: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    await until(lambda: heard and heard[-1]["engine"] == "connected")
    before = heard[-1]["services"]
    (await call("POST", "/jobs", {"text": MANY})).rethrow()
    await until(lambda: heard[-1]["seq"] > heard[0]["seq"])
    assert heard[-1]["services"] == before
    (await call("POST", "/jobs", {"text": DEPLOYMENT})).rethrow()
    await until(lambda: heard[-1]["services"] > before)


async def until(holds: Callable[[], Any]) -> None:
    """Wait for it, not for long."""
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_job_is_heard_of_on_jupyters_bus(call: Any, jp_serverapp: Any) -> None:
    """Up to its last event, which a client then fetches by number."""
    heard: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    job = json.loads((await call("POST", "/jobs", {"text": MANY})).body)["id"]
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        view = json.loads((await call("GET", f"/jobs/{job}")).body)
        if view["status"] == "TERMINATED" and heard and heard[-1]["seq"] >= view["seq"]:
            break
        await asyncio.sleep(0.05)
    assert heard[-1]["seq"] >= view["seq"]
    assert {each["engine"] for each in heard} <= {"connected", "starting"}
    page = json.loads((await call("GET", f"/events?after={heard[0]['seq']}&job={job}")).body)
    assert page["next"] >= view["seq"]
