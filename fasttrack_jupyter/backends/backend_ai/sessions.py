"""All sessions of one profile, from their first moment to their last report.

What an attempt is, the cluster knows: a session called ``ft-<attempt id>``, alive or ended, and its records in the
pipeline's vfolder. Nothing here has to outlive the engine. Whoever begins with an attempt looks first; what is there is
taken over. A beginning goes on in the background (code may have to be uploaded), and goes on again after trouble.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fasttrack_jupyter.backends.backend_ai.ends import TWICE, Kill, Outcome, ended
from fasttrack_jupyter.backends.backend_ai.finishing import Finisher
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import Row
from fasttrack_jupyter.backends.backend_ai.progressing import ProgressReader
from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.backends.backend_ai.sampling import Sampler
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.starting import Starter
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.backends.backend_ai.unseen import Tell, Unseen
from fasttrack_jupyter.backends.backend_ai.untold import UntoldEnds
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.waiting import Reasons
from fasttrack_jupyter.backends.backend_ai.watching import Budget, Watcher
from fasttrack_jupyter.backends.backend_ai.whereabouts import Whereabouts
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, SessionRejected, TooManySessions
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.quantities import format_duration

log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""Seconds between two tries, at most."""
_FORCED_AFTER = 45.0
"""Seconds after which a session that was asked to end is ended without asking."""
_ASK_AGAIN = 15.0
_OVERDUE = 120.0
"""Seconds past its time until a session is ended from here: its wrapper and its cluster should have."""
_APPEARS = 30.0
"""Seconds after which a session that was made must be among those that the cluster tells of."""


