"""What a manager tells of its model services, read: deployments, their revisions, their replicas.

To Backend.AI (26.9) a service is a *deployment*: a name, an endpoint, a number of replicas. What a replica is lies in a
*revision*, which never changes: image, slots, environment, model folder. A deployment has a current revision, and one
that is being deployed, while it is.

FastTrack keeps nothing of its own about a service. Which attempt made a revision stands in the revision's environment,
in :data:`MARK`; that FastTrack made the deployment is its tag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.backends.backend_ai.catalogue import moment
from fasttrack_jupyter.engine.serving import ReplicaInfo, ServiceInfo
from fasttrack_jupyter.model.job import parse_attempt_id
from fasttrack_jupyter.model.serving import ServiceStatus

TAG = "fasttrack"
MARK = "FASTTRACK_SERVICE"
"""Environment variable of a revision: JSON, see :class:`Mark`."""
_GONE, _GOING = "STOPPED", "STOPPING"
_ENDED = ("terminating", "terminated", "failed_to_start")
_HEALTHY = ("healthy", "not_checked")
"""Where no health check is asked for, a replica is never checked."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who made a revision, and of what. ``before``: the revision that served then, by id; empty where none did."""

    attempt: str
    task: str
    pipeline: str
    model: str
    image: str
    is_ephemeral: bool = False
    before: str = ""

    def dump(self) -> str:
        """As it is written into the environment."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """None for what is no mark of ours."""
        try:
            told = json.loads(text)
            return cls(**{name: told[name] for name in cls.__slots__})
        except (ValueError, TypeError, LookupError):
            return None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment. ``current``, ``deploying``: ids of revisions."""

    id: str
    name: str
    status: str
    is_ours: bool
    endpoint: str | None
    is_public: bool
    wanted: int
    current: str | None
    deploying: str | None
    created_at: float
    updated_at: float

    @property
    def is_gone(self) -> bool:
        """Whether it is over."""
        return self.status == _GONE

    @property
    def is_going(self) -> bool:
        """Whether it is being removed."""
        return self.status == _GOING

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being deployed."""
        return self.status not in ("DEPLOYING", "PENDING")

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Deployment:
        """What ``GET /v2/deployments/{id}`` answers."""
        metadata, access = told["metadata"], told["network_access"]
        return cls(
            id=str(told["id"]),
            name=str(metadata["name"]),
            status=str(metadata["status"]).upper(),
            is_ours=TAG in metadata["tags"],
            endpoint=access["endpoint_url"] or None,
            is_public=bool(access["open_to_public"]),
            wanted=int(told["replica_state"]["desired_replica_count"]),
            current=_id(told["current_revision_id"]),
            deploying=_id(told["deploying_revision_id"]),
            created_at=moment(metadata["created_at"]),
            updated_at=moment(metadata["updated_at"]),
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. ``health`` is the path that tells whether a replica can serve, and the status that it answers."""

    id: str
    number: int
    mark: Mark | None
    created_at: float
    health: tuple[str, int] | None = None

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Revision:
        """One item of a search for revisions."""
        environ = (told["model_runtime_config"].get("environ") or {}).get("entries") or ()
        marks = [str(each["value"]) for each in environ if each["name"] == MARK]
        models = (told.get("model_definition") or {}).get("models") or ()
        services = [each["service"] for each in models if each.get("service")]
        health = services[0].get("health_check") if services else None
        asked = (str(health["path"]), int(health["expected_status_code"])) if health and health["enable"] else None
        mark = Mark.parse(marks[0]) if marks else None
        return cls(str(told["id"]), int(told["revision_number"]), mark, moment(told["created_at"]), asked)


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica: the session that serves, once there is one, and whether requests are led to it."""

    id: str
    revision: str
    session: str | None
    status: str
    is_active: bool
    health: str
    created_at: float

    @property
    def is_healthy(self) -> bool:
        """Whether it serves, as far as the manager knows: the endpoint itself knows later."""
        return self.status == "running" and self.is_active and self.health in _HEALTHY

    @property
    def has_ended(self) -> bool:
        """Whether it serves no more, or never did."""
        return self.status in _ENDED

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Replica:
        """One item of a search for replicas."""
        return cls(
            id=str(told["id"]),
            revision=str(told["revision_id"]),
            session=_id(told["session_id"]),
            status=str(told["status"]).lower(),
            is_active=str(told["traffic_status"]).lower() == "active",
            health=str(told["health_status"]).lower(),
            created_at=moment(told["created_at"]),
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A service at one moment: newest revision first, oldest replica first."""

    deployment: Deployment
    revisions: tuple[Revision, ...]
    replicas: tuple[Replica, ...]
    sessions: Mapping[str, str] = field(default_factory=dict)
    """``{session: status}``, as far as it was asked for."""

    def revision(self, wanted: str | None) -> Revision | None:
        """One revision by its id."""
        return next((each for each in self.revisions if each.id == wanted), None)

    def of_attempt(self, attempt_id: str) -> Revision | None:
        """The revision that an attempt made."""
        return next((each for each in self.revisions if each.mark and each.mark.attempt == attempt_id), None)

    def live(self, revision: str | None = None) -> tuple[Replica, ...]:
        """The replicas that have not ended, of one revision or of all."""
        return tuple(each for each in self.replicas if not each.has_ended and revision in (None, each.revision))

    def healthy(self, revision: str | None = None) -> int:
        """How many of them serve."""
        return sum(each.is_healthy for each in self.live(revision))

    def info(self) -> ServiceInfo:
        """As the engine speaks of it."""
        deployment = self.deployment
        newest = self.revision(deployment.deploying) or self.revision(deployment.current)
        newest = newest or (self.revisions[0] if self.revisions else None)
        mark = newest.mark if newest else None
        status, healthy = _status(self), self.healthy()
        return ServiceInfo(
            name=deployment.name,
            status=status,
            endpoint=deployment.endpoint,
            wanted=deployment.wanted,
            healthy=healthy,
            model=mark.model if mark else "",
            image=(mark.image if mark else "") or None,
            is_public=deployment.is_public,
            is_ephemeral=bool(mark and mark.is_ephemeral),
            revision=newest.number if newest else 1,
            created_at=deployment.created_at,
            updated_at=max(deployment.updated_at, newest.created_at if newest else 0.0),
            reason="" if status is ServiceStatus.HEALTHY else self.why(deployment.deploying),
            job_id=_job(mark),
            task=mark.task if mark else None,
            pipeline=mark.pipeline if mark else None,
            attempt_id=mark.attempt if mark else None,
            replicas=tuple(self._replica(each) for each in self.live()),
            models=self._models(newest),
        )

    def _models(self, newest: Revision | None) -> tuple[str, ...]:
        used = {self.deployment.current, self.deployment.deploying, *(each.revision for each in self.live())}
        revisions = (each for each in self.revisions if each.id in used or each is newest)
        return tuple(sorted({each.mark.model for each in revisions if each.mark}))

    def why(self, revision: str | None) -> str:
        """In words, what is waited for until a revision (None: the service) has as many healthy replicas as wanted."""
        deployment, live = self.deployment, self.live(revision)
        healthy = self.healthy(revision)
        if deployment.is_going:
            return "it is being removed"
        if not deployment.wanted:
            return "it has no replicas: it is scaled to 0"
        if healthy >= deployment.wanted:
            others = len(self.live()) - len(live)
            return f"waits for {_replicas(others)} of the revision before to end" if others else ""
        waits = next((each for each in live if not each.is_healthy), None)
        which = f"waits for replica {healthy + 1} of {deployment.wanted}"
        if waits is None:
            return f"{which} to be made"
        return f"{which} to be healthy: {_how(waits, self.sessions)}"

    def _replica(self, replica: Replica) -> ReplicaInfo:
        revision = self.revision(replica.revision)
        status = self.sessions.get(replica.session or "", "PENDING")
        reason = "" if replica.is_healthy else _how(replica, self.sessions)
        number = revision.number if revision else 1
        return ReplicaInfo(replica.id, status, replica.is_healthy, reason, replica.created_at, number)


