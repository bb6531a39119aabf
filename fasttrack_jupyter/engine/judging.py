"""What becomes of instances that the machine gives to be considered: at once, or after asking a judge."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from fasttrack_jupyter.engine.admission import Key
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.stimuli import RUN, Event, InstanceDecided, Verdict
from fasttrack_jupyter.engine.surroundings import Clock

log = logging.getLogger(__name__)

_AT_ONCE = 200
"""Instances that are considered in one turn: about 10 ms."""


class Judge(Protocol):
    """Knows whether the result of an execution is there already."""

    def wants(self, live: LiveJob, path: str) -> bool:
        """Whether it has to be asked about an instance. At once."""
        ...

    async def judge(self, live: LiveJob, path: str) -> Verdict:
        """RUN, or REUSE and whose outputs; waits while the same execution is under way elsewhere."""
        ...

    def ended(self, live: LiveJob, path: str, attempt: int) -> None:
        """The end of an attempt is stored; a success is to be remembered. At once: what takes long is done later."""
        ...

    def why_waiting(self, live: LiveJob, path: str) -> str:
        """What it waits for with an instance, in words."""
        ...


class Considering:
    """Decides about instances of one home's live jobs, and tells the runner. Without a judge all is done at once."""

    def __init__(self, judge: Judge | None, clock: Clock, tell: Callable[[LiveJob, Event], None]) -> None:
        self._judge, self._clock, self._tell = judge, clock, tell
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._queue: deque[tuple[LiveJob, str]] = deque()

    def queue(self, live: LiveJob, path: str) -> None:
        """An instance is to be considered: see :meth:`consider_some`."""
        self._queue.append((live, path))

    def consider_some(self, is_live: Callable[[LiveJob], bool]) -> bool:
        """Find out about so many instances that others get a turn as well; whether there are more."""
        for _ in range(min(len(self._queue), _AT_ONCE)):
            live, path = self._queue.popleft()
            if is_live(live) and live.machine.is_considering(path):
                self._consider(live, path)
        return bool(self._queue)

    def _consider(self, live: LiveJob, path: str) -> None:
        verdict = live.consider(path)
        judge = self._judge
        if verdict != RUN or judge is None or not judge.wants(live, path):
            self._tell(live, InstanceDecided(path, self._clock.now(), verdict))
            return
        task = asyncio.get_running_loop().create_task(self._ask(judge, live, path))
        self._tasks[key := live.key(path)] = task
        task.add_done_callback(lambda done: self._tasks.pop(key) if self._tasks.get(key) is done else None)

    def stop(self, live: LiveJob, path: str) -> None:
        """It was cancelled."""
        if task := self._tasks.get(live.key(path)):
            task.cancel()

    def drop(self, job_id: str) -> None:
        """Stop deciding about a job's instances; whoever takes the job over begins again."""
        for (job, _), task in self._tasks.items():
            if job == job_id:
                task.cancel()

    def why_waiting(self, live: LiveJob, path: str) -> str:
        """What is found out about an instance just now, in words; empty if nothing is."""
        return self._judge.why_waiting(live, path) if self._judge and live.key(path) in self._tasks else ""

    def ended(self, live: LiveJob, path: str, attempt: int) -> None:
        """The end of an attempt is stored."""
        if self._judge is not None and self._judge.wants(live, path):
            self._judge.ended(live, path, attempt)

    async def aclose(self) -> None:
        """Stop deciding; the next engine begins again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, judge: Judge, live: LiveJob, path: str) -> None:
        try:
            verdict = await judge.judge(live, path)
        except Exception:  # what cannot be looked up is done again: that costs time only
            log.exception("job %s: nobody knows whether %s is there already", live.job.id, path)
            verdict = RUN
        live.take(path, verdict)
        self._tell(live, InstanceDecided(path, self._clock.now(), verdict))
