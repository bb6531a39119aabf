"""The end of a whole session: TERM, grace, KILL, and the proof that nothing of it is left."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence

from fasttrack_jupyter.backends.local.process import Process
from fasttrack_jupyter.backends.local.processes import ProcessWatch, Tree
from fasttrack_jupyter.backends.local.runner.launcher import is_held
from fasttrack_jupyter.backends.local.session import Session
from fasttrack_jupyter.backends.local.system import send_signal

_PATIENCE = 0.005
_LONGEST_WAIT = 0.2


class Killer:
    """Ends sessions. One per backend: the looks at the process table are shared."""

    def __init__(self, watch: ProcessWatch) -> None:
        self._watch = watch

    async def end(self, tree: Tree, grace: float) -> None:
        """TERM to every process of ``tree``, KILL after ``grace`` seconds; returns when none is left.

        The supervisor outlives TERM and writes down how the command ended.
        """
        if grace > 0:
            await self._signal(tree, signal.SIGTERM)
            if await self._is_gone_within(tree, grace):
                return
        wait = _PATIENCE
        while await self._signal(tree, signal.SIGKILL) or is_held(tree.control):
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _is_gone_within(self, tree: Tree, seconds: float) -> bool:
        deadline, wait = time.monotonic() + seconds, _PATIENCE
        while time.monotonic() < deadline:
            if not is_held(tree.control) and not await self._members(tree):
                return True
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)
        return False

    async def _members(self, tree: Tree) -> list[Process]:
        return tree.members(await self._watch.snapshot())

    async def _signal(self, tree: Tree, number: signal.Signals) -> bool:
        members = await self._members(tree)
        for process in members:
            send_signal(process, number)
        return bool(members)


async def abandon(sessions: Sequence[Session]) -> None:
    """End sessions at once and unsaid: their home was removed, so nobody could find them again."""
    killer = Killer(ProcessWatch())
    for session in sessions:
        session.ending = True  # their end is nobody's news
    await asyncio.gather(*(killer.end(session.tree, 0.0) for session in sessions))
