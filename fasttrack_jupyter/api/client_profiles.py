"""The client's calls about profiles: who one is on which cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.api.caller import Caller, Json, quoted

_CLUSTER_SECONDS = 90.0
"""A cluster that is asked meanwhile may take so long to not answer."""


class ProfileCalls(Caller):
    """``profile`` is a name: the profile ``default`` is the backend ``backend.ai``, any other ``backend.ai:NAME``."""

    def profiles(self) -> list[Json]:
        """ProfileView each, by name; never a key."""
        return self._list("GET", "/profiles")

    def put_profile(self, profile: str, request: Mapping[str, Any]) -> Json:
        """Make or change a profile by a ProfileRequest: ProfileView. Raises KeysRefused, BackendUnreachable …"""
        return self._ask("PUT", f"/profiles/{quoted(profile)}", request, timeout=self._patience)

    def delete_profile(self, profile: str, *, set_aside: bool = False) -> None:
        """Forget a profile and its keys. Raises NotFound, Conflict (jobs need it, and are not to be set aside)."""
        self._read("DELETE", f"/profiles/{quoted(profile)}", query={"set_aside": "true" if set_aside else None})

    def check_profile(self, profile: str) -> Json:
        """Ask the cluster who one is there: ProfileCheck. Raises KeysRefused, BackendUnreachable, NotFound."""
        return self._ask("POST", f"/profiles/{quoted(profile)}/check", {}, timeout=self._patience)

    def verify_signed(self, profile: str, signed: Mapping[str, str]) -> Json:
        """Whether a request (a SignedRequest) was just signed with a profile's keys: SignedBy. Raises SignedOut."""
        return self._ask("POST", f"/profiles/{quoted(profile)}/verify", signed)

    @property
    def _patience(self) -> float:
        return max(self._timeout, _CLUSTER_SECONDS)
