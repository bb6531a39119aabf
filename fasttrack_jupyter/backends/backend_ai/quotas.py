"""How much a user, and his project, may keep in vfolders, and keep.

A storage host tells of a quota scope (a user, a project) only where its file system counts (XFS, Ceph, …); a plain
directory tells nothing, which is None, not zero. Whole hosts tell how full they are, which every user may know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.backends.backend_ai import alongside
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.survey import Survey
from fasttrack_jupyter.engine.clusters import ClusterQuota
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound

OWN = "you"
_SCOPE = """query($host: String!, $scope: String!) {
  quota_scope(storage_host_name: $host, quota_scope_id: $scope) { details { usage_bytes hard_limit_bytes } } }"""


async def quotas_of(cluster: Cluster, survey: Survey) -> list[ClusterQuota]:
    """Of each host that the user may have vfolders on: his own, then the profile's project's."""
    told = await cluster.call("GET", "/folders/_/hosts")
    project = survey.project(cluster.profile.project)
    scopes = [(OWN, f"user:{survey.user_id}")] + ([(project.name, f"project:{project.id}")] if project else [])
    hosts = told.get("volume_info") or {}
    asked = [(host, name, scope) for host in sorted(told["allowed"]) for name, scope in scopes]
    details = await alongside.each(_details(cluster, host, scope) for host, _, scope in asked)
    return [
        ClusterQuota(
            host=host,
            scope=name,
            used=_bytes(found.get("usage_bytes")),
            limit=_bytes(found.get("hard_limit_bytes")),
            host_full=(hosts.get(host, {}).get("usage") or {}).get("percentage"),
        )
        for (host, name, _), found in zip(asked, details, strict=True)
    ]


async def _details(cluster: Cluster, host: str, scope: str) -> Mapping[str, Any]:
    """Empty where the host has no quota scopes, or does not tell this user."""
    try:
        told = await cluster.graphql(_SCOPE, {"host": host, "scope": scope})
    except (BadRequest, Forbidden, NotFound):
        return {}
    return (told.get("quota_scope") or {}).get("details") or {}


def _bytes(told: Any) -> int | None:
    """None for no number, and for -1, which is no limit."""
    return int(told) if told is not None and int(told) >= 0 else None
