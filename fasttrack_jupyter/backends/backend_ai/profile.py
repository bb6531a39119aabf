"""Who somebody is on which cluster: a profile, and the keys that go with it but are kept elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["api", "session"]
"""``api``: signed requests to a manager. ``session``: a login at a webserver, which signs for its users."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One user's way to one cluster; holds nothing secret."""

    name: str
    endpoint: str
    """``https://host[:port][/path]``, without a slash at its end."""
    mode: Mode = "api"
    domain: str = "default"
    project: str = "default"
    """What Backend.AI's API calls a group."""
    resource_group: str | None = None
    """Where sessions go that name none; None: the cluster's choice."""
    folder_host: str | None = None
    """Where vfolders are made; None: the cluster's default."""
    verify_tls: bool = True
    proxy: str | None = None
    """The HTTP proxy to go through; None: as the environment says (``HTTPS_PROXY``, ``NO_PROXY``)."""
    account: str | None = field(default=None, compare=False)
    """The e-mail address of whose keys they are, as far as the cluster has told it."""

    @property
    def backend(self) -> str:
        """The name of the backend that this profile is: ``backend.ai``, or ``backend.ai:NAME``."""
        return backend_name(self.name)


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key and its secret key (``api``), or an e-mail address and a password (``session``)."""

    user: str = field(repr=False)
    secret: str = field(repr=False)


DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


def backend_name(profile: str) -> str:
    """The backend that a profile is."""
    return "backend.ai" if profile == DEFAULT else f"backend.ai:{profile}"


def is_profile_name(name: str) -> bool:
    """Whether a profile may be called so."""
    return _NAME.fullmatch(name) is not None
