"""Watching all live sessions of a profile at a rate that does not depend on how many they are.

A look is one query (for each 500 of them). Looks come one a second while something happens, and up to
:data:`SLOWEST` apart while nothing does. The manager's event stream makes one come at once: its events are hints
only, for they may be missed, come twice and in any order. A budget keeps looks to one a second over time, however
many hints there are; what is left of it may go to other, lesser questions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from fasttrack_jupyter.backends.backend_ai.asking import PREFIX
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import PAGE, Looker, Row
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError

log = logging.getLogger(__name__)

FASTEST, SLOWEST = 1.0, 5.0
"""Seconds between two looks."""
_SLOWER = 1.25
_BURST = 3.0
_SUBSCRIBE_AGAIN = 60.0


class Budget:
    """One request a second over time, :data:`_BURST` at once."""

    def __init__(self) -> None:
        self._left, self._at = _BURST, time.monotonic()

    def take(self, wanted: float = 1.0, *, keep: float = 0.0) -> bool:
        """Whether ``wanted`` more may be made now, with ``keep`` left over; then they count as made."""
        now = time.monotonic()
        self._left, self._at = min(_BURST, self._left + now - self._at), now
        if self._left < min(wanted, _BURST) + keep:
            return False
        self._left -= wanted
        return True

    def wait(self, wanted: float = 1.0) -> float:
        """Seconds until :meth:`take` may succeed."""
        return max(0.0, min(wanted, _BURST) - self._left)


class Watcher:
    """Looks at the sessions that ``names`` gives, while there are any.

    ``heard`` gets what is found and tells whether that was news; ``trouble`` hears why nothing is. ``idle`` is called
    after each look, for questions that are less urgent.
    """

    def __init__(
        self,
        cluster: Cluster,
        looker: Looker,
        names: Callable[[], Sequence[str]],
        heard: Callable[[dict[str, list[Row]]], bool],
        trouble: Callable[[FastTrackError], None],
        idle: Callable[[Budget], Awaitable[None]],
    ) -> None:
        self._cluster, self._looker = cluster, looker
        self._names, self._heard, self._trouble, self._idle = names, heard, trouble, idle
        self._hint = asyncio.Event()
        self._budget = Budget()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._look()), loop.create_task(self._listen())]

    async def aclose(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def hint(self) -> None:
        """Something may have happened."""
        self._hint.set()

    async def _look(self) -> None:
        pause = FASTEST
        while True:
            names = self._names()
            if not names:
                await self._hint.wait()
            else:
                with contextlib.suppress(TimeoutError):  # 3.11's `wait_for` swallows a cancel that comes with the hint
                    async with asyncio.timeout(pause):
                        await self._hint.wait()
            cost = float(max(1, -(-len(names) // PAGE)))
            while not self._budget.take(cost):
                await asyncio.sleep(self._budget.wait(cost) + 0.01)
            self._hint.clear()
            is_news = await self._look_once()
            pause = FASTEST if is_news else min(SLOWEST, pause * _SLOWER)

    async def _look_once(self) -> bool:
        names = self._names()
        if not names:
            return True
        try:
            found = await self._looker.look(names)
            is_news = self._heard({name: found.get(name, []) for name in names})
        except FastTrackError as error:
            self._trouble(error)
            return False
        except Exception as error:  # an answer that nobody foresaw: the next look may make sense of it
            log.exception("a look at sessions went wrong")
            self._trouble(BackendUnreachable(f"what the cluster tells makes no sense: {type(error).__name__}: {error}"))
            return False
        await self._ask_less(names)
        return is_news

    async def _ask_less(self, names: Sequence[str]) -> None:
        """The lesser questions; none of them is worth a look."""
        try:
            await self._idle(self._budget)
        except FastTrackError:
            return  # asked again soon
        except Exception:
            log.exception("what %d sessions use could not be asked", len(names))

    async def _listen(self) -> None:
        """Subscribe to the cluster's events; without them looks alone find everything."""
        while True:
            while not self._names():
                await asyncio.sleep(FASTEST)
            try:
                async for event, data in self._cluster.events({}):
                    if event == "connected" or str(data.get("sessionName", PREFIX)).startswith(PREFIX):
                        self._hint.set()
            except FastTrackError:
                await asyncio.sleep(_SUBSCRIBE_AGAIN)
            except Exception:  # these are hints: nothing depends on them
                log.exception("the stream of events broke off")
                await asyncio.sleep(_SUBSCRIBE_AGAIN)
