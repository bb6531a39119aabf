"""Rollouts: attempts of deployment tasks, each from the request for a revision until that revision serves.

What an attempt is, the cluster knows: a revision with the attempt's mark in its environment. So whoever begins with an
attempt looks first, as for a session; what is there is followed, and only where there is nothing something is asked
for. A manager changes the replicas one by one as it was asked to (``max_surge``, ``max_unavailable``): it starts one of
the new revision, waits until that is healthy, leads requests to it, leads none to an old one any more, and ends that
half a minute later. Its steps come every 5 to 60 s, which cannot be changed from here: one replica takes some four
minutes.

A rollout that is cancelled, or fails, leaves what was before it. Of a first one nothing; else the manager is told that
its time is up, so it goes back to the revision that served all the while.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.backends.backend_ai import services_asking as asking
from fasttrack_jupyter.backends.backend_ai.deployments import Deployments, ours
from fasttrack_jupyter.backends.backend_ai.ends import LOST, Outcome
from fasttrack_jupyter.backends.backend_ai.removals import Removals
from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.backends.backend_ai.rollout_asking import Asker
from fasttrack_jupyter.backends.backend_ai.services_telling import Revision, Seen, first
from fasttrack_jupyter.engine.masking import Masker
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionReport, SessionSpec
from fasttrack_jupyter.engine.sessions import SECRETS
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.pipeline import ENDPOINT
from fasttrack_jupyter.model.quantities import format_duration

log = logging.getLogger(__name__)

_EACH = 2.0
"""Seconds between two looks."""
_PATIENCE = 30.0
_HURRY = 1
_GOES_BACK = 180.0
"""Seconds in which a manager has gone back to the revision before."""
_AT_LEAST = 60.0
"""Seconds that a rollout has once an engine has found it."""
_MOST_FALLEN = 2
"""Replicas of a revision that ended before it served: then it will not."""
_LAST_WORDS = 12
"""Lines."""


@dataclass(slots=True)
class Rollout:
    """One attempt of a deployment."""

    spec: SessionSpec
    service: ServiceSpec
    cancelled: str | None = None
    """Why it is to end."""
    status: Status = Status.PENDING
    reason: str = ""
    last: SessionReport | None = None
    session: str = ""
    """What it is on the cluster."""
    token: str = ""
    due: float | None = None
    """When its time is up, by the monotonic clock; None until its revision was seen."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None


class _Undone(Exception):
    """It is to be taken back: cancelled (``result`` UNDEFINED), or it failed."""

    def __init__(self, reason: str, result: Result = Result.FAILURE) -> None:
        super().__init__(reason)
        self.reason, self.result = reason, result


