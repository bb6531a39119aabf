"""Backends that come and go while the engine runs: somebody logs in to a cluster, or out of it."""

from __future__ import annotations

import asyncio

from fasttrack_jupyter.engine.making import JobMaker
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.takeover import Takeover
from fasttrack_jupyter.engine.whereabouts import LOCAL
from fasttrack_jupyter.errors import BackendError, Conflict

_NAMED = 5


class BackendChanges:
    """Adds backends to an engine and removes them, one after the other."""

    def __init__(self, roster: Roster, runner: JobRunner, takeover: Takeover, maker: JobMaker) -> None:
        self._roster, self._runner, self._takeover, self._maker = roster, runner, takeover, maker
        self._one_at_a_time = asyncio.Lock()

    async def add(self, name: str, backend: ExecutionBackend) -> None:
        """Open a backend and go on with the jobs that wait for it; see :meth:`FastTrack.add_backend`."""
        if name == LOCAL:
            raise Conflict(f"the backend {name!r} is the home's own and always there", hint="choose another name")
        async with self._one_at_a_time:
            if name in self._roster:
                await self._remove(name)
            await self._roster.add(name, backend, self._runner.hear)
            if (why := self._roster.why_closed(name)) is not None:
                raise BackendError(f"the backend {name!r} is not here: {why}", hint="mend it, and add it again")
            await self._takeover.take_over_of(name)

    async def remove(self, name: str, *, set_aside: bool) -> None:
        """Close a backend and forget it; see :meth:`FastTrack.remove_backend`."""
        self._roster.backend(name)
        if name == LOCAL:
            raise Conflict(f"the backend {name!r} is the home's own and stays")
        async with self._one_at_a_time:
            await self._maker.settled()
            if not set_aside:
                self.check_unneeded(name)
            await self._remove(name)

    def check_unneeded(self, name: str) -> None:
        """Raises Conflict while jobs that have not ended need a backend."""
        words = [f"{live.job.pipeline}#{live.job.index}" for live in self._runner.needing(name)]
        if words:
            more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
            raise Conflict(
                f"the backend {name!r} is needed by {', '.join(words[:_NAMED])}{more}",
                hint="wait until they have ended, or cancel them",
            )

    async def _remove(self, name: str) -> None:
        """Its jobs are set aside as they stand in the store; then it is closed. Its sessions go on."""
        for live in self._runner.needing(name):
            self._runner.lay_down(live, f"the backend {name!r} is not here: it was removed")
        await self._runner.settled()
        await self._roster.remove(name)
