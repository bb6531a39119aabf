"""What a cluster offers this user: values, and what can be read off them. :mod:`.surveyor` asks for them.

An ordinary user is told less than an administrator, and each release tells something else:

- what is free in a resource group now comes everywhere from ``check-presets``, capped by what the user's own
  limits leave; how much there is *in all* only where agents are not hidden (``hide-agents``, which production hides);
- the largest node of a group (slot by slot, not all of one node) from 25.6 on;
- limits of others, of the project and of the domain as numbers, but not how much of them is used by others.

What is not told is None, which is not zero: who reasons from a survey says "at the moment" then, never "never".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots, parse_size

_FAMILY = re.compile(r"[a-z0-9-]+(?=\.)")


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """One image, on one architecture, that this user may name."""

    name: str
    """Canonical: ``registry/name:tag``."""
    architecture: str
    id: str = ""
    registry: str = ""
    aliases: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    """Families of slots that it is made for (``cuda``, ``rocm``); ``*``: any."""
    minimum: ResourceSlots = field(default_factory=ResourceSlots)
    maximum: Mapping[str, int] = field(default_factory=dict)
    """Only the slots that it limits."""
    is_installed: bool = False
    """On some node already; else it is pulled first."""
    size: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> frozenset[str]:
        """``batch``, ``query``, ``uid-match`` …"""
        return frozenset(self.labels.get("ai.backend.features", "").split())

    @property
    def apps(self) -> tuple[str, ...]:
        """Names of the services that it brings (``jupyter``, ``tensorboard``)."""
        told = self.labels.get("ai.backend.service-ports", "")
        return tuple(port.partition(":")[0] for port in told.split(",") if port)

    def supports(self, slot: str) -> bool:
        """Whether it can make use of a slot. What says nothing of accelerators is not refused here."""
        family = _FAMILY.match(slot)
        return family is None or not self.accelerators or bool({"*", family[0]} & set(self.accelerators))


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A resource group, as far as this user is told."""

    name: str
    free: ResourceSlots
    """To be had now, in all its nodes together; never more than the user's own limits leave."""
    mine: ResourceSlots
    """Held by this user's sessions."""
    total: ResourceSlots | None = None
    used: ResourceSlots | None = None
    """By everybody."""
    largest: ResourceSlots | None = None
    """Slot by slot, the most that one node has."""
    free_nodes: tuple[ResourceSlots, ...] | None = None
    """What is free on each node."""
    is_active: bool = True

    def never_holds(self, one: ResourceSlots, size: int = 1) -> dict[str, tuple[int, int]]:
        """Slots of which ``size`` containers of ``one`` can never be had here: ``{slot: (asked, there)}``."""
        over = one.exceeding(self.largest) if self.largest is not None else {}
        return over or (one.times(size).exceeding(self.total) if self.total is not None else {})

    def lacks(self, one: ResourceSlots, size: int = 1) -> dict[str, tuple[int, int]]:
        """Slots of which there is not enough just now: ``{slot: (asked, free)}``."""
        return one.times(size).exceeding(self.free)


@dataclass(frozen=True, slots=True)
class PresetInfo:
    """A named amount of resources, made by the administrators."""

    name: str
    slots: ResourceSlots
    shmem: int | None = None
    is_free: bool = True
    """Some node could take it now."""


@dataclass(frozen=True, slots=True)
class KeypairLimits:
    """What this user may have at once. A slot that is not in ``slots`` is unlimited; a count of 0 is no limit."""

    slots: Mapping[str, int] = field(default_factory=dict)
    used: ResourceSlots = field(default_factory=ResourceSlots)
    max_concurrent_sessions: int = 0
    sessions: int = 0
    """Live ones."""
    max_containers_per_session: int = 0
    max_session_lifetime: float = 0.0
    """Seconds."""
    idle_timeout: float = 0.0
    """Seconds."""
    max_pending_sessions: int = 0
    """0 as well where the release tells nothing of it (23.09)."""
    policy: str = ""

    def refuses(self, asked: ResourceSlots) -> dict[str, tuple[int, int]]:
        """Slots that can never be had: ``{slot: (asked, limit)}``."""
        return {s: (amount, self.slots[s]) for s, amount in asked.items() if amount > self.slots.get(s, amount)}


