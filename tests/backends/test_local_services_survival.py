"""``kill -9`` of the engine, the gateway, a replica, in mid-rollout: the service comes back, at the same URL, once.

This file is also the engine that is killed: run as a script it deploys what it is told, and waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent.parent))

from backends.local_services import Load, Serving, asked, deployment, fill, gateways, serving

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import NotFound


async def be_an_engine(home: Path, wanted: list[dict[str, Any]]) -> None:
    """Deploy each of ``wanted``, say so, and go on for ever."""
    async with serving(home, cleanly=False) as here:
        await fill(here.backend)
        for each in wanted:
            waits = each.pop("waits", True)
            spec = deployment(**each)
            await here.backend.submit(spec)
            if waits:
                print(await here.deployed(spec.attempt_id), flush=True)
            else:
                await here.reports.until(spec.attempt_id, lambda report: "waits for replica" in report.reason)
                print("rolling", flush=True)
        await asyncio.Event().wait()


@contextmanager
def engine(home: Path, *wanted: dict[str, Any]) -> Iterator[list[str]]:
    """An engine of its own on ``home``, killed at the end; what it said of each deployment."""
    argv = [sys.executable, __file__, str(home), json.dumps(wanted)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield [process.stdout.readline().strip() for _ in wanted]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


async def answers(endpoint: str) -> bool:
    """Whether the service does."""
    try:
        return bool((await asked(endpoint))[0] == 200)
    except OSError:
        return False


def leaders(here: Serving) -> dict[str, int]:
    """The pids of the replicas' first processes."""
    sessions = here.backend._open_sessions().live()
    return {session.spec.attempt_id: session.leader for session in sessions if session.leader}


def test_an_engine_that_is_killed_leaves_the_service_answering(tmp_path: Path) -> None:
    """No request fails meanwhile; the next engine finds the same replica at the same URL, and its slots held."""

    async def scenario() -> None:
        with engine(tmp_path, {"attempt_id": "a-0-1", "replicas": 2}) as said:
            load = Load(said[0], 3).__enter__()
        time.sleep(0.5)
        async with serving(tmp_path) as here:
            await here.healthy(2)
            info = await here.backend.service("digits")
            assert info.endpoint == said[0]
            assert here.desk.held == {replica.id for replica in info.replicas}
            assert [replica.id[-2:] for replica in info.replicas] == ["-1", "-2"]
            await here.backend.adopt(deployment("a-0-1", replicas=2))
            await here.reports.until("a-0-1", lambda report: report.result == "SUCCESS")
            await asyncio.sleep(0.5)
            load.__exit__()
            assert load.failures == []
            assert len(load.answers) > 50

    asyncio.run(scenario())


def test_a_rollout_goes_on_under_the_next_engine(tmp_path: Path) -> None:
    """Killed in the middle of an update: nothing is begun twice, no request fails, the attempt ends as ever."""

    async def scenario() -> None:
        update = {"attempt_id": "b-0-1", "version": "2", "environ": {"SLOW_START": "1.5"}}
        with engine(tmp_path, {"attempt_id": "a-0-1"}, {**update, "waits": False}) as said:
            load = Load(said[0], 3).__enter__()
        async with serving(tmp_path) as here:
            await here.backend.adopt(deployment(**update))
            assert await here.deployed("b-0-1") == said[0]
            await here.healthy(1)
            info = await here.backend.service("digits")
            load.__exit__()
            assert load.failures == []
            assert load.versions() >= {"1"}
            assert info.revision == 2
            assert info.replicas[0].id.endswith("-2")

    asyncio.run(scenario())


def test_a_gateway_that_is_killed_comes_back_at_the_same_url(tmp_path: Path) -> None:
    """Within a moment, and there is one."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            (pid,) = gateways(tmp_path)
            os.kill(pid, signal.SIGKILL)

            await here.until(lambda: pid not in gateways(tmp_path))
            await here.until(lambda: not Path(f"/proc/{pid}").exists())  # nor is a zombie of it left
            await here.until(lambda: answers(endpoint))
            assert len(gateways(tmp_path)) == 1
            info = await here.backend.service("digits")
            assert info.replicas[0].id.endswith("-1")
            await here.remove()
            await here.until(lambda: not gateways(tmp_path))

    asyncio.run(scenario())


def test_a_replica_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """The other one answers meanwhile."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", replicas=2))
            victim, pid = next(iter(leaders(here).items()))
            os.kill(pid, signal.SIGKILL)
            await here.until(lambda: victim not in leaders(here))
            assert [(await asked(endpoint))[0] for _ in range(10)] == [200] * 10
            await here.healthy(2)
            info = await here.backend.service("digits")
            assert victim not in {replica.id for replica in info.replicas}
            assert info.endpoint == endpoint

    asyncio.run(scenario())


