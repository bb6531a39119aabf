"""The sessions of a user, whoever started them: listed, read, ended, and the apps that they bring.

An app is reached through the cluster's app proxy, where it has one: ``start-service`` at the manager gives a
token, with which the proxy (asked directly, unsigned) makes an address. That a release tells of a proxy
(``wsproxy-version``) does not mean that there is one: 23.09 says ``v1`` where none is configured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fasttrack_jupyter.backends.backend_ai import foreign
from fasttrack_jupyter.backends.backend_ai.asking import PREFIX
from fasttrack_jupyter.backends.backend_ai.catalogue import moment
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.presenting import at, written
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.survey import slots
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.engine.clusters import AppAddress, ClusterApp, ClusterSession, SessionsPage
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, Conflict, NotFound
from fasttrack_jupyter.model.job import parse_attempt_id

_LIVE = ('status != "TERMINATED"', 'status != "CANCELLED"', 'status != "ERROR"')
"""Which statuses there are differs by release; how a session ends does not."""
_TELLS_REQUESTED = Release(24, 3)
_LIST = """query($limit: Int!, $offset: Int!, $filter: String) {
  compute_session_list(limit: $limit, offset: $offset, filter: $filter, order: "-created_at") {
    total_count items { session_id name type status result image group_name scaling_group cluster_size
      created_at terminated_at service_ports occupied_slots %s } } }"""
_ONE = "query($id: UUID!) { compute_session(id: $id) { session_id name status service_ports } }"
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_NO_PROXY = "coordinator"
_PROXY_SECONDS = 30.0


class OwnSessions:
    """The sessions of one user on one cluster."""

    def __init__(self, cluster: Cluster, surveyor: Surveyor) -> None:
        self._cluster, self._surveyor = cluster, surveyor

    async def page(self, *, live: bool, text: str, limit: int, offset: int) -> SessionsPage:
        """Newest first; ``text``: of those whose name has it. Never others', which an administrator would see."""
        survey = await self._surveyor.look()
        wanted = [f'user_email == "{_quoted(survey.user)}"', *(_LIVE if live else ())]
        wanted += [f'name ilike "%{_quoted(text)}%"'] if text else []
        told = await self._cluster.graphql(
            _LIST % ("requested_slots" if survey.release >= _TELLS_REQUESTED else ""),
            {"limit": limit, "offset": offset, "filter": " & ".join(wanted)},
        )
        page = told["compute_session_list"]
        return SessionsPage(total=page["total_count"], sessions=tuple(_session(each) for each in page["items"]))

    async def log(self, session: str) -> str:
        """What it wrote; both streams in one. Raises NotFound."""
        told = await self._cluster.call("GET", f"/session/{_ref(session)}/logs", timeout=60.0)
        return str(told["result"]["logs"]).replace("\r\n", "\n")

    async def terminate(self, session: str, *, forced: bool) -> None:
        """Ask for its end. Raises NotFound."""
        query = {"forced": "true"} if forced else {}
        await self._cluster.call("DELETE", f"/session/{_ref(session)}", query=query)

    async def start_app(self, session: str, app: str) -> AppAddress:
        """Start a service of a running session, and have the app proxy make an address for it.

        Raises:
            NotFound: no such session, or it has no such app.
            Conflict: it does not run, or the cluster has no app proxy.
        """
        found = await self._named(session, app)
        ref = str(found.id)
        try:
            told = await self._cluster.call(
                "POST", f"/session/{ref}/start-service", body={"app": app}, repeat=True, timeout=60.0
            )
        except BackendUnreachable as error:
            if _NO_PROXY in error.message.lower():
                hint = "Apps need Backend.AI's app proxy; ask an administrator."
                raise Conflict(f"the cluster has no app proxy for session {session!r}", hint=hint) from error
            if error.details.get("status") == 500:  # 25.15 says no more where the app proxy cannot be reached
                hint = "Is its app proxy up? Ask an administrator."
                raise Conflict(f"the cluster cannot reach an app proxy for session {session!r}", hint=hint) from error
            raise
        protocol = next(each.protocol for each in found.apps if each.name == app)
        return AppAddress(app=app, url=await self._address(ref, app, protocol, told))

    async def _named(self, session: str, app: str) -> ClusterSession:
        found = await self._find(session)
        if found.status != "RUNNING":
            raise Conflict(f"session {session!r} is {found.status}", hint="Apps can be opened while it is RUNNING.")
        if app not in (each.name for each in found.apps):
            names = ", ".join(each.name for each in found.apps) or "none"
            raise NotFound(f"session {session!r} has no app {app!r}", hint=f"It has: {names}.")
        return found

    async def _find(self, session: str) -> ClusterSession:
        page = await self.page(live=True, text="" if _UUID.fullmatch(session) else session, limit=100, offset=0)
        for each in page.sessions:
            if session in (each.id, each.name):
                return each
        if _UUID.fullmatch(session):  # an older one than the newest hundred
            told = (await self._cluster.graphql(_ONE, {"id": session}))["compute_session"]
            if told:
                return _session(told)
        raise NotFound(f"there is no live session {session!r} of yours", hint="fasttrack cluster sessions lists them")

    async def _address(self, session: str, app: str, protocol: str, told: Mapping[str, Any]) -> str:
        query = {"app": app, "protocol": protocol, "token": told["token"], "session_id": session}
        answer = await self._cluster.storage(
            "GET",
            f"{str(told['wsproxy_addr']).rstrip('/')}/v2/proxy/auth",
            query=query,
            headers={"Accept": "application/json"},
            timeout=_PROXY_SECONDS,
        )
        if answer.status != 200:
            raise foreign.refusal(answer.status, answer.headers, answer.body, where="the app proxy")
        try:
            return str(json.loads(answer.body)["redirect_url"])
        except (ValueError, KeyError, TypeError) as error:
            raise BackendError(
                f"the app proxy gave no address for {app!r}", hint="Is it of the same release?"
            ) from error


def _ref(session: str) -> str:
    return quote(session, safe="")


def _quoted(text: str) -> str:
    """For the managers' filter language: no quotes, no wildcards of its own."""
    return re.sub(r'["\\%]', "", text)


def _session(told: Mapping[str, Any]) -> ClusterSession:
    name = str(told["name"] or "")
    asked = _json(told.get("requested_slots")) or _json(told.get("occupied_slots"))
    return ClusterSession(
        id=str(told["session_id"]),
        name=name,
        type=str(told.get("type") or "").lower(),
        status=str(told["status"]),
        result=str(told.get("result") or "undefined").upper(),
        image=str(told.get("image") or ""),
        project=str(told.get("group_name") or ""),
        group=told.get("scaling_group"),
        resources=written(slots(asked)),
        cluster_size=int(told.get("cluster_size") or 1),
        created_at=at(moment(told.get("created_at"))),
        ended_at=at(moment(told.get("terminated_at"))),
        attempt=_attempt(name),
        apps=tuple(_apps(_json(told.get("service_ports")))),
    )


def _apps(told: Any) -> Iterator[ClusterApp]:
    """Those that a person starts; inference ports belong to model services."""
    for each in told or ():
        if not each.get("is_inference"):
            ports = tuple(int(port) for port in each.get("container_ports") or ())
            yield ClusterApp(name=each["name"], protocol=each.get("protocol") or "http", ports=ports)


def _attempt(name: str) -> str | None:
    if not name.startswith(PREFIX):
        return None
    try:
        parse_attempt_id(name.removeprefix(PREFIX))
    except ValueError:
        return None
    return name.removeprefix(PREFIX)


def _json(told: Any) -> Any:
    return json.loads(told) if isinstance(told, str) else told
