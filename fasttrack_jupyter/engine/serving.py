"""What the engine needs of a backend that serves models.

A deployment task's attempt is a *rollout*. :meth:`~fasttrack_jupyter.engine.ports.ExecutionBackend.submit` with
``spec.service`` makes the service, or brings the one of that name to a new revision; it tells of itself as any session
does (PREPARING, with the reason: ``waits for replica 2 of 2 to be healthy``) and ends with TERMINATED, SUCCESS and
``data["values"] == {"endpoint": url}`` once as many replicas as asked for are healthy, or with FAILURE, the reason and
the last words of the replica. Cancelled, a first rollout leaves no service, an update leaves the revision before it.

The service itself outlives the rollout and its job. It says itself which attempt made its newest revision, so nothing
about it is kept anywhere else: what has to be done to it after a crash (an ephemeral one is removed once its job has
ended) is found by looking at the services and at the jobs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fasttrack_jupyter.engine.ports import LogChunk, ServiceSpec, SessionSpec
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.serving import ModelDefinition, ServiceStatus


@dataclass(frozen=True, slots=True)
class ReplicaInfo:
    """One session that serves. ``status`` is the session's; ``reason`` says why it is not healthy."""

    id: str
    status: str
    is_healthy: bool
    reason: str = ""
    started_at: float | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service as it is now. ``job_id`` … ``attempt_id`` are of the newest rollout."""

    name: str
    status: ServiceStatus
    endpoint: str | None
    """Its URL, the same for all its life; None while there is none yet."""
    wanted: int
    healthy: int
    model: str
    """The model folder's name."""
    image: str | None
    is_public: bool
    is_ephemeral: bool
    revision: int
    """Counts the rollouts that succeeded or are under way, from 1."""
    created_at: float
    updated_at: float
    reason: str = ""
    """Why it is not healthy, in words."""
    job_id: str | None = None
    task: str | None = None
    pipeline: str | None = None
    attempt_id: str | None = None
    replicas: tuple[ReplicaInfo, ...] = ()
    models: tuple[str, ...] = ()
    """The model folders that it needs: those of the revision that serves, of the one that is wanted, and of replicas
    that have not ended. ``model`` is one of them."""


@runtime_checkable
class Serving(Protocol):
    """A backend that serves models. One that does not refuses a deployment in the preflight.

    All but :meth:`services` raise NotFound for a service that there is not; all raise BackendUnreachable.
    """

    async def services(self) -> list[ServiceInfo]:
        """Those that exist and that FastTrack made for this user, by name."""
        ...

    async def service(self, name: str) -> ServiceInfo:
        """One of them."""
        ...

    async def scale_service(self, name: str, replicas: int) -> None:
        """From now on so many replicas (0: none, its endpoint stays). Returns as soon as the request is safe."""
        ...

    async def remove_service(self, name: str) -> None:
        """Drain it, and end it. Returns as soon as the request is safe; then it may be DESTROYING for a while."""
        ...

    async def service_token(self, name: str, seconds: float) -> str:
        """For the header ``Authorization: BackendAI <token>``, valid for so long; empty for a public service."""
        ...

    async def service_logs(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """As a session's: of one replica, or (None) of the newest. The caller masks secrets. Raises NotFound."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A backend that has something of its own to say about a model definition before it is deployed."""

    async def remarks(self, service: ServiceSpec, definition: ModelDefinition) -> list[Problem]:
        """What its user should know; nothing that keeps it from being deployed."""
        ...


Recall = Callable[[str], Awaitable[SessionSpec]]
"""The spec of an attempt as it was submitted, secrets as they are set now; raises NotFound where its job is gone."""


class SlotDesk(Protocol):
    """Hands out slots of the backend's own line, where replicas come before tasks. The caller chooses ``key``."""

    def hold(self, key: str, slots: ResourceSlots) -> None:
        """It runs already (a replica of an earlier engine): it has its slots, whether they are free or not."""
        ...

    async def take(self, key: str, slots: ResourceSlots) -> None:
        """Return when it has them. Cancel the wait to step out of line."""
        ...

    def why_waiting(self, key: str) -> str:
        """In words, what a ``key`` waits for (``waits for slots: 2 cpu asked, 1 of 4 free``); else empty."""
        ...

    def release(self, key: str) -> None:
        """Give back what it holds, if anything."""
        ...


@runtime_checkable
class ServesHere(Serving, Protocol):
    """A backend whose services need the engine: it starts their replicas, and they take slots of its line.

    A deployment's attempt takes no slots there by itself: each replica does, at the desk.
    """

    def begin_serving(self, desk: SlotDesk, recall: Recall, changed: Callable[[], None] = lambda: None) -> None:
        """Called once, after :meth:`open` and before any job goes on: hold what runs, go on with what is wanted.

        ``recall`` answers once the engine is open, so not within this call. ``changed`` is called in the loop, at once,
        whenever :meth:`services` has something new to tell.
        """
        ...

    def is_serving(self) -> bool:
        """Whether there is a service that this engine must stay for."""
        ...
