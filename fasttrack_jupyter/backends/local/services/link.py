"""The engine's end of the gateway: starts it where there is none, and tells it what is wanted now."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter import __version__
from fasttrack_jupyter.backends.local.fresh import open_private
from fasttrack_jupyter.backends.local.services.tokens import load_key
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.home import short_socket

_MODULE = "fasttrack_jupyter.backends.local.services.gateway"
_START_SECONDS = 30.0
_ANSWER_SECONDS = 20.0
_LOOK_AGAIN = 0.05
_LINE = 1 << 24


class GatewayLink:
    """One per engine. ``lost`` is called when the gateway went away."""

    def __init__(self, home: Path, lost: Callable[[], None]) -> None:
        self._home, self._lost = home, lost
        self._control = str(short_socket(home / "services" / "gateway.sock"))
        self._lock = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self.pid: int | None = None
        """The gateway's, while it answers."""
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self._starting: threading.Thread | None = None
        """Waits for the end of the gateway that this engine starts: it stays a zombie for nobody. None once one of our
        version has answered: should that leave, another is started while it still answers its last requests."""

    def key(self) -> bytes:
        """What tokens are signed with."""
        (self._home / "services").mkdir(mode=0o700, exist_ok=True)
        return load_key(self._home / "services" / "key")

    async def sync(self, services: Sequence[dict[str, Any]], spared: Sequence[str] = ()) -> dict[str, Any]:
        """Tell the gateway, start it if need be; its answer. Raises BackendUnreachable.

        The services named in ``spared`` stay as they are.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS + _START_SECONDS):
                    if self._writer is None:
                        if not services and not await self._connect():
                            return {"ports": {}, "troubles": {}, "busy": {}}
                        await self._connect_or_start()
                    assert self._writer is not None
                    self._writer.write(json.dumps({"services": services, "spared": spared}).encode() + b"\n")
                    await self._writer.drain()
                    line = await self._answers.get()
            except (OSError, TimeoutError) as error:
                self._drop()
                raise BackendUnreachable(f"the gateway of the services does not answer: {error}") from error
            if not line:
                raise BackendUnreachable("the gateway of the services went away")
            answer: dict[str, Any] = json.loads(line)
            if answer["version"] != __version__:
                await self._start(replaces=answer["pid"])  # which lets go once the next one is ready
                raise BackendUnreachable(f"the gateway of version {answer['version']} is replaced")
            self.pid, self._starting = answer["pid"], None
            return answer

    async def _connect(self) -> bool:
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._control, limit=_LINE)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        self._answers = asyncio.Queue()
        listening = self._listen(reader, self._writer, self._answers)
        self._listening = asyncio.get_running_loop().create_task(listening)
        return True

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Queue[bytes]
    ) -> None:
        """Pass answers on; the end of the connection is an empty one."""
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                answers.put_nowait(line)
        answers.put_nowait(b"")
        if self._writer is writer:  # there may be another connection by now
            self._drop()
            self._lost()

    async def _connect_or_start(self) -> None:
        if await self._connect():
            return
        self.key()
        while not await self._connect():
            await self._start()
            await asyncio.sleep(_LOOK_AGAIN)

    async def _start(self, replaces: int | None = None) -> None:
        """Start a gateway, unless one is starting, in the place of another one (its pid)."""
        if self._starting is None or not self._starting.is_alive():
            pid = await asyncio.to_thread(self._spawn, [] if replaces is None else [str(replaces)])
            self._starting = threading.Thread(target=_wait_for, args=(pid,), name="gateway", daemon=True)
            self._starting.start()

    def _spawn(self, more: list[str]) -> int:
        log = open_private(str(self._home / "services" / "gateway.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            return os.posix_spawn(
                sys.executable, [sys.executable, "-P", "-m", _MODULE, str(self._home), self._control, *more],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsid=True, setsigmask=(), setsigdef=(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
            )  # fmt: skip
        finally:
            os.close(log)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = self.pid = None

    async def aclose(self) -> None:
        """Let go of it; it goes on."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._drop()


def _wait_for(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # somebody waits for every child of this process
        os.waitpid(pid, 0)
