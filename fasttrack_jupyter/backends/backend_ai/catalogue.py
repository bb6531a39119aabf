"""The vfolders that a user can reach: by name, with what the cluster says about each.

A cluster knows a vfolder by its id, people by its name; names are only unique among one's own. The list is asked for
seldom: it is kept, and asked for again when a name is not in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.errors import BackendUnreachable, Conflict, Forbidden, NotFound

_FIRST_BY_ID = Release(24, 9)
"""Where a path may have the id instead of the name; in 26.9 a name means one's own folders alone."""
_FRESH = 30.0
"""Seconds for which the list is good enough to show."""


@dataclass(frozen=True, slots=True)
class Vfolder:
    """What a cluster says about one vfolder. ``permission``: ``ro``, ``rw`` or ``wd`` (may remove it too)."""

    id: str
    name: str
    host: str
    usage_mode: str
    created_at: float
    permission: str
    is_owner: bool
    owner: str | None
    """Who made it: an e-mail address."""
    project: str | None
    """The id of the project that it belongs to; None: it is somebody's own."""
    quota_scope: str | None
    status: str


class Catalogue:
    """The vfolders of one user on one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._all: tuple[Vfolder, ...] = ()
        self._asked = float("-inf")
        self._project: str | None = None
        self._lock = asyncio.Lock()

    async def all(self, *, fresh: bool = False) -> tuple[Vfolder, ...]:
        """All that are alive, by name. Raises BackendUnreachable."""
        asked = self._asked
        async with self._lock:
            if self._asked == asked and (fresh or time.monotonic() - self._asked > _FRESH):
                self._all = await self._ask()
                self._asked = time.monotonic()
            return self._all

    async def get(self, name: str) -> Vfolder:
        """The vfolder of that name (or of that pipeline folder): one's own before others'.

        Raises:
            NotFound: there is none.
            Conflict: there are several, none of them one's own.
        """
        found = _named(self._all, name) or _named(await self.all(fresh=True), name)
        if not found:
            raise NotFound(
                f"there is no vfolder {name!r} on {self._cluster.profile.endpoint}",
                hint="`fasttrack folders` lists them; is it shared with you?",
                details={"folder": name},
            )
        if len(found) > 1 and not found[0].is_owner:
            owners = ", ".join(str(each.owner) for each in found)
            raise Conflict(
                f"{len(found)} vfolders are called {name!r}, of {owners}", hint="Ask one of them for another name."
            )
        return found[0]

    async def path(self, name: str) -> str:
        """The beginning of the paths of the API for a vfolder. Raises as :meth:`get` does."""
        found = await self.get(name)
        release = await self._cluster.release()
        return f"/folders/{found.id if release >= _FIRST_BY_ID else quote(found.name, safe='')}"

    async def writable(self, name: str) -> Vfolder:
        """The vfolder of that name, for what changes something in it; 26.4 does not mind what its owner allows.

        Raises:
            Forbidden: somebody shares it, to be read only.
            NotFound, Conflict: as :meth:`get` does.
        """
        found = await self.get(name)
        if _is_lent(found):  # its owner may have changed that meanwhile
            await self.all(fresh=True)
            found = await self.get(name)
        if _is_lent(found):
            hint = f"{found.owner or 'Its owner'} can share it for writing."
            raise Forbidden(f"the vfolder {name!r} is shared with you to be read only", hint=hint)
        return found

    def forget(self) -> None:
        """What is known has changed."""
        self._all, self._asked = (), float("-inf")

    async def project(self) -> str:
        """The id of the profile's project. Raises NotFound."""
        if self._project is None:
            name = self._cluster.profile.project
            told = await self._cluster.graphql("query { groups { id name } }")
            ids = [each["id"] for each in told.get("groups") or [] if each["name"] == name]
            if not ids:
                raise NotFound(f"you are in no project {name!r}", hint="fasttrack login --project NAME")
            self._project = str(ids[0])
        return self._project

    async def _ask(self) -> tuple[Vfolder, ...]:
        try:
            query = {"group_id": await self.project()}
        except NotFound:
            query = {}
        told = await self._cluster.call("GET", "/folders", query=query)
        if not isinstance(told, list):
            raise BackendUnreachable(f"{self._cluster.profile.endpoint} lists no vfolders", hint="Is it a manager?")
        alive = [_read(each) for each in told if not str(each.get("status", "")).startswith(("delet", "purg"))]
        return tuple(sorted(alive, key=lambda each: (each.name, not each.is_owner)))


def _is_lent(found: Vfolder) -> bool:
    """Whether it is another user's, and to be read only."""
    return found.permission == "ro" and found.project is None and not found.is_owner


def _named(folders: tuple[Vfolder, ...], name: str) -> list[Vfolder]:
    return [each for each in folders if each.name == name] or [
        each for each in folders if each.name == places.cluster_name(name)
    ]


def _read(told: Mapping[str, Any]) -> Vfolder:
    is_project = told.get("ownership_type") == "group" or told.get("type") == "group"
    return Vfolder(
        id=str(told["id"]),
        name=str(told["name"]),
        host=str(told.get("host") or ""),
        usage_mode=str(told.get("usage_mode") or "general"),
        created_at=moment(told.get("created_at")),
        permission=str(told.get("permission") or ""),
        is_owner=bool(told.get("is_owner")),
        owner=told.get("user_email") or told.get("creator") or None,
        project=(told.get("group") or None) if is_project else None,
        quota_scope=told.get("quota_scope_id") or None,
        status=str(told.get("status") or ""),
    )


def moment(told: Any) -> float:
    """A manager's time as seconds since 1970; 0 where it tells none."""
    try:
        return datetime.fromisoformat(str(told)).timestamp()
    except ValueError:
        return 0.0
