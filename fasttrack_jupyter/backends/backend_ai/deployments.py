"""Model services through a manager's API: the calls, and nothing that decides. Seen with 26.9.6.

These calls are for the user who makes them: what an administrator could do to others' services is not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.services_telling import TAG, Deployment, Replica, Revision, Seen
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, NotFound

FIRST_THAT_SERVES = Release(26, 9)
"""Earlier ones have other calls, or none, for what is done here; none of them was tried."""
_ROOT = "/v2/deployments"
_PAGE = 100
_MOST_REVISIONS = 20
"""A manager keeps the newest ten."""
_MANY = 50
_ANY = {"direction": "DESC", "field": "created_at"}


class Deployments:
    """The deployments of one user on one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._variants: dict[str, str] = {}

    # ------------------------------------------------------------ looking

    async def mine(self, name: str | None = None) -> list[Deployment]:
        """All of the user's that are not over, or those of one name; oldest first."""
        found: list[Deployment] = []
        wanted = {"name": {"equals": name}} if name is not None else {"tags": {"contains": TAG}}
        while True:
            body = {"filter": wanted, "order": [_ANY], "limit": _PAGE, "offset": len(found)}
            page = await self._ask(f"{_ROOT}/my/search", body)
            found += [Deployment.parse(each) for each in page["items"]]
            if not page["items"] or not page["has_next_page"]:
                break
        return sorted((each for each in found if not each.is_gone), key=lambda each: (each.created_at, each.id))

    async def see(self, deployment: Deployment | str, *, with_sessions: bool = False) -> Seen:
        """A service as it is now. Raises NotFound."""
        which = deployment if isinstance(deployment, str) else deployment.id
        told, revisions, replicas = await asyncio.gather(
            self._cluster.call("GET", f"{_ROOT}/{which}"),
            self._ask(
                f"{_ROOT}/{which}/revisions/search",
                {"order": [{"field": "revision_number", "direction": "DESC"}], "limit": _MOST_REVISIONS},
            ),
            self._ask(f"{_ROOT}/{which}/replicas/search", {"order": [_ANY], "limit": _PAGE}),
        )
        found = tuple(sorted(map(Replica.parse, replicas["items"]), key=lambda each: (each.created_at, each.id)))
        wanted = [each.session for each in found if each.session and not each.has_ended] if with_sessions else []
        return Seen(
            Deployment.parse(told), tuple(map(Revision.parse, revisions["items"])), found, await self.sessions(wanted)
        )

    async def sessions(self, wanted: Sequence[str]) -> Mapping[str, str]:
        """``{session: status}`` of sessions by their ids, in one query for each fifty."""
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _MANY):
            some = dict(enumerate(wanted[start : start + _MANY]))
            fields = " ".join(f's{index}: compute_session(id: "{each}") {{ status }}' for index, each in some.items())
            told = await self._cluster.graphql(f"query {{ {fields} }}")
            found |= {each: str(row["status"]) for index, each in some.items() if (row := told.get(f"s{index}"))}
        return found

    async def log(self, session: str) -> str:
        """What the session of a replica wrote; empty where it never began, or is none."""
        if not session:
            return ""
        try:
            told = await self._cluster.call("GET", f"/session/{session}/logs", timeout=60.0)
        except (NotFound, BadRequest):
            return ""
        except BackendUnreachable as error:
            if error.details.get("status") == 500:  # of a container that never was
                return ""
            raise
        return str(told["result"]["logs"]).replace("\r\n", "\n")

    async def variant(self, name: str) -> str:
        """The id of a runtime variant. Raises NotFound."""
        if name not in self._variants:
            page = await self._ask("/v2/runtime-variants/search", {"limit": _PAGE})
            self._variants = {str(each["name"]): str(each["id"]) for each in page["items"]}
        if name not in self._variants:
            there = ", ".join(sorted(self._variants)) or "none that you are shown"
            raise NotFound(f"there is no runtime variant {name!r} on the cluster", hint=f"There is: {there}.")
        return self._variants[name]

    # ------------------------------------------------------------ doing

    async def create(self, body: Mapping[str, Any]) -> str:
        """Make one; its id. Names are not unique to a manager: who gets no answer must look whether it is there."""
        told = await self._cluster.call("POST", f"{_ROOT}/", body=body, repeat=False, timeout=60.0)
        return str(told["deployment"]["id"])

    async def add_revision(self, deployment: str, body: Mapping[str, Any]) -> None:
        """Begin to deploy another revision. Not repeatable."""
        await self._cluster.call("POST", f"{_ROOT}/{deployment}/revisions", body=body, repeat=False, timeout=60.0)

    async def activate(self, deployment: str, revision: str) -> None:
        """Begin to deploy a revision that there is."""
        body = {"deployment_id": deployment, "revision_id": revision}
        await self._ask(f"{_ROOT}/{deployment}/revisions/activate", body)

    async def change(self, deployment: str, body: Mapping[str, Any]) -> None:
        """Change its settings; ``{"replica_count": 2}`` scales it."""
        await self._cluster.call("PUT", f"{_ROOT}/{deployment}", body=body, repeat=True)

    async def set_options(self, deployment: str, body: Mapping[str, Any]) -> None:
        """How long a manager lets its rollouts go on."""
        await self._cluster.call("PUT", f"{_ROOT}/{deployment}/options", body=body, repeat=True)

    async def remove(self, deployment: str) -> None:
        """Ask for its end; one that is gone is removed."""
        try:
            await self._ask(f"{_ROOT}/delete", {"id": deployment})
        except NotFound:
            return

    async def end_session(self, session: str) -> None:
        """End the session of a replica; one that has ended is ended."""
        try:
            await self._cluster.call("DELETE", f"/session/{session}")
        except NotFound:
            return

    async def token(self, deployment: str, seconds: float) -> str:
        """One more access token."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        body = {"model_deployment_id": deployment, "expires_at": until.isoformat()}
        told = await self._ask(f"{_ROOT}/{deployment}/access-tokens", body)
        return str(told["access_token"]["token"])

    async def answers(self, url: str, token: str) -> int:
        """The status with which an endpoint answers a GET; 0: it does not."""
        headers = {"Authorization": f"BackendAI {token}"} if token else {}
        try:
            return (await self._cluster.storage("GET", url, headers=headers, timeout=10.0)).status
        except BackendUnreachable:
            return 0

    async def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._cluster.call("POST", path, body=body, repeat=True)


def ours(found: Iterable[Deployment]) -> list[Deployment]:
    """Those that FastTrack made."""
    return [each for each in found if each.is_ours]