def _status(seen: Seen) -> ServiceStatus:
    deployment, healthy = seen.deployment, seen.healthy()
    if deployment.is_gone:
        return ServiceStatus.DESTROYED
    if deployment.is_going:
        return ServiceStatus.DESTROYING
    if not deployment.wanted:
        return ServiceStatus.PROVISIONING
    if healthy >= deployment.wanted:
        return ServiceStatus.HEALTHY
    if healthy:
        return ServiceStatus.DEGRADED
    return ServiceStatus.UNHEALTHY if deployment.current else ServiceStatus.PROVISIONING


def _how(replica: Replica, sessions: Mapping[str, str]) -> str:
    if replica.session is None:
        return "it has no session yet"
    status = sessions.get(replica.session)
    if replica.status == "running":
        return f"its health is {replica.health.replace('_', ' ')}"
    if status in (None, "RUNNING"):
        return "it has not answered yet"
    return f"its session is {status}"


def _replicas(number: int) -> str:
    return f"{number} replica{'s' if number != 1 else ''}"


def _job(mark: Mark | None) -> str | None:
    try:
        return parse_attempt_id(mark.attempt)[0] if mark else None
    except ValueError:
        return None


def _id(told: Any) -> str | None:
    return str(told) if told else None


def first(found: Sequence[Deployment]) -> Deployment | None:
    """Of several of one name, which a manager does not mind, the oldest that is not being removed, if there is one."""
    return min(found, key=lambda each: (each.is_going, each.created_at, each.id), default=None)
