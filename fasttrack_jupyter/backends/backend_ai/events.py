"""Server-sent events (WHATWG HTML, "9.2"), as far as a manager sends them, and the stream that does not end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp

from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.errors import BackendUnreachable, KeysRefused

Event = tuple[str, dict[str, Any]]
CONNECTED: Event = ("connected", {})
_MOST = 30.0
"""Seconds between two tries to connect, at most."""


async def event_stream(connect: Callable[[], Awaitable[aiohttp.ClientResponse]]) -> AsyncIterator[Event]:
    """Events from one connection after another; see ``Cluster.events``."""
    tried = 0
    while True:
        try:
            response = await connect()
            async with response:
                yield CONNECTED
                async for event in parse_events(response.content):
                    tried = 0
                    yield event
        except KeysRefused:
            raise
        except (BackendUnreachable, aiohttp.ClientError, TimeoutError, OSError):
            pass  # these are hints: what was missed is looked for, and the next connection is made below
        tried += 1
        await asyncio.sleep(pause(tried, most=_MOST))


async def parse_events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """``event:`` and ``data:`` lines, put together at each empty line; pings (comments) are passed by."""
    name, data = "message", list[str]()
    async for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event" and line:
            name = value
        elif field == "data" and line:
            data.append(value)
        elif not line:
            if data:
                yield name, _payload("\n".join(data))
            name, data = "message", []


def _payload(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": text}
