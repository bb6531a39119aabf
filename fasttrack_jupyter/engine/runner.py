"""Performs what the machines decide: records, then acts. The only place where a job's life happens.

Two halves work hand in hand on one loop. *Deciding* takes what came in (reports, requests, timers), lets the machines
decide and hands out slots: memory only, at once. *Committing* takes all changes that were decided meanwhile, records
them in one durable step, and then performs the instructions that came with them. So the number of commits follows the
disk and not the number of tasks, and no instruction is performed before the changes that it came with are safe.

The wait for the disk is kept off the path from one task to the next by looking ahead: a few more attempts than
there are slots are recorded as intended (PENDING), so that the end of one session starts the next at once.

Every act may be repeated: sessions are submitted by attempt id, and after a crash the next engine finds in the store
what was intended and asks for exactly that again. When the disk is full nothing new is intended; jobs show that.
A job that cannot go on (its rows contradict each other, its backend is not there) is set aside with the reason:
this engine decides nothing more about it, its sessions go on, the other jobs do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

from fasttrack_jupyter.engine.acts import Acts, words_of
from fasttrack_jupyter.engine.approvals import ApprovalDesk
from fasttrack_jupyter.engine.carrying import Carrier
from fasttrack_jupyter.engine.following import Following
from fasttrack_jupyter.engine.judging import Considering, Judge
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.engine.queues import Queues
from fasttrack_jupyter.engine.recording import Recorder
from fasttrack_jupyter.engine.registering import ModelRegistrar
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Consider,
    Decision,
    Event,
    FinishJob,
    GoOnCancelling,
    Instruction,
    JobStarted,
    Offer,
    Release,
    RetryDue,
    Submit,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock, EventBus
from fasttrack_jupyter.engine.timers import Timers
from fasttrack_jupyter.engine.turns import Turns
from fasttrack_jupyter.engine.whereabouts import Places
from fasttrack_jupyter.model.job import Change, parse_attempt_id
from fasttrack_jupyter.model.lifecycle import ENDED, JobStatus

log = logging.getLogger(__name__)

_AT_ONCE = 2_000
"""Instances that are brought into line in one turn: about 10 ms."""
_DECIDED_AT_ONCE = 200
"""Events that are decided in one turn."""
_AT_LEISURE = 0.01
"""Seconds that changes wait for company which nothing else waits for (that a session runs, say)."""
CANCEL_PATIENCE = 5.0
"""Seconds until a cancel is answered although it could not be recorded yet."""


class JobRunner:
    """Runs the jobs of one home. ``max_jobs`` run at once, the others are PENDING; told ``finished`` of each."""

    def __init__(
        self, store: JobStore, roster: Roster, clock: Clock, bus: EventBus, carrier: Carrier,
        registrar: ModelRegistrar, *, max_jobs: int = 50, finished: Callable[[LiveJob], None] = lambda live: None,
        approvals: ApprovalDesk, judge: Judge | None = None,
    ) -> None:  # fmt: skip
        self._roster, self._clock, self._turns, self._finished = roster, clock, Turns(max_jobs), finished
        self._recorder = Recorder(store, bus, self.set_aside)
        self._acts = Acts(roster.backend, clock, self.hear, carrier, registrar, approvals)
        self._queues = Queues(roster, self._acts, clock, self.hear, self._is_live, self._start_sessions)
        self._approvals = approvals
        self._considering = Considering(judge, clock, self._hear_event)
        self._following = Following(
            store, clock, bus, go=self._may_start, give_up=self._cancel_for, is_live=self._is_live
        )
        self._live: dict[str, LiveJob] = {}
        self._aside: dict[str, tuple[str, LiveJob | None]] = {}
        """Why a job cannot go on, by id; and what it was while it could."""
        self._events: list[tuple[LiveJob, Event]] = []
        self._reports: list[SessionReport] = []
        self._asking: list[asyncio.Future[None]] = []
        """Of those who wait until their wish is durable; then decided upon."""
        self._heard: list[asyncio.Future[None]] = []
        self._offers: deque[tuple[LiveJob, str]] = deque()
        """Ready, and not yet in line."""
        self._changes: list[Change] = []
        self._todo: list[tuple[LiveJob, Instruction]] = []
        self._news = asyncio.Event()
        self._decided = asyncio.Event()
        self._lazily: asyncio.TimerHandle | None = None
        self._timers = Timers()
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------------ for the façade

    async def open(self) -> None:
        """Open the backends and begin."""
        await self._roster.open(self.hear)
        self._approvals.open(self.hear)
        self._tasks = [asyncio.create_task(self._decide_all()), asyncio.create_task(self._commit_all())]

    async def aclose(self) -> None:
        """Stop deciding and watching. Sessions go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._acts.aclose(), self._considering.aclose(), self._following.aclose())
        self._timers.stop_all()
        self._approvals.close()
        await self._roster.aclose()

    async def stopped(self) -> None:
        """Wait until the runner ends, which it does by itself only when something is broken; raises what it was."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled():
                task.result()

    def hear(self, report: SessionReport) -> None:
        """A backend has something to say of an attempt."""
        self._reports.append(report)
        self._news.set()

    def wake(self) -> None:
        """Somebody stands in a line, or gave slots back."""
        self._news.set()

    def lay_down(self, live: LiveJob, why: str) -> None:
        """Set a job aside with all that is being done to it, so that it can be taken over anew."""
        self._acts.drop(live.job.id)
        self._considering.drop(live.job.id)
        self.set_aside(live.job.id, why)

    def needing(self, backend: str) -> list[LiveJob]:
        """The jobs that go on and have anything on a backend."""
        return [live for live in self._live.values() if backend in live.backends]

    def add(self, live: LiveJob) -> None:
        """A new job, stored already."""
        self.check_backends(live.backends, live.places)
        self._live[live.job.id] = live
        self._following.add(live)

    def resume(self, live: LiveJob, decision: Decision) -> None:
        """A job of an earlier engine, and what its machine said on being restored."""
        self.check_backends(live.backends, live.places)
        self._live[live.job.id] = live
        self._aside.pop(live.job.id, None)
        for instruction in decision.instructions:
            if isinstance(instruction, Adopt) and not instruction.may_create:
                self._queues.line(live, instruction.path).hold(
                    live.key(instruction.path), live.demand(instruction.path)
                )
        if live.machine.status is JobStatus.PENDING:
            self._following.add(live)
        self._take(live, decision)
        self._news.set()

    def _may_start(self, live: LiveJob) -> None:
        self._turns.add(live)
        self._news.set()

    def _cancel_for(self, live: LiveJob, reason: str) -> None:
        self._hear_event(live, CancelRequested(None, self._clock.now(), reason=reason))

    async def cancel(self, job_id: str, path: str | None) -> None:
        """Ask a live job, or one of its instances, to end; return when the wish is durable, or must wait for space."""
        live = self._live.get(job_id)
        if live is None:
            return  # it has ended
        if path is not None:
            live.machine.status_of(path)  # raises NotFound, here where somebody hears it
        self._events.append((live, CancelRequested(path, self._clock.now())))
        await self.settled(CANCEL_PATIENCE)

    def set_aside(self, job_id: str, cause: str | Exception) -> None:
        """Leave a job as it stands: it cannot go on in this engine. Its sessions do."""
        why = words_of(cause) if isinstance(cause, Exception) else cause
        log.error("job %s is set aside: %s", job_id, why)
        live = self._live.pop(job_id, None)
        self._aside[job_id] = (f"cannot go on: {why}", live)
        if live is not None:
            for path in live.graph.names:
                self._queues.line(live, path).withdraw(live.key(path))
                self._timers.stop(live.key(path))

    def why_aside(self, job_id: str) -> str | None:
        """Why the job cannot go on; None if it can."""
        return self._aside[job_id][0] if job_id in self._aside else None

    def why_paused(self, job_id: str) -> str | None:
        """Why nothing happens to an unfinished job just now; None while all is well."""
        return self.why_aside(job_id) or self._recorder.paused or self._following.why(job_id)

    def check_backends(self, names: Iterable[str], places: Places | None = None) -> None:
        """Raises NotFound unless jobs can run on all of them, and each leads to where ``places`` says."""
        self._roster.check(names, places or {})

    async def settled(self, patience: float | None = None) -> None:
        """Return when all that was asked for or decided until now is durable, or after so many seconds."""
        self._asking.append(wish := asyncio.get_running_loop().create_future())
        self._news.set()
        await asyncio.wait([wish], timeout=patience)

    def set_priority(self, job_id: str, priority: int) -> None:
        """Change a live job's place in line."""
        live = self._live.get(job_id)
        if live is not None:
            live.priority = priority
            for name in live.backends:
                self._roster.line(name).rerank(job_id, -priority)

    def live(self, job_id: str) -> LiveJob | None:
        """The job if it has not ended."""
        return self._live.get(job_id)

    @property
    def unfinished(self) -> int:
        """How many jobs go on."""
        return len(self._live)

    def why_waiting(self, live: LiveJob, path: str) -> str:
        """What an instance that does not run yet waits for, in words."""
        if self._recorder.paused:
            return self._recorder.paused
        if live.machine.status is JobStatus.PENDING:
            if following := self._following.why(live.job.id):
                return f"the job {following}"
            return f"the job waits for its turn ({self._turns.max_jobs} jobs run at once)"
        considered = self._considering.why_waiting(live, path)
        return live.waits_for(path) or considered or self._queues.line(live, path).why_waiting(live.key(path))

    # ------------------------------------------------------------------ deciding

    async def _decide_all(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            asking, self._asking = self._asking, []
            reports, self._reports = self._reports, []
            for report in reports:
                self._hear(report)
            events, self._events = self._events, []
            for number, (live, event) in enumerate(events, 1):
                self._let_decide(live, event)
                if number % _DECIDED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            for live in self._turns.due(self._live):
                self._let_decide(live, JobStarted(self._clock.now()))
            self._start_sessions()
            is_busy = self._considering.consider_some(self._is_live)
            if self._offer_some():
                is_busy = True
            else:
                self._intend()
            if is_busy or self._events:
                self._news.set()
                await asyncio.sleep(0)
            self._heard += asking
            if self._todo or asking:
                self._decided.set()
                self._acts.make_ready()  # the writer has the changes by then: it works while the disk does
            elif self._changes and self._lazily is None:
                self._lazily = asyncio.get_running_loop().call_later(_AT_LEISURE, self._decided.set)

    def _hear(self, report: SessionReport) -> None:
        try:
            job_id, ordinal, attempt = parse_attempt_id(report.attempt_id)
            if live := self._live.get(job_id):
                event = live.understand(report, ordinal, attempt)
                if not self._acts.register(live, event, self._hear_event):
                    self._let_decide(live, event)
            elif report.status in ENDED and (live := self._aside.get(job_id, ("", None))[1]):
                path = live.graph.names[ordinal]
                self._queues.line(live, path).release(live.key(path))
        except (ValueError, LookupError):
            log.exception("a report that means nothing: %r", report)

    def _is_live(self, live: LiveJob) -> bool:
        return self._live.get(live.job.id) is live

    def _hear_event(self, live: LiveJob, event: Event) -> None:
        self._events.append((live, event))
        self._news.set()

    def _let_decide(self, live: LiveJob, event: Event) -> None:
        """An event for a job's machine. What goes wrong there is that job's trouble alone."""
        if not self._is_live(live):
            return
        try:
            self._take(live, live.machine.handle(event))
        except Exception as error:
            log.exception("job %s cannot take %r", live.job.id, event)
            self.set_aside(live.job.id, error)

    def _take(self, live: LiveJob, decision: Decision) -> None:
        """Collect what a machine decided. What concerns the line for slots is done at once: it is memory only."""
        self._changes += decision.changes
        for instruction in decision.instructions:
            match instruction:
                case Offer(path):
                    self._offers.append((live, path))
                    continue
                case Consider(path):
                    self._considering.queue(live, path)
                    continue
                case Withdraw(path):
                    self._considering.stop(live, path)
                    self._queues.line(live, path).withdraw(live.key(path))
                    continue
                case Release(path):
                    self._queues.line(live, path).release(live.key(path))
                case Submit(path, attempt) if self._queues.line(live, path).has_room(live.demand(path)):
                    if not live.crosses(path):
                        self._acts.foresee(live, path, attempt)
                case GoOnCancelling():
                    self._events.append((live, CancelRequested(None, self._clock.now(), goes_on=True)))
                    continue
            self._todo.append((live, instruction))

    def _offer_some(self) -> bool:
        """Bring so many ready instances into line that others get a turn as well; whether there are more."""
        for _ in range(min(len(self._offers), _AT_ONCE)):
            live, path = self._offers.popleft()
            if self._is_live(live) and live.machine.is_offered(path):
                self._queues.line(live, path).offer(live.key(path), live.demand(path), live.rank(path))
        return bool(self._offers)

    def _intend(self) -> None:
        for line in self._roster.lines:
            for job_id, path in line.intend():
                if (live := self._live.get(job_id)) and live.machine.may_begin(path):
                    self._let_decide(live, live.admitted(path, self._clock.now()))

    def _start_sessions(self) -> None:
        """Give free slots to attempts whose intent is recorded."""
        for line in self._roster.lines:
            for job_id, path in line.start():
                live = self._live[job_id]
                _, _, attempt = live.machine.status_of(path)
                self._acts.submit(live, path, attempt)

    # ------------------------------------------------------------------ committing

    async def _commit_all(self) -> None:
        while True:
            await self._decided.wait()
            self._decided.clear()
            if self._lazily is not None:
                self._lazily.cancel()
                self._lazily = None
            changes, self._changes = self._changes, []
            todo, self._todo = self._todo, []
            heard, self._heard = self._heard, []
            if changes:
                await self._recorder.record(changes)
            for wish in heard:
                if not wish.done():
                    wish.set_result(None)
            for live, instruction in todo:
                if self._is_live(live):
                    self._perform(live, instruction)
            self._start_sessions()

    def _perform(self, live: LiveJob, instruction: Instruction) -> None:
        match instruction:
            case Submit(path):
                self._queues.queue(live, path)
            case Adopt(path, attempt, may_create):
                self._acts.adopt(live, path, attempt, self._queues.queue_again if may_create else None)
            case CancelSession(path, attempt, reason):
                self._queues.cancel(live, path, attempt, reason)
            case Release(path, attempt):
                self._considering.ended(live, path, attempt)
                self._acts.forget(live, path, attempt)
            case FinishJob():
                self._live.pop(live.job.id, None)
                self._news.set()
                self._following.look()
                self._finished(live)
            case WaitForRetry(path, seconds):
                self._timers.start(live.key(path), seconds, self._retry_is_due, live, path)

    def _retry_is_due(self, live: LiveJob, path: str) -> None:
        if live.job.id in self._live:
            self._hear_event(live, RetryDue(path, self._clock.now()))
