"""The engine process once everything is imported: answer until it is time to end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.server import Server
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.host.log import start_logging
from fasttrack_jupyter.host.seat import Seat
from fasttrack_jupyter.host.settings import HostSettings
from fasttrack_jupyter.host.wiring import open_fasttrack

_COLLECTIONS = (10_000, 20, 100)
"""Of the garbage collector: a full one looks at all jobs (0.1 s for 10,000 tasks), so it comes seldom."""
_LOOK_SECONDS = 1.0
"""Between looks at whether the home is still there."""
_LOG = logging.getLogger("fasttrack")


def serve(seat: Seat, settings: HostSettings, *, in_background: bool) -> int:
    """Serve the home until told to stop, or idle; 0, or 1 where the engine failed."""
    start_logging(seat.home.log if in_background else None)
    gc.freeze()  # what was imported stays: no collection need look at it again
    gc.set_threshold(*_COLLECTIONS)
    gc.enable()
    try:
        asyncio.run(_serve(seat, settings))
    except FastTrackError as error:
        _LOG.error("%s %s", error.message, error.hint)
        return 1
    except Exception:
        _LOG.exception("the engine failed")
        return 1
    return 0


async def _serve(seat: Seat, settings: HostSettings) -> None:
    engine = await open_fasttrack(seat.home.path, settings)
    ending = Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.stop)
    server = Server(engine, ending)
    try:
        await server.open(seat.listener)
        _LOG.info("FastTrack %s serves %s", __version__, seat.home.path)
        await ending.wait(engine, server, seat, settings.idle)
    finally:
        seat.close_door()
        await server.aclose()
        await engine.aclose()
        _LOG.info("the engine of %s has ended", seat.home.path)


class Ending:
    """What makes the engine end: somebody's wish, a failure, the loss of its home, or nothing to do for a while."""

    def __init__(self) -> None:
        self._wished = asyncio.Event()

    def stop(self) -> None:
        """Stop in order, soon; sessions go on."""
        self._wished.set()

    async def wait(self, engine: FastTrack, server: Server, seat: Seat, idle: float) -> None:
        """Return when it is time to end. Raises what the engine failed with."""
        causes = [
            asyncio.create_task(self._wished.wait(), name="wished"),
            asyncio.create_task(engine.stopped(), name="failed"),
            asyncio.create_task(_idle_for(engine, server, idle), name="idle"),
            asyncio.create_task(_displaced(seat), name="its home was removed or moved"),
        ]
        try:
            done, _ = await asyncio.wait(causes, return_when=asyncio.FIRST_COMPLETED)
            for cause in done:
                cause.result()
                _LOG.info("the engine ends: %s", cause.get_name())
        finally:
            for cause in causes:
                cause.cancel()
            await asyncio.gather(*causes, return_exceptions=True)


async def _displaced(seat: Seat) -> None:
    """Return when the home is not where it was: nobody can find this engine, and it can record nothing."""
    while seat.is_at_home():
        await asyncio.sleep(_LOOK_SECONDS)


async def _idle_for(engine: FastTrack, server: Server, idle: float) -> None:
    """Return when nothing was to do and nobody connected for ``idle`` seconds together; never where that is 0."""
    time = asyncio.get_running_loop().time
    since = time()
    while not idle or time() - since < idle:
        await asyncio.sleep(min(1.0, idle / 4 or 60.0))
        if not engine.is_idle() or server.connections:
            since = time()
