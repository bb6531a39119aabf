"""The gateway: one process per home that gives every service its URL and sends each request to a replica.

A process of its own, so that the engine may end, crash or be replaced while models are served. It keeps nothing: the
engine tells it over a unix socket (one line of JSON each way) which services there are, on which port, and
which replicas may be asked; it answers with the ports and with how many requests each replica is busy with, so that
the engine knows when a replica that gets no more of them is done. If the engine goes, the last word stands; if the
gateway goes, the engine starts another and says it again. It ends when there is no service left, or no home.

Told to end (SIGTERM: an engine of another release replaces it), it lets go at once of its ports and of the home's lock,
on which the next one waits; it ends as soon as the requests are answered that it has begun with.

Requests are not queued and connections to replicas not kept: a model server that closes an idle connection at the very
moment when a request is sent over it would make that request fail. A request that reached no replica (nobody
accepted the connection) goes to the next one; one that may have been seen is never sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from fasttrack_jupyter import __version__
from fasttrack_jupyter.backends.local.services.passing import Door, Replica
from fasttrack_jupyter.backends.local.services.tokens import load_key

_LAST_ANSWERS = 60.0
"""Seconds that what is under way may take when a service is removed, or the gateway replaced."""
_LAST_BYTES = 0.5
"""Seconds for connections on which nothing is under way to close."""
_LOOK = 5.0
_PATIENCE = 90
"""Seconds that a gateway waits for the one that it replaces to let go of the home."""
_UNTOLD = 20.0
"""Seconds after which a gateway ends that nobody has told anything."""
LINE = 1 << 24
"""Longest line between engine and gateway, in bytes."""


class Listener:
    """One service's port."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.port: int | None = None
        self.trouble = ""
        self._server = web.Server(
            door.handle, access_log=None, handler_cancellation=True, auto_decompress=False  # bodies pass as they are
        )  # fmt: skip
        self._runner = web.ServerRunner(self._server, handle_signals=False, shutdown_timeout=_LAST_BYTES)

    async def listen(self, port: int) -> None:
        """On ``port`` of the loopback (0: any that is free); what keeps it from that is told in ``trouble``."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024, reuse_address=True).start()
        except OSError as error:
            self.trouble = f"port {port} cannot be had: {error.strerror}"
            return
        self.port, self.trouble = self._runner.addresses[0][1], ""

    async def leave(self) -> None:
        """Stop listening."""
        self.door.is_closing = True
        for site in list(self._runner.sites):
            await site.stop()

    async def aclose(self) -> None:
        """Stop listening, let what is under way end: that are requests, and no connections on which there is none."""
        await self.leave()
        await self.door.done(_LAST_ANSWERS)
        await self._runner.cleanup()
        await self.door.aclose()


class Gateway:
    """All services of one home."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._listeners: dict[str, Listener] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._engines: dict[asyncio.StreamWriter, asyncio.Event] = {}
        """Who is connected, and whether it is gone."""
        self.is_told = False
        self.over = asyncio.Event()
        """It is to end: there is no service left, or another one takes its place."""

    async def sync(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """From now on it is so; the answer tells ports, troubles and what replicas are busy with.

        ``spared`` are the names of services that this engine knows nothing about: they stay as they are.
        """
        self.is_told, spared = True, wanted.get("spared", ())
        services = {told["id"]: told for told in wanted["services"]}
        for gone in self._listeners.keys() - services.keys():
            if self._listeners[gone].door.name not in spared:
                self._later(self._listeners.pop(gone))
        for service, told in services.items():
            await self._put(service, told)
        if not self._listeners:
            self.over.set()
        return {
            "version": __version__,
            "pid": os.getpid(),
            "ports": {service: listener.port for service, listener in self._listeners.items()},
            "troubles": {service: listener.trouble for service, listener in self._listeners.items()},
            "busy": {r: n for listener in self._listeners.values() for r, n in listener.door.busy().items()},
        }

    async def _put(self, service: str, told: Mapping[str, Any]) -> None:
        if (listener := self._listeners.get(service)) is None:
            listener = self._listeners[service] = Listener(Door(service, told["name"], self._key))
        listener.door.is_public, listener.door.reason = told["is_public"], told["reason"]
        public = set(told["public"])
        replicas = [Replica(name, host, place, name in public) for name, host, place in told["replicas"]]
        await listener.door.offer(replicas)
        if listener.port is None:
            await listener.listen(told["port"])

    def _later(self, listener: Listener) -> None:
        task = asyncio.get_running_loop().create_task(listener.aclose())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one engine until it goes."""
        gone = self._engines[writer] = asyncio.Event()
        try:
            while (line := await reader.readline()).endswith(b"\n"):  # else the engine was killed in mid-word
                writer.write(json.dumps(await self.sync(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()
            del self._engines[writer]
            gone.set()

    async def leave(self) -> None:
        """Stop listening: from now on all of this can be another one's."""
        for engine, gone in list(self._engines.items()):
            engine.close()
            await gone.wait()
        for listener in self._listeners.values():
            await listener.leave()

    async def aclose(self) -> None:
        """Let all that is under way end."""
        for listener in self._listeners.values():
            self._later(listener)
        await asyncio.gather(*self._background)


async def run(home: Path, control: str, lock: int) -> None:
    """Serve ``home`` until there is nothing left to serve, or another gateway is to do it; ``lock`` is let go then."""
    gateway = Gateway(load_key(home / "services" / "key"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, gateway.over.set)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(control)
    server = await asyncio.start_unix_server(gateway.serve, control, limit=LINE)
    os.chmod(control, 0o600)
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + _UNTOLD
    while not gateway.over.is_set() and os.fstat(folder).st_nlink and (gateway.is_told or time.monotonic() < until):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gateway.over.wait(), _LOOK)
    server.close()
    await gateway.leave()
    os.close(lock)
    await gateway.aclose()


def take_over(lock: int, other: int | None) -> bool:
    """Whether this is the gateway of the home: ``other``, if there is one, is asked to leave, and waited for."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if other is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(other, signal.SIGTERM)
        signal.alarm(_PATIENCE)  # which ends the process
        fcntl.flock(lock, fcntl.LOCK_EX)
        signal.alarm(0)
    return True


def main() -> None:
    """``python -m … HOME CONTROL [PID]``: be the gateway of HOME, unless there is one; in the place of PID's."""
    home, control, *other = Path(sys.argv[1]), *sys.argv[2:]
    os.umask(0o077)
    lock = os.open(home / "services" / "gateway.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not take_over(lock, int(other[0]) if other else None):
        return
    attempts = home / "attempts"
    attempts.mkdir(mode=0o700, exist_ok=True)
    os.chdir(attempts)  # replicas' sockets are named from here: a socket's name must be short
    asyncio.run(run(home, control, lock))


if __name__ == "__main__":
    main()
