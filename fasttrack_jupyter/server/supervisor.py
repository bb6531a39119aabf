"""Keeps an engine up for as long as the server runs.

The engine has a life of its own: the ordinary starter puts it into the background, so that it finishes its jobs
whatever becomes of this server. What is held here is a connection, its event stream: while that is open, the
engine does not count as idle; when it breaks, the engine ended or was killed, and the next one is found or
started, at once the first time and then ever more seldom. Everything that may take a moment happens in a
thread: the server's loop never waits.

::

    starting ──► connected ──► starting …       the stream broke
        └──────► failed ──► starting …          after a pause, or when somebody asks
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from fasttrack_jupyter.api import starter
from fasttrack_jupyter.api.failures import error_from
from fasttrack_jupyter.api.forward import Gone, Link, Reply
from fasttrack_jupyter.engine.views import SERVICE_CHANGED
from fasttrack_jupyter.errors import EngineUnavailable, FastTrackError, OtherVersion
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server.views import EngineState

_SILENCE = 45.0
"""Seconds; the event stream carries an empty line every 15."""
_ANSWER = 30.0
"""Seconds that a fresh engine may take for its first answer."""
_PATIENCE = 20.0
"""Seconds that a call waits for an engine that is starting."""
_NOTICE = 1.0
"""Seconds within which the event stream breaks too when a call breaks because the engine died."""
_PAUSES = (0.05, 30.0)
"""Seconds between two tries to get an engine: after the first failure, and at most."""
_RUSH = 2.0
"""Seconds between two tries at least, from the sixth on, however much somebody asks for it."""
_STEADY = 10.0
"""Seconds of connection after which the next failure counts as the first again."""
_OF_SERVICES = f'"{SERVICE_CHANGED}"'.encode()
_DOCTOR = "`fasttrack doctor` in a terminal tells what this machine lacks."


class Supervisor:
    """One home's engine, kept up. ``on_seq`` is called in the loop with each new seq, and with state changes."""

    def __init__(self, home: Home, log: logging.Logger | logging.LoggerAdapter[Any], on_seq: Callable[[int], None]):
        self._home, self._log, self._on_seq = home, log, on_seq
        self._link: Link | None = None
        self._seq = 0
        self._settled, self._changed, self._hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self.state = EngineState(state="starting")
        self.service_changes = 0
        """How often model services were heard not to be any more as they were told."""
        self.running_jobs = 0
        """As the engine said a moment ago: at most a quarter of a minute while nothing happens."""

    def start(self) -> None:
        """Begin; to be called in the running loop."""
        self._watching = asyncio.create_task(self._watch(), name="fasttrack engine")

    async def aclose(self) -> None:
        """Let go of the engine; it goes on with its jobs, and ends by itself when it is idle."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    @asynccontextmanager
    async def call(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> AsyncIterator[Reply]:
        """The engine's answer to one call; asked again of the next engine where it can do no harm.

        Raises:
            EngineUnavailable: there is no engine, or it went away and nobody knows whether it did what was asked.
        """
        with closing(await self._ask(method, target, headers, body)) as reply:
            try:
                yield reply
            except Gone as error:
                raise _unsure(error) from error

    # ------------------------------------------------------------ calls

    async def _ask(self, method: str, target: str, headers: Mapping[str, str] | None, body: bytes) -> Reply:
        link = await self._engine()
        try:
            return await link.ask(method, target, headers=headers, body=body)
        except Gone as error:
            if error.was_asked and method != "GET":
                raise _unsure(error) from error
        with suppress(TimeoutError):
            await asyncio.wait_for(self._lost(link), _NOTICE)
        link = await self._engine()
        try:
            return await link.ask(method, target, headers=headers, body=body)
        except Gone as error:
            raise _unsure(error) from error

    async def _engine(self) -> Link:
        """The engine; one that is starting is waited for.

        Raises:
            EngineUnavailable: it cannot be had now.
        """
        if self.state.state == "failed":
            self._hurry.set()
            raise EngineUnavailable(self.state.message, hint=self.state.hint)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _PATIENCE)
        if self._link is None:
            raise EngineUnavailable(
                self.state.message or "the engine is still starting", hint=self.state.hint or "Try again in a moment."
            )
        return self._link

    async def _lost(self, link: Link) -> None:
        while self._link is link:
            await self._changed.wait()

    # ------------------------------------------------------------ the engine

    async def _watch(self) -> None:
        """Get an engine, stay with it to its end, and again."""
        pause, longest = _PAUSES
        time = asyncio.get_running_loop().time
        while True:
            since = time()
            failure = await self._one_life()
            if time() - since > _STEADY:
                pause = _PAUSES[0]
            self._tell(failure)
            self._hurry.clear()
            await asyncio.sleep(min(pause, _RUSH))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause - _RUSH)):  # 3.11's `wait_for` may swallow a cancel
                    await self._hurry.wait()
            pause = min(pause * 2, longest)

    async def _one_life(self) -> EngineState:
        """Find or start an engine and follow it; how it ended."""
        try:
            await self._follow(await asyncio.to_thread(_reach, self._home))
        except Gone as error:
            self._log.warning(
                "the FastTrack engine of %s is gone (%s); the next one is started", self._home.path, error
            )
        except OtherVersion as error:
            if not await asyncio.to_thread(starter.make_way, self._home, error):
                return _failed(error)
        except FastTrackError as error:
            return _failed(error)
        except Exception as error:
            self._log.exception("the FastTrack engine of %s cannot be had", self._home.path)
            return _failed(EngineUnavailable(f"the engine cannot be had: {type(error).__name__}: {error}"))
        return EngineState(state="starting", message="the engine has ended, and is being started again")

    async def _follow(self, socket: str) -> None:
        """Be connected until the engine ends. Raises Gone, OtherVersion."""
        link = Link(socket)
        try:
            info = await _info(link)
            seq, self.running_jobs = info["seq"], info["running_jobs"]
            stream = await link.ask("GET", f"/events/stream?after={seq}&services=true", patience=_SILENCE)
            with closing(stream):
                if stream.status >= 400:
                    raise error_from(stream.status, await stream.body())
                self._link, self._seq = link, seq
                self.service_changes += 1  # who knows what happened meanwhile
                self._tell(EngineState(state="connected"))
                async for seq, is_of_services in _news(stream):
                    self.service_changes += is_of_services
                    if seq is None:
                        self.running_jobs = (await _info(link))["running_jobs"]
                    elif seq > self._seq:
                        self.running_jobs = self.running_jobs or 1  # something happens: it runs something, or just did
                        self._seq = seq
                    if seq is not None or is_of_services:
                        self._on_seq(self._seq)
        finally:
            self._link = None
            await link.aclose()

    def _tell(self, state: EngineState) -> None:
        if state.state == "failed" != self.state.state:
            self._log.error("FastTrack: %s %s", state.message, state.hint)
        self.state = state
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if state.state == "starting":
            self._settled.clear()
        else:
            self._settled.set()
        self._on_seq(self._seq)


def _reach(home: Home) -> str:
    """The socket of the engine that serves ``home``, started if there was none. Blocks; raises EngineUnavailable."""
    connection = starter.connection_to(home, start=True, timeout=_ANSWER)
    connection.close()
    return connection.path


async def _info(link: Link) -> dict[str, Any]:
    """EngineInfo, which an engine of any version tells."""
    with closing(await link.ask("GET", "/info", patience=_ANSWER)) as reply:
        found: dict[str, Any] = json.loads(await reply.body())
    return found


async def _news(stream: Reply) -> AsyncIterator[tuple[int | None, bool]]:
    """The last number in each part that arrives (events come in order, and only the newest is a hint), and whether
    services may have changed.

    None where nothing has happened for a while.
    """
    rest = b""
    async for part in stream.parts():
        *lines, rest = (rest + part).split(b"\n")
        last = next(filter(None, reversed(lines)), b"")
        if lines:
            yield json.loads(last)["seq"] if last else None, any(_OF_SERVICES in line for line in lines)


def _failed(error: FastTrackError) -> EngineState:
    return EngineState(state="failed", message=error.message, hint=f"{error.hint} {_DOCTOR}".strip())


def _unsure(error: Gone) -> EngineUnavailable:
    return EngineUnavailable(
        f"the engine went away before it answered: {error}",
        hint="It is being started again. Look whether it did what you asked; if not, ask again.",
    )
