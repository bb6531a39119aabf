"""The official client's environment variables, as a profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client_profiles import ProfileCalls

_FIELDS = {
    "BACKEND_ENDPOINT": "endpoint",
    "BACKEND_ENDPOINT_TYPE": "mode",
    "BACKEND_ACCESS_KEY": "user",
    "BACKEND_SECRET_KEY": "secret",
    "BACKEND_DOMAIN": "domain",
    "BACKEND_GROUP": "project",
}
CLUSTER_KEYS = frozenset({"BACKEND_ENDPOINT", "BACKEND_ACCESS_KEY", "BACKEND_SECRET_KEY"})
"""Without these an environment says too little."""
CLUSTER = "backend.ai"
"""The backend that the profile ``default`` is."""


def profile_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The parts of a ProfileRequest that the environment says; of several endpoints, the first."""
    found = {field: environ[name].strip() for name, field in _FIELDS.items() if environ.get(name, "").strip()}
    if "endpoint" in found:
        found["endpoint"] = found["endpoint"].split(",")[0].strip()
    if found.get("mode", "api") not in ("api", "session"):
        del found["mode"]
    return found


def backends_of(text: str) -> set[str]:
    """The backends that the pipeline's tasks name; none where it cannot be read, which its reader will tell."""
    if CLUSTER not in text:
        return set()
    from fasttrack_jupyter.model.reading import read_pipeline  # slow to import, and only needed here

    pipeline = read_pipeline(text).pipeline
    return {task.backend for task in pipeline.tasks if task.backend} if pipeline is not None else set()


def use_environ(
    client: ProfileCalls, backend: str | None, environ: Mapping[str, str], text: Callable[[], str] = lambda: ""
) -> None:
    """Where jobs, or tasks of theirs, are to run on ``backend.ai`` and nobody logged in, use the environment's keys.

    They are not stored: the profile is there for this engine's life. A stored profile counts more than the
    environment. ``text`` gives the pipeline's YAML; it is asked only where it matters.

    Raises:
        KeysRefused, BackendUnreachable, BadRequest: the cluster's answer, or none.
    """
    told = profile_in(environ)
    if not {"endpoint", "user", "secret"} <= told.keys() or told.get("mode") == "session":
        return
    if backend != CLUSTER and CLUSTER not in backends_of(text()):
        return
    here = [view for view in client.profiles() if view["name"] == "default"]
    if not here or not here[0]["kept"]:
        client.put_profile("default", {**told, "keep": False, "check": not here})
