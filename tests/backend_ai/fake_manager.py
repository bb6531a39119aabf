"""A small stand-in for a manager, and for the webserver before it: checks signatures, fails as it is told.

What it says in refusal is what real ones said (``recorded.json``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from backend_ai.recordings import recorded

from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.signing import is_signed, signer_of

KEYS = Keys("AKIAFAKE", "a secret key")
LOGIN = Keys("me@example.org", "a password")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal(what: str, release: str = "26.9.6") -> web.Response:
    """How a real cluster refused that."""
    answer = next(each for each in recorded() if (each["what"], each["release"]) == (what, release))
    kind = answer["headers"]["Content-Type"].partition(";")[0]
    return web.Response(status=answer["status"], text=answer["body"], content_type=kind)


class FakeManager:
    """Answers at ``endpoint``; signed at ``/…``, by session at ``/func/…``. ``ahead`` are answers that come first."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.version, self.manager = "v9.20250722", "26.9.6"
        self.ahead: list[Handler | int | None] = []
        """For the next calls (greetings and logins aside): a handler, a status, or None: break the connection."""
        self.seen: list[str] = []
        """Every request: ``METHOD /path?query``."""
        self.headers: list[dict[str, str]] = []
        self.greetings = self.logins = self.connections = 0
        self.sessions: set[str] = set()
        self._transports: set[object] = set()

    def profile(self, mode: str = "api", **more: object) -> Profile:
        """A profile that leads here."""
        return Profile("fake", self.endpoint, mode=mode, **more)  # type: ignore[arg-type]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        self.seen.append(f"{request.method} {request.raw_path}")
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self._count(request)
        path = request.path
        if path in ("/", "/func/"):
            self.greetings += 1
            return web.json_response({"version": self.version, "manager": self.manager})
        if path.startswith("/server/"):
            return await self._log_in(request) if path == "/server/login" else web.Response()
        if self.ahead:
            return await self._fail(request, self.ahead.pop(0))
        if refused := self._refused(request):
            return refused
        return await self._do(request)

    def _count(self, request: web.Request) -> None:
        if request.transport not in self._transports:
            self._transports.add(request.transport)
            self.connections += 1

    async def _fail(self, request: web.Request, how: Handler | int | None) -> web.StreamResponse:
        if how is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=how, text="{}") if isinstance(how, int) else await how(request)

    def _refused(self, request: web.Request) -> web.Response | None:
        headers = self.headers[-1]
        if request.path.startswith("/func/"):
            cookie = headers.get("cookie", "").removeprefix("AIOHTTP_SESSION=")
            return None if cookie in self.sessions else refusal("nobody logged in")
        if headers.get("x-backendai-version") != self.version:
            return refusal("an API version of the future")
        if signer_of(headers.get("authorization", "")) != KEYS.user:
            return refusal("an unknown access key")
        now = datetime.now(UTC)
        is_good = is_signed(request.method, request.raw_path, headers, KEYS.secret, now=now)
        return None if is_good else refusal("a wrong secret key")

    async def _log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        if await request.json() != {"username": LOGIN.user, "password": LOGIN.secret}:
            return refusal("a wrong password")
        await asyncio.sleep(0.02)
        session = f"session-{self.logins}"
        self.sessions.add(session)
        response = web.json_response({"authenticated": True, "data": {"access_key": KEYS.user, "role": "user"}})
        response.set_cookie("AIOHTTP_SESSION", session, httponly=True)
        return response

    async def _do(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/events/session"):
            return await _events(request)
        if request.path.endswith("/nothing"):
            return web.Response(status=204)
        body = await request.json() if request.can_read_body else None
        return web.json_response({"path": request.path, "query": dict(request.query), "body": body})


async def _events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b': ping\r\n\r\nevent: session_started\r\ndata: {"sessionId":\r\ndata:  "a"}\r\n\r\n')
    await response.write(b'event: session_success\ndata: {"sessionId": "a"}\n\nevent: half\ndata: {')
    return response


@asynccontextmanager
async def fake_manager() -> AsyncIterator[FakeManager]:
    """One that listens on a free port of 127.0.0.1."""
    manager = FakeManager()
    runner = web.ServerRunner(web.Server(manager.answer), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    manager.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield manager
    finally:
        await runner.cleanup()
