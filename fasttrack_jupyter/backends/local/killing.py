"""The end of a whole session: TERM, grace, KILL, and the proof that nothing of it is left.

Every process is sent TERM once, for a second one means "insist" to some, and what a program starts when it hears
TERM (``trap 'cp model /pipeline/outputs' TERM``) is sent none: the grace is there for that. But TERM can be
lost on the way to the command. The supervisor outlives it (``trap :``), so one that comes before the command
was begun ends nothing; and a child between fork and exec still has its parent's traps, so what it hears there
the program that it becomes never did. Therefore, while the grace runs, who turns up newly below the supervisor (or
without a parent in the session) is sent TERM, with all that is below it; and so is, once more, who was a copy of its
parent and is another program now.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping, Sequence

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.process import Process
from fasttrack_jupyter.backends.local.processes import ProcessWatch, Tree, children_of
from fasttrack_jupyter.backends.local.runner.launcher import is_held
from fasttrack_jupyter.backends.local.session import Session
from fasttrack_jupyter.backends.local.system import image_of, send_signal

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
        if grace > 0 and await self._is_gone_within(tree, grace):
            return
        wait = _PATIENCE
        while await self._signal(tree, signal.SIGKILL) or is_held(tree.control):
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _is_gone_within(self, tree: Tree, seconds: float) -> bool:
        deadline, wait, told = time.monotonic() + seconds, _PATIENCE, _Told(tree.control)
        while True:
            held, members = is_held(tree.control), await self._members(tree)
            if not held and not members:
                return True
            told.tell(members)
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    async def _members(self, tree: Tree) -> list[Process]:
        return tree.members(await self._watch.snapshot())

    async def _signal(self, tree: Tree, number: signal.Signals) -> bool:
        members = await self._members(tree)
        for process in members:
            send_signal(process, number)
        return bool(members)


class _Told:
    """Who of a session was sent TERM, and as which program; see the module's text."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._told: dict[tuple[int, int], object] = {}
        """By pid and start: the program, of those that were copies of their parents."""

    def tell(self, members: Sequence[Process]) -> None:
        """Send TERM to those ``members`` whom it has not reached."""
        here = {process.pid: process for process in members}
        for process in [*self._changed(members), *self._new(here)]:
            image = image_of(process.pid) if process.parent in here else None
            is_copy = image is not None and image == image_of(process.parent)
            self._told[process.pid, process.start] = image if is_copy else None
            send_signal(process, signal.SIGTERM)

    def _changed(self, members: Sequence[Process]) -> list[Process]:
        images = [(process, self._told.get((process.pid, process.start))) for process in members]
        return [
            process for process, image in images if image is not None and image_of(process.pid) not in (image, None)
        ]

    def _new(self, here: Mapping[int, Process]) -> list[Process]:
        leader = None if attempts.mode_of(self._control) == "plain" else attempts.supervisor(self._control)
        heads = {leader.pid} if leader else set()
        queue = [process for process in here.values() if process.parent not in here or process.parent in heads]
        children = children_of(here)
        found: dict[int, Process] = {}
        while queue:
            process = queue.pop()
            if process.pid not in found and (process.pid, process.start) not in self._told:
                found[process.pid] = process
                queue.extend(here[pid] for pid in children.get(process.pid, ()))
        return list(found.values())


async def abandon(sessions: Sequence[Session]) -> None:
    """End sessions at once and unsaid: their home was removed, so nobody could find them again."""
    killer = Killer(ProcessWatch())
    for session in sessions:
        session.ending = True  # their end is nobody's news
    await asyncio.gather(*(killer.end(session.tree, 0.0) for session in sessions))