def test_a_replica_that_is_killed_in_mid_rollout_does_not_end_the_rollout(tmp_path: Path) -> None:
    """Another one is started: it was nobody's fault."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            await here.backend.submit(deployment("a-0-1", environ={"SLOW_START": "1"}))
            await here.until(lambda: leaders(here))
            os.kill(next(iter(leaders(here).values())), signal.SIGKILL)
            await here.deployed("a-0-1")
            info = await here.backend.service("digits")
            assert [replica.id[-2:] for replica in info.replicas] == ["-2"]

    asyncio.run(scenario())


def test_everything_is_killed_at_once(tmp_path: Path) -> None:
    """Engine, gateway and replica: the next engine brings the service back at its URL, with nothing left behind."""

    async def scenario() -> None:
        with engine(tmp_path, {"attempt_id": "a-0-1"}) as said:
            (gateway,) = gateways(tmp_path)
            (control,) = [
                path for path in (tmp_path / "attempts").iterdir() if (path / "lock").exists() and path.name[0] != "."
            ]
            os.kill(gateway, signal.SIGKILL)
        leader = attempts.supervisor(str(control))
        assert leader is not None
        os.kill(leader.pid, signal.SIGKILL)
        async with serving(tmp_path) as here:
            await here.until(lambda: answers(said[0]))
            await here.healthy(1)
            assert len(leaders(here)) == 1
            assert len(gateways(tmp_path)) == 1
            await here.remove()
            assert leaders(here) == {}
        names = {path.name for path in (tmp_path / "attempts").iterdir() if not path.name.startswith(".")}
        assert names == {"a-0-1"}
        assert not list((tmp_path / "services" / "named").iterdir())

    asyncio.run(scenario())


async def when_it_is_free(port: int) -> socket.socket:
    """A listener on a port of a process that was killed just now: its sockets outlive its command line by a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


def test_a_port_that_somebody_else_took_is_told_and_taken_back(tmp_path: Path) -> None:
    """The URL is kept: nobody is sent elsewhere."""

    async def scenario() -> None:
        async with serving(tmp_path, cleanly=False) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
        (pid,) = gateways(tmp_path)
        os.kill(pid, signal.SIGKILL)
        port = int(endpoint.rpartition(":")[2])
        with await when_it_is_free(port):
            async with serving(tmp_path, cleanly=False) as here:

                async def is_told() -> bool:
                    return f"port {port} cannot be had" in (await here.backend.service("digits")).reason

                await here.until(is_told)
        async with serving(tmp_path) as here:
            await here.until(lambda: answers(endpoint))

    asyncio.run(scenario())


def test_secrets_of_a_replica_are_kept_nowhere_and_asked_for_again(tmp_path: Path) -> None:
    """Not in the service's file; a replica that a later engine starts has them all the same."""
    secret = "s3cr3t-w0rd"
    spec = deployment("a-0-1", environ={"API_KEY": secret}, secrets=(secret,))

    async def recall(attempt_id: str) -> SessionSpec:
        assert attempt_id == "a-0-1"
        return spec

    async def scenario() -> None:
        async with serving(tmp_path, cleanly=False) as here:
            await fill(here.backend)
            await here.deploy(spec)
        kept = [path.read_bytes() for path in (tmp_path / "services").rglob("*") if path.is_file()]
        assert kept
        assert not any(secret.encode() in text for text in kept)
        async with serving(tmp_path, recall) as here:
            await here.healthy(1)
            os.kill(next(iter(leaders(here).values())), signal.SIGKILL)
            await here.until(lambda: any(name.endswith("-2") for name in leaders(here)))
            await here.healthy(1)
            chunk = await here.backend.service_logs("digits", None, 0, 1000)
            assert secret.encode() in chunk.data  # raw: the caller masks

    asyncio.run(scenario())


def test_secrets_of_a_job_that_is_gone_are_missed_loudly(tmp_path: Path) -> None:
    """What runs goes on; another replica cannot be started, and the service says why."""
    spec = deployment("a-0-1", environ={"API_KEY": "s3cr3t-w0rd"}, secrets=("s3cr3t-w0rd",))

    async def scenario() -> None:
        async with serving(tmp_path, cleanly=False) as here:
            await fill(here.backend)
            await here.deploy(spec)
        async with serving(tmp_path) as here:
            await here.healthy(1)
            await here.backend.scale_service("digits", 2)

            async def is_told() -> bool:
                return "API_KEY hold" in (await here.backend.service("digits")).reason

            await here.until(is_told)
            info = await here.backend.service("digits")
            assert info.healthy == 1
            assert "deploy it again" in info.reason

    asyncio.run(scenario())


def test_an_attempt_whose_service_is_gone_is_lost(tmp_path: Path) -> None:
    """It is found or told of, never made again."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            await here.backend.adopt(deployment("a-0-1"))
            report = await here.reports.until("a-0-1", lambda report: report.result == "FAILURE")
            assert report.reason == "lost"
            with pytest.raises(NotFound):
                await here.backend.service("digits")

    asyncio.run(scenario())


if __name__ == "__main__":
    asyncio.run(be_an_engine(Path(sys.argv[1]), json.loads(sys.argv[2])))
