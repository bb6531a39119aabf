"""Who one is on a cluster: what a login is checked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.engine.profiles import ProfileCheck
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.expressions import did_you_mean

_WHO = "{ user { email role domain_name groups { name } } }"
OLDEST, NEWEST = Release(23, 9), Release(26, 9, 99)
"""Between these, the bridge was tried on real clusters."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def ask_who(profile: Profile, keys: Keys) -> ProfileCheck:
    """What the cluster says to these keys; the connection is closed again.

    Raises:
        KeysRefused, BackendUnreachable, Forbidden: the cluster's answer, or none.
        BadRequest: the profile's domain or project is not one of this user's.
    """
    cluster = Cluster(profile, keys)
    try:
        release = await cluster.release()
        user: Mapping[str, Any] = (await cluster.graphql(_WHO)).get("user") or {}
    finally:
        await cluster.aclose()
    projects = tuple(sorted(group["name"] for group in user.get("groups") or ()))
    _check_place(profile, user.get("domain_name"), projects)
    return ProfileCheck(
        release=str(release),
        account=user.get("email"),
        role=user.get("role"),
        projects=projects,
        notes=tuple(_notes(profile, release)),
    )


def _check_place(profile: Profile, domain: str | None, projects: tuple[str, ...]) -> None:
    """Refuse what no session could be made in; where the cluster does not tell, a session will."""
    if domain and domain != profile.domain:
        raise BadRequest(f"this account is of domain {domain!r}, not {profile.domain!r}", hint=f"--domain {domain}")
    if projects and profile.project not in projects:
        near = did_you_mean(profile.project, projects) or f"There are: {', '.join(projects)}."
        raise BadRequest(f"this account has no project {profile.project!r}", hint=near)


def _notes(profile: Profile, release: Release) -> list[str]:
    url = URL(profile.endpoint)
    notes = []
    if url.scheme == "http" and url.host not in _LOOPBACK:
        what = "the password travels" if profile.mode == "session" else "what you send and get travels"
        notes.append(f"{profile.endpoint} is not encrypted: {what} in the clear")
    if url.scheme == "https" and not profile.verify_tls:
        notes.append("the certificate is not checked: anybody on the way can pretend to be this cluster")
    if not OLDEST <= release <= NEWEST:
        notes.append(f"release {release} was not tried; 23.09 to 26.9 were")
    return notes
