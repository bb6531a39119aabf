"""Between the ports that Jupyter chose and a kernel's sockets in a folder: bytes, in both directions.

ZeroMQ speaks the same over TCP and over unix sockets, so nothing of it is understood here, and nothing can be: what
is not signed with the key of the connection file is refused by the kernel itself. Only this process sees both sides:
the kernel may be in a container whose network is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from fasttrack_jupyter.notebook.travel.debug_session import FOLDER, PORTS

Json = dict[str, Any]

_PART = 1 << 16
_LONGEST_LINE = 1 << 16


class Control:
    """The connection that holds launcher and session together."""

    def __init__(self, folder: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.folder = folder
        """Of the session's sockets."""
        self._reader, self._writer = reader, writer

    @classmethod
    async def reach(cls, outputs: Path) -> Control | None:
        """Connect to the session that writes to ``outputs``; None while it does not listen yet."""
        folder = _within_reach(outputs / FOLDER)
        if folder is None:
            return None
        try:
            reader, writer = await asyncio.open_unix_connection(f"{folder}/control", limit=_LONGEST_LINE)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        return cls(folder, reader, writer)

    async def send(self, message: Json) -> None:
        """Say something. One that is gone does not hear it: :meth:`hear` tells."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()

    async def hear(self) -> Json | None:
        """The session's next words; None when it is gone."""
        try:
            line = await self._reader.readline()
            found = json.loads(line) if line.endswith(b"\n") else None
        except (ConnectionError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    async def close(self) -> None:
        """Let go; the session ends."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


def _within_reach(folder: Path) -> str | None:
    """A name of the folder that is short enough for sockets: relative, from inside of it. None: it is not there."""
    try:
        os.chdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "."


class Relay:
    """Listens where Jupyter's clients look for a kernel. ``connection``: the content of the connection file."""

    def __init__(self, folder: str, connection: Json) -> None:
        self._folder, self._connection = folder, connection
        self._servers: list[asyncio.Server] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Relay:
        for number, name in enumerate(PORTS, 1):
            self._servers.append(await self._listen(f"{self._folder}/k-{number}", self._connection[f"{name}_port"]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _listen(self, target: str, port: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._under_way.add(task)
            try:
                await _joined(target, reader, writer)
            except asyncio.CancelledError:
                return  # the relay is closed
            finally:
                self._under_way.discard(task)

        if self._connection.get("transport") == "ipc":
            return await asyncio.start_unix_server(serve, f"{self._connection['ip']}-{port}")
        return await asyncio.start_server(serve, self._connection["ip"], port)


async def _joined(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes between a client and the socket ``target`` until one of them has closed."""
    other: asyncio.StreamWriter | None = None
    try:
        back, other = await asyncio.open_unix_connection(target)
        ways = [asyncio.ensure_future(_carry(reader, other)), asyncio.ensure_future(_carry(back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    except OSError:
        return  # the kernel is on its way out: the client tries again, or is told by whoever watches it
    finally:
        writer.close()
        if other is not None:
            other.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(_PART):
            writer.write(part)
            await writer.drain()
