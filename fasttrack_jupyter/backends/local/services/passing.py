"""One service's door: each request is let in, or not, and passed on to one of the replicas."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from fasttrack_jupyter.backends.local.services.relay import REFUSED
from fasttrack_jupyter.backends.local.services.tokens import refusal

_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "expect",
})  # fmt: skip
_WEBSOCKET_OWN = frozenset({
    "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol", "host",
})  # fmt: skip
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
_RETRY_AFTER = "2"
_DEAF = REFUSED.partition(":")[0]
_LONGEST_MESSAGE = 64 << 20
"""Bytes of a websocket's message: all services share this process."""
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


_Body = bytes | aiohttp.StreamReader | None
"""Of a request: read already, to be read, or there is none."""
_SMALL = 1 << 20
"""Bytes of a body that is read before it is passed on: in one piece, and to another replica if need be."""


class _Deaf(Exception):
    """The replica runs, and nothing in it listens: its relay said so, so nobody has seen the request."""


class Replica(NamedTuple):
    """Who can be asked: ``host`` empty for a unix socket at ``place``, else ``place`` is the port."""

    id: str
    host: str
    place: str | int
    is_public: bool = False
    """Whether it can be asked without a token."""


class _Way:
    """The way to one replica, and how many requests are on it."""

    def __init__(self, replica: Replica) -> None:
        self.busy = 0
        self.is_public = replica.is_public
        self.origin = f"http://{replica.host or 'replica'}" + (f":{replica.place}" if replica.host else "")
        connector: aiohttp.BaseConnector = (
            aiohttp.TCPConnector(limit=0, force_close=True)
            if replica.host
            else aiohttp.UnixConnector(str(replica.place), limit=0, force_close=True)
        )
        self.session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC,
        )  # fmt: skip


