"""Sessions from their first moment to their last report.

A session is started by the launcher and heard of through it; one that was found alive (a crash lay
between) is watched by its supervisor's end (a pidfd). Either way its directory says how it ended. Whoever
ends a session on purpose writes so first; the end is reported only once its whole tree is gone.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files.removal import remove_all, remove_tree
from fasttrack_jupyter.backends.local import attempts, namespace_view
from fasttrack_jupyter.backends.local.attempts import Finding, Killed
from fasttrack_jupyter.backends.local.contained import is_contained
from fasttrack_jupyter.backends.local.durable import has_entries
from fasttrack_jupyter.backends.local.failure import remove_failure
from fasttrack_jupyter.backends.local.foreseen import Foreseen
from fasttrack_jupyter.backends.local.fresh import make_fresh
from fasttrack_jupyter.backends.local.killing import Killer
from fasttrack_jupyter.backends.local.limits import Watchdog
from fasttrack_jupyter.backends.local.link import LauncherLink
from fasttrack_jupyter.backends.local.outcomes import Outcome, finish, has_noted, outcome_of
from fasttrack_jupyter.backends.local.processes import ProcessWatch
from fasttrack_jupyter.backends.local.progress import Progress, remove_progress
from fasttrack_jupyter.backends.local.session import Launch, Prepare, Preparing, Session
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.backends.local.shortage import SCARCE, trouble
from fasttrack_jupyter.backends.local.system import end_of
from fasttrack_jupyter.engine.ports import SWEPT, SessionReport, SessionSpec
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, FastTrackError, SessionRejected
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.quantities import format_duration

_LOOK_AGAIN = 0.01
_TRY_AGAIN = 5.0
_SYNCS_AT_ONCE = 4


class Sessions:
    """All sessions of one backend.

    ``prepare`` makes a :class:`Launch` of a session (at once, or after a wait), ``adopted`` is told of a session
    that runs already, ``released`` of one that holds nothing of the machine any more; ``end_container`` ends
    what runs outside the process tree; ``devices`` tells the GPUs that an attempt holds.
    """

    def __init__(
        self,
        settings: LocalSettings,
        report: Callable[[SessionReport], None],
        prepare: Prepare,
        outputs_of: Callable[[SessionSpec], str],
        adopted: Callable[[Session], None],
        released: Callable[[Session], None],
        end_container: Callable[[Session], bool],
        devices: Callable[[str], Sequence[str]],
    ) -> None:
        self._root, self._outputs_root = str(settings.home / "attempts"), str(settings.home / "folders")
        self._grace = settings.grace
        self._report = report
        self._prepare, self._outputs_of = prepare, outputs_of
        self._adopted, self._released = adopted, released
        self._end_container = end_container
        probe = namespace_view.probe(settings.home / "attempts" / ".probe")
        setup = {"mode": settings.mode, "home": str(settings.home), "probe": probe}
        self._link = LauncherLink(setup, self._heard, self._launcher_died)
        self.mode, self.why, self.warm = "folders", "", self._link.warm
        self._watchdog = Watchdog(
            settings.watch_interval, settings.log_cap, self.live, self.end, devices, self._progressed
        )
        self._processes = ProcessWatch()
        self._killer = Killer(self._processes)
        self._sessions: dict[str, Session] = {}
        self._foreseen = Foreseen(prepare, released, self._link.send)
        self._discards: list[str] = []
        self._disk = ThreadPoolExecutor(_SYNCS_AT_ONCE, "outputs")
        self._background: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ what the backend asks

    def control(self, attempt_id: str) -> str:
        """The directory of an attempt."""
        return f"{self._root}/{attempt_id}"

    def get(self, attempt_id: str) -> Session | None:
        """The session of an attempt, while it is looked after."""
        return self._sessions.get(attempt_id)

    def live(self) -> list[Session]:
        """Sessions that have begun and not ended."""
        return [session for session in self._sessions.values() if session.is_running]

    def used(self) -> set[str]:
        """Digests of environments and ids of commits that sessions here run on."""
        return {str(session.data[key]) for session in self._sessions.values() for key in SWEPT if key in session.data}

    async def open(self) -> None:
        """Start the launcher and hear which mode works here."""
        self.mode, self.why = await self._link.started()
        self._spawn(self._watchdog.run())

    def foresee(self, spec: SessionSpec) -> None:
        """``spec`` will probably be submitted in a moment: be ready."""
        if spec.attempt_id not in self._sessions and self.mode != "plain":
            self._foreseen.make_ready(Session(spec, self.control(spec.attempt_id), self._outputs_of(spec)))

    def begin(self, spec: SessionSpec, *, create: bool) -> None:
        """Look for the session of ``spec`` and take it over; start it if there is none and ``create``."""
        if (known := self._sessions.get(spec.attempt_id)) is not None:
            if known.last is not None:
                self._report(known.last)
            return
        if not create:
            self._foreseen.drop(spec.attempt_id)
        elif ready := self._foreseen.let_begin(spec.attempt_id):
            self._sessions[spec.attempt_id] = ready
            return
        session = Session(spec, self.control(spec.attempt_id), self._outputs_of(spec))
        try:
            fresh = create and attempts.make(session.control)
            self._sessions[spec.attempt_id] = session
            self._start(session) if fresh else self._take_over(session, create=create)
        except (FastTrackError, OSError) as error:  # as if it had never been asked for: it may be asked for again
            self._sessions.pop(spec.attempt_id, None)
            self._released(session)
            raise (trouble(error, spec.path) if isinstance(error, OSError) else error) from error.__cause__

    def end(self, session: Session, kill: Killed) -> None:
        """End ``session`` on purpose."""
        if session.is_over or session.ending:
            return
        session.ending = True
        kill = attempts.record_kill(session.control, kill)
        self._say(session, Status.TERMINATING, reason=kill.reason)
        if session.work is not None:
            session.work.cancel()
        session.work = self._spawn(self._end(session))

    def forget(self, attempt_id: str) -> None:
        """Let go of a session whose end is stored."""
        session = self._sessions.pop(attempt_id, None)
        if session is None:
            self._foreseen.drop(attempt_id)
            return
        self._unwatch(session)
        remove_failure(session.outputs)
        if session.last is not None and session.last.result is Result.SUCCESS:
            self._discards.append(f"{session.control}/work")
            if len(self._discards) == 1:
                self._spawn(self._discard())

    async def aclose(self) -> None:
        """Stop watching; sessions go on."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for session in self._sessions.values():
            self._unwatch(session)
        self._sessions.clear()
        self._foreseen.lose_all()
        self._link.close()
        self._disk.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------ beginnings

    def _start(self, session: Session) -> None:
        prepared = self._prepare(session, lambda status, words: self._say(session, status, reason=words))
        if isinstance(prepared, Launch):
            self._launch(session, prepared)
        else:
            session.work = self._spawn(self._start_when_ready(session, prepared))

    async def _start_when_ready(self, session: Session, preparing: Preparing) -> None:
        try:
            self._launch(session, await preparing())
        except Exception as error:
            self._not_started(session, error)

    def _not_started(self, session: Session, error: Exception) -> None:
        """Whatever it is, the session must not wait for ever."""
        if isinstance(error, BackendUnreachable):
            session.work = self._spawn(self._start_later(session, error.message))
        elif isinstance(error, FastTrackError):
            is_final = isinstance(error, SessionRejected) or not isinstance(error, BackendError)
            self._reject(session, f"{error.message}: {error.hint}" if error.hint else error.message, is_final)
        elif isinstance(error, OSError) and error.errno in SCARCE:
            session.work = self._spawn(self._start_later(session, f"{error.strerror}: {error.filename}"))
        else:
            self._reject(session, f"{type(error).__name__}: {error}")

    async def _start_later(self, session: Session, why: str) -> None:
        """What is missing now may be there soon: say so, and prepare again."""
        self._say(session, Status.PREPARING, reason=why)
        await asyncio.sleep(_TRY_AGAIN)
        await self._start_afresh(session)

    async def _start_afresh(self, session: Session) -> None:
        """Start it once what an earlier start left, however much that is, was removed."""
        try:
            for folder in (session.outputs, f"{session.control}/work"):
                await asyncio.to_thread(remove_tree, Path(folder))
            self._start(session)
        except Exception as error:
            self._not_started(session, error)

    def _reject(self, session: Session, why: str, is_final: bool = True) -> None:
        self._conclude(session, Outcome(Status.ERROR, Result.FAILURE, None, why, is_final))

    def _launch(self, session: Session, launch: Launch) -> None:
        make_fresh(session.outputs)
        session.took(launch)
        self._link.send(("launch", launch.request))

    def _take_over(self, session: Session, *, create: bool) -> None:
        """Act upon what the attempt's directory says; see ``attempts``. Nobody waits for the launcher any more."""
        session.launched = False
        finding = attempts.look(session.control)
        if finding is Finding.STARTING:
            asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look_again, session, create)
        elif finding is Finding.ALIVE:
            self._adopt(session)
        elif create and finding in (Finding.ABSENT, Finding.UNSTARTED) and not attempts.killed(session.control):
            attempts.make(session.control)
            session.work = self._spawn(self._start_afresh(session))
        else:
            session.mode = session.mode or attempts.mode_of(session.control)
            session.ending = True
            session.work = self._spawn(self._end(session, at_once=True))

    def _look_again(self, session: Session, create: bool) -> None:
        if self._sessions.get(session.spec.attempt_id) is session and not session.ending:
            self._take_over(session, create=create)

    def _adopt(self, session: Session) -> None:
        """Watch a session that runs already."""
        leader = attempts.supervisor(session.control)
        assert leader is not None
        session.leader = leader.pid
        session.mode = session.mode or attempts.mode_of(session.control)
        try:
            session.pidfd = end_of(leader.pid)
        except ProcessLookupError:
            self._take_over(session, create=False)
            return
        if not leader.is_alive():
            self._unwatch(session)
            self._take_over(session, create=False)
            return
        asyncio.get_running_loop().add_reader(session.pidfd, self._adopted_ended, session)
        self._adopted(session)
        self._began(session, time.time() - leader.age(), leader.age())
        if (kill := attempts.killed(session.control)) is not None:
            self.end(session, kill)

    def _began(self, session: Session, at: float, age: float) -> None:
        session.started_at = at
        if session.spec.timeout is not None:
            loop = asyncio.get_running_loop()
            session.timer = loop.call_later(max(0.0, session.spec.timeout - age), self._timed_out, session)
        if not session.ending:
            self._say(session, Status.RUNNING, at=at)

    def _timed_out(self, session: Session) -> None:
        assert session.spec.timeout is not None
        self.end(session, Killed("timeout", f"timeout {format_duration(session.spec.timeout)}"))

    # ------------------------------------------------------------ what the launcher says

    def _heard(self, message: tuple[Any, ...]) -> None:
        kind, attempt_id, *rest = message
        if (session := self._sessions.get(attempt_id)) is None or session.is_over:
            return
        if kind == "started":
            session.led_by(rest[0], rest[2])
            self._began(session, rest[1], 0.0)
        elif kind == "ended":
            self._ended(session, *rest)
        elif kind == "busy":
            if session.launched and not session.ending:
                self._take_over(session, create=True)
        else:
            self._failed(session, *rest)

    def _ended(self, session: Session, status: int, cpu: float, peak: int, left: bool, at: float) -> None:
        session.ended_at = at
        session.usage["cpu_seconds"] = round(cpu, 3)
        if peak > session.usage.get("peak_mem", 0):
            session.usage["peak_mem"] = peak
        if session.ending:
            return  # whoever ends it says so when its tree is gone
        if left or attempts.exit_code(session.control) is None:
            session.ending = True
            session.work = self._spawn(self._end(session, at_once=True))
        else:
            self._conclude(session, outcome_of(session.control, session.outputs))

    def _failed(self, session: Session, number: int, words: str) -> None:
        session.launched = False
        if number in SCARCE:
            session.work = self._spawn(self._start_later(session, words))
        else:
            self._reject(session, f"it could not be started: {words}", is_final=False)

    def _launcher_died(self) -> None:
        """Whatever was asked of it and whatever it watched: look, and take over."""
        self._foreseen.lose_all()
        for session in list(self._sessions.values()):
            if session.launched and session.pidfd is None and not session.is_over and not session.ending:
                self._take_over(session, create=session.started_at is None)

    def _adopted_ended(self, session: Session) -> None:
        self._unwatch(session)
        if not session.ending:
            session.ending = True
            session.work = self._spawn(self._end(session, at_once=True))

    # ------------------------------------------------------------ ends

    async def _end(self, session: Session, *, at_once: bool = False) -> None:
        """Make sure that nothing of ``session`` is left, then say how it ended."""
        await self._killer.end(session.tree, 0.0 if at_once else self._grace)
        while is_contained(session.control) and not await self._is_container_gone(session):
            await asyncio.sleep(_TRY_AGAIN)
        self._conclude(session, outcome_of(session.control, session.outputs))

    async def _is_container_gone(self, session: Session) -> bool:
        try:
            return await asyncio.to_thread(self._end_container, session)
        except BackendError as error:
            self._say(session, Status.TERMINATING, reason=error.message)
            return False

    def _conclude(self, session: Session, outcome: Outcome) -> None:
        self._unwatch(session)
        self._released(session)
        session.launched, session.leader = False, None  # its number may soon be another process's
        remove_progress(session.outputs)
        is_success = outcome.result is Result.SUCCESS
        has_outputs = is_success and bool(session.spec.wanted_outputs or has_entries(session.outputs))
        if has_outputs or has_noted(session.outputs) or self._watchdog.is_log_too_big(session):
            session.work = self._spawn(self._finish(session, outcome))
        else:
            self._final(session, outcome, {})

    async def _finish(self, session: Session, outcome: Outcome) -> None:
        """A success is one when its outputs are safe; threads of their own, for a full disk is slow."""
        if self._watchdog.is_log_too_big(session):
            await asyncio.to_thread(self._watchdog.keep_bounded, session)
        work = asyncio.get_running_loop().run_in_executor(
            self._disk, finish, outcome, session.outputs, self._outputs_root, session.spec.wanted_outputs
        )
        self._final(session, *await work)

    def _final(self, session: Session, outcome: Outcome, found: Mapping[str, Any]) -> None:
        if session.started_at is None:
            session.started_at = attempts.began_at(session.control)
        data = session.report_data() | outcome.report_data() | dict(found)
        at = max(session.ended_at or attempts.ended_at(session.control) or time.time(), session.started_at or 0.0)
        session.last = SessionReport(
            session.spec.attempt_id, outcome.status, at, outcome.result, outcome.exit_code, outcome.reason,
            is_final=outcome.is_final, data=data,
        )  # fmt: skip
        self._report(session.last)

    # ------------------------------------------------------------ small ones

    def _say(self, session: Session, status: Status, *, at: float | None = None, reason: str = "") -> None:
        when = time.time() if at is None else at
        self._report(SessionReport(session.spec.attempt_id, status, when, reason=reason, data=session.report_data()))

    def _progressed(self, session: Session, progress: Progress) -> None:
        self._report(SessionReport(session.spec.attempt_id, Status.RUNNING, time.time(), data=progress.report_data()))

    def _unwatch(self, session: Session) -> None:
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        if session.pidfd is not None:
            asyncio.get_running_loop().remove_reader(session.pidfd)
            os.close(session.pidfd)
            session.pidfd = None

    async def _discard(self) -> None:
        """Remove working directories that nobody needs any more, many at a time and in a thread."""
        while self._discards:
            folders, self._discards = self._discards, []
            await asyncio.to_thread(remove_all, folders)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task
