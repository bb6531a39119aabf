"""What a session mounts, and how each release wants to be asked for it.

Releases differ most here, and what they get wrong they get wrong silently:

=========  ====================================================================================================
23.09      ``mounts`` + ``mount_map``; nothing is read-only that the user may write (``mount_options``: error 500)
24.09      + ``mount_options: {permission: ro}``
25.15      of two where one is inside the other, or that are the same, only the first is mounted
26.4 …     of any two of one vfolder only the first is mounted in that form; ``POST /v2/sessions/enqueue`` mounts
           each, but for those that 25.15 leaves out as well
=========  ====================================================================================================

Up to 24.09 one that is inside another is refused by the way both are written, so there it is written otherwise
(``data/_1/../sub``): that is how ``/pipeline/output``, the second name of the outputs, comes to be. Later releases
cannot have it. All refuse a target inside another target. What is inside the session is checked once more there, by
the wrapper around the command.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import Forbidden, SessionRejected

OUTPUTS = "/pipeline/outputs"
CODE = "/pipeline/code"
INPUTS = "/pipeline/inputs"
VFROOT = "/pipeline/vfroot"
CONTROL = "/pipeline/.session"
NAMED = "/pipeline/.named"

SECOND_OUTPUTS = "/pipeline/output"

_FIRST_WITH_OPTIONS = Release(24, 9)
_FIRST_WITHOUT_TWICE = Release(24, 10)
_FIRST_WITH_V2 = Release(26, 4)
_UNKNOWN = "jobs/0/0"
"""Stands for the outputs in a preflight, where they have no place yet."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder in the session. ``folder``: the vfolder's name on the cluster; ``subpath`` empty: all of it.

    Not ``read_only``: as the cluster lets this user (another's vfolder may be read-only all the same).
    """

    folder: str
    subpath: str
    target: str
    read_only: bool


class MountForm(StrEnum):
    """How a create request speaks of mounts."""

    MAP = "map"
    """``config.mounts`` and ``mount_map``; nothing can be asked to be read-only."""
    OPTIONS = "options"
    """The same with ``mount_options``."""
    V2 = "v2"
    """``mounts`` of ``POST /v2/sessions/enqueue``."""


def binds_of(spec: SessionSpec, release: Release | None = None) -> tuple[Bind, ...]:
    """All that the session mounts, in a fixed order; ``/pipeline/output`` too where a ``release`` is told that can.

    Raises:
        SessionRejected: a mount leaves its vfolder.
    """
    folder, attempt = places.cluster_name(spec.folder), spec.attempt_id
    outputs = spec.outputs or _UNKNOWN
    binds = [
        Bind(folder, places.control(attempt), CONTROL, False),
        Bind(folder, outputs, OUTPUTS, False),
        Bind(folder, places.VFROOT, VFROOT, False),
    ]
    if release is not None and release < _FIRST_WITHOUT_TWICE:
        binds.append(Bind(folder, outputs, SECOND_OUTPUTS, False))
    if spec.code:
        binds.append(Bind(folder, places.code(spec.code), CODE, True))
    binds += [
        Bind(folder, places.empty(attempt, number) if path is None else path, f"/pipeline/input{number}", True)
        for number, path in enumerate(spec.inputs, 1)
    ]
    if spec.named_inputs or spec.input_values:
        binds.append(Bind(folder, places.inputs(attempt), INPUTS, False))
    binds += [Bind(folder, path, target, True) for path, target in _strays(spec).items()]
    return (*binds, *(_mounted(mount.folder, mount.target) for mount in spec.mounts))


def named_targets(spec: SessionSpec) -> dict[str, str]:
    """``{name: where it is in the session}`` of the named inputs: below ``/pipeline/inputK`` whose part they are."""
    strays = _strays(spec)
    targets = {}
    for name, path in spec.named_inputs.items():
        parent, _, last = path.rpartition("/")
        targets[name] = _in_input(spec, path) or f"{strays[parent]}/{last}"
    return targets


def form_of(release: Release, binds: Sequence[Bind]) -> MountForm:
    """The form in which a release mounts exactly ``binds``.

    Raises:
        SessionRejected: there is none; the hint says what to change.
    """
    _check_targets(binds)
    if release >= _FIRST_WITHOUT_TWICE:
        _check_sources(binds)
    if release >= _FIRST_WITH_V2:
        return MountForm.V2
    return MountForm.OPTIONS if release >= _FIRST_WITH_OPTIONS else MountForm.MAP


def config_of(form: MountForm, binds: Sequence[Bind], ids: Mapping[str, str]) -> dict[str, Any]:
    """The part of a create request about mounts: of its ``config``, or (V2) of its body.

    ``ids`` are those of the vfolders by name, needed for V2.
    """
    if form is MountForm.V2:
        return {"mounts": [_v2(bind, ids[bind.folder]) for bind in binds]}
    written = {_written(binds, number): bind for number, bind in enumerate(binds)}
    config: dict[str, Any] = {
        "mounts": list(written),
        "mount_map": {reference: bind.target for reference, bind in written.items()},
    }
    if form is MountForm.OPTIONS:
        config["mount_options"] = {ref: {"permission": "ro"} for ref, bind in written.items() if bind.read_only}
    return config


def _written(binds: Sequence[Bind], number: int) -> str:
    """How the bind of that number is written: so that none seems to be inside another.

    Nor does a whole one by a name that is also an alias: ``data`` at ``/home/work/data`` is refused, with itself.
    """
    bind, plain = binds[number], _reference(binds[number])
    others = (each for place, each in enumerate(binds) if place != number and each.folder == bind.folder)
    is_alias = any(each.target == f"/home/work/{plain}" for each in binds)
    if is_alias or any(
        _is_inside(bind.subpath, each.subpath) or _is_inside(each.subpath, bind.subpath) for each in others
    ):
        return f"{bind.folder}/_{number}/../{bind.subpath}".rstrip("/")
    return plain


def _v2(bind: Bind, folder_id: str) -> dict[str, Any]:
    mount = {
        "vfolder_id": folder_id,
        "mount_path": bind.target,
        "permission": "ro" if bind.read_only else None,
        "subpath": bind.subpath or None,
    }
    return {key: value for key, value in mount.items() if value is not None}


def _reference(bind: Bind) -> str:
    return f"{bind.folder}/{bind.subpath}" if bind.subpath else bind.folder


def _mounted(written: str, target: str) -> Bind:
    folder, _, subpath = written.partition("/")
    try:
        return Bind(folder, places.relative(subpath), target, False)
    except Forbidden as error:
        raise SessionRejected(f"the mount {written!r} leaves its folder", hint=error.hint) from error


def _in_input(spec: SessionSpec, path: str) -> str | None:
    for number, start in enumerate(spec.inputs, 1):
        if start is not None and _is_inside(path, start):
            return f"/pipeline/input{number}{path[len(start) :]}"
    return None


def _strays(spec: SessionSpec) -> dict[str, str]:
    """Folders with named inputs that no ``/pipeline/inputK`` shows, and where they go instead."""
    parents = {path.rpartition("/")[0]: "" for path in spec.named_inputs.values() if _in_input(spec, path) is None}
    return {parent: f"{NAMED}/{number}" for number, parent in enumerate(parents, 1)}


def _is_inside(path: str, parent: str) -> bool:
    return not parent or path == parent or path.startswith(parent + "/")


def _check_targets(binds: Sequence[Bind]) -> None:
    for one, other in itertools.permutations(binds, 2):
        if _is_inside(one.target, other.target):
            raise SessionRejected(
                f"two mounts meet at {other.target}: {_reference(other)!r} there and {_reference(one)!r} at "
                f"{one.target}",
                hint="give one of them an alias of its own: name:alias",
                details={"mounts": [_reference(one), _reference(other)]},
            )


def _check_sources(binds: Sequence[Bind]) -> None:
    for one, other in itertools.permutations(binds, 2):
        if one.folder == other.folder and _is_inside(one.subpath, other.subpath):
            raise SessionRejected(
                f"{_reference(one)!r} (at {one.target}) is inside {_reference(other)!r} (at {other.target}): a cluster "
                f"mounts only one of the two",
                hint="mount the larger one once, and go to the rest by its path",
                details={"mounts": [_reference(one), _reference(other)]},
            )
