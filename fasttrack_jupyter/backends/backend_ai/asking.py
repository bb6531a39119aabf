"""What is asked of a manager to make a session: the path and the body, by release. Pure.

``POST /session`` with the keys that every release from 23.09 on takes, and ``POST /v2/sessions/enqueue`` where only
that mounts what we need (see ``mounts.py``). Either refuses, or gives back, a name that lives already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.backends.backend_ai.mounts import MountForm
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.resources import HUNDRED, ClusterMode

PREFIX = "ft-"
SESSION, ENQUEUE = "/session", "/v2/sessions/enqueue"
_FIRST_WITH_TIMEOUT = Release(25, 15)
"""The first that is known to take ``batchTimeout``: 24.9.6 refuses a session for it."""
_MARGIN = 60
"""Seconds that the cluster waits longer than the wrapper, which can say that it was the time."""
_LEAST = {"cpu": HUNDRED, "mem": 1 << 30}
"""What a task gets of a slot that it does not name: a cluster would hand out the image's minimum, which may be none."""


@dataclass(frozen=True)
class Image:
    """What a session runs in. ``id`` and ``minimum`` as far as the cluster tells them."""

    name: str
    architecture: str = "x86_64"
    id: str = ""
    minimum: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request for a session. ``environ`` may hold secrets, so it is in no ``repr``."""

    path: str
    body: Mapping[str, Any] = field(repr=False)


def session_name(attempt_id: str) -> str:
    """What the session of an attempt is called."""
    return PREFIX + attempt_id


def request_for(
    spec: SessionSpec,
    *,
    profile: Profile,
    release: Release,
    form: MountForm,
    mounts: Mapping[str, Any],
    image: Image,
    project_id: str,
    command: str,
    bootstrap: str | None = None,
) -> Asked:
    """The request for the session of ``spec``; ``mounts`` as :func:`mounts.config_of` gives them for ``form``.

    ``bootstrap`` is what each of its containers runs as it comes up.
    """
    environ = {"PYTHONUNBUFFERED": "1", **spec.environ}
    timeout = None if spec.timeout is None else int(spec.timeout) + _MARGIN
    amounts = {slot: quantity(slot, amount) for slot, amount in amounts_of(spec, image).items()}
    group = spec.resource_group or profile.resource_group
    common = {
        "name": session_name(spec.attempt_id), "environ": environ, "timeout": timeout, "amounts": amounts,
        "group": group, "mode": mode_of(spec), "command": command,
        "bootstrap": {} if bootstrap is None else {"bootstrap_script": bootstrap},
    }  # fmt: skip
    if form is MountForm.V2:
        return _enqueue(spec, common, mounts, image, project_id)
    return _session(spec, common, mounts, image, profile, release)


def amounts_of(spec: SessionSpec, image: Image) -> dict[str, int]:
    """What each container gets; cores rounded up to whole ones."""
    least = {slot: max(amount, image.minimum.get(slot, 0)) for slot, amount in _LEAST.items()}
    amounts = {**least, **spec.slots}
    return {**amounts, "cpu": -(-amounts["cpu"] // HUNDRED) * HUNDRED}


def quantity(slot: str, amount: int) -> str:
    """As managers read it: bytes, or a decimal number."""
    if slot == "mem":
        return str(amount)
    whole, rest = divmod(amount, HUNDRED)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def mode_of(spec: SessionSpec) -> str:
    """``single-node`` or ``multi-node``."""
    return "multi-node" if spec.cluster_mode is ClusterMode.MULTI_NODE else "single-node"


def _session(
    spec: SessionSpec,
    common: Mapping[str, Any],
    mounts: Mapping[str, Any],
    image: Image,
    profile: Profile,
    release: Release,
) -> Asked:
    config: dict[str, Any] = {"resources": common["amounts"], "environ": common["environ"], **mounts}
    if spec.shmem is not None:
        config["resource_opts"] = {"shmem": str(spec.shmem)}
    if common["group"]:
        config["scaling_group"] = common["group"]
    body = {
        "name": common["name"],
        "image": image.name,
        "architecture": image.architecture,
        "type": "batch",
        "group": spec.project or profile.project,
        "domain": profile.domain,
        "clusterSize": spec.cluster_size,
        "clusterMode": common["mode"],
        "enqueueOnly": True,
        "startupCommand": common["command"],
        "config": config,
        **common["bootstrap"],
    }
    if common["timeout"] is not None and release >= _FIRST_WITH_TIMEOUT:
        body["batchTimeout"] = f"{common['timeout']}s"
    return Asked(SESSION, body)


def _enqueue(
    spec: SessionSpec, common: Mapping[str, Any], mounts: Mapping[str, Any], image: Image, project_id: str
) -> Asked:
    batch: dict[str, Any] = {"startup_command": common["command"]}
    if common["timeout"] is not None:
        batch["batch_timeout"] = common["timeout"]
    body: dict[str, Any] = {
        "session_name": common["name"],
        "session_type": "batch",
        "image_id": image.id,
        "project_id": project_id,
        "resource_entries": [{"resource_type": slot, "quantity": amount} for slot, amount in common["amounts"].items()],
        "cluster_mode": common["mode"],
        "cluster_size": spec.cluster_size,
        "environ": common["environ"],
        "batch": batch,
        **common["bootstrap"],
        **mounts,
    }
    if spec.shmem is not None:
        body["resource_opts"] = {"shmem": {"expr": str(spec.shmem)}}
    if common["group"]:
        body["resource_group"] = common["group"]
    return Asked(ENQUEUE, body)
