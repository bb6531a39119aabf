"""The gateway's end: at once where nothing is under way, after the last answer where something is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))
from backends.local_services import Load, asked, deployment, fill, gateways, serving

from fasttrack_jupyter.backends.local.services import link
from fasttrack_jupyter.backends.local.services.gateway import Gateway, Listener
from fasttrack_jupyter.backends.local.services.passing import Door, Replica

OLD_GATEWAY = """
from fasttrack_jupyter.backends.local.services import gateway
gateway.__version__ = "0.0.1"
gateway.main()
"""


@asynccontextmanager
async def listening(*replicas: Replica) -> AsyncIterator[tuple[Listener, int]]:
    """A listener of a public service, and its port."""
    door = Door("id", "digits", b"key")
    door.is_public = True
    await door.offer(replicas)
    listener = Listener(door)
    await listener.listen(0)
    assert listener.port is not None
    yield listener, listener.port


async def seconds_to_end(listener: Listener) -> float:
    """How long its end takes."""
    began = time.monotonic()
    await listener.aclose()
    return time.monotonic() - began


def test_a_connection_on_which_nothing_is_asked_keeps_no_listener_from_ending() -> None:
    """Whether it was asked something before, was never, or has only just come."""

    async def scenario() -> None:
        async with listening() as (listener, port):
            reader, kept = await asyncio.open_connection("127.0.0.1", port)
            kept.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"no replica is healthy")
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
            _, new = await asyncio.open_connection("127.0.0.1", port)
            assert await seconds_to_end(listener) < 5
            for writer in (kept, silent, new):
                writer.close()

    asyncio.run(scenario())


def test_a_connection_that_comes_as_the_listener_ends_does_not_hold_it_up() -> None:
    """Its handler has not even begun when it is told to stop."""

    async def scenario() -> None:
        async with listening() as (listener, _):
            handler = listener._server()  # as the loop makes it for a connection that it has accepted
            ours, theirs = socket.socketpair()
            await asyncio.get_running_loop().connect_accepted_socket(lambda: handler, theirs)
            assert await seconds_to_end(listener) < 5
            ours.close()

    asyncio.run(scenario())


def test_a_caller_that_goes_away_is_no_request_under_way() -> None:
    """Nobody waits for the replica's answer any more."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until who asks goes
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        replica = Replica("r", "127.0.0.1", server.sockets[0].getsockname()[1], is_public=True)
        async with listening(replica) as (listener, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(5):
                while not listener.door.busy():
                    await asyncio.sleep(0.01)
                writer.close()
                while listener.door.busy():
                    await asyncio.sleep(0.01)
            assert await seconds_to_end(listener) < 5
        server.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("words", [b'{"services": [', b"{}\n"])
def test_an_engine_that_dies_in_mid_word_does_not_hold_the_gateway_up(words: bytes, tmp_path: Path) -> None:
    """Nor does one that talks nonsense: the gateway lets go of it."""

    async def scenario() -> None:
        gateway = Gateway(b"key")
        server = await asyncio.start_unix_server(gateway.serve, tmp_path / "control")
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        _, writer = await asyncio.open_unix_connection(tmp_path / "control")
        writer.write(words)
        writer.close()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await gateway.leave()
            await gateway.aclose()
        server.close()

    asyncio.run(scenario())


def test_services_that_an_engine_cannot_read_stay_as_they_are(tmp_path: Path) -> None:
    """Their ports stay open; the gateway does not end for want of others."""

    async def scenario() -> None:
        gateway = Gateway(b"key")
        told = {"id": "1", "name": "digits", "port": 0, "is_public": True, "reason": "", "replicas": [], "public": []}
        first = await gateway.sync({"services": [told], "spared": []})
        then = await gateway.sync({"services": [], "spared": ["digits"]})
        assert first["ports"] == then["ports"] != {}
        assert not gateway.over.is_set()
        assert (await gateway.sync({"services": []}))["ports"] == {}
        assert gateway.over.is_set()
        await gateway.aclose()

    asyncio.run(scenario())


def test_a_gateway_of_another_version_is_replaced_and_answers_what_it_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one has the same URL; nothing that was asked for is torn."""
    package = tmp_path / "old" / "services"
    package.mkdir(parents=True)
    (package / "gateway.py").write_text(OLD_GATEWAY)
    home = tmp_path / "home"

    async def scenario() -> None:
        with monkeypatch.context() as old:
            old.setenv("PYTHONPATH", str(tmp_path / "old"))
            old.setattr(link, "_MODULE", "services.gateway")
            old.setattr(link, "__version__", "0.0.1")
            async with serving(home, cleanly=False) as here:
                await fill(here.backend)
                endpoint = await here.deploy(deployment("a-0-1"))
        (before,) = gateways(home)
        slow = [asyncio.create_task(asked(endpoint, "/slow")) for _ in range(3)]
        await asyncio.sleep(0.3)
        async with serving(home) as here:
            await here.until(lambda: gateways(home) and before not in gateways(home))
            assert [(status, json.loads(body)["version"]) for status, body in await asyncio.gather(*slow)] == [
                (200, "1")
            ] * 3
            with Load(endpoint, 2) as load:
                await here.until(lambda: len(load.answers) > 20)
            assert load.failures == []

    asyncio.run(scenario())


def test_a_service_that_is_deployed_while_the_gateway_ends_gets_a_new_one(tmp_path: Path) -> None:
    """The old one answers its last request meanwhile."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            (before,) = gateways(tmp_path)
            slow = asyncio.create_task(asked(endpoint, "/slow"))
            await asyncio.sleep(0.2)
            os.kill(before, signal.SIGTERM)
            await here.deploy(deployment("b-0-1", name="words"))
            assert (await slow)[0] == 200
            assert (await asked(endpoint))[0] == 200
            await here.until(lambda: before not in gateways(tmp_path))

    asyncio.run(scenario())
