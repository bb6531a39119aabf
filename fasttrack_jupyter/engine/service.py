"""FastTrack: the façade that every face uses."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from fasttrack_jupyter import __version__
from fasttrack_jupyter.engine import reads
from fasttrack_jupyter.engine.household import Household, World
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.machine import CANCEL_REQUESTED
from fasttrack_jupyter.engine.preparing import Origin, Prepared, selection_of
from fasttrack_jupyter.engine.present import (
    JobPresenter,
    moment,
    present_attempt,
    present_event,
    present_file,
    present_job,
    waiting_reasons,
)
from fasttrack_jupyter.engine.remains import ended_unheard, ending, remains_of
from fasttrack_jupyter.engine.storing import JobFilter, NewJob
from fasttrack_jupyter.engine.upkeep import GarbageCollector, all_jobs
from fasttrack_jupyter.engine.views import (
    AttemptView,
    EngineInfo,
    EventsPage,
    FileView,
    JobRequest,
    JobSummary,
    JobView,
    LogView,
    PlanView,
    RerunRequest,
    Selection,
    ValidationView,
)
from fasttrack_jupyter.errors import BadRequest, Conflict, InvalidPipeline, NotFound, Refused
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import Change, PipelineJob, TaskInstance, new_job_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED, Status
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_or_raise, read_pipeline

_REMEMBERED = 8
"""How many parsed pipelines of shown jobs are kept."""


class FastTrack(Household):
    """One home's pipelines, jobs and folders. Every method raises FastTrackError subclasses only.

    ``job`` arguments take what a person types: an id prefix, ``name#12``, ``#12``, ``last``.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._parsed: OrderedDict[str, tuple[Pipeline, TaskGraph]] = OrderedDict()
        self._making = asyncio.Lock()
        """Held while a job that is stored already is handed to the runner."""
        self._opened_at = world.clock.now()

    async def open(self) -> None:
        """Take over unfinished jobs and go on with them."""
        await self._runner.open()
        for job in await self._store.unfinished():
            await self._take_over(job)

    async def _take_over(self, job: PipelineJob) -> None:
        """Go on with a job of an earlier engine, or say why that cannot be."""
        rows = await self._store.instances(job.id)
        try:
            live = await self._live(job)
            self._runner.resume(live, live.restore(rows, self._world.clock.now(), await self._ended_at(job, rows)))
        except InvalidPipeline as error:
            why = f"its text cannot be read by FastTrack {__version__}: {error.problems[0]}"
            self._runner.set_aside(job.id, why)
        except Exception as error:
            self._runner.set_aside(job.id, error)
        if job.reason == CANCEL_REQUESTED and self._runner.why_aside(job.id):
            await self._give_up(job)

    async def _ended_at(self, job: PipelineJob, rows: Sequence[TaskInstance]) -> dict[str, float]:
        """When the last attempt of each instance that waits for its next one ended."""
        waiting = {row.path: row.attempts for row in rows if row.status is Status.WAITING and row.attempts}
        attempts = await self._store.attempts(job.id) if waiting else []
        return {x.path: x.ended_at for x in attempts if x.ended_at and waiting.get(x.path) == x.number}

    async def _give_up(self, job: PipelineJob) -> None:
        """End a job that was set aside, with all its sessions."""
        rows = await self._store.instances(job.id)
        now = self._world.clock.now()
        try:
            self._runner.check_backend(job.backend)
        except NotFound as error:
            unheard = f"cancelled; its session was not ended: {error.message}"
            await self._store.record(ended_unheard(job, rows, now, unheard))
            self._runner.give_up(job.id)
        else:
            self._runner.resume(*ending(job, rows, now))

    async def aclose(self) -> None:
        """Stop; sessions go on by themselves and are adopted by the next engine."""
        await self._runner.aclose()
        await self._store.aclose()

    async def stopped(self) -> None:
        """Return only when the engine cannot go on (never while all is well); raises what stopped it."""
        await self._runner.stopped()

    def is_idle(self) -> bool:
        """Whether no job is unfinished."""
        return self._runner.unfinished == 0

    async def info(self) -> EngineInfo:
        """The engine that answers."""
        started_at = moment(self._opened_at)
        assert started_at is not None
        return EngineInfo(
            version=__version__,
            home=self._world.home,
            pid=os.getpid(),
            started_at=started_at,
            backends=tuple(self._world.backends),
            running_jobs=self._runner.unfinished,
            seq=await self._store.last_seq(),
        )

    # ------------------------------------------------------------------ before a job

    async def validate(self, text: str | None, source: str | None) -> ValidationView:
        """Everything that is wrong with a text, and what it is."""
        content = await self._preparer.text_of(text, source)
        names = {name for name, _ in self._secrets.names()}
        reading = await asyncio.to_thread(read_pipeline, content, secrets=names)
        return ValidationView(
            valid=not reading.errors,
            generation=reading.generation,
            pipeline=reading.pipeline.name if reading.pipeline else None,
            tasks=len(reading.pipeline.tasks) if reading.pipeline else 0,
            problems=reading.problems,
        )

    async def plan(self, request: JobRequest) -> PlanView:
        """What a job would do. Nothing is made. Raises InvalidPipeline."""
        prepared = await self._preparer.prepare(request)
        return await asyncio.to_thread(prepared.view)

    async def run(self, request: JobRequest) -> JobSummary:
        """Make the job and start it. Raises InvalidPipeline, Refused."""
        if request.key and (known := await self._store.job_by_key(request.key)):
            return present_job(known)
        return await self._make(await self._preparer.prepare(request), None)

    async def plan_rerun(self, job: str, request: RerunRequest) -> PlanView:
        """What a rerun would do."""
        again, origin = await self._rerun_request(await self._store.find_job(job), request)
        prepared = await self._preparer.prepare(again, origin)
        return await asyncio.to_thread(prepared.view)

    async def rerun(self, job: str, request: RerunRequest) -> JobSummary:
        """A new job from an old one."""
        if request.key and (known := await self._store.job_by_key(request.key)):
            return present_job(known)
        again, origin = await self._rerun_request(await self._store.find_job(job), request)
        return await self._make(await self._preparer.prepare(again, origin), origin)

    async def _rerun_request(self, old: PipelineJob, request: RerunRequest) -> tuple[JobRequest, Origin]:
        edited = request.edited or request.text is not None
        if edited and request.text is None and old.source is None:
            raise BadRequest(
                f"job {old.pipeline}#{old.index} came from no file, so there is no edited one",
                hint="send the edited text, or leave out --edited",
            )
        pipeline, _ = await self._parse(old)
        origin = await self._preparer.origin(
            old, pipeline, from_failed=request.from_failed, keeps_code=not edited or old.source is None
        )
        has_selection = request.selection != Selection()
        again = JobRequest(
            text=request.text if edited else old.text,
            source=old.source,
            params=request.params or {},
            selection=request.selection if has_selection else selection_of(old.options),
            backend=old.backend,
            shrink=bool(old.options.get("shrink")) if request.shrink is None else request.shrink,
            name=old.name,
            tags=old.tags,
            priority=old.priority,
            key=request.key,
        )
        return again, origin

    async def _make(self, prepared: Prepared, origin: Origin | None) -> JobSummary:
        request, pipeline = prepared.request, prepared.pipeline
        if prepared.refused:
            path, reason = next(iter(prepared.refused.items()))
            more = f" (and {len(prepared.refused) - 1} more)" if len(prepared.refused) > 1 else ""
            raise Refused(
                f"task {path!r} {reason}{more}",
                hint="see all of it with: fasttrack plan",
                details={"tasks": prepared.refused},
            )
        now = self._world.clock.now()
        backend = self._backend(request.backend)
        source = os.path.realpath(request.source) if request.source else None
        record = await self._store.ensure_pipeline(pipeline.name, source, now)
        await backend.make_folder(record.folder, "data", pipeline.name)
        code = await backend.put_code(prepared.files) if prepared.files else prepared.code
        new = NewJob(
            id=new_job_id(now),
            pipeline=pipeline.name,
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
            options=await asyncio.to_thread(prepared.options),
        )
        async with self._making:
            job = await self._store.create_job(new)
            if job.id == new.id:  # else the same request, repeated, was quicker
                self._world.bus.publish(await self._store.last_seq())
                self._remember(job.id, pipeline, prepared.graph)
                seconds = prepared.seconds
                self._runner.add(await asyncio.to_thread(self._live_job, job, pipeline, prepared.graph, seconds))
        return present_job(job)

    # ------------------------------------------------------------------ jobs

    async def jobs(self, which: JobFilter) -> list[JobSummary]:
        """Newest first."""
        return [present_job(job, self._paused(job)) for job in await self._store.jobs(which)]

    async def job(self, job: str) -> JobView:
        """One job with its task instances, in the pipeline's order."""
        found = await self._store.find_job(job)
        rows = await self._store.instances(found.id)
        try:
            pipeline, graph = await self._parse(found)
        except InvalidPipeline:  # of another version of FastTrack: what the rows tell is shown
            pipeline, graph = remains_of(found, rows)
        live = self._runner.live(found.id)
        waits = await waiting_reasons(live, self._runner.why_waiting, rows) if live else {}
        presenter = JobPresenter(found, pipeline, graph, self._default_slots(found.backend), await self._place(found))
        return await asyncio.to_thread(presenter.view, rows, waits, self._paused(found))

    async def job_text(self, job: str) -> str:
        """The job's own YAML."""
        return (await self._store.find_job(job)).text

    async def attempts(self, job: str, path: str | None = None) -> list[AttemptView]:
        """All tries, in order."""
        found = await self._store.find_job(job)
        return [present_attempt(attempt) for attempt in await self._store.attempts(found.id, path)]

    async def annotate(self, job: str, *, name: str | None, tags: Sequence[str] | None, note: str | None) -> JobSummary:
        """Name, tags and note are free text; None leaves one as it is."""
        found = await self._store.find_job(job)
        await self._store.annotate(found.id, name=name, tags=tags, note=note)
        return present_job(await self._store.job(found.id), self._paused(found))

    async def set_priority(self, job: str, priority: int) -> JobSummary:
        """Jobs of higher priority get slots first."""
        found = await self._store.find_job(job)
        now = self._world.clock.now()
        told = Change(
            found.id, None, found.status, found.status, "JobPriorityChanged", now, data={"priority": priority}
        )
        await self._store.record([told])
        self._world.bus.publish(await self._store.last_seq())
        self._runner.set_priority(found.id, priority)
        return present_job(await self._store.job(found.id), self._paused(found))

    async def cancel(self, job: str, path: str | None = None) -> JobSummary:
        """Ask for the end of a job, or of one task instance. Cancelling what has ended changes nothing."""
        found = await self._store.find_job(job)
        if path is not None and not await self._store.instances(found.id, path):
            raise NotFound(f"job {found.pipeline}#{found.index} has no task {path!r}")
        async with self._making:
            pass  # found, but perhaps not with the runner yet
        if (why := self._runner.why_aside(found.id)) is None:
            await self._runner.cancel(found.id, path)
        elif path is not None:
            raise Conflict(f"job {found.pipeline}#{found.index} {why}", hint="cancel the whole job")
        else:
            await self._give_up(found)
        return present_job(await self._store.job(found.id), self._paused(found))

    async def delete(self, jobs: Sequence[str]) -> int:
        """Forget ended jobs with their logs, and outputs that no other job refers to; how many. Raises Conflict."""
        gone = [await self._store.find_job(job) for job in jobs]
        for job in gone:
            if job.status not in JOB_ENDED or self._runner.live(job.id):
                raise Conflict(f"job {job.pipeline}#{job.index} has not ended", hint="cancel it first")
        for name in {job.backend for job in gone}:
            mine = [job for job in gone if job.backend == name]
            collector = GarbageCollector(self._store, self._backend(name))
            await collector.remove(await all_jobs(self._store), mine, dry_run=False)
        return len(gone)

    # ------------------------------------------------------------------ of a task instance

    async def logs(self, job: str, path: str, *, attempt: int | None, after: int, limit: int) -> LogView:
        """Masked. ``after`` below zero counts from the end. Nothing yet: an empty, not ended, page."""
        return await self._logs.read(await self._store.find_job(job), path, attempt, after, limit)

    async def usage(self, job: str, path: str) -> dict[str, Any]:
        """What the running session uses now; empty when it is not running."""
        found = await self._store.find_job(job)
        name = await self._logs.current_attempt(found, path)
        return dict(await self._backend(found.backend).usage(name))

    async def shell(self, job: str, path: str) -> list[str]:
        """An argv that opens a shell inside the running session's view. Raises Conflict."""
        found = await self._store.find_job(job)
        name = await self._logs.current_attempt(found, path)
        return list(await self._backend(found.backend).shell(name))

    async def outputs(self, job: str, path: str) -> list[FileView]:
        """What a task instance has written so far."""
        found = await self._store.find_job(job)
        place = await self._logs.outputs_dir(found, path)
        files = await self._backend(found.backend).files(found.folder, place) if place else []
        return [present_file(entry) for entry in files]

    async def read_output(self, job: str, path: str, file: str, start: int, limit: int) -> bytes:
        """A range of one output file."""
        found = await self._store.find_job(job)
        place = await self._logs.outputs_dir(found, path)
        if place is None:
            raise NotFound(f"task {path!r} of {found.pipeline}#{found.index} has no outputs")
        reads.check_relative(file)
        return await self._backend(found.backend).read(found.folder, f"{place}/{file}", start, limit)

    async def events(self, after: int, limit: int, *, job: str | None = None, wait: float = 0.0) -> EventsPage:
        """Events after a seq; with ``wait``, up to so many seconds until there is one."""
        job_id = (await self._store.find_job(job)).id if job else None
        deadline = self._world.clock.monotonic() + wait
        seen = after
        while True:
            events = await self._store.events(after, limit, job_id)
            left = deadline - self._world.clock.monotonic()
            if events or left <= 0:
                break
            seen = await self._world.bus.wait(seen, left)
        return EventsPage(events=tuple(map(present_event, events)), next=events[-1].seq if events else after)

    # ------------------------------------------------------------------ parts

    def _paused(self, job: PipelineJob) -> str | None:
        return None if job.status in JOB_ENDED else self._runner.why_paused(job.id)

    async def _place(self, job: PipelineJob) -> str | None:
        """Where the pipeline folder is on this machine, if it is."""
        backend = self._world.backends.get(job.backend)
        if backend is None:
            return None
        return (await backend.make_folder(job.folder, "data", job.pipeline)).host_path

    def _live_job(self, job: PipelineJob, pipeline: Pipeline, graph: TaskGraph, seconds: Sequence[float]) -> LiveJob:
        return LiveJob(
            job,
            pipeline,
            graph,
            default_slots=self._default_slots(job.backend),
            seconds=seconds,
            secret=lambda name: self._secrets.get(name, job.pipeline),
        )

    async def _live(self, job: PipelineJob) -> LiveJob:
        pipeline, graph = await self._parse(job)
        seconds = await self._preparer.seconds(job.pipeline, graph)
        return await asyncio.to_thread(self._live_job, job, pipeline, graph, seconds)

    async def _parse(self, job: PipelineJob) -> tuple[Pipeline, TaskGraph]:
        if job.id in self._parsed:
            self._parsed.move_to_end(job.id)
            return self._parsed[job.id]
        reading = await asyncio.to_thread(read_or_raise, job.text)
        assert reading.pipeline is not None
        return self._remember(job.id, reading.pipeline, await asyncio.to_thread(build_graph, reading.pipeline))

    def _remember(self, job_id: str, pipeline: Pipeline, graph: TaskGraph) -> tuple[Pipeline, TaskGraph]:
        self._parsed[job_id] = (pipeline, graph)
        while len(self._parsed) > _REMEMBERED:
            self._parsed.popitem(last=False)
        return self._parsed[job_id]
