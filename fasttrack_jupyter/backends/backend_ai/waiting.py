"""Why a session waits, in words: the cluster leaves it PENDING and says little or nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from fasttrack_jupyter.backends.backend_ai.asking import Image, amounts_of
from fasttrack_jupyter.backends.backend_ai.looking import Row
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.survey import Survey
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity, say_quantity

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that a session may be PENDING before somebody asks why."""
_AGAIN = 30.0
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Reasons:
    """Finds out in the background why sessions are PENDING; ``found`` hears of one whose reason is known by then."""

    def __init__(self, surveyor: Surveyor, found: Callable[[Session], None], spawn: Spawn) -> None:
        self._surveyor, self._found, self._spawn = surveyor, found, spawn

    def of(self, session: Session, row: Row) -> str:
        """As far as it is known; asked for (again), where it is time. Of one that is ending: why that is not read."""
        if row.status is Status.TERMINATING:
            return session.trouble
        if row.status is not Status.PENDING:
            return ""
        now = time.monotonic()
        if now - session.since > PATIENCE and now - session.asked_why > _AGAIN:
            session.asked_why = now
            self._spawn(self._ask(session, row.data))
        return session.waits_because

    async def _ask(self, session: Session, data: Mapping[str, Any]) -> None:
        spec = session.spec
        try:
            survey = await self._surveyor.look(projects={spec.project} if spec.project else ())
            session.waits_because = why_pending(spec, survey, self._surveyor.profile, data)
        except FastTrackError:
            return  # asked again soon
        except Exception:  # an answer that nobody foresaw: without a reason it waits all the same
            log.exception("why session %s waits could not be found out", session.name)
            return
        self._found(session)


def why_pending(spec: SessionSpec, survey: Survey, profile: Profile, data: Mapping[str, Any]) -> str:
    """``asked 4 cuda.device, group default has 2 free of 8``.

    ``data``: the session's ``status_data``, in which some schedulers tell what kept them.
    """
    why = dict.fromkeys([*_limits(spec, survey), *_room(spec, survey, profile), *_scheduler(data)])
    return "; ".join(why)[:600] or "there is room: it waits for its turn, for a cluster starts sessions in their order"


def _limits(spec: SessionSpec, survey: Survey) -> Iterator[str]:
    limits = survey.limits
    if 0 < limits.max_concurrent_sessions <= limits.sessions:
        yield f"you have {limits.sessions} sessions, and your limit is {limits.max_concurrent_sessions} at a time"
    asked = ResourceSlots(amounts_of(spec, Image(spec.image or ""))).times(spec.cluster_size)
    for slot, amount in asked.items():
        limit = limits.slots.get(slot)
        if limit is not None and amount + limits.used.get(slot, 0) > limit:
            used, most = say_quantity(slot, limits.used.get(slot, 0)), say_quantity(slot, limit)
            yield f"asked {format_quantity(slot, amount)} {slot}, and you use {used} of your {most}"


def _room(spec: SessionSpec, survey: Survey, profile: Profile) -> Iterator[str]:
    offer = survey.offers.get(spec.project or profile.project)
    if offer is None:
        return
    wanted = spec.resource_group or profile.resource_group
    groups = [group for group in offer.groups if group.is_active and wanted in (None, group.name)]
    one = ResourceSlots(amounts_of(spec, Image(spec.image or "")))
    lacking = [(group, group.lacks(one, spec.cluster_size)) for group in groups]
    if not lacking or not all(lacks for _, lacks in lacking):
        return
    group, lacks = min(lacking, key=lambda each: len(each[1]))
    for slot, (amount, free) in lacks.items():
        of = f" of {say_quantity(slot, group.total.get(slot, 0))}" if group.total is not None else ""
        has = f"group {group.name} has {say_quantity(slot, free)} free{of}"
        yield f"asked {format_quantity(slot, amount)} {slot}, {has}"


def _scheduler(data: Mapping[str, Any]) -> Iterator[str]:
    told = data.get("scheduler")
    if not isinstance(told, Mapping):
        return
    failed = told.get("failed_predicates")
    for each in failed if isinstance(failed, list) else ():
        if isinstance(each, Mapping) and (words := each.get("msg") or each.get("name")):
            yield f"the scheduler says: {' '.join(str(words).split())}"
    if not failed and (words := told.get("msg")):
        yield f"the scheduler says: {' '.join(str(words).split())}"
