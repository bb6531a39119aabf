"""FastTrack: the façade that every face uses."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from fasttrack_jupyter import __version__
from fasttrack_jupyter.engine import reads
from fasttrack_jupyter.engine.changing import BackendChanges
from fasttrack_jupyter.engine.household import Household, World
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.making import JobMaker
from fasttrack_jupyter.engine.metric_reads import MetricReader, MetricsView
from fasttrack_jupyter.engine.overviews import DeletedJobs, JobCounts, SessionView, TagCount, UsageSeries
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.present import (
    moment,
    present_attempt,
    present_event,
    present_file,
    present_job,
)
from fasttrack_jupyter.engine.present_usage import present_counts, present_sample
from fasttrack_jupyter.engine.profiles import (
    ProfileCheck,
    ProfileDesk,
    ProfileRequest,
    ProfileView,
    SignedBy,
    SignedRequest,
)
from fasttrack_jupyter.engine.removing import JobRemover
from fasttrack_jupyter.engine.showing import JobShow
from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.engine.takeover import Takeover
from fasttrack_jupyter.engine.triggering import TriggerDesk
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
    ValidationView,
)
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.artifacts import FAILURE, PROGRESS
from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.metrics import ARTIFACT_LIST, METRICS
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.model.schema import shipped_schema

_NO_OUTPUTS = (ARTIFACT_LIST, FAILURE, METRICS, PROGRESS)


class FastTrack(Household):
    """One home's pipelines, jobs and folders. Every method raises FastTrackError subclasses only.

    ``job`` arguments take what a person types: an id prefix, ``name#12``, ``#12``, ``last``.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._maker = JobMaker(
            self._store, world.clock, world.bus, self._roster.backend, self._preparer, self._runner, self._stage
        )
        self.triggers = TriggerDesk(self._store, self._preparer, world.clock, self._maker.run)
        self._takeover = Takeover(self._store, self._runner, self._stage, world.clock)
        self._show = JobShow(self._store, self._roster, self._runner, self._stage)
        self._remover = JobRemover(self._store, world.clock, self._collector, self._roster, self._runner, self._maker)
        self._profiles = ProfileDesk(world.profiles, self)
        self._metrics = MetricReader(self._roster.backend, self._logs)
        self._opened_at = world.clock.now()
        self._changes = BackendChanges(self._roster, self._runner, self._takeover, self._maker)

    async def open(self) -> None:
        """Take over unfinished jobs and go on with them."""
        await self._runner.open()
        for name in self._roster:
            self._keeper.begin(name)
        for job in await self._store.unfinished():
            await self._takeover.take_over(job)
        await self.triggers.open()

    async def aclose(self) -> None:
        """Stop; sessions go on by themselves and are adopted by the next engine."""
        await self._keeper.aclose()
        await self.triggers.aclose()
        await self._runner.aclose()
        await self._judge.aclose()
        await self._store.aclose()

    async def stopped(self) -> None:
        """Return only when the engine cannot go on (never while all is well); raises what stopped it."""
        await self._runner.stopped()

    def is_idle(self) -> bool:
        """Whether no job is unfinished, and no service lives by this engine."""
        return self._runner.unfinished == 0 and not self._keeper.is_busy() and not self.triggers.is_busy()

    def _finished(self, live: LiveJob) -> None:
        super()._finished(live)
        self.triggers.look()

    async def info(self) -> EngineInfo:
        """The engine that answers."""
        started_at = moment(self._opened_at)
        assert started_at is not None
        return EngineInfo(
            version=__version__,
            home=self._world.home,
            pid=os.getpid(),
            started_at=started_at,
            backends=tuple(self._roster),
            running_jobs=self._runner.unfinished,
            seq=await self._store.last_seq(),
        )

    # ------------------------------------------------------------------ backends come and go

    async def add_backend(self, name: str, backend: ExecutionBackend) -> None:
        """Open a backend and go on with the jobs that were set aside for want of it.

        One that is there under this name is replaced: its sessions go on, and the new one adopts them. A backend that
        cannot be opened stays listed with the reason.

        Raises:
            Conflict: it is the home's own.
            BackendError: it could not be opened; the message says why.
        """
        await self._changes.add(name, backend)
        self._keeper.begin(name)

    async def remove_backend(self, name: str, *, set_aside: bool = False) -> None:
        """Close a backend and forget it; its sessions go on.

        Raises:
            NotFound: there is none of that name.
            Conflict: it is the home's own, or jobs that have not ended need it and they are not to be ``set_aside``
                (until a backend of that name is added again).
        """
        await self._changes.remove(name, set_aside=set_aside)

    def check_unneeded(self, name: str) -> None:
        """Raises Conflict while jobs that have not ended need a backend."""
        self._changes.check_unneeded(name)

    async def profiles(self) -> list[ProfileView]:
        """Who one is on which cluster; never a key."""
        return self._profiles.views()

    async def put_profile(self, name: str, request: ProfileRequest) -> ProfileView:
        """Make or change one; it is a backend from then on. Raises BadRequest, KeysRefused, BackendUnreachable."""
        return await self._profiles.put(name, request)

    async def delete_profile(self, name: str, *, set_aside: bool) -> None:
        """Forget one and its keys. Raises NotFound; Conflict if jobs need it that are not to be ``set_aside``."""
        await self._profiles.delete(name, set_aside=set_aside)

    async def check_profile(self, name: str) -> ProfileCheck:
        """Ask its cluster who one is there. Raises NotFound, KeysRefused, BackendUnreachable."""
        return await self._profiles.check(name)

    async def verify_signed(self, name: str, signed: SignedRequest) -> SignedBy:
        """Whether a request that came in was just signed with a profile's keys. Raises NotFound, SignedOut."""
        return self._profiles.verify(name, signed)

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

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of a pipeline file, as it is shipped."""
        found: dict[str, Any] = json.loads(await asyncio.to_thread(shipped_schema))
        return found

    async def plan(self, request: JobRequest) -> PlanView:
        """What a job would do. Nothing is made. Raises InvalidPipeline."""
        return await self._maker.plan(request)

    async def run(self, request: JobRequest) -> JobSummary:
        """Make the job and start it. Raises InvalidPipeline, Refused."""
        return await self._maker.run(request)

    async def plan_rerun(self, job: str, request: RerunRequest) -> PlanView:
        """What a rerun would do."""
        return await self._maker.plan_rerun(await self._store.find_job(job), request)

    async def rerun(self, job: str, request: RerunRequest) -> JobSummary:
        """A new job from an old one."""
        return await self._maker.rerun(await self._store.find_job(job), request)

    # ------------------------------------------------------------------ jobs

    async def jobs(self, which: JobFilter) -> list[JobSummary]:
        """Newest first."""
        return [present_job(job, self._show.paused(job)) for job in await self._store.jobs(which)]

    async def job(self, job: str) -> JobView:
        """One job with its task instances, in the pipeline's order."""
        return await self._show.view((await self._store.find_job(job)).id)

    async def counts(self, which: JobFilter) -> JobCounts:
        """How many jobs ``which`` finds in all, by status and by result."""
        return present_counts(await self._store.counts(which))

    async def tags(self) -> list[TagCount]:
        """Tags in use, the most used first."""
        return [TagCount(tag=tag, jobs=jobs) for tag, jobs in await self._store.tags()]

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
        await self._store.annotate(found.id, self._world.clock.now(), name=name, tags=tags, note=note)
        self._world.bus.publish(await self._store.last_seq())
        return present_job(await self._store.job(found.id), self._show.paused(found))

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
        return present_job(await self._store.job(found.id), self._show.paused(found))

    async def cancel(self, job: str, path: str | None = None) -> JobSummary:
        """Ask for the end of a job, or of one task instance. Cancelling what has ended changes nothing."""
        found = await self._store.find_job(job)
        if path is not None and not await self._store.instances(found.id, path):
            raise NotFound(f"job {found.pipeline}#{found.index} has no task {path!r}")
        await self._maker.settled()  # found, but perhaps not with the runner yet
        if (why := self._runner.why_aside(found.id)) is None:
            await self._runner.cancel(found.id, path)
        elif path is not None:
            raise Conflict(f"job {found.pipeline}#{found.index} {why}", hint="cancel the whole job")
        else:
            await self._takeover.give_up(found)
        return present_job(await self._store.job(found.id), self._show.paused(found))

    async def delete(self, jobs: Sequence[str]) -> int:
        """Forget ended jobs with their logs, and outputs that no other job refers to; how many. Raises Conflict."""
        return await self._remover.delete([await self._store.find_job(job) for job in jobs])

    async def delete_many(self, jobs: Sequence[str]) -> DeletedJobs:
        """As :meth:`delete`, but what cannot go is told of and keeps nothing else from going."""
        return await self._remover.delete_what_can(jobs)

    async def delete_pipeline(self, name: str) -> int:
        """Forget a pipeline: its jobs, its folder with all outputs, its record; how many jobs. Raises Conflict."""
        return await self._remover.delete_pipeline(name)

    # ------------------------------------------------------------------ of a task instance

    async def logs(self, job: str, path: str, *, attempt: int | None, after: int, limit: int) -> LogView:
        """Masked. ``after`` below zero counts from the end. Nothing yet: an empty, not ended, page."""
        return await self._logs.read(await self._store.find_job(job), path, attempt, after, limit)

    async def usage(self, job: str, path: str) -> dict[str, Any]:
        """What the running session uses now; empty when it is not running."""
        found = await self._store.find_job(job)
        name = await self._logs.current_attempt(found, path)
        return dict(await self._roster.backend(backend_of(found, path)).usage(name))

    async def usage_samples(self, job: str, path: str, attempt: int | None) -> UsageSeries:
        """What an attempt used over time."""
        found = await self._store.find_job(job)
        number, name = await self._logs.attempt_of(found, path, attempt)
        samples = await self._roster.backend(backend_of(found, path)).usage_samples(name) if number else ()
        return UsageSeries(attempt=number, samples=tuple(map(present_sample, samples)))

    async def session(self, job: str, path: str, attempt: int | None) -> SessionView:
        """What exactly an attempt runs or ran, without any secret."""
        found = await self._store.find_job(job)
        number, _ = await self._logs.attempt_of(found, path, attempt)
        return await self._show.session(found, path, number, self._secrets)

    async def shell(self, job: str, path: str) -> list[str]:
        """An argv that opens a shell inside the running session's view. Raises Conflict."""
        found = await self._store.find_job(job)
        name = await self._logs.current_attempt(found, path)
        return list(await self._roster.backend(backend_of(found, path)).shell(name))

    async def metrics(self, job: str, path: str, attempt: int | None, after: int) -> MetricsView:
        """What a task instance has noted of itself after a byte of its metrics: series, parameters, tags."""
        found = await self._store.find_job(job)
        return await self._metrics.read(found, await self._logs.instance(found, path), attempt, after)

    async def outputs(self, job: str, path: str) -> list[FileView]:
        """What a task instance has written so far."""
        found = await self._store.find_job(job)
        place = await self._logs.outputs_dir(found, path)
        files = await self._roster.backend(backend_of(found, path)).files(found.folder, place) if place else []
        return [present_file(entry) for entry in files if entry.path not in _NO_OUTPUTS]

    async def read_output(self, job: str, path: str, file: str, start: int, limit: int) -> bytes:
        """A range of one output file; secrets are masked in the records of what cells printed, as in logs."""
        found = await self._store.find_job(job)
        place = await self._logs.outputs_dir(found, path)
        if place is None:
            raise NotFound(f"task {path!r} of {found.pipeline}#{found.index} has no outputs")
        reads.check_relative(file)
        read = partial(self._roster.backend(backend_of(found, path)).read, found.folder, f"{place}/{file}")
        return await (self._logs.masked(found, read, start, limit) if reads.is_record(file) else read(start, limit))

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