class Rollouts:
    """All rollouts of one profile. ``report`` hears of everything."""

    def __init__(
        self, deployments: Deployments, asker: Asker, removals: Removals, report: Callable[[SessionReport], None]
    ) -> None:
        self._deployments, self._asker, self._removals, self._report = deployments, asker, removals, report
        self._all: dict[str, Rollout] = {}

    # ------------------------------------------------------------ what the backend asks

    def begin(self, spec: SessionSpec, service: ServiceSpec, *, create: bool) -> None:
        """Look for the rollout of ``spec`` and follow it; ask for it if there is none and ``create``."""
        known = self._all.get(spec.attempt_id)
        if known is not None:
            if known.last is not None:
                self._report(known.last)
            return
        rollout = self._all[spec.attempt_id] = Rollout(spec, service)
        rollout.work = asyncio.get_running_loop().create_task(self._bring_about(rollout, create))

    def get(self, attempt_id: str) -> Rollout | None:
        """The rollout of an attempt, while it is looked after."""
        return self._all.get(attempt_id)

    def cancel(self, rollout: Rollout, reason: str) -> None:
        """Take it back."""
        if rollout.last is None and rollout.cancelled is None:
            rollout.cancelled = reason
            self._say(rollout, Status.TERMINATING, reason)
            rollout.wake.set()

    def forget(self, attempt_id: str) -> None:
        """Let go of a rollout whose end is stored."""
        rollout = self._all.pop(attempt_id, None)
        if rollout is not None and rollout.work is not None:
            rollout.work.cancel()

    async def exists(self, service: str, attempt_id: str) -> bool:
        """Whether the revision of an attempt is there."""
        for each in ours(await self._deployments.mine(service)):
            if (await self._deployments.see(each)).of_attempt(attempt_id):
                return True
        return False

    async def aclose(self) -> None:
        """Follow none any more; they go on."""
        works = [rollout.work for rollout in self._all.values() if rollout.work is not None]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        self._all.clear()

    # ------------------------------------------------------------ from begin to end

    async def _bring_about(self, rollout: Rollout, create: bool) -> None:
        tried = 0
        while rollout.last is None:
            try:
                await self._go(rollout, create)
            except BackendUnreachable as error:
                tried += 1
                self._say(rollout, rollout.status, error.message)
                await asyncio.sleep(pause(tried + 2, most=_PATIENCE))
            except FastTrackError as error:
                why = f"{error.message} ({error.hint})" if error.hint else error.message
                self._conclude(rollout, Outcome(Status.ERROR, Result.FAILURE, None, why, is_final=True))
            except Exception as error:  # whatever it is, the attempt must not wait for ever
                log.exception("the rollout of service %s went wrong", rollout.service.name)
                why = f"{type(error).__name__}: {error}"
                self._conclude(rollout, Outcome(Status.ERROR, Result.FAILURE, None, why))

    async def _go(self, rollout: Rollout, create: bool) -> None:
        seen = await self._find(rollout)
        if seen is None and not create:
            self._conclude(rollout, LOST if rollout.cancelled is None else _cancelled(rollout.cancelled))
            return
        try:
            await self._follow(rollout, seen or await self._ask(rollout))
        except _Undone as undone:
            self._say(rollout, Status.TERMINATING, undone.reason)
            words = await self._last_words(rollout) if undone.result is Result.FAILURE else ""
            said = await self._take_back(rollout, undone.reason)
            if undone.result is Result.UNDEFINED:
                self._conclude(rollout, _cancelled(undone.reason))
            else:
                self._conclude(rollout, Outcome(Status.TERMINATED, Result.FAILURE, None, undone.reason + said + words))

    async def _find(self, rollout: Rollout) -> Seen | None:
        """The service with this attempt's revision. Where a lost answer made two, the younger one is removed."""
        found = [await self._deployments.see(each) for each in ours(await self._deployments.mine(rollout.service.name))]
        those = [each for each in found if each.of_attempt(rollout.spec.attempt_id)]
        for each in those[1:]:
            if not each.deployment.is_going:
                await self._removals.remove(each.deployment.id)
        return those[0] if those else None

    async def _ask(self, rollout: Rollout) -> Seen:
        """Ask for it, once nothing else is being deployed under its name."""
        spec, service = rollout.spec, rollout.service
        self._say(rollout, Status.PREPARING, "looks at the model definition")
        ready = await self._asker.prepare(spec, service)
        began = time.time()
        while True:
            found = first(await self._deployments.mine(service.name))
            if rollout.cancelled is not None:
                raise _Undone(rollout.cancelled, Result.UNDEFINED)
            if found is None or (found.is_settled and not found.is_going):
                break
            what = "is being removed" if found.is_going else "is being deployed"
            self._say(rollout, Status.PREPARING, f"waits: the service of that name {what}")
            if time.time() - began > _timeout(spec):
                raise _Undone(f"timeout {format_duration(_timeout(spec))}: the service of that name {what}")
            await self._wait(rollout)
        self._say(rollout, Status.PREPARING, "asks for its replicas")
        await self._asker.ask(spec, service, ready, found)
        if (seen := await self._find(rollout)) is None:
            raise BackendUnreachable(f"service {service.name!r} was asked for and is not to be seen yet")
        return seen

    async def _follow(self, rollout: Rollout, seen: Seen) -> None:
        """Until its revision serves. Raises _Undone."""
        which = seen.deployment.id
        is_new = True
        while True:
            revision = seen.of_attempt(rollout.spec.attempt_id)
            if revision is None or seen.deployment.is_going or seen.deployment.is_gone:
                raise _Undone(rollout.cancelled or "the service was removed", _result(rollout))
            rollout.session = which
            self._check(rollout, seen, revision)
            due = rollout.due = rollout.due or _due(rollout.spec, seen, revision)
            if not is_new:
                _look_for_failure(seen, revision)
            if await self._serves(rollout, seen, revision):
                self._conclude(
                    rollout, Outcome(Status.TERMINATED, Result.SUCCESS, 0, ""), {"values": _values(rollout, seen)}
                )
                return
            if time.monotonic() > due:
                what = seen.why(revision.id) or "its endpoint does not answer"
                raise _Undone(f"timeout {format_duration(_timeout(rollout.spec))}: {what}")
            why = seen.why(revision.id) or "waits until its endpoint answers"
            self._say(rollout, Status.TERMINATING if rollout.cancelled else Status.PREPARING, rollout.cancelled or why)
            await self._wait(rollout)
            seen, is_new = await self._see(which), False

    def _check(self, rollout: Rollout, seen: Seen, revision: Revision) -> None:
        if rollout.cancelled is not None:
            raise _Undone(rollout.cancelled, Result.UNDEFINED)
        deployment = seen.deployment
        if seen.revisions[0].number > revision.number:
            raise _Undone(f"a newer rollout (revision {seen.revisions[0].number}) took its place")
        if deployment.is_settled and revision.id not in (deployment.current, deployment.deploying):
            raise _Undone("the cluster gave it up, and went back to the revision before")

    async def _last_words(self, rollout: Rollout) -> str:
        """Of the newest replica of its revision that is not healthy, masked; empty where nothing may be told of it."""
        if not _can_mask(rollout.spec):
            return ""
        try:
            seen = await self._find(rollout)
            revision = seen.of_attempt(rollout.spec.attempt_id) if seen else None
            those = [one for one in (seen.replicas if seen else ()) if revision and one.revision == revision.id]
            sessions = [one.session for one in those if one.session and not one.is_healthy]
            text = await self._deployments.log(sessions[-1]) if sessions else ""
        except FastTrackError:
            return ""
        masked = Masker(rollout.spec.secrets).mask(text.encode("utf-8", "replace")).decode("utf-8", "replace")
        lines = [line for line in masked.splitlines() if line.strip()]
        return "; the last words of a replica: " + "\n".join(lines[-_LAST_WORDS:]) if lines else ""

    async def _serves(self, rollout: Rollout, seen: Seen, revision: Revision) -> bool:
        """Whether all wanted replicas are healthy, no other one gets requests, and the endpoint itself answers."""
        deployment = seen.deployment
        if deployment.endpoint is None or seen.healthy(revision.id) < deployment.wanted:
            return False
        if seen.healthy() > seen.healthy(revision.id):
            return False
        if not deployment.wanted:
            return True
        if not deployment.is_public and not rollout.token:
            rollout.token = await self._deployments.token(deployment.id, _timeout(rollout.spec))
        path, expected = revision.health or ("/", 0)
        status = await self._deployments.answers(deployment.endpoint.rstrip("/") + path, rollout.token)
        return status == expected if expected else status not in (0, 502, 503, 504)

    # ------------------------------------------------------------ back again

    async def _take_back(self, rollout: Rollout, reason: str) -> str:
        """Leave what was before the rollout; what to say of that."""
        tried = 0
        while True:
            try:
                return await self._back(rollout)
            except BackendUnreachable as error:
                tried += 1
                self._say(rollout, Status.TERMINATING, f"{reason}; {error.message}")
                await asyncio.sleep(pause(tried + 2, most=_PATIENCE))
            except (NotFound, _Undone):  # somebody else removed it meanwhile
                return ""
            except FastTrackError as error:
                log.error("the rollout of service %s cannot be taken back: %s", rollout.service.name, error.message)
                return f"; what it made is left on the cluster: {error.message}"

    async def _back(self, rollout: Rollout) -> str:
        if (seen := await self._find(rollout)) is None or seen.deployment.is_going:
            return ""
        revision, deployment = seen.of_attempt(rollout.spec.attempt_id), seen.deployment
        assert revision is not None  # that is how it was found
        before = seen.revision(revision.mark.before if revision.mark else None)
        if seen.revisions[0].id != revision.id:
            return ""  # the service is the newer rollout's now
        if before is None:
            await self._removals.remove(deployment.id)
            return "; the service was removed"
        if deployment.deploying == revision.id and deployment.current != revision.id:
            seen = await self._give_up(rollout, seen)
        if seen.deployment.current == revision.id:
            await self._deployments.activate(deployment.id, before.id)
        return f"; revision {before.number} goes on"

    async def _give_up(self, rollout: Rollout, seen: Seen) -> Seen:
        """Have the manager go back by itself: for it, the time is up."""
        which, began = seen.deployment.id, time.monotonic()
        await self._deployments.set_options(which, asking.options(_HURRY))
        while not seen.deployment.is_settled and time.monotonic() - began < _GOES_BACK:
            await asyncio.sleep(_EACH)
            seen = await self._see(which)
        await self._deployments.set_options(which, asking.options())
        return seen

    # ------------------------------------------------------------ small ones

    async def _see(self, which: str) -> Seen:
        try:
            return await self._deployments.see(which, with_sessions=True)
        except NotFound as error:
            raise _Undone("the service was removed") from error

    async def _wait(self, rollout: Rollout) -> None:
        """A while, or until somebody wants its end."""
        if rollout.cancelled is not None:
            return
        try:
            async with asyncio.timeout(_EACH):
                await rollout.wake.wait()
        except TimeoutError:
            return

    def _say(self, rollout: Rollout, status: Status, reason: str) -> None:
        if rollout.last is not None or (status, reason) == (rollout.status, rollout.reason):
            return
        rollout.status, rollout.reason = status, reason
        self._report(SessionReport(rollout.spec.attempt_id, status, time.time(), reason=reason, data=_data(rollout)))

    def _conclude(self, rollout: Rollout, outcome: Outcome, data: Mapping[str, Any] | None = None) -> None:
        rollout.last = SessionReport(
            rollout.spec.attempt_id, outcome.status, time.time(), outcome.result, outcome.exit_code, outcome.reason,
            is_final=outcome.is_final, data={**_data(rollout), **(data or {})},
        )  # fmt: skip
        self._report(rollout.last)