class Sessions:
    """See the module. ``report`` hears of everything."""

    def __init__(
        self,
        cluster: Cluster,
        report: Callable[[SessionReport], None],
        vfolders: Vfolders,
        starter: Starter,
        surveyor: Surveyor,
        whereabouts: Whereabouts,
    ) -> None:
        self._report, self._starter, self._whereabouts = report, starter, whereabouts
        self.looker = starter.looker
        self.finisher = Finisher(cluster, self.looker, vfolders)
        self._sessions: dict[str, Session] = {}
        self._watcher = Watcher(cluster, self.looker, self._watched, self._heard, self._troubled, self._idle)
        self._background: set[asyncio.Task[None]] = set()
        self._reasons = Reasons(surveyor, self._waits_because, self._spawn)
        self._progress = ProgressReader(vfolders, self._progressed)
        self._untold = UntoldEnds(vfolders, self._is_untold)
        tell = Tell(self._say, self._begin_finish, self._conclude)
        self.unseen = Unseen(cluster, vfolders, whereabouts, tell)
        self.sampler = Sampler(self.looker)

    # ------------------------------------------------------------ what the backend asks

    def open(self) -> None:
        """Begin to watch."""
        self._watcher.open()

    def get(self, attempt_id: str) -> Session | None:
        """The session of an attempt, while it is looked after."""
        return self._sessions.get(attempt_id)

    def all(self) -> list[Session]:
        """Those that are looked after."""
        return list(self._sessions.values())

    async def begin(self, spec: SessionSpec, *, create: bool) -> None:
        """Look for the session of ``spec`` and take it over; make it if there is none and ``create``.

        Raises:
            BackendUnreachable: nothing is known.
        """
        if self._repeated(spec.attempt_id):
            return
        session = Session(spec)
        rows = await self.looker.find(session.name)
        session.other_key = await self.unseen.other_key(spec.attempt_id)
        has_begun = not rows and await self.unseen.has_begun(spec.attempt_id)
        mark = await self.unseen.mark() if create and not has_begun else ""
        if self._repeated(spec.attempt_id):
            return
        self._whereabouts.note(spec.attempt_id, session.folder, mark)
        self._sessions[spec.attempt_id] = session
        if rows:
            self._take_over(session, rows)
        elif create and not has_begun:
            session.work = self._spawn(self._bring_about(session))
        else:
            session.is_asked = True
            session.work = self._spawn(self.unseen.look_for(session))

    def end(self, session: Session, kill: Kill) -> None:
        """End ``session`` on purpose."""
        if session.is_over or session.kill is not None:
            return
        session.kill = kill
        self._say(session, Status.TERMINATING, kill.reason)
        if session.is_asked:
            session.ending = self._spawn(self._destroy(session, kill))
        else:
            if session.work is not None:
                session.work.cancel()
            self._conclude(session, ended(kill))

    def forget(self, attempt_id: str) -> None:
        """Let go of a session whose end is stored."""
        session = self._sessions.pop(attempt_id, None)
        if session is None:
            return
        self.sampler.keep(session)
        for task in (session.work, session.ending):
            if task is not None:
                task.cancel()

    async def aclose(self) -> None:
        """Stop watching; sessions go on."""
        await self._watcher.aclose()
        await self.unseen.aclose()
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.looker.aclose()
        self._sessions.clear()

    # ------------------------------------------------------------ beginnings

    def _repeated(self, attempt_id: str) -> bool:
        """Whether the attempt is looked after already; its end is said again."""
        known = self._sessions.get(attempt_id)
        if known is not None and known.last is not None:
            self._report(known.last)
        return known is not None

    def _take_over(self, session: Session, rows: list[Row]) -> None:
        session.is_asked = session.was_found = True
        self._saw(session, rows)
        self._watcher.hint()

    async def _bring_about(self, session: Session) -> None:
        """Make the session, however often that has to be tried."""
        tried = 0
        while session.kill is None:  # else whoever ends it looks for what was perhaps heard
            try:
                if session.is_asked and (rows := await self.looker.find(session.name)):
                    self._take_over(session, rows)
                else:
                    await self._make(session)
                return
            except BackendUnreachable as error:
                self._say(session, Status.PENDING, error.message)
            except Exception as error:  # whatever it is, the session must not wait for ever
                if not session.is_asked or not await self._appears(session):
                    self._reject(session, error)
                return
            tried += 1
            await asyncio.sleep(pause(tried + 2, most=_PATIENCE))

    async def _make(self, session: Session) -> None:
        spec = session.spec
        asked = await self._starter.prepare(spec, lambda fraction, text: self._preparing(session, fraction, text))
        if session.kill is not None:
            return
        was_asked, session.is_asked, session.since = session.is_asked, True, time.monotonic()  # it may be there now
        try:
            rows = await self._starter.create(asked, session.name)
        except (TooManySessions, SessionRejected):
            session.is_asked = was_asked  # an earlier request without an answer may have been heard
            raise
        if rows:
            self._take_over(session, rows)
        elif not session.rows:
            self._say(session, Status.PENDING, "")
            self._watcher.hint()

    async def _appears(self, session: Session) -> bool:
        """Whether an earlier request, which has had no answer, made the session after all: then it is taken over."""
        while True:
            is_late = time.monotonic() - session.since > _APPEARS
            try:
                if rows := await self.looker.find(session.name):
                    self._take_over(session, rows)
                    return True
                if is_late:
                    return False
            except BackendUnreachable as error:
                self._say(session, Status.PENDING, error.message)
            await asyncio.sleep(pause(4))

    def _preparing(self, session: Session, fraction: float | None, text: str) -> None:
        words = text if fraction is None else f"{text} ({fraction:.0%})"
        self._say(session, Status.PREPARING, words)

    def _reject(self, session: Session, error: Exception) -> None:
        self._starter.forget(session.spec)
        if isinstance(error, FastTrackError):
            why = f"{error.message} ({error.hint})" if error.hint else error.message
        else:
            why = f"{type(error).__name__}: {error}"
        if session.kill is not None:
            self._conclude(session, ended(session.kill))
        else:
            self._conclude(session, Outcome(Status.ERROR, Result.FAILURE, None, why, isinstance(error, FastTrackError)))

    # ------------------------------------------------------------ what the cluster says

    def _watched(self) -> list[str]:
        return [session.name for session in self._sessions.values() if session.is_watched]

    def _heard(self, found: dict[str, list[Row]]) -> bool:
        """What a look found; whether any of it is news."""
        is_news = False
        for session in list(self._sessions.values()):
            if session.is_watched and session.name in found:
                before = session.rows
                self._saw(session, found[session.name])
                is_news |= session.rows != before
        return is_news

    def _saw(self, session: Session, rows: list[Row]) -> None:
        if not rows:
            self._saw_nothing(session)
            return
        session.took(rows)
        live = session.live
        if not live:
            self._begin_finish(session)
            return
        row = max(live, key=lambda each: (each.began_at is not None, each.created_at))
        if session.kill is None and row.status is not None:
            self._say(session, row.status, self._reasons.of(session, row), at=_moment(row))
        self._end_what_is_overdue(session, row)

    def _saw_nothing(self, session: Session) -> None:
        """It was asked for, and is not there: while a request is under way that says nothing."""
        is_under_way = session.work is not None and not session.work.done()
        if not is_under_way and time.monotonic() - session.since > _APPEARS:
            session.work = self._spawn(self.unseen.look_for(session))

    def _waits_because(self, session: Session) -> None:
        if session.is_watched and session.status is Status.PENDING and session.waits_because:
            self._say(session, Status.PENDING, session.waits_because)

    def _end_what_is_overdue(self, session: Session, row: Row) -> None:
        timeout = session.spec.timeout
        if timeout is None or row.began_at is None or session.kill is not None:
            return
        if time.time() - row.began_at > timeout + _OVERDUE:
            self.end(session, Kill("timeout", f"timeout {format_duration(timeout)}"))

    def _troubled(self, error: FastTrackError) -> None:
        """Nothing is known: the status stays, and the trouble is its reason."""
        for session in self._sessions.values():
            if session.is_watched:
                self._say(session, session.status, error.message)

    async def _idle(self, budget: Budget) -> None:
        """Now and then, what the sessions use and how far they are."""
        running = [session for session in self._sessions.values() if session.is_running]
        await self.sampler.look(running, budget)
        await self._untold.look([session for session in self._sessions.values() if session.may_have_ended], budget)
        await self._progress.look(running, budget)

    def _progressed(self, session: Session, told: dict[str, Any]) -> None:
        self._report(SessionReport(session.spec.attempt_id, Status.RUNNING, time.time(), data={"progress": told}))

    # ------------------------------------------------------------ ends

    async def _destroy(self, session: Session, kill: Kill) -> None:
        """Ask the cluster to end it until it has: at first politely. Why is written down for whoever comes after us."""
        await self._write_down(session, kill)
        began, tried = time.monotonic(), 0
        while not session.is_over and not session.is_finishing:
            if session.is_unseen:  # only its records can tell it
                await self._write_down(session, kill)
                return
            tried += 1
            forced = tried > 1 and time.monotonic() - began > _FORCED_AFTER
            try:
                rows = session.live or [row for row in await self.looker.find(session.name) if not row.is_over]
                for row in rows:
                    await self.finisher.ask_for_the_end(row, forced)
            except FastTrackError as error:
                self._say(session, Status.TERMINATING, f"{kill.reason}; {error.message}")
                await asyncio.sleep(pause(tried, most=_ASK_AGAIN))
                continue
            self._watcher.hint()
            await asyncio.sleep(_ASK_AGAIN if rows else 1.0)

    def _is_untold(self, session: Session) -> None:
        """Its command has ended, and the cluster does not notice."""
        log.warning("session %s has ended, and the cluster does not say so: it is ended there", session.name)
        self._spawn(self._end_untold(session))

    async def _end_untold(self, session: Session) -> None:
        """By force; how it came out its record tells. What goes wrong is tried again when the record is found again."""
        for row in session.live if session.may_have_ended else ():
            try:
                await self.finisher.ask_for_the_end(row, forced=True)
            except FastTrackError:
                return
        self._watcher.hint()

    async def _write_down(self, session: Session, kill: Kill) -> None:
        """For the next engine, should this one die before the end is stored, and for the wrapper, which heeds it."""
        while True:
            try:
                await self.finisher.write_down(session, kill)
                session.told_at = time.monotonic() if session.is_unseen else None
                return
            except (FastTrackError, TimeoutError) as error:
                if not session.is_unseen:
                    return
                self._say(session, Status.TERMINATING, f"{kill.reason}; it cannot be told yet: {error}")
            await asyncio.sleep(_ASK_AGAIN)

    def _begin_finish(self, session: Session) -> None:
        session.is_finishing = True
        session.work = self._spawn(self._finish(session))

    async def _finish(self, session: Session) -> None:
        tried = 0
        while True:
            try:
                finished = await self.finisher.finish(session)
                break
            except BackendUnreachable as error:
                tried += 1
                why = f"its end cannot be read yet: {error.message}"
                self._say(session, Status.TERMINATING, why if session.kill is None else f"{session.kill.reason}; {why}")
                await asyncio.sleep(pause(tried, most=_PATIENCE))
            except Exception as error:  # whatever it is, the session must not wait for ever
                why = error.message if isinstance(error, FastTrackError) else f"{type(error).__name__}: {error}"
                log.error("the end of session %s cannot be read", session.name, exc_info=error)
                unread = Outcome(Status.ERROR, Result.FAILURE, None, f"its end cannot be read: {why}")
                self._conclude(session, unread if session.kill is None else ended(session.kill))
                return
        if finished.outcome == TWICE and session.other_key:
            self.unseen.follow(session)  # it began in a session that was made with the other key
            return
        self._conclude(session, finished.outcome, at=finished.at, data=finished.data)

    def _conclude(
        self, session: Session, outcome: Outcome, *, at: float | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        if session.is_over:
            return
        told = {**session.report_data(), **(data or {})}
        when = max(at or time.time(), told.get("started_at", 0.0), session.said_running_at)
        session.last = SessionReport(
            session.spec.attempt_id, outcome.status, when, outcome.result, outcome.exit_code, outcome.reason,
            is_final=outcome.is_final, data=told,
        )  # fmt: skip
        self._report(session.last)

    # ------------------------------------------------------------ small ones

    def _say(self, session: Session, status: Status, reason: str, *, at: float | None = None) -> None:
        """Report where it is, if that is news."""
        if session.is_over or (session.status is Status.TERMINATING and status is not Status.TERMINATING):
            return
        if (status, reason) == (session.status, session.reason):
            return
        when = at if at is not None and status is not session.status else time.time()
        if status is Status.RUNNING and session.status is not Status.RUNNING:
            session.said_running_at = when
        session.status, session.reason = status, reason
        self._report(SessionReport(session.spec.attempt_id, status, when, reason=reason, data=session.report_data()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _moment(row: Row) -> float | None:
    return row.began_at if row.status is Status.RUNNING else None
