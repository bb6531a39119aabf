"""Starts jobs when jobs of other pipelines have ended (``fasttrack triggers``), each once.

What counts is the event log: the end of a job is an event in the transaction that ends it, and each trigger remembers
up to which event it has done its part. So an engine that was killed between an end and what that starts does it when
it comes back; and as the new job's key is made of the trigger and the job that ended, it makes none twice.

A job is made from the trigger's file as it is then. Where that cannot be (no such file, an error in it, refused), the
trigger says why, and the next end is another chance.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from fasttrack_jupyter.engine.preparing import Preparer
from fasttrack_jupyter.engine.present import moment
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.triggers import NewTrigger, Trigger, chain
from fasttrack_jupyter.engine.views import JobRequest, JobSummary, View
from fasttrack_jupyter.errors import BadRequest, FastTrackError, NotFound, StoreError
from fasttrack_jupyter.model.job import JobEvent
from fasttrack_jupyter.model.lifecycle import Result

log = logging.getLogger(__name__)

_PAGE = 500
_AGAIN = 30.0
"""Seconds until a store is asked again that failed."""


class TriggerRequest(View):
    """Start a job of the file ``source`` when one of the pipeline ``of`` has ended."""

    source: str
    of: str = Field(min_length=1)
    result: Literal["success", "failure", "any"] = "success"
    backend: str = "local"
    params: dict[str, Any] = Field(default_factory=dict)


class TriggerView(View):
    """A trigger. ``job`` is the id of the last job that it started, ``trouble`` why it could not the last time."""

    number: int
    of: str
    result: str
    pipeline: str
    source: str
    backend: str
    params: dict[str, Any]
    created_at: datetime
    fired_at: datetime | None
    job: str | None
    trouble: str


class TriggerDesk:
    """The triggers of one home; ``run`` makes a job and starts it."""

    def __init__(
        self, store: JobStore, preparer: Preparer, clock: Clock, run: Callable[[JobRequest], Awaitable[JobSummary]]
    ) -> None:
        self._store, self._preparer, self._clock, self._run = store, preparer, clock, run
        self._news = asyncio.Event()
        self._is_looking = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin with the ends that nobody has seen yet; without triggers there is nothing to be busy with."""
        if await self._store.triggers():
            self._news.set()
        self._task = asyncio.create_task(self._watch())

    async def aclose(self) -> None:
        """What is not done the next engine does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """A job has ended."""
        self._news.set()

    def is_busy(self) -> bool:
        """Whether there are ends that may start something."""
        return self._task is not None and (self._is_looking or self._news.is_set())

    async def views(self) -> list[TriggerView]:
        """All of them, the oldest first."""
        return [_view(trigger) for trigger in await self._store.triggers()]

    async def add(self, request: TriggerRequest) -> TriggerView:
        """Keep a new one; ends from now on count.

        Raises:
            InvalidPipeline, NotFound: the file.
            BadRequest: its jobs would start themselves, by whatever way.
            Conflict: there is one of this pipeline and this file.
        """
        source = os.path.realpath(request.source)
        pipeline = await self._name_in(source)
        known = await self._store.triggers()
        if way := chain(known, pipeline, request.of):
            shown = " → ".join((request.of, *way))
            raise BadRequest(f"jobs would start each other for ever: {shown}", hint="remove one of these triggers")
        new = NewTrigger(
            of=request.of, result=request.result, pipeline=pipeline, source=source, backend=request.backend,
            params=request.params, created_at=self._clock.now(), seen=await self._store.last_seq(),
        )  # fmt: skip
        number = await self._store.trigger_add(new)
        return next(view for view in await self.views() if view.number == number)

    async def remove(self, number: int) -> None:
        """Forget one. Raises NotFound."""
        if not await self._store.trigger_drop(number):
            raise NotFound(f"there is no trigger {number}", hint="see them with: fasttrack triggers")

    # ------------------------------------------------------------------ parts

    async def _watch(self) -> None:
        while True:
            await self._news.wait()
            self._is_looking = True
            self._news.clear()
            try:
                await self._catch_up()
            except StoreError as error:
                log.warning("triggers wait for the store: %s", error.message)
                await asyncio.sleep(_AGAIN)
                self._news.set()
            except Exception:
                log.exception("triggers could not be looked at")
            finally:
                self._is_looking = False

    async def _catch_up(self) -> None:
        triggers = await self._store.triggers()
        while triggers:
            after = min(trigger.seen for trigger in triggers)
            events = await self._store.events(after, _PAGE)
            for event in events:
                if event.path is None and event.type == "JobEnded":
                    await self._ended(event, [trigger for trigger in triggers if trigger.seen < event.seq])
            if not events:
                return
            await self._store.triggers_seen(events[-1].seq)
            triggers = await self._store.triggers()

    async def _ended(self, event: JobEvent, triggers: list[Trigger]) -> None:
        try:
            job = await self._store.job(event.job_id)
        except NotFound:  # deleted meanwhile
            return
        for trigger in triggers:
            if trigger.of == job.pipeline and trigger.fits(Result(event.result or Result.UNDEFINED)):
                started, trouble = await self._fire(trigger, job.id, f"{job.pipeline}#{job.index}")
                await self._store.trigger_fired(trigger.num, event.seq, self._clock.now(), started, trouble)

    async def _fire(self, trigger: Trigger, job_id: str, by: str) -> tuple[str | None, str]:
        """The job that was started, or why none could be."""
        try:
            name = await self._name_in(trigger.source)
            if name != trigger.pipeline:
                return None, f"its file is of pipeline {name!r} now, not {trigger.pipeline!r}: add it again"
            request = JobRequest(
                source=trigger.source, params=dict(trigger.params), backend=trigger.backend, note=f"started by {by}",
                key=f"trigger {trigger.num} {job_id}",
            )  # fmt: skip
            return (await self._run(request)).id, ""
        except StoreError:
            raise
        except FastTrackError as error:
            log.warning("trigger %s could start nothing: %s", trigger.num, error.message)
            return None, error.message
        except Exception as error:  # one trigger's trouble: the others go on
            log.exception("trigger %s could start nothing", trigger.num)
            return None, f"{type(error).__name__}: {error}"

    async def _name_in(self, source: str) -> str:
        """The pipeline's name in a file. Raises InvalidPipeline, NotFound, BadRequest."""
        _, reading = await self._preparer.read(None, source)
        assert reading.pipeline is not None
        return reading.pipeline.name


def _view(trigger: Trigger) -> TriggerView:
    made = moment(trigger.created_at)
    assert made is not None
    return TriggerView(
        number=trigger.num, of=trigger.of, result=trigger.result, pipeline=trigger.pipeline, source=trigger.source,
        backend=trigger.backend, params=dict(trigger.params), created_at=made, fired_at=moment(trigger.fired_at),
        job=trigger.job, trouble=trigger.trouble,
    )  # fmt: skip
