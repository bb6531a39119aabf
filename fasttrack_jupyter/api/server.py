"""The API on a listening socket, for as long as the engine process likes."""

from __future__ import annotations

import socket

from aiohttp import web

from fasttrack_jupyter.api.app import make_app
from fasttrack_jupyter.api.routes import Control
from fasttrack_jupyter.engine.service import FastTrack

_FAREWELL = 1.0
"""Seconds that open requests get when the server stops; streams never finish by themselves."""
_KEPT = 24 * 3600.0
"""Seconds that a silent connection is kept: who is connected keeps the engine alive."""


class Server:
    """Answers for one façade; see :meth:`open` and :meth:`aclose`."""

    def __init__(self, engine: FastTrack, control: Control) -> None:
        self._runner = web.AppRunner(
            make_app(engine, control),
            access_log=None,
            handle_signals=False,
            keepalive_timeout=_KEPT,
            shutdown_timeout=_FAREWELL,
        )

    async def open(self, listener: socket.socket) -> None:
        """Answer whoever connects, and who is in the queue already."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    @property
    def connections(self) -> int:
        """How many are connected now."""
        return len(self._runner.server.connections) if self._runner.server else 0

    async def aclose(self) -> None:
        """Close every connection, after a moment for those that are being answered."""
        await self._runner.cleanup()
