"""One service, kept as it is wanted: a loop that looks, decides and acts, and may be killed at any moment.

Whatever is wanted is written down first (``records``); every pass begins anew from what is written and what is seen, so
that an engine which takes over needs to know nothing else. A replica is written down before it is begun, and
struck out after nothing of it is left. What cannot be written down (a disk is full) has not changed in memory
either, and is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

from fasttrack_jupyter.backends.local.services import replicas, telling
from fasttrack_jupyter.backends.local.services.deciding import Moves, Seen, decide, is_done
from fasttrack_jupyter.backends.local.services.house import House, Pauses
from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision, ServiceRecord, change
from fasttrack_jupyter.backends.local.services.replica import Replica
from fasttrack_jupyter.backends.local.services.rollouts import Outcome, Rollout
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.errors import BackendUnreachable, Conflict, FastTrackError, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status

_LOG = logging.getLogger(__name__)
_TICK = 1.0
_DRAIN_LOOKS, _DRAIN_SECONDS = 0.05, 60.0
"""How often it is looked whether a replica is done with its last requests, and for how long at most."""
_STABLE = 60.0
"""A replica that was healthy for so long has not failed at its start."""
_KEPT_LOGS = 5
_SIGNALLED, _TRIES = 128, 3


class Keeper:
    """See the module's text."""

    def __init__(self, record: ServiceRecord, house: House) -> None:
        self.record, self._house = record, house
        self.replicas: dict[str, Replica] = {}
        self.rollouts: dict[str, Rollout] = {}
        """Those that are not over and whose engine listens."""
        self.trouble = ""
        self.door_trouble = ""
        """Why it has no port."""
        self.is_gone = False
        self._pauses = Pauses()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ what is asked of it

    def begin(self) -> None:
        """Adopt what runs, and go on."""
        for kept in list(self.record.replicas):
            replica = self._add(kept)
            replica.adopt()
            if replica.is_gone:  # it was only written down
                self._spawn(self._clear(replica))
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Stop; replicas go on."""
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        tasks += [replica.work for replica in self.replicas.values() if replica.work is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def roll(self, revision: Revision, rollout: Rollout) -> None:
        """Bring the service to a new revision, whose rollout is written down; one that is under way is over.

        Raises OSError; then nothing has changed.
        """
        with self._changing() as record:
            record.revisions[revision.id] = revision
            if record.target == record.current:
                record.wanted_before = record.wanted
            record.target, record.wanted = revision.id, revision.service.replicas
        self._pauses = Pauses()
        self.follow(rollout)

    def follow(self, rollout: Rollout, spec: SessionSpec | None = None) -> None:
        """The engine listens to this rollout; ``spec`` has the secrets that are not written down."""
        self.rollouts[rollout.attempt_id] = rollout
        revision = self.record.revisions.get(rollout.attempt_id)
        if revision is not None and spec is not None:
            self._complete(revision, spec)
        self._step_back()  # a crash may have lain between the two halves of taking it back
        self.wake()

    def cancel(self, rollout: Rollout, reason: str) -> None:
        """A first rollout leaves no service, an update leaves the revision before it. Raises OSError."""
        if rollout.outcome is None:
            self._decide_end(rollout, Status.CANCELLED, reason)
            self._step_back()

    def scale(self, wanted: int) -> None:
        """From now on so many. Raises Conflict, OSError."""
        if self.record.is_going:
            raise Conflict(
                f"service {self.record.name!r} is being removed: it gets no replicas any more",
                hint="wait until it is gone, then deploy it again",
            )
        with self._changing() as record:
            record.wanted = wanted

    def remove(self) -> None:
        """Drain it and end it. Raises OSError."""
        with self._changing() as record:
            record.is_going = True

    def heard(self, report: SessionReport) -> None:
        """What the backend says about a replica's session."""
        if (replica := self.replicas.get(report.attempt_id)) is not None:
            replica.heard(report)

    def wake(self) -> None:
        """Something changed: look again."""
        self._wake.set()

    def open_replicas(self) -> list[ReplicaRecord]:
        """Those that requests may go to."""
        return [r.record for r in self.replicas.values() if r.is_healthy and not r.is_ending]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[ServiceRecord]:
        """The record, to be changed: all of it is written down at the end, or (OSError) nothing has changed."""
        with change(self.record, self._house.save):
            yield self.record
            self.record.updated_at = time.time()
        self.wake()

    # ------------------------------------------------------------ the loop

    async def _run(self) -> None:
        while not self.is_gone or self.rollouts:
            self._wake.clear()
            try:
                await self._pass()
            except (FastTrackError, OSError) as error:
                self.trouble = _said(error)
            except Exception as error:  # a defect of ours must not leave a service without anybody who looks after it
                _LOG.exception("service %s", self.record.name)
                self.trouble = f"{type(error).__name__}: {error}"
            pause = self._pauses.left()
            if not self.is_gone or self.rollouts:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(_TICK, pause) if pause else _TICK):
                        await self._wake.wait()
        self._house.let_go(self.record)

    async def _pass(self) -> None:
        if not self.is_gone:
            await self._look()
        self._tell()

    async def _look(self) -> None:
        await self._strike_out()
        self._note_health()
        self._replace_failed()
        self._step_back()
        was_gone = self.record.is_going and not self.replicas  # else the gateway would be left with its port
        self.trouble = await self._act()
        if was_gone and not self.trouble:
            await self._house.forget(self.record)
            self.is_gone = True

    async def _act(self) -> str:
        """Do what is to be done now; what is in the way, in words."""
        moves = self._moves()
        for name in moves.end:
            self._end(self.replicas[name])
        try:
            await self._house.sync()
            if moves.start and not self._pauses.left():
                await self._start(moves.start)
        except (FastTrackError, OSError) as error:
            return _said(error)
        return ""

    def _note_health(self) -> None:
        """Write down who was healthy for the first time: the next engine begins with that."""
        new = [r.record for r in self.replicas.values() if r.was_healthy and not r.record.was_healthy]
        if new:
            with self._changing() as record:
                record.was_healthy = True
                record.replicas = [replace(kept, was_healthy=True) if kept in new else kept for kept in record.replicas]
            for kept in self.record.replicas:
                self.replicas[kept.id].record = kept

    def _staying(self) -> list[Replica]:
        return [replica for replica in self.replicas.values() if not replica.is_ending]

    def _seen(self) -> list[Seen]:
        return [
            Seen(replica.id, replica.revision.id == self.record.target, replica.is_healthy)
            for replica in self._staying()
        ]

    def _moves(self) -> Moves:
        newest = self.record.newest
        if self.record.is_going or newest is None:
            return Moves(0, tuple(replica.id for replica in self._staying()))
        service = newest.service
        return decide(self.record.wanted, service.max_surge, service.max_unavailable, self._seen())

    def _replace_failed(self) -> None:
        """End what has failed; what failed before it was ever healthy fails its rollout."""
        for replica in self._staying():
            if replica.is_failed:
                was_stable = replica.healthy_since is not None and time.time() - replica.healthy_since > _STABLE
                self._pauses.failed(was_stable=was_stable)
                rollout = self.rollouts.get(replica.revision.id)
                if rollout is not None and rollout.outcome is None and self._is_hopeless(replica):
                    why = telling.why_failed(replica, self._house.control(replica.id))
                    self._decide_end(rollout, Status.TERMINATED, why)
                self._end(replica)

    def _is_hopeless(self, replica: Replica) -> bool:
        """Whether another one would fail as well: not if somebody killed it, unless that happens again and again."""
        was_killed = replica.is_gone and (replica.exit_code is None or replica.exit_code > _SIGNALLED)
        return not replica.was_healthy and not (was_killed and self._pauses.failures < _TRIES)

    # ------------------------------------------------------------ rollouts

    def _step_back(self) -> None:
        """Where it is written down that a rollout ends badly, what it began goes, and what was before comes back."""
        record = self.record
        ending = self.rollouts.get(record.target or "")
        if ending is None or ending.outcome is None or record.is_going:
            return
        with self._changing():
            if record.current is None:
                record.is_going = True
            else:
                record.target, record.wanted = record.current, record.wanted_before

    def _decide_end(self, rollout: Rollout, status: Status, reason: str) -> None:
        """Write down how it will end: once nothing of its revision runs any more."""
        result = Result.UNDEFINED if status is Status.CANCELLED else Result.FAILURE
        rollout.save(Outcome(status, result, reason, is_pending=True))
        rollout.note(reason)
        self.wake()

    def _tell(self) -> None:
        """Report how rollouts stand, and those that are over."""
        for rollout in list(self.rollouts.values()):
            if rollout.outcome is None:
                self._tell_progress(rollout)
            if rollout.outcome is not None and rollout.outcome.is_pending and self._is_cleared(rollout.attempt_id):
                self._conclude(rollout, replace(rollout.outcome, at=time.time(), is_pending=False))

    def _is_cleared(self, attempt_id: str) -> bool:
        """Whether nothing of a rollout that ends badly is left."""
        if self.is_gone or self.record.is_going:
            return self.is_gone
        return self.record.target != attempt_id and not self._has_replicas_of(attempt_id)

    def _has_replicas_of(self, revision: str) -> bool:
        return any(replica.revision.id == revision for replica in self.replicas.values())

    def _tell_progress(self, rollout: Rollout) -> None:
        record, revision = self.record, self.record.revisions.get(rollout.attempt_id)
        if record.is_going:
            self._decide_end(rollout, Status.ERROR, f"service {record.name} was removed")
        elif revision is None or record.target != rollout.attempt_id:
            self._decide_end(rollout, Status.ERROR, f"another rollout of {record.name} took its place")
        elif record.port and is_done(record.wanted, self._seen()):
            with self._changing():
                record.current = rollout.attempt_id
                record.drop_unused()
            done = Outcome(Status.TERMINATED, Result.SUCCESS, endpoint=self.endpoint or "", at=time.time())
            rollout.note(f"{record.name} serves revision {revision.number} at {self.endpoint}")
            self._conclude(rollout, done)
        elif time.time() - revision.begun_at > revision.timeout:
            self._decide_end(rollout, Status.TERMINATED, f"timeout {revision.timeout:g} s: {self.reason()}")
        elif (report := rollout.say(self.reason())) is not None:
            self._house.report(report)

    def _conclude(self, rollout: Rollout, outcome: Outcome) -> None:
        rollout.save(outcome)
        del self.rollouts[rollout.attempt_id]
        self._house.report(rollout.last())

    @property
    def endpoint(self) -> str | None:
        """The service's URL, once there is one."""
        return f"http://127.0.0.1:{self.record.port}" if self.record.port else None

    def reason(self) -> str:
        """Why not all is as wanted, in words."""
        return telling.reason_of(self)

    # ------------------------------------------------------------ replicas

    async def _start(self, count: int) -> None:
        record = self.record
        revision = record.revisions[record.target or ""]
        if not revision.is_complete:
            await self._recall(revision)
        for _ in range(count):
            port = replicas.own_port(revision.served, await self._house.has_networks())
            with self._changing():
                record.begun += 1
                kept = ReplicaRecord(f"{record.id}-{record.begun}", revision.id, port)
                record.replicas.append(kept)
            replica = self._add(kept)
            replica.work = self._spawn(self._bring_up(replica))

    async def _recall(self, revision: Revision) -> None:
        """Get the secrets of a revision that an earlier engine was given. Raises BackendUnreachable."""
        try:
            self._complete(revision, await self._house.recall(revision.id))
        except NotFound as error:
            raise BackendUnreachable(
                f"no replica can be started: {', '.join(revision.withheld)} hold secrets that are kept nowhere, and "
                f"the job that deployed it is gone; deploy it again"
            ) from error

    @staticmethod
    def _complete(revision: Revision, spec: SessionSpec) -> None:
        revision.spec = replace(revision.spec, environ=dict(spec.environ), secrets=spec.secrets)
        revision.is_complete = True

    async def _bring_up(self, replica: Replica) -> None:
        try:
            await replica.start()
        except (FastTrackError, OSError) as error:
            replica.reason = _said(error)
            replica.is_failed = replica.is_gone = True
            replica.status = Status.ERROR
            self.wake()

    def _add(self, kept: ReplicaRecord) -> Replica:
        revision = self.record.revisions[kept.revision]
        replica = self.replicas[kept.id] = Replica(kept, revision, self._house, self.wake)
        return replica

    def _end(self, replica: Replica) -> None:
        replica.is_ending = True
        self._spawn(self._end_drained(replica))

    async def _end_drained(self, replica: Replica) -> None:
        why = "the service is removed" if self.record.is_going else "it is replaced"
        await replica.end(self._drained, why)
        replica.is_gone = True
        await self._clear(replica)

    async def _clear(self, replica: Replica) -> None:
        """Remove what a replica that is gone has left, but for its log."""
        self._house.desk.release(replica.id)
        try:
            await self._house.discard(replica.record, replica.revision)
        except OSError as error:
            _LOG.warning("replica %s leaves something behind: %s", replica.id, error)
        replica.is_cleared = True
        self.wake()

    async def _drained(self, replica: str) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < deadline:
            try:
                if not (await self._house.sync()).get(replica):
                    return
            except BackendUnreachable:
                return  # there is no gateway, so nobody waits for an answer
            await asyncio.sleep(_DRAIN_LOOKS)

    async def _strike_out(self) -> None:
        """Forget replicas of which nothing is left; the last logs stay. Who is killed in between does it again."""
        gone = [replica.id for replica in self.replicas.values() if replica.is_cleared]
        if gone:
            with self._changing() as record:
                record.replicas = [kept for kept in record.replicas if kept.id not in gone]
                record.ended.extend(gone)
                record.drop_unused()
            for name in gone:
                del self.replicas[name]
        if old := self.record.ended[:-_KEPT_LOGS]:
            await self._house.discard_logs(old)
            with self._changing() as record:
                record.ended = record.ended[-_KEPT_LOGS:]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _said(error: FastTrackError | OSError) -> str:
    if isinstance(error, OSError):
        return str(error)
    return f"{error.message} ({error.hint})" if error.hint else error.message