class Door:
    """See the module's text. ``reason`` is told to who comes while nobody can answer.

    Whether a token is needed says the revision that answers. While an update changes that, there are replicas of both
    kinds: who has a token can ask them all, who has none the public ones.
    """

    def __init__(self, service: str, name: str, key: bytes) -> None:
        self.name = name
        self.is_public = False
        """Whether no revision wants a token: so while nobody can answer, everybody is told why."""
        self.is_closing = False
        """Whether connections are closed after the answer that is under way."""
        self.reason = ""
        self._service, self._key = service, key
        self._ways: dict[str, _Way] = {}
        self._open: list[str] = []
        self._under_way = 0
        self._is_done = asyncio.Event()
        self._is_done.set()

    async def offer(self, replicas: Sequence[Replica]) -> None:
        """From now on these are asked, and no others; who is busy may finish."""
        self._open = [replica.id for replica in replicas]
        for replica in replicas:
            if replica.id not in self._ways:
                self._ways[replica.id] = _Way(replica)
        for idle in [name for name, way in self._ways.items() if name not in self._open and not way.busy]:
            await self._ways.pop(idle).session.close()

    def busy(self) -> dict[str, int]:
        """How many requests each replica is busy with."""
        return {replica: way.busy for replica, way in self._ways.items() if way.busy}

    async def aclose(self) -> None:
        """Let go of everything."""
        for way in self._ways.values():
            await way.session.close()

    async def done(self, seconds: float) -> None:
        """Return when no request is under way, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_done.wait(), seconds)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self._under_way += 1
        self._is_done.clear()
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._is_done.set()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        why = self._why_no_token(request)
        if why:
            if not (self.is_public or any(self._ways[replica].is_public for replica in self._open)):
                return self._problem(401, why, {"WWW-Authenticate": "BackendAI"})
            if not _is_meant(request):
                return self._problem(421, "a public service of this machine is asked at 127.0.0.1 or localhost alone")
        tried: set[str] = set()
        body = await _body(request)
        while way := self._choose(tried, has_token=not why):
            way.busy += 1
            try:
                return await self._pass(request, body, way, has_token=not why)
            except (aiohttp.ClientConnectorError, _Deaf):
                continue  # nobody has seen the request: another one can have it
            except (aiohttp.ClientError, TimeoutError) as error:
                return self._problem(502, f"the replica gave no answer: {type(error).__name__}")
            finally:
                way.busy -= 1
        return self._problem(503, self.reason or "no replica is healthy", {"Retry-After": _RETRY_AFTER})

    def _why_no_token(self, request: web.BaseRequest) -> str:
        """Why what the request carries is no token of this service; empty if it is one."""
        return refusal(self._key, self._service, request.headers.get("Authorization", ""), time.time())

    def _choose(self, tried: set[str], *, has_token: bool) -> _Way | None:
        """The replica with the least to do; among equals the one whose turn it is."""
        left = [name for name in self._open if name not in tried and (has_token or self._ways[name].is_public)]
        if not left:
            return None
        chosen = min(left, key=lambda replica: self._ways[replica].busy)
        tried.add(chosen)
        if chosen in self._open:
            self._open.remove(chosen)
            self._open.append(chosen)
        return self._ways[chosen]

    def _problem(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> web.Response:
        body = json.dumps({"error": {"service": self.name, "status": status, "message": why}})
        response = web.Response(status=status, text=body + "\n", content_type="application/json", headers=headers)
        if self.is_closing:
            response.force_close()
        return response

    async def _pass(self, request: web.BaseRequest, body: _Body, way: _Way, *, has_token: bool) -> web.StreamResponse:
        url = URL(way.origin + _place(request), encoded=True)
        headers = _passed(request, has_token=has_token)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_websocket(request, way, url, headers)
        call = way.session.request(request.method, url, headers=headers, data=body, allow_redirects=False)
        async with call as answer:
            if _DEAF in answer.headers:
                if not isinstance(body, aiohttp.StreamReader):
                    raise _Deaf
                return self._problem(502, "nothing listens on the replica's port")
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer))
            if self.is_closing:
                response.force_close()
            has_body = request.method != "HEAD" and answer.status not in (204, 304)
            if has_body and "Content-Length" not in answer.headers and request.version >= (1, 1):
                response.enable_chunked_encoding()
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            except aiohttp.ClientError:  # what was sent cannot be taken back: the caller must see that it is torn
                if request.transport is not None:
                    request.transport.abort()
            return response

    async def _pass_websocket(
        self, request: web.BaseRequest, way: _Way, url: URL, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        protocols = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if word]
        kept = {name: value for name, value in headers.items() if name.lower() not in _WEBSOCKET_OWN}
        try:
            call = way.session.ws_connect(
                url, headers=kept, protocols=protocols, autoping=False, max_msg_size=_LONGEST_MESSAGE
            )
            async with call as inner:
                outer = web.WebSocketResponse(
                    protocols=[inner.protocol] if inner.protocol else [], autoping=False, compress=False,
                    max_msg_size=_LONGEST_MESSAGE,
                )  # fmt: skip
                await outer.prepare(request)
                ways = [asyncio.ensure_future(_talk(inner, outer)), asyncio.ensure_future(_talk(outer, inner))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for each in ways:
                        each.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                await outer.close(code=inner.close_code or 1000)
                return outer
        except aiohttp.WSServerHandshakeError as error:
            if error.headers is not None and _DEAF in error.headers:
                raise _Deaf from error
            return self._problem(error.status, "the replica wants no websocket there")


async def _body(request: web.BaseRequest) -> _Body:
    if not request.body_exists:
        return None
    size = request.content_length
    return await request.content.read() if size is not None and size <= _SMALL else request.content


def _is_meant(request: web.BaseRequest) -> bool:
    """Whether the caller knows that it asks this machine.

    A page of the web whose name somebody leads to the loopback (DNS rebinding) could otherwise read what is public
    here; a websocket it could open even under its own name.
    """
    names = [f"//{request.headers['Host']}"] if "Host" in request.headers else []
    if request.headers.get("Upgrade", "").lower() == "websocket" and "Origin" in request.headers:
        names.append(request.headers["Origin"])
    try:
        return all(URL(name).host in _HERE for name in names)
    except ValueError:
        return False


def _place(request: web.BaseRequest) -> str:
    """Path and query as they were sent, also where a whole URL was; the root where there is none (``OPTIONS *``)."""
    if (raw := request.raw_path).startswith("/"):
        return raw
    try:
        place = URL(raw, encoded=True).raw_path_qs
    except ValueError:
        return "/"
    return place if place.startswith("/") else "/"


def _passed(request: web.BaseRequest, *, has_token: bool) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
    dropped = _HOP_BY_HOP | named | ({"authorization"} if has_token else set())
    headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in dropped)
    headers["X-Forwarded-For"] = ", ".join(filter(None, [headers.get("X-Forwarded-For"), request.remote]))
    headers.setdefault("X-Forwarded-Proto", "http")
    headers.setdefault("X-Forwarded-Host", request.host)
    return headers


def _end_to_end(answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
    return CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP)


async def _talk(source: Any, target: Any) -> None:
    async for message in source:
        with contextlib.suppress(ConnectionError):
            if message.type is aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await target.ping(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                await target.pong(message.data)
    await target.close(code=source.close_code or 1000)