@dataclass(frozen=True, slots=True)
class Offer:
    """What one project offers this user."""

    project: str
    groups: tuple[GroupInfo, ...]
    """The resource groups that its sessions may go to."""
    left: Mapping[str, int]
    """What keypair's, project's and domain's limits leave now, together; a slot that is not there is unlimited."""
    presets: tuple[PresetInfo, ...] = ()

    def group(self, name: str) -> GroupInfo | None:
        """The resource group of that name."""
        return next((group for group in self.groups if group.name == name), None)


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project (Backend.AI's API says group) that this user is a member of."""

    name: str
    id: str
    is_active: bool = True
    slots: Mapping[str, int] = field(default_factory=dict)
    """Its limits; a slot that is not there is unlimited."""
    folder_hosts: tuple[str, ...] = ()
    """Where it may have vfolders of its own."""


@dataclass(frozen=True, slots=True)
class FolderSummary:
    """A vfolder that this user can see."""

    name: str
    id: str
    host: str
    usage_mode: str
    permission: str
    """``ro``, ``rw``, ``wd`` (may delete)."""
    is_owner: bool
    ownership: str
    """``user`` or ``group``."""
    is_ready: bool = True
    """False once it was removed, until it is gone."""


@dataclass(frozen=True, slots=True)
class SlotType:
    """What a slot's amounts are: ``unit`` for people (``GiB``, ``fGPU``), bytes or a count."""

    name: str
    title: str
    unit: str
    is_bytes: bool
    is_whole: bool = False
    """Handed out in whole ones only (``cuda.device``; not ``cuda.shares``)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was asked, at one moment."""

    release: Release
    at: float
    """Seconds since the epoch."""
    user: str
    """E-mail address."""
    user_id: str
    domain: str
    images: tuple[ImageInfo, ...]
    registries: frozenset[str]
    """Whose images the user may name, and is shown all of. An image of another one may still work if it is only
    on a node's disk, and is not shown."""
    projects: tuple[ProjectInfo, ...]
    offers: Mapping[str, Offer]
    """By project, of those that were asked for."""
    limits: KeypairLimits
    domain_slots: Mapping[str, int]
    """The domain's limits; a slot that is not there is unlimited."""
    slot_types: Mapping[str, SlotType]
    folders: tuple[FolderSummary, ...]
    max_folders: int = 0
    """Vfolders that this user may own; 0 is no limit."""

    def find_images(self, name: str) -> tuple[ImageInfo, ...]:
        """The images of that name (or alias), one for each architecture."""
        whole = self.canonical(name)
        return tuple(image for image in self.images if image.name == whole or name in image.aliases)

    def canonical(self, name: str) -> str:
        """An image's name with the registry and the tag that a manager adds where they are left out."""
        first, slash, _ = name.partition("/")
        has_registry = bool(slash) and ("." in first or ":" in first or first in self.registries)
        tag = "" if ":" in name.rpartition("/")[2] else ":latest"
        return f"{'' if has_registry else 'index.docker.io/'}{name}{tag}"

    def project(self, name: str) -> ProjectInfo | None:
        """The project of that name."""
        return next((project for project in self.projects if project.name == name), None)


# ---------------------------------------------------------------------- reading the manager's answers


def amount(slot: str, told: Any) -> int | None:
    """A quantity as managers tell it (``"2"``, ``"24202768384"``, ``"64m"``, ``0.5``): in our units, rounded down.

    None where it is unlimited (``Infinity``), or not told (``NaN``, null).
    """
    if told is None:
        return None
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return parse_size(str(told)) if slot == "mem" else None
    if not number.is_finite():
        return None
    return int(number if slot == "mem" else number * HUNDRED)


def bounds(told: Any) -> dict[str, int]:
    """``{slot: limit}`` without the unlimited ones; zeros, which are limits, stay."""
    found = ((slot, amount(slot, value)) for slot, value in dict(told or {}).items())
    return {slot: value for slot, value in found if value is not None}


def slots(told: Any) -> ResourceSlots:
    """``{slot: amount}`` of what there is."""
    return ResourceSlots(bounds(told))


def policy_bounds(policy: Mapping[str, Any], total: Any, known: Iterable[str]) -> dict[str, int]:
    """A keypair policy's limits; a slot that it does not name is unlimited, or none at all: as the policy says."""
    named = bounds(total)
    if str(policy.get("default_for_unspecified", "UNLIMITED")).upper() == "LIMITED":
        return {**{slot: 0 for slot in known if slot not in (total or {})}, **named}
    return named


def images_of(told: Iterable[Mapping[str, Any]]) -> Iterator[ImageInfo]:
    """From GraphQL's ``images``."""
    for one in told:
        limits = {limit["key"]: limit for limit in one["resource_limits"] or ()}
        yield ImageInfo(
            name=f"{one['registry']}/{one['name']}:{one['tag']}",
            architecture=one["architecture"] or "",
            id=one["id"] or "",
            registry=one["registry"] or "",
            aliases=tuple(one["aliases"] or ()),
            accelerators=tuple(each for each in one["supported_accelerators"] or () if each),
            minimum=slots({slot: limit["min"] for slot, limit in limits.items()}),
            maximum={k: v for k, v in bounds({s: limit["max"] for s, limit in limits.items()}).items() if v},
            is_installed=bool(one["installed"]),
            size=int(one["size_bytes"] or 0),
            labels={label["key"]: label["value"] for label in one["labels"] or ()},
        )


def folders_of(told: Iterable[Mapping[str, Any]]) -> Iterator[FolderSummary]:
    """From ``GET /folders``."""
    for one in told:
        yield FolderSummary(
            name=one["name"],
            id=str(one["id"]).replace("-", ""),
            host=one["host"],
            usage_mode=one.get("usage_mode") or "general",
            permission=one.get("permission") or "",
            is_owner=bool(one.get("is_owner")),
            ownership=one.get("ownership_type") or one.get("type") or "user",
            is_ready=one.get("status", "ready") in ("ready", "performing", "mounted", "cloning"),
        )


def slot_types_of(kinds: Mapping[str, str], words: Mapping[str, Mapping[str, Any]]) -> dict[str, SlotType]:
    """From ``/config/resource-slots`` and its ``/details`` (where a slot may be missing)."""
    return {
        slot: SlotType(
            slot,
            str(words.get(slot, {}).get("human_readable_name") or slot),
            str(words.get(slot, {}).get("display_unit") or ""),
            kind == "bytes",
            kind != "bytes" and _digits(words.get(slot, {})) == 0,
        )
        for slot, kind in kinds.items()
    }


def _digits(words: Mapping[str, Any]) -> int | None:
    """Behind the point, of a slot's amounts; None where it is not told."""
    told = (words.get("number_format") or {}).get("round_length")
    return None if told is None else int(told)


def presets_of(told: Iterable[Mapping[str, Any]]) -> Iterator[PresetInfo]:
    """From ``check-presets``."""
    for one in told:
        shmem = one.get("shared_memory")
        yield PresetInfo(
            one["name"], slots(one["resource_slots"]), int(shmem) if shmem else None, bool(one.get("allocatable"))
        )
