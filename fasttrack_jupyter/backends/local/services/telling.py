"""What is told about a service: to faces, to the gateway, and to who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.backends.local.services import replicas
from fasttrack_jupyter.backends.local.services.records import ServiceRecord, Unread
from fasttrack_jupyter.engine.serving import ServiceInfo
from fasttrack_jupyter.model.serving import ServiceStatus

if TYPE_CHECKING:
    from fasttrack_jupyter.backends.local.services.keeper import Keeper
    from fasttrack_jupyter.backends.local.services.replica import Replica


def reason_of(keeper: Keeper) -> str:
    """Why not all is as wanted, in words."""
    staying = [replica for replica in keeper.replicas.values() if not replica.is_ending]
    new = [replica for replica in staying if replica.revision.id == keeper.record.target]
    healthy, wanted = sum(replica.is_healthy for replica in new), keeper.record.wanted
    trouble = keeper.trouble or keeper.door_trouble
    if keeper.record.is_going:
        return "it is being removed"
    if healthy >= wanted and len(staying) > len(new):
        return f"waits for {len(staying) - len(new)} of the revision before to be drained"
    if healthy >= wanted:
        return trouble
    why = next((replica.info().reason for replica in new if not replica.is_healthy), "") or trouble
    return f"waits for replica {healthy + 1} of {wanted} to be healthy" + (f": {why}" if why else "")


def why_failed(replica: Replica, control: str) -> str:
    """How a replica failed, and what it said last."""
    how = replica.reason if not replica.is_gone else f"its command ended ({replica.reason or 'exit 0'})"
    words = replicas.last_words(control, replica.revision)
    never = "" if replica.was_healthy else " before it was healthy"
    return f"replica {replica.id} failed{never}: {how}" + (f"\nits last words:\n{words}" if words else "")


def told_of(keeper: Keeper) -> dict[str, Any]:
    """What the gateway is told about a service; a token is asked for as the revision wants it that answers."""
    record, open_replicas = keeper.record, keeper.open_replicas()
    return {
        "id": record.id,
        "name": record.name,
        "port": record.port,
        "is_public": record.is_public,
        "reason": keeper.reason(),
        "replicas": [replicas.way_to(replica) for replica in open_replicas],
        "public": [each.id for each in open_replicas if record.revisions[each.revision].service.is_public],
    }


def info_of(keeper: Keeper) -> ServiceInfo:
    """What is told about a service."""
    record = keeper.record
    newest = record.newest
    assert newest is not None
    spec, service = newest.spec, newest.service
    told = tuple(replica.info() for replica in keeper.replicas.values())
    healthy = len(keeper.open_replicas())
    return ServiceInfo(
        record.name, _status(record, healthy), keeper.endpoint, record.wanted, healthy, service.model, spec.image,
        record.is_public, service.is_ephemeral, newest.number, record.created_at, record.updated_at,
        reason=keeper.reason(), job_id=spec.job_id, task=spec.path, pipeline=spec.pipeline,
        attempt_id=spec.attempt_id, replicas=told,
        models=tuple(sorted({each.service.model for each in record.revisions.values()})),
    )  # fmt: skip


def info_of_unread(unread: Unread) -> ServiceInfo:
    """What is told about a service whose record cannot be read: that it is there, and why nobody looks after it."""
    return ServiceInfo(
        unread.name, ServiceStatus.UNHEALTHY, None, 0, 0, "", None, False, False, 0,
        unread.changed_at, unread.changed_at, reason=unread.reason,
    )  # fmt: skip


def _status(record: ServiceRecord, healthy: int) -> ServiceStatus:
    if record.is_going:
        return ServiceStatus.DESTROYING
    if healthy >= record.wanted > 0:
        return ServiceStatus.HEALTHY
    if healthy:
        return ServiceStatus.DEGRADED
    return ServiceStatus.UNHEALTHY if record.was_healthy and record.wanted else ServiceStatus.PROVISIONING
