"""Asking a replica whether it can serve: one GET, answered in time with the status that its definition expects."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fasttrack_jupyter.backends.local.services.relay import REFUSED
from fasttrack_jupyter.model.serving import HealthCheck

_HEAD = 1 << 16


async def ask(address: Path | int, check: HealthCheck | None) -> str:
    """Why the replica at ``address`` (a unix socket, or a port of this machine) cannot serve; empty if it can.

    Without a check it can as soon as its port answers.
    """
    path, seconds = (check.path, check.max_wait_time) if check else ("/", 5.0)
    try:
        async with asyncio.timeout(seconds), _connected(address) as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            if check is None and isinstance(address, int):
                return ""
            return _judged(await _answer(reader), path, check)
    except TimeoutError:
        return f"GET {path} got no answer within {seconds:g} s" if check else ""
    except FileNotFoundError:
        return "it is starting"
    except OSError as error:
        port = f"port {address}: " if isinstance(address, int) else ""
        return f"{port}{error.strerror or error}"
    except ValueError as error:
        return f"GET {path}: {error}"


@asynccontextmanager
async def _connected(address: Path | int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    folder = None
    try:
        if isinstance(address, int):
            reader, writer = await asyncio.open_connection("127.0.0.1", address, limit=_HEAD)
        else:  # a socket's name must be short, so it is named from its folder
            folder = os.open(address.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{address.name}", limit=_HEAD)
    finally:
        if folder is not None:
            os.close(folder)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, str]:
    """The head, and the body of a refusal of the relay."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        raise ValueError("the connection was closed without an answer") from None
    except asyncio.LimitOverrunError:
        raise ValueError("what answers there speaks no HTTP") from None
    body = (await reader.read(1000)).decode(errors="replace") if REFUSED in head else ""
    return head, body


def _judged(answer: tuple[str, str], path: str, check: HealthCheck | None) -> str:
    head, body = answer
    if REFUSED in head:
        return body
    if check is None:
        return ""
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise ValueError("what answers there speaks no HTTP")
    if int(words[1]) == check.expected_status_code:
        return ""
    return f"GET {path} answered {words[1]}, not {check.expected_status_code}"
