"""How a service's door passes requests on: as they are, to who listens, from who means this machine."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.services.gateway import Listener
from fasttrack_jupyter.backends.local.services.passing import Door, Replica
from fasttrack_jupyter.backends.local.services.relay import REFUSED
from fasttrack_jupyter.backends.local.services.tokens import make_token

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
DEAF = f"HTTP/1.1 502 Bad Gateway\r\n{REFUSED}\r\nContent-Length: 4\r\nConnection: close\r\n\r\n8001".encode()


class Inner:
    """A replica that notes what it hears, and always says the same."""

    def __init__(self, words: bytes) -> None:
        self.words = words
        self.heard: list[tuple[bytes, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        self.heard.append((head, await reader.readexactly(size)))
        writer.write(self.words)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def opened(*inner: Inner, public: Sequence[bool] = ()) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    """A door before these replicas, public where nothing else is said; what is yielded asks it, with raw bytes."""
    door = Door("id", "digits", b"key")
    door.is_public = all(public)
    servers = [await asyncio.start_server(each.serve, "127.0.0.1", 0) for each in inner]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    kinds = public or [True] * len(ports)
    replicas = [Replica(f"r-{n}", "127.0.0.1", port, kinds[n]) for n, port in enumerate(ports)]
    await door.offer(replicas)
    listener = Listener(door)
    await listener.listen(0)

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    yield ask
    await listener.aclose()
    for server in servers:
        server.close()


def asked(request: bytes, *inner: Inner, public: Sequence[bool] = ()) -> bytes:
    """The answer to one request."""

    async def scenario() -> bytes:
        async with opened(*inner, public=public) as ask:
            return await ask(request)

    return asyncio.run(scenario())


def written(method: str = "GET", place: str = "/", host: str = "localhost", body: bytes = b"", **more: str) -> bytes:
    """A request; ``more`` are headers, with ``_`` for ``-``."""
    told = {"Host": host, **{name.replace("_", "-"): value for name, value in more.items()}, "Connection": "close"}
    told |= {"Content-Length": str(len(body))} if body else {}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {place} HTTP/1.1\r\n{head}\r\n".encode() + body


def test_a_packed_body_arrives_as_it_was_sent() -> None:
    """Nobody on the way unpacks it, whose length would then be another."""
    body, inner = gzip.compress(b"seven" * 1000), Inner(OK)
    asked(written("POST", body=body, Content_Encoding="gzip"), inner)
    ((head, heard),) = inner.heard
    assert heard == body
    assert b"Content-Encoding: gzip" in head


@pytest.mark.parametrize("host", ["127.0.0.1:4000", "localhost", "[::1]:4000"])
def test_who_means_this_machine_is_answered(host: str) -> None:
    """By each of its names."""
    assert asked(written(host=host), Inner(OK)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("more", [{"host": "evil.example"}, {"Upgrade": "websocket", "Origin": "http://evil.example"}])
def test_pages_of_the_web_are_not_answered_by_a_public_service(more: dict[str, Any]) -> None:
    """Not under a name that leads here, and no websocket under their own."""
    inner = Inner(OK)
    assert asked(written(**more), inner).startswith(b"HTTP/1.1 421")
    assert inner.heard == []


@pytest.mark.parametrize(
    ("method", "sent", "passed"),
    [
        ("GET", "http://localhost/predict?x=%41", b"/predict?x=%41"), ("GET", "http://localhost", b"/"),
        ("OPTIONS", "*", b"/"),
    ],
)  # fmt: skip
def test_what_stands_for_a_path_in_the_first_line_becomes_one(method: str, sent: str, passed: bytes) -> None:
    """Whole URLs, as proxies write them, keep their path."""
    inner = Inner(OK)
    asked(written(method, sent), inner)
    assert inner.heard[0][0].startswith(method.encode() + b" " + passed + b" HTTP/1.1\r\n")


def test_a_replica_in_which_nothing_listens_is_passed_over() -> None:
    """Its relay says so, and nobody has seen the request; a body that is not kept cannot be sent again."""
    deaf, inner = Inner(DEAF), Inner(OK)
    for _ in range(2):
        assert asked(written(), deaf, inner).startswith(b"HTTP/1.1 200")
    assert deaf.heard
    deaf, inner = Inner(DEAF), Inner(OK)
    assert asked(written("POST", body=b"rows"), deaf, inner).startswith(b"HTTP/1.1 200")
    assert [body for _, body in deaf.heard + inner.heard] == [b"rows", b"rows"]
    torn = asked(written("POST", Transfer_Encoding="chunked") + b"1\r\nx\r\n0\r\n\r\n", Inner(DEAF))
    assert torn.startswith(b"HTTP/1.1 502")
    assert b"8001" not in torn
    assert asked(written(), Inner(DEAF)).startswith(b"HTTP/1.1 503")


def test_a_websocket_passes_over_a_replica_in_which_nothing_listens() -> None:
    """As plain requests do."""
    handshake = {"Upgrade": "websocket", "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec_WebSocket_Version": "13"}
    deaf, inner = Inner(DEAF), Inner(OK)
    answer = asked(written(**handshake).replace(b"Connection: close", b"Connection: Upgrade, close"), deaf, inner)
    assert b"the replica wants no websocket there" in answer
    assert (len(deaf.heard), len(inner.heard)) == (1, 1)


def test_while_an_update_changes_who_may_ask_each_replica_keeps_its_own_rule() -> None:
    """Without a token only the public ones are asked; a token opens all, and no replica sees it."""
    token = make_token(b"key", "id", time.time() + 60)
    for _ in range(2):
        private, public = Inner(OK), Inner(OK)
        for _ in range(3):
            assert asked(written(), private, public, public=[False, True]).startswith(b"HTTP/1.1 200")
        assert (len(private.heard), len(public.heard)) == (0, 3)
    assert asked(written(), Inner(OK), public=[False]).startswith(b"HTTP/1.1 401")
    assert asked(written(host="evil.example"), Inner(OK), public=[True]).startswith(b"HTTP/1.1 421")
    for kinds in ([False], [True]):
        inner = Inner(OK)
        assert asked(written(Authorization=f"BackendAI {token}"), inner, public=kinds).startswith(b"HTTP/1.1 200")
        assert token.encode() not in inner.heard[0][0]
    own = Inner(OK)
    asked(written(Authorization="Basic abc"), own)
    assert b"Authorization: Basic abc" in own.heard[0][0]