def _look_for_failure(seen: Seen, revision: Revision) -> None:
    fallen = [each for each in seen.replicas if each.revision == revision.id and each.has_ended]
    if seen.deployment.current != revision.id and len(fallen) >= _MOST_FALLEN:
        raise _Undone(f"{len(fallen)} replicas ended before they were healthy")


def _data(rollout: Rollout) -> dict[str, Any]:
    return {"mode": "cluster", **({"session": rollout.session} if rollout.session else {})}


def _values(rollout: Rollout, seen: Seen) -> dict[str, str]:
    return {ENDPOINT: seen.deployment.endpoint or ""}


def _cancelled(reason: str) -> Outcome:
    return Outcome(Status.CANCELLED, Result.UNDEFINED, None, reason)


def _result(rollout: Rollout) -> Result:
    return Result.FAILURE if rollout.cancelled is None else Result.UNDEFINED


def _due(spec: SessionSpec, seen: Seen, revision: Revision) -> float:
    """When its time is up, as seen now for the first time.

    The cluster's clock is not ours. So what has passed before (under an earlier engine) is only what the cluster itself
    tells of, by its own clock: until the last change of the service.
    """
    moments = (seen.deployment.updated_at, *(each.created_at for each in seen.replicas))
    passed, most = max(moments) - revision.created_at, _timeout(spec)
    return time.monotonic() + max(most - max(passed, 0.0), min(most, _AT_LEAST))


def _can_mask(spec: SessionSpec) -> bool:
    """Whether all secrets that it was asked for with are known: of one that began earlier some may be set no more."""
    holders = spec.environ.get(SECRETS, "").split()
    return not holders or (bool(spec.secrets) and all(spec.environ.get(name) for name in holders))


def _timeout(spec: SessionSpec) -> float:
    return spec.timeout or asking.TIMEOUT
