"""What was asked of a cluster, as the faces see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.survey import GroupInfo, ImageInfo, Offer, Survey
from fasttrack_jupyter.engine.clusters import (
    ClusterGroup,
    ClusterImage,
    ClusterLimits,
    ClusterPreset,
    ClusterProject,
    ClusterSlot,
    ClusterView,
    Slots,
)
from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity


def at(seconds: float) -> datetime | None:
    """A moment; None for 0, which is none."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def written(amounts: Mapping[str, int]) -> Slots:
    """As in a pipeline, zeros as well."""
    return {slot: format_quantity(slot, amount) for slot, amount in amounts.items()}


def present_cluster(profile: Profile, survey: Survey, offer: Offer) -> ClusterView:
    """The cluster and what it offers in one project."""
    moment = at(survey.at)
    assert moment is not None
    projects = (
        ClusterProject(name=each.name, id=each.id, is_active=each.is_active, limits=written(each.slots))
        for each in survey.projects
    )
    presets = (
        ClusterPreset(
            name=each.name,
            resources=written(each.slots),
            shmem=format_quantity("mem", each.shmem) if each.shmem else None,
            is_free=each.is_free,
        )
        for each in offer.presets
    )
    return ClusterView(
        backend=profile.backend,
        endpoint=profile.endpoint,
        release=str(survey.release),
        user=survey.user,
        domain=survey.domain,
        project=offer.project,
        asked_at=moment,
        projects=tuple(projects),
        groups=tuple(present_group(group) for group in offer.groups),
        presets=tuple(presets),
        limits=present_limits(survey, offer),
        slots=tuple(
            ClusterSlot(name=each.name, title=each.title, unit=each.unit, is_whole=each.is_whole)
            for each in survey.slot_types.values()
        ),
    )


def present_group(group: GroupInfo) -> ClusterGroup:
    """One resource group."""
    return ClusterGroup(
        name=group.name,
        is_active=group.is_active,
        free=written(group.free),
        mine=written(group.mine),
        total=_told(group.total),
        used=_told(group.used),
        largest=_told(group.largest),
        nodes=None if group.free_nodes is None else len(group.free_nodes),
    )


def present_limits(survey: Survey, offer: Offer) -> ClusterLimits:
    """What the user may have at once."""
    limits = survey.limits
    return ClusterLimits(
        policy=limits.policy,
        slots=written(limits.slots),
        used=written(limits.used),
        left=written(offer.left),
        domain=written(survey.domain_slots),
        sessions=limits.sessions,
        max_sessions=limits.max_concurrent_sessions or None,
        max_pending_sessions=limits.max_pending_sessions or None,
        max_containers=limits.max_containers_per_session or None,
        max_lifetime=limits.max_session_lifetime or None,
        idle_timeout=limits.idle_timeout or None,
        max_folders=survey.max_folders or None,
    )


def present_images(images: Iterable[ImageInfo]) -> list[ClusterImage]:
    """By name, the architectures of each together; what is on a node already comes first."""
    by_name: dict[str, list[ImageInfo]] = {}
    for image in images:
        by_name.setdefault(image.name, []).append(image)
    found = [_image(group) for group in by_name.values()]
    return sorted(found, key=lambda image: (not image.is_installed, image.name))


def _image(group: list[ImageInfo]) -> ClusterImage:
    first = group[0]
    return ClusterImage(
        name=first.name,
        architectures=tuple(sorted(each.architecture for each in group)),
        aliases=first.aliases,
        accelerators=first.accelerators,
        minimum=written(first.minimum),
        maximum=written(first.maximum),
        is_installed=any(each.is_installed for each in group),
        size=first.size,
        apps=first.apps,
        labels=dict(first.labels),
    )


def _told(amounts: ResourceSlots | None) -> Slots | None:
    return None if amounts is None else written(amounts)
