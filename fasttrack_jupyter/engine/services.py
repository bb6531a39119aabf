"""What faces see of services, and may do to them."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from functools import partial

from pydantic import Field

from fasttrack_jupyter.engine.ambient import LocalBus
from fasttrack_jupyter.engine.present import moment
from fasttrack_jupyter.engine.reads import LogReader
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.serving import ReplicaInfo, ServiceInfo, Serving
from fasttrack_jupyter.engine.views import LogView, View
from fasttrack_jupyter.errors import Conflict, FastTrackError
from fasttrack_jupyter.model.serving import ServiceStatus

log = logging.getLogger(__name__)

LONGEST_TOKEN = 365 * 86_400.0
"""Seconds that a token may be good for."""


class ReplicaView(View):
    """One session that serves."""

    id: str
    status: str
    is_healthy: bool
    reason: str = ""
    """Why it is not healthy."""
    started_at: datetime | None = None
    revision: int = 1


class ServiceView(View):
    """A model service as it is now. ``job`` … ``task`` made its newest revision."""

    backend: str
    name: str
    status: ServiceStatus
    reason: str = ""
    """Why it is not healthy."""
    endpoint: str | None
    """Its URL; null while there is none yet."""
    wanted: int
    """Replicas that it should have."""
    healthy: int
    """Replicas that answer."""
    model: str
    """The model folder's name."""
    image: str | None
    is_public: bool
    """Whether it answers without a token."""
    is_ephemeral: bool
    """Whether it ends with its job."""
    revision: int
    created_at: datetime
    updated_at: datetime
    job: str | None = None
    """Its id."""
    task: str | None = None
    pipeline: str | None = None
    replicas: tuple[ReplicaView, ...] = ()


class ServicesView(View):
    """The services of several backends, and why those of others are not known just now, by backend."""

    services: tuple[ServiceView, ...]
    silent: dict[str, str] = Field(default_factory=dict)


class ServiceToken(View):
    """For the header ``Authorization: BackendAI <token>``; empty for a public service, which asks for none."""

    token: str


class ServiceDesk:
    """The services of one home's backends. Raises NotFound for what is not there, BackendUnreachable."""

    def __init__(self, roster: Roster, logs: LogReader) -> None:
        self._roster, self._logs = roster, logs
        self._changes, self._bus = 0, LocalBus()

    def changed(self) -> None:
        """Some service is not any more as it was told: whoever waits for that hears it."""
        self._changes += 1
        self._bus.publish(self._changes)

    async def wait(self, after: int, timeout: float) -> int:
        """How many changes there were in this engine's life, once they are more than ``after``, or it took so long.

        A hint: of services that live elsewhere only what was asked for here is heard of.
        """
        return await self._bus.wait(after, timeout)

    async def services(self, backend: str | None) -> ServicesView:
        """Of one backend, or of all that serve; then one that does not answer keeps nothing from being shown."""
        if backend is not None:
            return ServicesView(services=tuple(await self._of(backend)))
        names = [name for name in self._roster if isinstance(self._roster.backend(name), Serving)]
        answers = await asyncio.gather(*(self._try(name) for name in names))
        found = [view for views, _ in answers for view in views]
        silent = {name: why for name, (_, why) in zip(names, answers, strict=True) if why}
        return ServicesView(services=tuple(found), silent=silent)

    async def show(self, backend: str, name: str) -> ServiceView:
        """One of them."""
        return _view(backend, await self._serving(backend).service(name))

    async def scale(self, backend: str, name: str, replicas: int) -> ServiceView:
        """From now on so many replicas."""
        serving = self._serving(backend)
        await serving.scale_service(name, replicas)
        self.changed()
        return _view(backend, await serving.service(name))

    async def remove(self, backend: str, name: str) -> None:
        """Drain it, and end it."""
        await self._serving(backend).remove_service(name)
        self.changed()

    async def token(self, backend: str, name: str, seconds: float) -> ServiceToken:
        """What its requests must carry."""
        return ServiceToken(token=await self._serving(backend).service_token(name, seconds))

    async def log(self, backend: str, name: str, replica: str | None, after: int, limit: int) -> LogView:
        """What a replica wrote (the newest, where none is named), with secrets masked; ``after`` < 0: from the end."""
        serving = self._serving(backend)
        pipeline = (await serving.service(name)).pipeline
        read = partial(serving.service_logs, name, replica)
        return await self._logs.page_of(read, pipeline, replica or name, after, limit)

    # ------------------------------------------------------------------ parts

    def _serving(self, backend: str) -> Serving:
        found = self._roster.opened(backend)
        if not isinstance(found, Serving):
            raise Conflict(f"the backend {backend!r} serves no models", hint="fasttrack services lists those that do")
        return found

    async def _of(self, backend: str) -> list[ServiceView]:
        return [_view(backend, info) for info in await self._serving(backend).services()]

    async def _try(self, backend: str) -> tuple[list[ServiceView], str]:
        try:
            return await self._of(backend), ""
        except FastTrackError as error:
            log.info("services of %s: %s", backend, error)
            return [], error.message


def _view(backend: str, info: ServiceInfo) -> ServiceView:
    created_at, updated_at = moment(info.created_at), moment(info.updated_at)
    assert created_at is not None
    assert updated_at is not None
    return ServiceView(
        backend=backend, name=info.name, status=info.status, reason=info.reason, endpoint=info.endpoint,
        wanted=info.wanted, healthy=info.healthy, model=info.model, image=info.image, is_public=info.is_public,
        is_ephemeral=info.is_ephemeral, revision=info.revision, created_at=created_at, updated_at=updated_at,
        job=info.job_id, task=info.task, pipeline=info.pipeline, replicas=tuple(map(_replica, info.replicas)),
    )  # fmt: skip


def _replica(info: ReplicaInfo) -> ReplicaView:
    return ReplicaView(
        id=info.id, status=info.status, is_healthy=info.is_healthy, reason=info.reason,
        started_at=moment(info.started_at), revision=info.revision,
    )  # fmt: skip
