"""Performs what the machines decide: records, then acts. The only place where a job's life happens.

One loop, in rounds. A round takes everything that came in (reports, requests, timers), lets the
machines decide, lets the admission hand out slots, records all changes of the round in one
durable step, and only then acts. What comes in meanwhile is the next round's, so that the number
of commits follows the disk and not the number of tasks.

Every act may be repeated: sessions are submitted by attempt id, and after a crash the next engine
finds in the store what was intended and asks the backend for exactly that again. So the runner
itself keeps nothing that is worth saving.

When the disk is full nothing can be recorded, so nothing is done: the round waits and tries
again, and jobs show why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fasttrack_jupyter.engine.admission import Admission
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.ports import (
    Clock,
    EventBus,
    ExecutionBackend,
    JobStore,
    SessionReport,
)
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Decision,
    Event,
    FinishJob,
    Instruction,
    JobStarted,
    Offer,
    Release,
    RetryDue,
    Submit,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.errors import (
    BackendUnreachable,
    BadRequest,
    FastTrackError,
    NotFound,
    SessionRejected,
    StoreFull,
)
from fasttrack_jupyter.model.job import Change, attempt_id
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status

log = logging.getLogger(__name__)

FULL_DISK_PAUSE = 1.0
"""Seconds between two tries to record while the disk is full."""
UNREACHABLE_PAUSE = (1.0, 30.0)
"""Seconds before a backend that gave no answer is asked again: the first time, and at most."""

Todo = list[tuple[LiveJob, Instruction]]


class JobRunner:
    """Runs the jobs of one home. ``max_jobs`` run at once; the others wait as PENDING."""

    def __init__(
        self,
        store: JobStore,
        backends: Mapping[str, ExecutionBackend],
        clock: Clock,
        bus: EventBus,
        *,
        max_jobs: int = 50,
    ) -> None:
        self._store, self._backends, self._clock, self._bus = store, backends, clock, bus
        self._max_jobs = max_jobs
        self._admissions: dict[str, Admission] = {}
        self._live: dict[str, LiveJob] = {}
        self._pending: list[LiveJob] = []
        self._events: list[tuple[LiveJob, Event]] = []
        self._reports: list[SessionReport] = []
        self._decisions: list[tuple[LiveJob, Decision]] = []
        self._wake = asyncio.Event()
        self._acts: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._loop_task: asyncio.Task[None] | None = None
        self.paused: str | None = None
        """Why nothing new is started just now; None while all is well."""

    # ------------------------------------------------------------------ for the façade

    async def open(self) -> None:
        """Open the backends and begin to run rounds."""
        for name, backend in self._backends.items():
            await backend.open(self._on_report)
            self._admissions[name] = Admission(backend.capacity())
        self._loop_task = asyncio.create_task(self._run(), name="job runner")

    async def aclose(self) -> None:
        """Stop deciding and watching. Sessions go on."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, *self._acts.values(), return_exceptions=True)
        for timer in self._timers.values():
            timer.cancel()
        for backend in self._backends.values():
            await backend.aclose()

    async def stopped(self) -> None:
        """Wait until the runner ends, which it does by itself only when something is broken; raises what it was."""
        if self._loop_task is not None:
            await asyncio.wait([self._loop_task])
            if not self._loop_task.cancelled():
                self._loop_task.result()

    def add(self, live: LiveJob) -> None:
        """A new job, stored already."""
        self._live[live.job.id] = live
        self._pending.append(live)
        self._wake.set()

    def resume(self, live: LiveJob, decision: Decision) -> None:
        """A job of an earlier engine, and what its machine said on being restored."""
        self._live[live.job.id] = live
        for instruction in decision.instructions:
            if isinstance(instruction, Adopt):
                self._admission(live).hold(live.key(instruction.path), live.demand(instruction.path))
        self._decisions.append((live, decision))
        self._wake.set()

    def request_cancel(self, job_id: str, path: str | None) -> None:
        """Ask a live job, or one of its instances, to end. A job that is not live has ended."""
        live = self._live.get(job_id)
        if live is not None:
            if path is not None:
                live.machine.status_of(path)  # raises NotFound, here where somebody hears it
            self._events.append((live, CancelRequested(path, self._clock.now())))
            self._wake.set()

    def set_priority(self, job_id: str, priority: int) -> None:
        """Change a live job's place in line."""
        live = self._live.get(job_id)
        if live is not None:
            live.priority = priority
            self._admission(live).rerank(job_id, -priority)

    def live(self, job_id: str) -> LiveJob | None:
        """The job if it has not ended."""
        return self._live.get(job_id)

    @property
    def unfinished(self) -> int:
        """How many jobs have not ended."""
        return len(self._live)

    def why_waiting(self, live: LiveJob, path: str) -> str:
        """What a waiting instance waits for, in words."""
        if self.paused:
            return self.paused
        if live in self._pending:
            return f"the job waits for its turn ({self._max_jobs} jobs run at once)"
        upstream = [live.graph.names[i] for i in live.graph.upstream[live.graph.index[path]]]
        unended = [name for name in upstream if live.machine.status_of(name)[1] is Result.UNDEFINED]
        return f"waits for {', '.join(unended)}" if unended else self._admission(live).why_waiting(live.key(path))

    def used_slots(self, backend: str) -> Mapping[str, int]:
        """What is handed out of a backend's slots."""
        return self._admissions[backend].used

    # ------------------------------------------------------------------ rounds

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._round()

    async def _round(self) -> None:
        changes: list[Change] = []
        todo: Todo = []
        decisions, self._decisions = self._decisions, []
        for live, decision in decisions:
            self._take(live, decision, changes, todo)
        reports, self._reports = self._reports, []
        for report in reports:
            self._hear(report, changes, todo)
        events, self._events = self._events, []
        for live, event in events:
            self._take(live, live.machine.handle(event), changes, todo)
        self._start_pending(changes, todo)
        self._admit(changes, todo)
        if changes:
            await self._record(changes)
        for live, instruction in todo:
            self._perform(live, instruction)

    def _start_pending(self, changes: list[Change], todo: Todo) -> None:
        """Start the first in line, as long as fewer jobs run than may; what was cancelled while it waited is gone."""
        self._pending = [live for live in self._pending if live.machine.status is JobStatus.PENDING]
        self._pending.sort(key=lambda live: (-live.priority, live.job.created_at, live.job.id))
        running = sum(live.machine.status is JobStatus.RUNNING for live in self._live.values())
        while self._pending and running < self._max_jobs:
            live = self._pending.pop(0)
            self._take(live, live.machine.handle(JobStarted(self._clock.now())), changes, todo)
            running += 1

    def _hear(self, report: SessionReport, changes: list[Change], todo: Todo) -> None:
        job_id, ordinal, attempt = report.attempt_id.rsplit("-", 2)
        live = self._live.get(job_id)
        if live is not None:
            event = live.understand(report, int(ordinal), int(attempt))
            self._take(live, live.machine.handle(event), changes, todo)

    def _take(self, live: LiveJob, decision: Decision, changes: list[Change], todo: Todo) -> None:
        """Collect what a machine decided. What concerns the line for slots is done at once: it is memory only."""
        changes += decision.changes
        admission = self._admission(live)
        for instruction in decision.instructions:
            match instruction:
                case Offer(path):
                    admission.offer(live.key(path), live.demand(path), live.rank(path))
                case Withdraw(path):
                    admission.withdraw(live.key(path))
                case Release(path):
                    admission.release(live.key(path))
                    todo.append((live, instruction))
                case _:
                    todo.append((live, instruction))

    def _admit(self, changes: list[Change], todo: Todo) -> None:
        for admission in self._admissions.values():
            for job_id, path in admission.admit():
                live = self._live[job_id]
                self._take(live, live.machine.handle(live.admitted(path, self._clock.now())), changes, todo)

    async def _record(self, changes: list[Change]) -> None:
        while True:
            try:
                seq = await self._store.record(changes)
                break
            except StoreFull as error:
                if self.paused is None:
                    log.error("paused: %s", error)
                self.paused = f"paused: {error.message}"
                await asyncio.sleep(FULL_DISK_PAUSE)
        self.paused = None
        self._bus.publish(seq)

    # ------------------------------------------------------------------ acts

    def _perform(self, live: LiveJob, instruction: Instruction) -> None:
        match instruction:
            case Submit(path, attempt):
                self._act(live, path, attempt, self._submit, may_create=True)
            case Adopt(path, attempt, may_create):
                self._act(live, path, attempt, self._submit, may_create=may_create)
            case CancelSession(path, attempt, reason):
                self._act(live, path, attempt, self._cancel, reason=reason)
            case Release(path, attempt):
                self._act(live, path, attempt, self._forget)
            case FinishJob():
                self._live.pop(live.job.id, None)
                self._wake.set()
            case WaitForRetry(path, seconds):
                key = live.key(path)
                self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._retry_is_due, live, path)

    def _act(self, live: LiveJob, path: str, attempt: int, act: Callable[..., Any], **how: Any) -> None:
        """Do ``act`` for an attempt, after whatever is still being done for it."""
        name = attempt_id(live.job.id, live.graph.index[path], attempt)
        before = self._acts.get(name)
        task = asyncio.get_running_loop().create_task(self._after(before, act, live, path, attempt, name, how))
        self._acts[name] = task
        task.add_done_callback(lambda done: self._acts.pop(name) if self._acts.get(name) is done else None)

    async def _after(
        self,
        before: asyncio.Task[None] | None,
        act: Callable[..., Any],
        live: LiveJob,
        path: str,
        attempt: int,
        name: str,
        how: Mapping[str, Any],
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        pause = UNREACHABLE_PAUSE[0]
        while True:
            try:
                await act(live, path, attempt, name, **how)
                return
            except BackendUnreachable as error:
                log.warning("attempt %s: %s", name, error)
                status = live.machine.status_of(path)[0]
                self._on_report(SessionReport(name, status, self._clock.now(), reason=error.message))
                await asyncio.sleep(pause)
                pause = min(pause * 2, UNREACHABLE_PAUSE[1])
            except Exception as error:
                is_known = isinstance(error, FastTrackError)
                log.error("attempt %s: %s: %s", name, act.__name__, error, exc_info=None if is_known else error)
                if act == self._submit:
                    self._fail(name, error)
                return

    async def _submit(self, live: LiveJob, path: str, attempt: int, name: str, *, may_create: bool) -> None:
        status, _, attempts = live.machine.status_of(path)
        if may_create and (status is Status.TERMINATING or attempts != attempt):
            # Cancelled before it was asked for; it may still be there if an earlier engine asked.
            may_create = False
        backend = self._backends[live.job.backend]
        spec = live.spec(path, attempt)
        await (backend.submit(spec) if may_create else backend.adopt(spec))

    async def _cancel(self, live: LiveJob, path: str, attempt: int, name: str, *, reason: str) -> None:
        await self._backends[live.job.backend].cancel(name, reason)

    async def _forget(self, live: LiveJob, path: str, attempt: int, name: str) -> None:
        await self._backends[live.job.backend].forget(name)

    def _fail(self, name: str, error: Exception) -> None:
        """The attempt could not start, for good."""
        reason = str(error) if isinstance(error, FastTrackError) else f"{type(error).__name__}: {error}"
        if isinstance(error, FastTrackError) and error.hint:
            reason += f" ({error.hint})"
        is_final = isinstance(error, SessionRejected | BadRequest)
        now = self._clock.now()
        self._on_report(SessionReport(name, Status.ERROR, now, Result.FAILURE, reason=reason, is_final=is_final))

    def _on_report(self, report: SessionReport) -> None:
        self._reports.append(report)
        self._wake.set()

    def _retry_is_due(self, live: LiveJob, path: str) -> None:
        self._timers.pop(live.key(path), None)
        if live.job.id in self._live:
            self._events.append((live, RetryDue(path, self._clock.now())))
            self._wake.set()

    def _admission(self, live: LiveJob) -> Admission:
        try:
            return self._admissions[live.job.backend]
        except KeyError:
            raise NotFound(
                f"job {live.job.id} runs on {live.job.backend!r}, a backend that is not here",
                hint=f"backends here: {', '.join(self._backends)}",
            ) from None
