"""Listening: the application on a port, until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.web.access import Door
from fasttrack_jupyter.web.app import make_app
from fasttrack_jupyter.web.desk import Desk, Engine
from fasttrack_jupyter.web.library import Library

Json = dict[str, Any]


def serve_forever(
    engine: Engine,
    pipelines: Path,
    *,
    verify: Callable[[Json], Json],
    backend: str,
    address: tuple[str, int],
    say: Callable[[str], None],
) -> None:
    """Serve on ``address`` (port 0: any) until SIGINT or SIGTERM; ``say`` hears where.

    Raises:
        BadRequest: that address cannot be listened on.
    """
    app = make_app(Desk(engine, Library(pipelines), backend), Door(verify))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(app, address, say))


async def _serve(app: web.Application, address: tuple[str, int], say: Callable[[str], None]) -> None:
    host, port = address
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = error.strerror or str(error)
            raise BadRequest(f"cannot listen on {host}:{port}: {why}", hint="Choose another --port.") from error
        if not _is_loopback(host):
            say("Others can reach this address, and nothing is encrypted: put a proxy with TLS before it.")
        for listening in runner.addresses:
            say(f"FastTrack's pipeline API is at http://{listening[0]}:{listening[1]} (Ctrl-C ends it)")
        await _interrupted()
    finally:
        await runner.cleanup()


async def _interrupted() -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C is a KeyboardInterrupt there
            loop.add_signal_handler(number, ended.set)
    await ended.wait()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
