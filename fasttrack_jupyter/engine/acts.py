"""What the runner does to sessions: one act after the other on each attempt, and again until it is answered.

A backend that cannot be reached is asked again, for ever and ever more slowly: no answer is
never taken for an end. An attempt that can never start is reported as ended with ERROR.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Callable, Coroutine, Mapping
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.engine.approvals import ApprovalDesk
from fasttrack_jupyter.engine.carrying import Carrier, Words
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.ports import ExecutionBackend, Foreseeing, SessionReport, SessionSpec
from fasttrack_jupyter.engine.stimuli import SessionReported
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, FastTrackError, SessionRejected
from fasttrack_jupyter.model.job import attempt_id, parse_attempt_id
from fasttrack_jupyter.model.lifecycle import LIVE, Result, Status

if TYPE_CHECKING:  # the registry needs the roster, which needs this
    from fasttrack_jupyter.engine.registering import ModelRegistrar

log = logging.getLogger(__name__)

UNREACHABLE_PAUSE = (1.0, 30.0)
"""Seconds before a backend that gave no answer is asked again: the first time, and at most."""
_FORESEEN = 2
"""Sessions that are made ready, at most, while what was decided is recorded."""
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})


class Kind(Enum):
    """What an act is for, and so what its failure means."""

    BRING = "bring"
    START = "start"
    REGISTER = "register"
    CANCEL = "cancel"
    FORGET = "forget"


Act = Callable[[], Coroutine[Any, Any, None]]


class Acts:
    """Acts on the sessions of one home's backends."""

    def __init__(
        self,
        backends: Callable[[str], ExecutionBackend],
        clock: Clock,
        report: Callable[[SessionReport], None],
        carrier: Carrier,
        registrar: ModelRegistrar,
        approvals: ApprovalDesk,
    ) -> None:
        self._approvals = approvals
        self._backends, self._clock, self._report, self._carrier = backends, clock, report, carrier
        self._registrar = registrar
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._kinds: dict[str, Kind] = {}
        """What the last task of an attempt is for."""
        self._foreseen: list[tuple[LiveJob, str, int]] = []

    async def aclose(self) -> None:
        """Stop what is being done; the next engine repeats it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self, job_id: str) -> None:
        """Stop what is being done to a job's sessions; whoever takes the job over repeats it."""
        for name, task in self._tasks.items():
            if self._kinds[name] is not Kind.FORGET and parse_attempt_id(name)[0] == job_id:
                task.cancel()

    def name(self, live: LiveJob, path: str, attempt: int) -> str:
        """The attempt's id."""
        return attempt_id(live.job.id, live.graph.index[path], attempt)

    def bring(self, live: LiveJob, path: str, attempt: int, then: Callable[[LiveJob, str], None]) -> None:
        """Carry the outputs of dependencies to the attempt's backend, ``then`` go on with it."""

        async def act() -> None:
            await self._bring(live, path, attempt)
            then(live, path)

        self._do(live, path, attempt, act, Kind.BRING)

    def register(self, live: LiveJob, event: SessionReported, then: Callable[[LiveJob, SessionReported], None]) -> bool:
        """Whether models have to be registered before ``event``, a success, holds: ``then`` hears it once they are."""
        path, attempt = event.path, event.attempt
        if not _lives(live, path, attempt) or not self._registrar.is_due(live, event):
            return False
        tell = partial(self._tell_progress, live, event)

        async def act() -> None:
            then(live, await self._registrar.finish(live, event, tell))

        if self._kinds.get(self.name(live, path, attempt)) is not Kind.REGISTER:  # else it was only told again
            self._do(live, path, attempt, act, Kind.REGISTER)
        return True

    def _tell_progress(self, live: LiveJob, event: SessionReported, fraction: float, text: str) -> None:
        name = self.name(live, event.path, event.attempt)
        if live.machine.status_of(event.path)[0] is Status.TERMINATING:  # its session says that it is over
            self._tell(name, Status.TERMINATING, text)
            return
        began, progress = event.data.get("started_at"), {"progress": {"fraction": fraction, "text": text}}
        self._report(SessionReport(name, Status.RUNNING, began or self._clock.now(), data=progress))

    def stop_waiting(self, live: LiveJob, path: str, attempt: int) -> bool:
        """Stop carrying for an attempt, or registering; whether that was under way. What is there stays."""
        name = self.name(live, path, attempt)
        if self._kinds.get(name) not in (Kind.BRING, Kind.REGISTER):
            return False
        self._tasks[name].cancel()
        return True

    async def _bring(self, live: LiveJob, path: str, attempt: int) -> None:
        if not (carriages := live.carriages(path)):
            return
        tell = partial(self._tell, self.name(live, path, attempt))
        words = Words(self._clock, lambda told: tell(Status.PREPARING, told))
        notes = []
        for upstream, wanted in carriages:
            tree = await self._carrier.carry(wanted, words.say)
            live.carried(path, upstream, tree.place)
            notes += tree.notes(wanted)
        tell(Status.PENDING, "", {"notes": notes} if notes else {})

    def _tell(self, name: str, status: Status, reason: str, data: Mapping[str, Any] | None = None) -> None:
        self._report(SessionReport(name, status, self._clock.now(), reason=reason, data=data or {}))

    def submit(self, live: LiveJob, path: str, attempt: int) -> None:
        """Start the attempt's session, or find it."""
        backend = self._place(live, path)

        async def act() -> None:
            if _is_ending(live, path):  # cancelled before it could begin, if it did not: then it never shall
                await backend.adopt(await self._spec(live, path, attempt, has_begun=True))
            else:
                await self._submit(backend, live, path, attempt)

        self._do(live, path, attempt, act, Kind.START)

    async def _submit(self, backend: ExecutionBackend | ApprovalDesk, live: LiveJob, path: str, attempt: int) -> None:
        spec = await self._spec(live, path, attempt)
        if spec.service is not None or spec.approval is not None:  # what comes after it mounts its outputs as anybody's
            await self._backends(live.where(path)).make_dirs(spec.folder, [spec.outputs])
        await backend.submit(spec)

    def foresee(self, live: LiveJob, path: str, attempt: int) -> None:
        """The attempt will be submitted as soon as that is recorded: see :meth:`make_ready`."""
        if len(self._foreseen) < _FORESEEN:
            self._foreseen.append((live, path, attempt))

    def make_ready(self) -> None:
        """Let backends get ready, in the loop's next turns, for what is foreseen."""
        foreseen, self._foreseen = self._foreseen, []
        for live, path, attempt in foreseen:
            backend = self._place(live, path)
            if isinstance(backend, Foreseeing):
                asyncio.get_running_loop().call_soon(self._make_ready, backend, live, path, attempt)

    def _make_ready(self, backend: Foreseeing, live: LiveJob, path: str, attempt: int) -> None:
        try:
            if (spec := live.spec(path, attempt)).service is None:
                backend.foresee(spec)
        except Exception as error:  # its start will meet that too, and tell
            log.debug("attempt %s cannot be foreseen: %s", self.name(live, path, attempt), error)

    def adopt(
        self, live: LiveJob, path: str, attempt: int, may_create: Callable[[LiveJob, str, bool], None] | None
    ) -> None:
        """Find the attempt's session again. ``may_create``: it may never have begun; told whether there is anything."""
        backend, name = self._place(live, path), self.name(live, path, attempt)

        async def act() -> None:
            if may_create is not None and not _is_ending(live, path):
                exists = await backend.exists(name)
                may_create(live, path, exists)
                if not exists:
                    return
                await self._bring(live, path, attempt)
                with contextlib.suppress(SessionRejected):  # of no weight if it runs already: that is looked at next
                    await self._submit(backend, live, path, attempt)  # perhaps it is only half made
                    return
            await backend.adopt(await self._spec(live, path, attempt, has_begun=True))

        self._do(live, path, attempt, act, Kind.START)

    def cancel(self, live: LiveJob, path: str, attempt: int, reason: str) -> None:
        """Ask for the session's end."""
        backend, name = self._place(live, path), self.name(live, path, attempt)
        self._do(live, path, attempt, lambda: _call(backend.cancel, name, reason), Kind.CANCEL)

    def forget(self, live: LiveJob, path: str, attempt: int) -> None:
        """Its end is stored."""
        backend, name = self._place(live, path), self.name(live, path, attempt)
        self._do(live, path, attempt, lambda: _call(backend.forget, name), Kind.FORGET)

    def _place(self, live: LiveJob, path: str) -> ExecutionBackend | ApprovalDesk:
        """Who is asked about an instance's sessions: its backend; the engine itself where a person is asked."""
        return self._approvals if live.asks(path) else self._backends(live.where(path))

    async def _spec(self, live: LiveJob, path: str, attempt: int, *, has_begun: bool = False) -> SessionSpec:
        return await self._registrar.settle(live, live.spec(path, attempt, has_begun=has_begun))

    def _do(self, live: LiveJob, path: str, attempt: int, act: Act, kind: Kind) -> None:
        name = self.name(live, path, attempt)
        before = self._tasks.get(name)

        async def one_after_the_other() -> None:
            if before is not None:
                await asyncio.wait([before])
            await self._try(live, path, attempt, act, kind)

        task = asyncio.get_running_loop().create_task(one_after_the_other())
        self._tasks[name], self._kinds[name] = task, kind
        task.add_done_callback(lambda done: self._drop(name, done))

    def _drop(self, name: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name], self._kinds[name]

    async def _try(self, live: LiveJob, path: str, attempt: int, act: Act, kind: Kind) -> None:
        """Until it is done, or the attempt is over. A cancel is asked for again whatever went wrong."""
        name, pause = self.name(live, path, attempt), UNREACHABLE_PAUSE[0]
        while kind is Kind.FORGET or _lives(live, path, attempt):
            try:
                await act()
                return
            except Exception as error:
                passes = is_passing(error)
                is_known = passes or isinstance(error, FastTrackError)
                log.error("attempt %s: %s", name, error, exc_info=None if is_known else error)
                if not passes and kind is not Kind.CANCEL:
                    if kind is not Kind.FORGET:
                        self._report(self._failure(name, error))
                    return
                status = live.machine.status_of(path)[0]
                self._report(SessionReport(name, status, self._clock.now(), reason=str(error)))
            await asyncio.sleep(pause)
            pause = min(pause * 2, UNREACHABLE_PAUSE[1])

    def _failure(self, name: str, error: Exception) -> SessionReport:
        """The attempt could not start, for good."""
        reason = words_of(error)
        if isinstance(error, FastTrackError) and error.hint:
            reason += f" ({error.hint})"
        is_final = isinstance(error, SessionRejected | BadRequest)
        return SessionReport(name, Status.ERROR, self._clock.now(), Result.FAILURE, reason=reason, is_final=is_final)


def words_of(error: Exception) -> str:
    """What went wrong, for people."""
    return str(error) if isinstance(error, FastTrackError) else f"{type(error).__name__}: {error}"


def _is_ending(live: LiveJob, path: str) -> bool:
    return live.machine.status_of(path)[0] is Status.TERMINATING


def _lives(live: LiveJob, path: str, attempt: int) -> bool:
    """Whether ``attempt`` is the current one of its instance and has not ended."""
    status, _, current = live.machine.status_of(path)
    return current == attempt and status in LIVE


def is_passing(error: Exception) -> bool:
    """Whether it may be otherwise in a while: no answer, or this machine is out of space, memory or descriptors."""
    return isinstance(error, BackendUnreachable) or (isinstance(error, OSError) and error.errno in _PASSING)


async def _call(method: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
    await method(*args)
