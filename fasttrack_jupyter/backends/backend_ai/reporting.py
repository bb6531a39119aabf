"""What the backend's port tells of a cluster in few words: images, slots, how things stand (``fasttrack doctor``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.backends.backend_ai.presenting import present_images
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.survey import GroupInfo, Survey
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.engine.clusters import ClusterImage
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.resources import ResourceSlots, say_quantity


def images_of(survey: Survey) -> list[Mapping[str, Any]]:
    """``{name, kind, description, ready}`` each; ready: on some node already."""
    return [
        {"name": image.name, "kind": "image", "description": _described(image), "ready": image.is_installed}
        for image in present_images(survey.images)
    ]


def slots_of(survey: Survey, profile: Profile) -> Mapping[str, Any]:
    """As :meth:`~fasttrack_jupyter.engine.ports.ExecutionBackend.slots`: of the resource groups together.

    Where the cluster does not tell how much there is in all, the total is what is free and what this user holds.
    """
    offer = survey.offers.get(profile.project)
    groups = [g for g in offer.groups if profile.resource_group in (None, g.name)] if offer else []
    total = used = ResourceSlots()
    for group in groups:
        total, used = total.plus(_total(group)), used.plus(group.mine if group.used is None else group.used)
    return {
        "slots": {
            slot: {"total": say_quantity(slot, amount), "used": say_quantity(slot, used.get(slot, 0))}
            for slot, amount in total.items()
        },
        "devices": [],
        "default_image": None,
        "mode": f"Backend.AI {survey.release}",
    }


async def checks_of(surveyor: Surveyor) -> list[Mapping[str, Any]]:
    """``{check, ok, found, remedy}`` each."""
    name = surveyor.profile.backend
    try:
        survey = await surveyor.look(fresh=True)
    except FastTrackError as error:
        return [{"check": name, "ok": False, "found": error.message, "remedy": error.hint}]
    return [{**check, "check": f"{name}: {check['check']}"} for check in _checks(survey, surveyor.profile)]


def _checks(survey: Survey, profile: Profile) -> Iterator[Mapping[str, Any]]:
    found = f"Backend.AI {survey.release} at {profile.endpoint}, as {survey.user}"
    yield _check("cluster", True, found)
    offer = survey.offers.get(profile.project)
    names = ", ".join(project.name for project in survey.projects) or "none"
    yield _check("project", offer is not None, f"{profile.project} (of {names})", "fasttrack login --project NAME")
    groups = [group for group in offer.groups if group.is_active] if offer else []
    wanted = profile.resource_group
    has_group = bool(groups) and (wanted is None or any(group.name == wanted for group in groups))
    listed = ", ".join(group.name for group in groups) or "none that you may use"
    yield _check("resource groups", has_group, listed, "fasttrack login --resource-group NAME, or ask an administrator")
    installed = sum(image.is_installed for image in survey.images)
    remedy = "ask an administrator to allow a registry to your domain"
    yield _check("images", bool(survey.images), f"{len(survey.images)}, {installed} of them on a node", remedy)
    hosts = next((project.folder_hosts for project in survey.projects if project.name == profile.project), ())
    host = profile.folder_host
    remedy = "fasttrack login --folder-host NAME, or ask an administrator"
    yield _check("vfolder hosts", host is None or host in hosts, ", ".join(hosts) or "not told", remedy)


def _check(check: str, ok: bool, found: str, remedy: str = "") -> Mapping[str, Any]:
    return {"check": check, "ok": ok, "found": found, "remedy": "" if ok else remedy}


def _described(image: ClusterImage) -> str:
    made_for = ", ".join(each for each in image.accelerators if each != "*")
    words = (image.labels.get("ai.backend.runtime-type", ""), image.labels.get("ai.backend.base-distro", ""), made_for)
    return " · ".join(word for word in (*words, *image.architectures) if word)


def _total(group: GroupInfo) -> ResourceSlots:
    return group.free.plus(group.mine) if group.total is None else group.total
