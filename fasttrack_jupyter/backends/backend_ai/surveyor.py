"""Asks a cluster what it offers its user, seldom and all at once.

Two memories: what administrators change (images, projects, limits: two minutes) and what sessions change (what is
free: some seconds). Whoever asks meanwhile waits for the one who asks already. Nothing here is on the path of a
submit: a survey explains and foretells, the manager decides.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.backend_ai import alongside
from fasttrack_jupyter.backends.backend_ai import survey as read
from fasttrack_jupyter.backends.backend_ai.alongside import both
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.survey import (
    FolderSummary,
    GroupInfo,
    ImageInfo,
    KeypairLimits,
    Offer,
    ProjectInfo,
    SlotType,
    Survey,
)
from fasttrack_jupyter.errors import Forbidden, NotFound
from fasttrack_jupyter.model.resources import ResourceSlots

FREE_SECONDS, CATALOG_SECONDS = 20.0, 120.0
"""How long an answer is good for."""
JUST_NOW = 1.0
"""Seconds; what came since then is fresh."""
_AGENTS = 100
"""A page of nodes."""
_TELLS_LARGEST = Release(25, 6)
_TELLS_PENDING = Release(24, 3, 4)

_IMAGES = """query { images { id name tag registry architecture aliases size_bytes installed supported_accelerators
  labels { key value } resource_limits { key min max } } }"""
_SELF = """query { user { uuid email domain_name groups { id name } }
  groups { id name is_active total_resource_slots allowed_vfolder_hosts }
  domain { total_resource_slots allowed_docker_registries }
  user_resource_policy { max_vfolder_count }
  keypair_resource_policy { name default_for_unspecified total_resource_slots max_concurrent_sessions
    max_containers_per_session max_session_lifetime idle_timeout %s } }"""
_NODES = """query($limit: Int!, $offset: Int!) { agent_summary_list(limit: $limit, offset: $offset, status: "ALIVE") {
  total_count items { scaling_group schedulable available_slots occupied_slots } } }"""
_LARGEST = """query($project: UUID!) { accessible_scaling_groups(project_id: $project) {
  name is_active resource_allocation_limit_for_sessions } }"""


class _Node(NamedTuple):
    """One node, where they are not hidden."""

    group: str
    total: ResourceSlots
    used: ResourceSlots


@dataclass(frozen=True, slots=True)
class _Catalog:
    """What administrators change."""

    at: float
    release: Release
    told: Mapping[str, Any]
    images: tuple[ImageInfo, ...]
    slot_types: Mapping[str, SlotType]
    projects: tuple[ProjectInfo, ...]
    tells_nodes: bool


@dataclass(frozen=True, slots=True)
class _Free:
    """What sessions change."""

    at: float
    offers: Mapping[str, Offer]
    limits: KeypairLimits
    folders: tuple[FolderSummary, ...]


class Surveyor:
    """Asks one cluster, for one user."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = asyncio.Lock()
        self._catalog: _Catalog | None = None
        self._free: _Free | None = None

    @property
    def profile(self) -> Profile:
        """Whose cluster it is, and as whom."""
        return self._cluster.profile

    async def look(self, *, projects: Collection[str] = (), fresh: bool = False) -> Survey:
        """What the cluster offers the profile's project, and ``projects``; at most some seconds old (``fresh``: one).

        A project that this user is no member of has no offer, which is for the reader to tell.

        Raises:
            BackendUnreachable, KeysRefused: nothing could be asked.
        """
        wanted = {self.profile.project, *projects}
        asked_at = time.monotonic()
        async with self._lock:
            since = asked_at - JUST_NOW if fresh else float("-inf")
            catalog = self._catalog
            if catalog is None or catalog.at < max(since, asked_at - CATALOG_SECONDS):
                catalog = self._catalog = await self._ask_catalog()
            members = wanted & {project.name for project in catalog.projects}
            free = self._free
            if free is None or free.at < max(since, asked_at - FREE_SECONDS) or not members <= free.offers.keys():
                free = self._free = await self._ask_free(catalog, members)
        return _survey(catalog, free)

    def forget(self) -> None:
        """Something was changed by this user (a folder made, a session ended): ask anew next time."""
        self._free = None

    # ------------------------------------------------------------ what administrators change

    async def _ask_catalog(self) -> _Catalog:
        at = time.monotonic()
        release = await self._cluster.release()
        questions: list[Coroutine[Any, Any, Any]] = [
            self._cluster.graphql(_SELF % _fields_of(release)),
            self._cluster.graphql(_IMAGES),
            self._cluster.call("GET", "/config/resource-slots"),
            self._cluster.call("GET", "/config/resource-slots/details"),
            self._nodes(),
        ]
        told, images, kinds, words, nodes = await alongside.each(questions)
        return _Catalog(
            at=at,
            release=release,
            told=told,
            images=tuple(read.images_of(images["images"] or ())),
            slot_types=read.slot_types_of(kinds, words),
            projects=tuple(_projects_of(told)),
            tells_nodes=nodes is not None,
        )

    async def _nodes(self) -> list[_Node] | None:
        """Every node that takes sessions; None where nodes are hidden from this user."""
        found: list[_Node] = []
        while True:
            try:
                told = await self._cluster.graphql(_NODES, {"limit": _AGENTS, "offset": len(found)})
            except (NotFound, Forbidden):
                return None
            page = told["agent_summary_list"]
            found += [_node(each) for each in page["items"]]
            if not page["items"] or len(found) >= page["total_count"]:
                return found

    # ------------------------------------------------------------ what sessions change

    async def _ask_free(self, catalog: _Catalog, projects: Collection[str]) -> _Free:
        at = time.monotonic()
        chosen = [project for project in catalog.projects if project.name in projects]
        questions: list[Coroutine[Any, Any, Any]] = [
            self._cluster.call("GET", "/folders"),
            self._nodes() if catalog.tells_nodes else _none(),
            self._cluster.graphql("query { keypair { concurrency_used } }"),
            *(self._offer(catalog, project) for project in chosen),
        ]
        folders, nodes, session_count, *offers = await alongside.each(questions)
        limits = _limits_of(catalog, offers[0][1] if offers else {}, session_count["keypair"]["concurrency_used"])
        return _Free(
            at=at,
            offers={offer.project: _with_nodes(offer, nodes) for offer, _ in offers},
            limits=limits,
            folders=tuple(read.folders_of(folders)),
        )

    async def _offer(self, catalog: _Catalog, project: ProjectInfo) -> tuple[Offer, Mapping[str, Any]]:
        """What a project offers, and the raw answer, which tells of the keypair as well."""
        told, largest = await both(
            self._cluster.call("POST", "/resource/check-presets", body={"group": project.name}, repeat=True),
            self._largest(catalog, project),
        )
        groups = (_group_of(name, each, largest.get(name)) for name, each in sorted(told["scaling_groups"].items()))
        left = read.bounds(told["keypair_remaining"])
        return Offer(project.name, tuple(groups), left, tuple(read.presets_of(told["presets"]))), told

    async def _largest(self, catalog: _Catalog, project: ProjectInfo) -> dict[str, Mapping[str, Any]]:
        """By resource group: what releases from 25.6 on say about it."""
        if catalog.release < _TELLS_LARGEST:
            return {}
        told = await self._cluster.graphql(_LARGEST, {"project": project.id})
        return {group["name"]: group for group in told["accessible_scaling_groups"] or ()}


