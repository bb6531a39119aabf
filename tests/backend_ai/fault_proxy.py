"""A small HTTP proxy that stands before a real server and lets it fail on demand.

Requests pass as they came (path, query, Host and headers untouched, so that signatures hold) until a rule says
otherwise. A rule is about the requests whose ``METHOD /path?query`` its pattern is found in, and may be spent after
some of them; the first that applies wins. It runs in a thread of its own: what is tested has its event loop for itself.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"}


@dataclass
class Rule:
    """What happens to requests that match."""

    pattern: re.Pattern[str]
    times: int | None
    act: Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Hold:
    """A request that is held up; it comes to pass when it is let go."""

    _loop: asyncio.AbstractEventLoop
    _reached: threading.Event = field(default_factory=threading.Event)
    _gone_on: asyncio.Event = field(default_factory=asyncio.Event)
    _is_dropped: bool = False

    def is_reached(self) -> bool:
        """Whether a request has come."""
        return self._reached.is_set()

    def let_go(self) -> None:
        """It may go on; nobody need be there any more to hear of its answer."""
        self._loop.call_soon_threadsafe(self._gone_on.set)

    def drop(self) -> None:
        """It goes nowhere any more."""
        self._is_dropped = True
        self.let_go()

    async def wait(self) -> None:
        """For the proxy: here it is held. Raises ConnectionError where it was dropped."""
        self._reached.set()
        await self._gone_on.wait()
        if self._is_dropped:
            raise ConnectionError


@dataclass
class FaultProxy:
    """``FaultProxy(url).start()``; then `endpoint` is what to give to a client. Safe to use from any thread."""

    target: str
    endpoint: str = ""
    seen: list[str] = field(default_factory=list)
    """Every request that came, as ``METHOD /path?query``, whatever became of it."""
    passed: list[str] = field(default_factory=list)
    """Those that were sent on to the server."""
    renamed: dict[str, str] = field(default_factory=dict)
    """What is said in place of something in answers (JSON): the address of a proxy for that of a storage proxy."""
    _rules: list[Rule] = field(default_factory=list)
    _holds: list[Hold] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _runner: web.AppRunner | None = None
    _session: ClientSession | None = None

    # ------------------------------------------------------------ what goes wrong

    def delay(self, seconds: float, path: str = "", times: int | None = None) -> None:
        """Matching requests are sent on only after so many seconds."""

        async def act(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await self._send_on(request)

        self._add(path, times, act)

    def answer(
        self,
        status: int,
        path: str = "",
        times: int | None = None,
        headers: dict[str, str] | None = None,
        text: str = "",
    ) -> None:
        """Matching requests get this status (429, 503 …), and the server never hears of them."""

        async def act(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers=headers, text=text)

        self._add(path, times, act)

    def reset(
        self,
        path: str = "",
        times: int | None = None,
        when: Literal["before", "after"] = "before",
        after_bytes: int = 0,
    ) -> None:
        """The connection breaks: before the server heard of the request, or after it did what was asked (the answer is
        lost, but for its first `after_bytes` bytes)."""

        async def act(request: web.Request) -> web.StreamResponse:
            if when == "after":
                return await self._send_on(request, cut_after=after_bytes)
            return _break(request)

        self._add(path, times, act)

    def hold(self, path: str, when: Literal["before", "after"] = "before") -> Hold:
        """The next matching request is held up: before the server hears of it, or after it did what was asked."""
        hold = Hold(self._loop)
        self._holds.append(hold)

        async def act(request: web.Request) -> web.StreamResponse:
            if when == "before":
                try:
                    await hold.wait()
                except ConnectionError:
                    return _break(request)
                return await self._send_on(request)
            return await self._send_on(request, hold=hold)

        self._add(path, 1, act)
        return hold

    def heal(self) -> None:
        """No more rules, and if it was down it is up again; what is still held up is dropped."""
        self._rules.clear()
        for hold in self._holds:
            hold.drop()
        self._holds.clear()
        self.up()

    def down(self) -> None:
        """Nobody listens any more, and open connections break."""
        self._run(self._close())

    def up(self) -> None:
        """Listen again, at the same address."""
        if self._runner is None:
            self._run(self._listen())

    def drop(self) -> None:
        """Break every open connection, once."""
        self._run(self._close())
        self._run(self._listen())

    # ------------------------------------------------------------ how it works

    def start(self) -> FaultProxy:
        """Begin to listen, on a free port of 127.0.0.1."""
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._open_session())
        self._run(self._listen())
        return self

    def stop(self) -> None:
        """End it."""
        self._run(self._close())
        self._run(self._close_session())
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join()
        self._loop.close()

    def _add(self, path: str, times: int | None, act: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._rules.append(Rule(re.compile(path), times, act))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open_session(self) -> None:
        connector = TCPConnector(limit=0, force_close=True)
        self._session = ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(), cookie_jar=DummyCookieJar()
        )

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, auto_decompress=False)
        await self._runner.setup()
        port = int(self.endpoint.rpartition(":")[2]) if self.endpoint else 0
        site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        if self._runner is None:
            return
        for handler in list(self._runner.server.connections if self._runner.server else []):
            if handler.transport is not None:
                handler.transport.abort()
        await self._runner.cleanup()
        self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        line = f"{request.method} {request.raw_path}"
        self.seen.append(line)
        for rule in list(self._rules):
            if rule.pattern.search(line) and rule.times != 0:
                rule.times = None if rule.times is None else rule.times - 1
                return await rule.act(request)
        return await self._send_on(request)

    async def _send_on(
        self, request: web.Request, cut_after: int | None = None, hold: Hold | None = None
    ) -> web.StreamResponse:
        """Ask the server, and stream what it answers; `cut_after` bytes of that the connection breaks."""
        assert self._session is not None
        self.passed.append(f"{request.method} {request.raw_path}")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body = await request.read() if request.can_read_body else None
        url = URL(self.target + request.raw_path, encoded=True)
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False,
                skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            ) as answer:  # fmt: skip
                if hold is not None:
                    await answer.read()
                    await hold.wait()
                return await _pass_back(request, answer, cut_after, self.renamed)
        except (ClientError, ConnectionError):
            return _break(request)  # as it would be seen without a proxy


async def _pass_back(
    request: web.Request, answer: ClientResponse, cut_after: int | None, renamed: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in answer.headers.items():
        if name.lower() not in HOP_BY_HOP:
            response.headers.add(name, value)
    if renamed and "json" in answer.headers.get("Content-Type", "") and cut_after is None:
        text = _with_other_names(await answer.read(), renamed)
        return web.Response(status=answer.status, headers=response.headers, body=text)
    if "Content-Length" in answer.headers:
        response.content_length = int(answer.headers["Content-Length"])
    if cut_after == 0:
        await answer.read()  # the server has done it
        return _break(request)
    await response.prepare(request)
    sent = 0
    async for chunk in answer.content.iter_any():
        if cut_after is not None and sent + len(chunk) > cut_after:
            await response.write(chunk[: cut_after - sent])
            return _break(request)
        await response.write(chunk)
        sent += len(chunk)
    await response.write_eof()
    return response


def _with_other_names(body: bytes, renamed: dict[str, str]) -> bytes:
    for name, other in renamed.items():
        body = body.replace(name.encode(), other.encode())
    return body


def _break(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
