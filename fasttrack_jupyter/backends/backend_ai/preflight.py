"""What can be told before a job starts: whether a cluster would take its sessions, and what to change.

A manager refuses some of this at once, in words of its own (404, 400), and takes the rest without a word to leave it
PENDING for ever. Both is told here first, at its place in the pipeline. An error is only what can never be; what
might be, when others end their sessions or because this user is not told all, is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.deployments import FIRST_THAT_SERVES
from fasttrack_jupyter.backends.backend_ai.mounts import binds_of, form_of
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.survey import GroupInfo, ImageInfo, Offer, Survey
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.quantities import format_duration
from fasttrack_jupyter.model.resources import HUNDRED, ClusterMode, ResourceSlots, format_quantity, say_quantity

ImageNamer = Callable[[str | None], str | None]
"""What stands for a task's image on this cluster (``images.yaml``); None: there is none."""

_OWN = ("current", "venv:", "conda:", "kernel:", "uv:", "/", "~", "docker:", "podman:")
"""Spellings of images that are of this machine."""
_MINIMUM_IS_HELD = Release(26, 1)
"""Before, managers took less than an image's minimum, if only one slot was less."""
_IMAGE, _GROUP, _PROJECT = ("environment", "image"), ("environment", "scaling-group"), ("environment", "project")
_NEAR = 3
_OF_THE_CLUSTER = ("unlisted_image", "too_many_folders")
GIT = "takes its code from Git, which no session can here"
GIT_HINT = "Clone it in the command, or put the files beside the pipeline's file."
ON_ALL = "wants its command on all its containers; on a cluster it runs on main1 alone"
ON_ALL_HINT = "Write launcher: torchrun; or start the others from main1, by ssh or mpirun (BACKENDAI_CLUSTER_HOSTS)."


async def check(
    specs: Sequence[SessionSpec], surveyor: Surveyor, image_of: ImageNamer = lambda name: name
) -> list[tuple[str, Problem]]:
    """``(path, problem)`` of each of ``specs`` that the cluster would not take, or not at once.

    What is not there is looked for a second time with a fresh survey: it may have been made a moment ago.

    Raises:
        BackendUnreachable, KeysRefused: the cluster could not be asked.
    """
    projects = {spec.project for spec in specs if spec.project}
    survey = await surveyor.look(projects=projects)
    found = check_against(specs, survey, surveyor.profile, image_of)
    if any(problem.severity is Severity.ERROR for _, problem in found):
        survey = await surveyor.look(projects=projects, fresh=True)
        found = check_against(specs, survey, surveyor.profile, image_of)
    return found


def check_against(
    specs: Sequence[SessionSpec], survey: Survey, profile: Profile, image_of: ImageNamer = lambda name: name
) -> list[tuple[str, Problem]]:
    """As :func:`check`, by one survey; project and resource group are the profile's where a task names none."""
    found = [(spec.path, problem) for spec in specs for problem in _problems(spec, survey, profile, image_of)]
    return list(_once(found))


def _once(found: Iterable[tuple[str, Problem]]) -> Iterator[tuple[str, Problem]]:
    """What is about the cluster, and not about a task, is said of the first task that it is met at."""
    said: set[tuple[str, str]] = set()
    for path, problem in found:
        key = problem.code, problem.message
        if key not in said or problem.code not in _OF_THE_CLUSTER:
            yield path, problem
        said.add(key)


def _problems(spec: SessionSpec, survey: Survey, profile: Profile, image_of: ImageNamer) -> Iterator[Problem]:
    if spec.service is not None and survey.release < FIRST_THAT_SERVES:
        yield _serves_not(survey.release)
    if spec.git is not None:
        yield _error("git_task", GIT, ("module_uri",), hint=GIT_HINT)
    if spec.run_on_all and spec.cluster_size > 1 and spec.launch is None:
        yield _error("run_on_all", ON_ALL, ("run_on",), "all", hint=ON_ALL_HINT)
    image = image_of(spec.image)
    found = survey.find_images(image) if image else ()
    yield from _image(survey, image, found)
    project = spec.project or profile.project
    if (offer := survey.offers.get(project)) is None:
        yield _no_project(project, survey)
    else:
        yield from _place(spec, survey, offer, spec.resource_group or profile.resource_group, found)
    yield from _folders(spec, survey)
    lifetime = survey.limits.max_session_lifetime
    if spec.timeout and 0 < lifetime < spec.timeout:
        yield _warning(
            "too_long",
            f"may take {format_duration(spec.timeout)}, but sessions end here after {format_duration(lifetime)}",
            ("timeout",),
            hint="save what was reached, or ask an administrator for a longer max_session_lifetime",
        )