async def _none() -> None:
    return None


def _fields_of(release: Release) -> str:
    return "max_pending_session_count" if release >= _TELLS_PENDING else ""


def _json(text: Any) -> Any:
    """A GraphQL JSONString."""
    return json.loads(text) if isinstance(text, str) else text or {}


def _projects_of(told: Mapping[str, Any]) -> Iterator[ProjectInfo]:
    """Those that ``groups`` tells all about, then others of the user's: 26.9 has a project of his own, for one."""
    known = {one["name"] for one in told["groups"] or ()}
    for one in told["groups"] or ():
        hosts = tuple(sorted(_json(one["allowed_vfolder_hosts"])))
        limits = read.bounds(_json(one["total_resource_slots"]))
        yield ProjectInfo(one["name"], one["id"], bool(one["is_active"]), limits, hosts)
    for one in told["user"]["groups"] or ():
        if one["name"] not in known:
            yield ProjectInfo(one["name"], one["id"])


def _group_of(name: str, told: Mapping[str, Any], more: Mapping[str, Any] | None) -> GroupInfo:
    largest = read.slots(_json(more["resource_allocation_limit_for_sessions"])) if more else None
    return GroupInfo(
        name=name,
        free=read.slots({slot: value for slot, value in told["remaining"].items() if not str(value).startswith("-")}),
        mine=read.slots(told["using"]),
        largest=largest,
        is_active=bool(more["is_active"]) if more else True,
    )


