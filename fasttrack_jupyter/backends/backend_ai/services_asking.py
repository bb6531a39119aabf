"""What a manager is asked to serve: the requests that make a deployment, and a further revision of one.

A manager lays the request over the model definition in the folder, so what is said here counts. Said is how long a
replica has until it must answer: its intervals are up to a minute long, and what was thought of as a delay before the
first question (``initial_delay``, up to 26.6) is since 26.7 the time after which a replica that has not answered is
ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.backends.backend_ai.asking import Image, amounts_of, mode_of, quantity
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.services_telling import MARK, TAG, Mark
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionSpec
from fasttrack_jupyter.model.serving import HealthCheck, ModelDefinition

TIMEOUT = 1200.0
"""Seconds that a rollout may take where its task says nothing."""
LEAST_PATIENCE = 120.0
"""Seconds that each replica has at least until it must have answered."""
PATIENCE = 7200
"""Seconds after which a manager by itself gives a rollout up: its own default."""
_PROVISIONED = "deploying-provisioned"
_RETRIED = ("finalizing", "initializing", "promoting", "provisioning", "rolling-back")


@dataclass(frozen=True, slots=True)
class Found:
    """The ids by which a cluster knows what a service needs."""

    image: Image
    project: str
    variant: str
    folders: Mapping[str, str]
    """Vfolders by name."""
    group: str


def creation(
    spec: SessionSpec, service: ServiceSpec, profile: Profile, found: Found, definition: ModelDefinition | None
) -> dict[str, Any]:
    """The body of ``POST /v2/deployments/``."""
    return {
        "metadata": {
            "project_id": found.project,
            "domain_name": profile.domain,
            "resource_group_name": found.group,
            "name": service.name,
            "tags": [TAG],
        },
        **settings(service),
        "initial_revision": {**_revision(spec, service, found, definition, before=""), "auto_activate": True},
    }


def settings(service: ServiceSpec) -> dict[str, Any]:
    """What can be changed of a deployment without a new revision, as a new one is asked for."""
    rolling = {"max_surge": {"count": service.max_surge}, "max_unavailable": {"count": service.max_unavailable}}
    return {
        "network_access": {"open_to_public": service.is_public},
        "default_deployment_strategy": {"type": "ROLLING", "rolling_update": rolling},
        "replica_count": service.replicas,
    }


def change(service: ServiceSpec) -> dict[str, Any]:
    """The same as the body of ``PUT /v2/deployments/{id}``."""
    told = settings(service)
    return {**told, **told.pop("network_access")}


def revision(
    spec: SessionSpec, service: ServiceSpec, found: Found, definition: ModelDefinition | None, *, to: str, before: str
) -> dict[str, Any]:
    """The body of ``POST /v2/deployments/{id}/revisions`` for the deployment ``to`` whose revision is ``before``."""
    body = _revision(spec, service, found, definition, before=before)
    return {"deployment_id": to, **body, "options": {"auto_activate": True}}


def options(seconds: int | None = None) -> dict[str, Any]:
    """How long a manager lets a rollout go on: with few ``seconds`` it goes back to the revision before, at once."""
    entries: list[dict[str, Any]] = [
        {"handler_name": f"deploying-{name}", "timeout_sec": None, "max_retry_count": 5} for name in _RETRIED
    ]
    if seconds is not None:
        entries.append({"handler_name": _PROVISIONED, "timeout_sec": seconds, "max_retry_count": None})
    default = {"timeout_sec": PATIENCE, "max_retry_count": None}
    return {"options": {"handler_options": {"default": default, "by_handler": entries}}}


def _revision(
    spec: SessionSpec, service: ServiceSpec, found: Found, definition: ModelDefinition | None, *, before: str
) -> dict[str, Any]:
    amounts = {slot: quantity(slot, amount) for slot, amount in amounts_of(spec, found.image).items()}
    mark = Mark(
        spec.attempt_id, spec.path, spec.pipeline, service.model, found.image.name, service.is_ephemeral, before
    )
    environ = {"PYTHONUNBUFFERED": "1", **spec.environ, MARK: mark.dump()}
    resources: dict[str, Any] = {
        "resource_slots": {"entries": [{"resource_type": slot, "quantity": many} for slot, many in amounts.items()]}
    }
    if spec.shmem is not None:
        resources["resource_opts"] = {"entries": [{"name": "shmem", "value": str(spec.shmem)}]}
    body: dict[str, Any] = {
        "cluster_config": {"mode": mode_of(spec), "size": spec.cluster_size},
        "resource_config": resources,
        "image": {"id": found.image.id},
        "model_runtime_config": {
            "runtime_variant_id": found.variant,
            "environ": {"entries": [{"name": name, "value": value} for name, value in environ.items()]},
        },
        "model_mount_config": {
            "vfolder_id": found.folders[service.model],
            "mount_destination": service.mount,
            "mount_perm": "ro",
            "definition_path": service.definition,
        },
        "extra_mounts": [
            {"vfolder_id": found.folders[folder], "mount_destination": target, **({"subpath": path} if path else {})}
            for folder, path, target in mounts_of(spec)
        ],
    }
    if (patience := _patience(definition)) is not None:
        body["model_definition"] = {"models": patience}
    return body


def mounts_of(spec: SessionSpec) -> list[tuple[str, str, str]]:
    """``(vfolder, path in it, where)`` of what a replica mounts beside its model."""
    found = []
    for mount in spec.mounts:
        folder, _, path = mount.folder.partition("/")
        found.append((folder, path, mount.target))
    return found


def _patience(definition: ModelDefinition | None) -> list[dict[str, Any]] | None:
    """What is laid over each model of the definition; None where nothing is."""
    models = definition.models if definition is not None else []
    checks = [model.service.checked if model.service else None for model in models]
    if not any(checks):
        return None
    return [
        {"service": {"health_check": {"enable": True, "initial_delay": _delay(each)}}} if each else {}
        for each in checks
    ]


def _delay(check: HealthCheck) -> float:
    return max(check.initial_delay, check.interval * check.max_retries, LEAST_PATIENCE)