def _serves_not(release: Release) -> Problem:
    first = f"{FIRST_THAT_SERVES.year}.{FIRST_THAT_SERVES.month}"
    message = f"is a deployment, which needs Backend.AI {first} or later: the cluster is {release}"
    hint = "run it here (backend: local), set skip: true on it, or leave it out with --until"
    return _error("not-served", message, ("type",), hint=hint)


# ---------------------------------------------------------------------- images


def _image(survey: Survey, image: str | None, found: Sequence[ImageInfo]) -> Iterator[Problem]:
    if image is None:
        yield _error("no_image", "names no image, and a cluster has none of its own", _IMAGE, hint=_some(survey))
    elif not found and image.startswith(_OWN):
        hint = f"name an image of the cluster, or what stands for this one in images.yaml; {_some(survey)}"
        yield _error(
            "unknown_image", f"image {image!r} is of this machine, and no cluster has it", _IMAGE, image, hint=hint
        )
    elif not found:
        yield _unknown_image(survey, image)


def _unknown_image(survey: Survey, image: str) -> Problem:
    if not survey.images:  # as a manager of 23.09 tells ordinary users where its images' architectures are Docker's
        message = f"whether there is an image {image!r} is not known: the cluster shows you none at all"
        return _warning("unlisted_image", message, _IMAGE, image, severity=Severity.NOTICE)
    near = near_images(image, [one.name for one in survey.images])
    hint = f"did you mean {' or '.join(near)}?" if near else _some(survey)
    if survey.canonical(image).partition("/")[0] in survey.registries:
        return _error("unknown_image", f"there is no image {image!r} on the cluster", _IMAGE, image, hint=hint)
    allowed = ", ".join(sorted(survey.registries)) or "no registry at all"
    message = f"image {image!r} is not among those that you are shown (of {allowed}); the cluster may refuse it"
    return _warning("unlisted_image", message, _IMAGE, image, hint=hint)


def near_images(image: str, known: Iterable[str]) -> list[str]:
    """The known images that are most like a name, which may lack its registry or its tag."""
    names = sorted(set(known))
    inside = [name for name in names if image and (f"/{image}:" in name or name.endswith(f"/{image}") or image in name)]
    if inside:
        return sorted(inside, key=len)[:_NEAR]
    if near := get_close_matches(image, names, n=_NEAR, cutoff=0.75):
        return near
    short = {name.rpartition("/")[2]: name for name in names}
    return [short[one] for one in get_close_matches(image.rpartition("/")[2], short, n=_NEAR, cutoff=0.6)]


def _some(survey: Survey) -> str:
    names = sorted({image.name for image in survey.images if image.is_installed} or {i.name for i in survey.images})
    if not names:
        return "ask an administrator which images there are; you are shown none"
    return f"there is {', '.join(names[:_NEAR])}{', …' if len(names) > _NEAR else ''} (fasttrack cluster images)"


# ---------------------------------------------------------------------- projects, groups, slots


def _no_project(project: str, survey: Survey) -> Problem:
    names = [one.name for one in survey.projects]
    hint = _near(project, names) or "you are a member of no project; ask an administrator"
    return _error("unknown_project", f"you are no member of a project {project!r}", _PROJECT, project, hint=hint)


def _place(
    spec: SessionSpec, survey: Survey, offer: Offer, wanted: str | None, images: Sequence[ImageInfo]
) -> Iterator[Problem]:
    slots = whole_cpu(spec.slots, survey)
    yield from _amounts(spec, survey, slots, images[0] if images else None)
    yield from _limits(spec, survey, offer, slots)
    groups = [group for group in offer.groups if group.is_active and wanted in (None, group.name)]
    if not groups:
        yield _no_group(offer, wanted)
    elif known := ResourceSlots({slot: amount for slot, amount in slots.items() if slot in survey.slot_types}):
        yield from _room(spec, known, groups)


def _no_group(offer: Offer, wanted: str | None) -> Problem:
    if wanted is None:
        message, hint = f"project {offer.project!r} has no resource group that you may use", "ask an administrator"
        return _error("no_group", message, _PROJECT, hint=hint)
    message = f"project {offer.project!r} has no resource group {wanted!r} that you may use"
    hint = _near(wanted, [group.name for group in offer.groups if group.is_active])
    return _error("unknown_group", message, _GROUP, wanted, hint=hint)


