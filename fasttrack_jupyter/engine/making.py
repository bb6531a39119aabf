"""New jobs: from a request, or from an old job; planned, stored, and handed to the runner."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fasttrack_jupyter.engine.cache import is_off
from fasttrack_jupyter.engine.following import foreseen
from fasttrack_jupyter.engine.overlay import has_folder
from fasttrack_jupyter.engine.ports import ExecutionBackend, Placed
from fasttrack_jupyter.engine.prepared import Origin, Prepared
from fasttrack_jupyter.engine.preparing import Preparer, selection_of
from fasttrack_jupyter.engine.present import present_job
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.staging import Parsed, Stage
from fasttrack_jupyter.engine.storing import JobStore, NewJob, PipelineRecord
from fasttrack_jupyter.engine.surroundings import Clock, EventBus
from fasttrack_jupyter.engine.task_files import HELPED, is_helped
from fasttrack_jupyter.engine.views import (
    LONGEST_NAME,
    LONGEST_TAG,
    MOST_TAGS,
    Decision,
    JobRequest,
    JobSummary,
    PlanView,
    RerunRequest,
    Selection,
)
from fasttrack_jupyter.errors import BadRequest, Conflict, Refused
from fasttrack_jupyter.model.job import PipelineJob, new_job_id


class JobMaker:
    """Makes the jobs of one home."""

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        bus: EventBus,
        backends: Callable[[str], ExecutionBackend],
        preparer: Preparer,
        runner: JobRunner,
        stage: Stage,
    ) -> None:
        self._store, self._clock, self._bus, self._backends = store, clock, bus, backends
        self._preparer, self._runner, self._stage = preparer, runner, stage
        self._handing = asyncio.Lock()
        """Held while a job that is stored already is handed to the runner."""
        self._under_way: Counter[str] = Counter()
        """How many jobs of a pipeline are being made just now, by its name."""
        self._closed: set[str] = set()
        """Pipelines that are being removed."""

    async def plan(self, request: JobRequest) -> PlanView:
        """What a job would do. Nothing is made. Raises InvalidPipeline."""
        return await self._planned(await self._preparer.prepare(request))

    async def run(self, request: JobRequest) -> JobSummary:
        """Make the job and start it. Raises InvalidPipeline, Refused."""
        if request.key and (known := await self._store.job_by_key(request.key)):
            return present_job(known)
        return await self._make(await self._preparer.prepare(request), None)

    async def plan_rerun(self, job: PipelineJob, request: RerunRequest) -> PlanView:
        """What a rerun would do."""
        again, origin = await self._rerun_request(job, request)
        return await self._planned(await self._preparer.prepare(again, origin))

    async def rerun(self, job: PipelineJob, request: RerunRequest) -> JobSummary:
        """A new job from an old one."""
        if request.key and (known := await self._store.job_by_key(request.key)):
            return present_job(known)
        again, origin = await self._rerun_request(job, request)
        return await self._make(await self._preparer.prepare(again, origin), origin)

    async def settled(self) -> None:
        """Return when no stored job is still on its way to the runner."""
        async with self._handing:
            pass

    @asynccontextmanager
    async def closed(self, pipeline: str) -> AsyncIterator[None]:
        """No job of ``pipeline`` is made meanwhile. Raises Conflict if one is being made just now."""
        if self._under_way[pipeline] or pipeline in self._closed:
            raise Conflict(f"a job of pipeline {pipeline!r} is being made or removed", hint="try again in a moment")
        self._closed.add(pipeline)
        try:
            yield
        finally:
            self._closed.discard(pipeline)

    # ------------------------------------------------------------------ parts

    async def _planned(self, prepared: Prepared) -> PlanView:
        view = await asyncio.to_thread(lambda: prepared.view)
        waits = await foreseen(self._store, prepared.pipeline, prepared.document, self._clock.now())
        return view.model_copy(update={"problems": (*view.problems, *waits)}) if waits else view

    async def _rerun_request(self, old: PipelineJob, request: RerunRequest) -> tuple[JobRequest, Origin]:
        edited = request.edited or request.text is not None
        if edited and request.text is None and old.source is None:
            raise BadRequest(
                f"job {old.pipeline}#{old.index} came from no file, so there is no edited one",
                hint="send the edited text, or leave out --edited",
            )
        if request.files and not edited:
            raise BadRequest("files came with a plain rerun, which keeps the old code", hint="send the edited text too")
        pipeline = (await self._stage.parse(old)).pipeline
        keeps_code = not edited or request.keep_code or not (request.files or has_folder(old.source))
        origin = await self._preparer.origin(old, pipeline, from_failed=request.from_failed, keeps_code=keeps_code)
        has_selection = request.selection != Selection()
        again = JobRequest(
            text=request.text if edited else old.text,
            source=old.source,
            files=request.files,
            params=request.params or {},
            selection=request.selection if has_selection else selection_of(old.options),
            backend=request.backend or old.backend,
            shrink=bool(old.options.get("shrink")) if request.shrink is None else request.shrink,
            cache=not is_off(old.options) if request.cache is None else request.cache,
            name=old.name[:LONGEST_NAME],  # an earlier version set no limits
            tags=tuple(tag[:LONGEST_TAG] for tag in old.tags[:MOST_TAGS]),
            priority=old.priority,
            key=request.key,
        )
        return again, origin

    async def _make(self, prepared: Prepared, origin: Origin | None) -> JobSummary:
        name = prepared.pipeline.name
        _check_accepted(prepared)
        if name in self._closed:
            raise Conflict(f"pipeline {name!r} is being removed", hint="try again in a moment")
        self._under_way[name] += 1
        try:
            return await self._store_and_start(prepared, origin)
        finally:
            self._under_way[name] -= 1

    async def _store_and_start(self, prepared: Prepared, origin: Origin | None) -> JobSummary:
        request, now = prepared.request, self._clock.now()
        source = os.path.realpath(request.source) if request.source else None
        record = await self._store.ensure_pipeline(prepared.pipeline.name, source, now)
        used = {task.backend for task in prepared.tasks if task.decision is Decision.RUN} or {request.backend}
        for name in sorted(used):
            await self._backends(name).make_folder(record.folder, "data", record.name)
        code = prepared.code
        if prepared.files:
            digests = {await self._backends(name).put_code(prepared.files, onto=prepared.code) for name in sorted(used)}
            (code,) = digests  # it is that of the content
        options = await asyncio.to_thread(prepared.options)
        if places := {name: found.place() for name in used if isinstance(found := self._backends(name), Placed)}:
            options["places"] = places
        if is_helped(prepared.files) or (prepared.code and origin and origin.job.options.get(HELPED)):
            options[HELPED] = True
        new = _new_job(prepared, origin, record, source=source, code=code, options=options, now=now)
        async with self._handing:
            self._runner.check_backends(used | {request.backend})
            job = await self._store.create_job(new)
            if job.id == new.id:  # else the same request, repeated, was quicker
                self._bus.publish(await self._store.last_seq())
                if prepared.cached.used:
                    await self._store.cache_used(prepared.cached.used, now)
                parsed = Parsed(prepared.pipeline, prepared.graph, prepared.known_seconds)
                self._stage.remember(job.id, parsed)
                self._runner.add(await self._stage.enliven(job, parsed, prepared.seconds))
        return present_job(job)


def _check_accepted(prepared: Prepared) -> None:
    """Raises Refused, with all tasks that are."""
    if prepared.refused:
        path, reason = next(iter(prepared.refused.items()))
        more = f" (and {len(prepared.refused) - 1} more)" if len(prepared.refused) > 1 else ""
        raise Refused(
            f"task {path!r} {reason}{more}",
            hint="see all of it with: fasttrack plan",
            details={"tasks": prepared.refused},
        )


def _new_job(
    prepared: Prepared,
    origin: Origin | None,
    record: PipelineRecord,
    *,
    source: str | None,
    code: str | None,
    options: dict[str, object],
    now: float,
) -> NewJob:
    request = prepared.request
    return NewJob(
        id=new_job_id(now),
        pipeline=record.name,
        folder=record.folder,
        text=prepared.text,
        source=source,
        backend=request.backend,
        params=prepared.params,
        instances=[(name, name) for name in prepared.graph.names],
        created_at=now,
        name=request.name,
        tags=request.tags,
        note=request.note,
        priority=request.priority,
        rerun_of=origin.job.id if origin else None,
        code=code,
        options=options,
    )