def _node(told: Mapping[str, Any]) -> _Node:
    """A node that takes no more sessions has nothing."""
    total, used = read.slots(_json(told["available_slots"])), read.slots(_json(told["occupied_slots"]))
    return _Node(told["scaling_group"] or "", total, used) if told["schedulable"] else _Node("", total, used)


def _with_nodes(offer: Offer, nodes: list[_Node] | None) -> Offer:
    if nodes is None:
        return offer
    return replace(offer, groups=tuple(_group_with(group, nodes) for group in offer.groups))


def _group_with(group: GroupInfo, nodes: list[_Node]) -> GroupInfo:
    own = [node for node in nodes if node.group == group.name]
    total = used = ResourceSlots()
    largest: dict[str, int] = {}
    for node in own:
        total, used = total.plus(node.total), used.plus(node.used)
        largest |= {slot: max(value, largest.get(slot, 0)) for slot, value in node.total.items()}
    return replace(
        group,
        total=total,
        used=used,
        largest=ResourceSlots(largest),
        free_nodes=tuple(node.total.minus(node.used) for node in own),
    )


def _limits_of(catalog: _Catalog, presets: Mapping[str, Any], sessions: Any) -> KeypairLimits:
    policy = catalog.told["keypair_resource_policy"]
    named = read.policy_bounds(policy, _json(policy["total_resource_slots"]), catalog.slot_types)
    return KeypairLimits(
        slots=named,
        used=read.slots(presets.get("keypair_using")),
        max_concurrent_sessions=int(policy["max_concurrent_sessions"] or 0),
        sessions=int(sessions or 0),
        max_containers_per_session=int(policy["max_containers_per_session"] or 0),
        max_session_lifetime=float(policy["max_session_lifetime"] or 0),
        idle_timeout=float(policy["idle_timeout"] or 0),
        max_pending_sessions=int(policy.get("max_pending_session_count") or 0),
        policy=policy["name"],
    )


def _survey(catalog: _Catalog, free: _Free) -> Survey:
    user, domain = catalog.told["user"], catalog.told["domain"]
    return Survey(
        release=catalog.release,
        at=time.time() - (time.monotonic() - free.at),
        user=user["email"],
        user_id=user["uuid"],
        domain=user["domain_name"],
        images=catalog.images,
        registries=frozenset(domain["allowed_docker_registries"] or ()),
        projects=catalog.projects,
        offers=free.offers,
        limits=free.limits,
        domain_slots=read.bounds(_json(domain["total_resource_slots"])),
        slot_types=catalog.slot_types,
        folders=free.folders,
        max_folders=int((catalog.told["user_resource_policy"] or {}).get("max_vfolder_count") or 0),
    )