def whole_cpu(slots: ResourceSlots, survey: Survey) -> ResourceSlots:
    """Cores rounded up where the cluster hands out whole ones."""
    cpu = slots.get("cpu", 0)
    kind = survey.slot_types.get("cpu")
    if not cpu % HUNDRED or (kind is not None and not kind.is_whole):
        return slots
    return ResourceSlots({**slots, "cpu": -(-cpu // HUNDRED) * HUNDRED})


def _amounts(spec: SessionSpec, survey: Survey, slots: ResourceSlots, image: ImageInfo | None) -> Iterator[Problem]:
    """What is wrong with the amounts by themselves."""
    if slots != spec.slots:
        rounded = f"{_said('cpu', spec.slots)} cpu is rounded up to {_said('cpu', slots)}: the cluster has whole ones"
        yield _error("rounded", rounded, ("resources", "cpu")).model_copy(update={"severity": Severity.NOTICE})
    for slot, asked in slots.items():
        kind = survey.slot_types.get(slot)
        if kind is None:
            message = f"asks for {slot}, which the cluster does not have"
            yield _error("unknown_slot", message, _slot(slot), slot, hint=_near(slot, survey.slot_types))
        elif kind.is_whole and asked % HUNDRED:
            message = f"asks for {format_quantity(slot, asked)} {slot}, which comes in whole ones only"
            yield _error("not_whole", message, _slot(slot), hint=_shares(slot, survey.slot_types))
    if image is not None:
        yield from _image_range(slots, image, survey.release)
    mem = slots.get("mem", 0)
    if mem and spec.shmem is not None and spec.shmem >= mem:
        message = (
            f"shared memory ({say_quantity('mem', spec.shmem)}) must be less than mem ({say_quantity('mem', mem)})"
        )
        yield _error("too_much_shmem", message, ("resource_opts", "shmem"), hint="ask for more mem, or less shmem")


def _image_range(slots: ResourceSlots, image: ImageInfo, release: Release) -> Iterator[Problem]:
    for slot, asked in slots.items():
        least, most = image.minimum.get(slot, 0), image.maximum.get(slot)
        if asked < least:
            message = f"asks for {_amount(slot, asked)}, but {image.name} needs {say_quantity(slot, least)}"
            severity = Severity.ERROR if release >= _MINIMUM_IS_HELD else Severity.WARNING
            yield _error("below_image", message, _slot(slot)).model_copy(update={"severity": severity})
        if most is not None and asked > most:
            message = f"asks for {_amount(slot, asked)}, but {image.name} takes at most {say_quantity(slot, most)}"
            yield _error("above_image", message, _slot(slot), hint="ask for less, or name another image")
        if not image.supports(slot):
            made_for = ", ".join(image.accelerators)
            message = f"asks for {slot}, but {image.name} is made for {made_for}: it may not see it"
            yield _warning("not_for_slot", message, _IMAGE, image.name, hint="name an image for that accelerator")


def _limits(spec: SessionSpec, survey: Survey, offer: Offer, slots: ResourceSlots) -> Iterator[Problem]:
    limits, asked = survey.limits, slots.times(spec.cluster_size)
    most = limits.max_containers_per_session
    if 0 < most < spec.cluster_size:
        message = f"wants {spec.cluster_size} containers in a session, and your limit is {most}"
        hint = f"ask an administrator for a larger max_containers_per_session (policy {limits.policy!r})"
        yield _error("too_many_containers", message, ("cluster_size",), hint=hint)
    project = survey.project(offer.project)
    bounds: dict[str, Mapping[str, int]] = {
        "your own limit": limits.slots,
        f"the limit of project {offer.project!r}": project.slots if project else {},
        f"the limit of domain {survey.domain!r}": survey.domain_slots,
    }
    for whose, bound in bounds.items():
        for slot, amount in asked.items():
            if amount > bound.get(slot, amount):
                message = f"asks for {_asked(spec, slot, amount)}; {whose} is {say_quantity(slot, bound[slot])}"
                yield _error("over_limit", message, _slot(slot), hint="ask for less, or ask an administrator for more")


def _room(spec: SessionSpec, slots: ResourceSlots, groups: Sequence[GroupInfo]) -> Iterator[Problem]:
    """Whether any of the groups that the session may go to can ever hold it, or holds it now."""
    together = spec.cluster_mode is ClusterMode.SINGLE_NODE
    one, size = (slots.times(spec.cluster_size), 1) if together else (slots, spec.cluster_size)
    nevers = [group.never_holds(one, size) for group in groups]
    able = [group for group, never in zip(groups, nevers, strict=True) if not never]
    if not able:
        never, _, group = min(zip(nevers, range(len(groups)), groups, strict=True), key=lambda each: len(each[0]))
        yield from _never(spec, group, never)
    elif not any(_could(group, one, size) for group in able):
        group = min(able, key=lambda each: len(each.lacks(one, size)))
        for slot, (amount, free) in group.lacks(one, size).items():
            message = f"asks for {_asked(spec, slot, amount)}; resource group {group.name!r} has "
            message += f"{say_quantity(slot, free)} free now"
            hint = "you are not told how much there is in all; it waits until so much is free, if there ever is"
            yield _warning("would_wait", message, _slot(slot), hint=hint)


def _could(group: GroupInfo, one: ResourceSlots, size: int) -> bool:
    """Whether the session is known to find room there, now or when others have ended."""
    if group.total is not None:
        return True
    if group.largest is not None and size == 1:
        return True
    return one.times(size).fits(group.free.plus(group.mine))


def _never(spec: SessionSpec, group: GroupInfo, never: Mapping[str, tuple[int, int]]) -> Iterator[Problem]:
    for slot, (amount, there) in never.items():
        in_all = group.total is not None and amount > group.total.get(slot, 0)
        has = f"has {say_quantity(slot, there)}" if in_all else f"has at most {say_quantity(slot, there)} on one node"
        message = f"asks for {_asked(spec, slot, amount)}; resource group {group.name!r} {has}"
        hint = "ask for less, or name another resource group"
        if spec.cluster_size > 1 and spec.cluster_mode is ClusterMode.SINGLE_NODE:
            hint = "ask for less, or spread its containers over nodes (cluster_mode: multi-node)"
        yield _error("over_group", message, _slot(slot), format_quantity(slot, amount), hint=hint)


# ---------------------------------------------------------------------- vfolders


def _folders(spec: SessionSpec, survey: Survey) -> Iterator[Problem]:
    here = {folder.name: folder for folder in survey.folders}
    names = [folder.name for folder in survey.folders if folder.is_ready]
    for mount in spec.mounts:
        folder = here.get(mount.folder.partition("/")[0])
        if folder is None or not folder.is_ready:
            gone = f"vfolder {folder.name!r} was removed" if folder else f"there is no vfolder {mount.folder!r}"
            hint = _near(mount.folder, names) or "make it: fasttrack cluster folders make NAME"
            yield _error("no_folder", f"{gone} on the cluster", ("mounts",), mount.folder, hint=hint)
    drawn = replace(spec, attempt_id=spec.attempt_id or "attempt", outputs=spec.outputs or "jobs/1/task")
    try:
        form_of(survey.release, binds_of(drawn))
    except SessionRejected as error:
        yield _error("bad_mount", error.message, ("mounts",), hint=error.hint)
    own = sum(folder.is_owner and folder.ownership == "user" for folder in survey.folders if folder.is_ready)
    if 0 < survey.max_folders <= own and places.cluster_name(spec.folder) not in names:
        message = f"the pipeline needs a vfolder of its own, and you have all {survey.max_folders} that you may have"
        yield _error("too_many_folders", message, hint="remove one you do not need, or ask an administrator for more")


# ---------------------------------------------------------------------- words


def _error(code: str, message: str, path: tuple[str | int, ...] = (), value: Any = None, *, hint: str = "") -> Problem:
    return Problem(code=code, message=message, path=path, value=value, hint=hint)


def _warning(
    code: str,
    message: str,
    path: tuple[str | int, ...],
    value: Any = None,
    *,
    hint: str = "",
    severity: Severity = Severity.WARNING,
) -> Problem:
    return Problem(code=code, message=message, path=path, value=value, hint=hint, severity=severity)


def _slot(slot: str) -> tuple[str | int, ...]:
    return ("resources", slot)


def _said(slot: str, slots: ResourceSlots) -> str:
    return format_quantity(slot, slots.get(slot, 0))


def _amount(slot: str, amount: int) -> str:
    return f"{format_quantity(slot, amount)} {slot}"


def _asked(spec: SessionSpec, slot: str, amount: int) -> str:
    of = f" for its {spec.cluster_size} containers" if spec.cluster_size > 1 else ""
    return f"{_amount(slot, amount)}{of}"


def _shares(slot: str, known: Iterable[str]) -> str:
    shares = f"{slot.partition('.')[0]}.shares"
    return f"for a part of one, ask for {shares}" if shares in known else "write a whole number"


def _near(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if near := get_close_matches(word, names, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(names[:8])}{', …' if len(names) > 8 else ''}" if names else ""
