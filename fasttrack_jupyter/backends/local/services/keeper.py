"""One service, kept as it is wanted: a loop that looks, decides and acts, and may be killed at any moment.

Whatever is wanted is written down first (``records``); every pass begins anew from what is written and what is seen, so
that an engine which takes over needs to know nothing else. A replica is written down before it is begun, and
struck out after nothing of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from fasttrack_jupyter.backends.local.services import replicas
from fasttrack_jupyter.backends.local.services.deciding import Moves, Seen, decide, is_done
from fasttrack_jupyter.backends.local.services.house import House, Pauses
from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision, ServiceRecord
from fasttrack_jupyter.backends.local.services.replica import Replica
from fasttrack_jupyter.backends.local.services.rollouts import Outcome, Rollout
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, NotFound
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
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Stop; replicas go on."""
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        tasks += [replica.work for replica in self.replicas.values() if replica.work is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def roll(self, revision: Revision, rollout: Rollout) -> None:
        """Bring the service to a new revision; a rollout that is under way is over. Raises OSError."""
        record = self.record
        for other in list(self.rollouts.values()):
            if other.outcome is None:
                self._decide_end(other, Status.ERROR, f"another rollout of {record.name} took its place")
        record.revisions[revision.id] = revision
        if record.target == record.current:
            record.wanted_before = record.wanted
        record.target, record.wanted = revision.id, revision.service.replicas
        self._save()
        self._pauses = Pauses()
        self.follow(rollout)

    def follow(self, rollout: Rollout, spec: SessionSpec | None = None) -> None:
        """The engine listens to this rollout; ``spec`` has the secrets that are not written down."""
        self.rollouts[rollout.attempt_id] = rollout
        revision = self.record.revisions.get(rollout.attempt_id)
        if revision is not None and spec is not None:
            self._complete(revision, spec)
        is_ending = rollout.outcome is not None and rollout.outcome.is_pending
        if is_ending and self.record.target == rollout.attempt_id and not self.record.is_going:
            self._step_back(rollout)  # a crash lay between the two halves of taking it back
        self.wake()

    def cancel(self, rollout: Rollout, reason: str) -> None:
        """A first rollout leaves no service, an update leaves the revision before it. Raises OSError."""
        if rollout.outcome is None:
            self._take_back(rollout, Status.CANCELLED, reason)

    def scale(self, wanted: int) -> None:
        """From now on so many. Raises OSError."""
        self.record.wanted = wanted
        self._save()

    def remove(self) -> None:
        """Drain it and end it. Raises OSError."""
        self.record.is_going = True
        for rollout in self.rollouts.values():
            if rollout.outcome is None:
                self._decide_end(rollout, Status.ERROR, f"service {self.record.name} was removed")
        self._save()

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

    def _save(self) -> None:
        self.record.updated_at = time.time()
        self._house.save(self.record)
        self.wake()

    # ------------------------------------------------------------ the loop

    async def _run(self) -> None:
        while not self.is_gone:
            self._wake.clear()
            try:
                await self._pass()
            except (FastTrackError, OSError) as error:
                self.trouble = _said(error)
            except Exception as error:  # a defect of ours must not leave a service without anybody who looks after it
                _LOG.exception("service %s", self.record.name)
                self.trouble = f"{type(error).__name__}: {error}"
            self._house.looked()
            pause = self._pauses.left()
            if not self.is_gone:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), min(_TICK, pause) if pause else _TICK)

    async def _pass(self) -> None:
        self._strike_out()
        self._note_health()
        self._replace_failed()
        self.trouble = await self._act()
        if self.record.is_going and not self.replicas and not self.trouble:
            self._house.forget(self.record)
            self.is_gone = True
        self._tell()

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
        for kept in new:
            kept.was_healthy = self.record.was_healthy = True
        if new:
            self._save()

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
                why = self._why_failed(replica)
                self._end(replica)
                if rollout is not None and rollout.outcome is None and self._is_hopeless(replica):
                    self._take_back(rollout, Status.TERMINATED, why)

    def _is_hopeless(self, replica: Replica) -> bool:
        """Whether another one would fail as well: not if somebody killed it, unless that happens again and again."""
        was_killed = replica.is_gone and (replica.exit_code is None or replica.exit_code > _SIGNALLED)
        return not replica.was_healthy and not (was_killed and self._pauses.failures < _TRIES)

    def _why_failed(self, replica: Replica) -> str:
        how = replica.reason if not replica.is_gone else f"its command ended ({replica.reason or 'exit 0'})"
        words = replicas.last_words(self._house.control(replica.id), replica.revision)
        never = "" if replica.was_healthy else " before it was healthy"
        return f"replica {replica.id} failed{never}: {how}" + (f"\nits last words:\n{words}" if words else "")

    # ------------------------------------------------------------ rollouts

    def _take_back(self, rollout: Rollout, status: Status, reason: str) -> None:
        """Write down how it ends, then step back."""
        self._decide_end(rollout, status, reason)
        self._step_back(rollout)

    def _step_back(self, rollout: Rollout) -> None:
        """What it began goes, and what was before comes back."""
        record = self.record
        if record.target == rollout.attempt_id:
            if record.current is None:
                record.is_going = True
            else:
                record.target, record.wanted = record.current, record.wanted_before
        self._save()

    def _decide_end(self, rollout: Rollout, status: Status, reason: str) -> None:
        result = Result.UNDEFINED if status is Status.CANCELLED else Result.FAILURE
        rollout.outcome = Outcome(status, result, reason, is_pending=True)
        rollout.save()
        rollout.note(reason)

    def _tell(self) -> None:
        """Report how rollouts stand, and those that are over."""
        for rollout in list(self.rollouts.values()):
            if rollout.outcome is None:
                self._tell_progress(rollout)
            elif not rollout.outcome.is_pending:  # it could not be written down
                self._conclude(rollout, rollout.outcome)
            elif self.is_gone or not (self.record.is_going or self._has_replicas_of(rollout.attempt_id)):
                self._conclude(rollout, replace(rollout.outcome, at=time.time(), is_pending=False))

    def _has_replicas_of(self, revision: str) -> bool:
        return any(replica.revision.id == revision for replica in self.replicas.values())

    def _tell_progress(self, rollout: Rollout) -> None:
        record, revision = self.record, self.record.revisions.get(rollout.attempt_id)
        if revision is None or record.target != rollout.attempt_id:
            self._decide_end(rollout, Status.ERROR, f"another rollout of {record.name} took its place")
            self.wake()
        elif record.port and is_done(record.wanted, self._seen()):
            record.current = rollout.attempt_id
            record.drop_unused()
            self._save()
            done = Outcome(Status.TERMINATED, Result.SUCCESS, endpoint=self.endpoint or "", at=time.time())
            rollout.note(f"{record.name} serves revision {revision.number} at {self.endpoint}")
            self._conclude(rollout, done)
        elif time.time() - revision.begun_at > revision.timeout:
            self._take_back(rollout, Status.TERMINATED, f"timeout {revision.timeout:g} s: {self.reason()}")
        elif (report := rollout.say(self.reason())) is not None:
            self._house.report(report)

    def _conclude(self, rollout: Rollout, outcome: Outcome) -> None:
        rollout.outcome = outcome
        rollout.save()
        del self.rollouts[rollout.attempt_id]
        self._house.report(rollout.last())

    @property
    def endpoint(self) -> str | None:
        """The service's URL, once there is one."""
        return f"http://127.0.0.1:{self.record.port}" if self.record.port else None

    def reason(self) -> str:
        """Why not all is as wanted, in words."""
        staying = self._staying()
        new = [replica for replica in staying if replica.revision.id == self.record.target]
        waiting = next((replica for replica in new if not replica.is_healthy), None)
        healthy, wanted = sum(replica.is_healthy for replica in new), self.record.wanted
        if self.record.is_going:
            return "it is being removed"
        if healthy >= wanted and len(staying) > len(new):
            return f"waits for {len(staying) - len(new)} of the revision before to be drained"
        if healthy >= wanted:
            return self.trouble or self.door_trouble
        why = (waiting.info().reason if waiting else "") or self.trouble or self.door_trouble
        return f"waits for replica {healthy + 1} of {wanted} to be healthy" + (f": {why}" if why else "")

    # ------------------------------------------------------------ replicas

    async def _start(self, count: int) -> None:
        record = self.record
        revision = record.revisions[record.target or ""]
        if not revision.is_complete:
            await self._recall(revision)
        for _ in range(count):
            port = replicas.own_port(revision.served, await self._house.has_networks())
            record.begun += 1
            kept = ReplicaRecord(f"{record.id}-{record.begun}", revision.id, port)
            record.replicas.append(kept)
            self._save()
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

    def _strike_out(self) -> None:
        """Forget replicas that are gone, and remove what they left but for the last logs."""
        record = self.record
        gone = [replica for replica in self.replicas.values() if replica.is_gone and replica.is_ending]
        for replica in gone:
            del self.replicas[replica.id]
            record.replicas.remove(replica.record)
            self._house.desk.release(replica.id)
            self._spawn(self._house.discard(replica.record, replica.revision, log_too=False))
            record.ended.append(replica.id)
        while len(record.ended) > _KEPT_LOGS:
            old = ReplicaRecord(record.ended.pop(0), "")
            self._spawn(self._house.discard(old, record.newest or gone[0].revision, log_too=True))
        if gone:
            record.drop_unused()
            self._save()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _said(error: FastTrackError | OSError) -> str:
    if isinstance(error, OSError):
        return str(error)
    return f"{error.message} ({error.hint})" if error.hint else error.message
