"""What can be told before a job starts: whether its sessions can run here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fasttrack_jupyter.backends.local import git
from fasttrack_jupyter.backends.local.devices_ledger import DeviceLedger
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.places import Placing
from fasttrack_jupyter.backends.local.variables import SMALLER, too_big
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import format_quantity, say_quantity


def check(
    specs: Sequence[SessionSpec], images: ImageResolver, ledger: DeviceLedger, placing: Placing
) -> list[tuple[str, Problem]]:
    """``(path, problem)`` of each of ``specs`` that cannot run here. Builds nothing. Blocks."""
    known: dict[Any, Problem | None] = {}
    found = []
    for spec in specs:
        key = (spec.image, spec.code)
        if key not in known:
            known[key] = _image(spec, images, placing)
        problems = [known[key], *_slots(spec, ledger), *_mounts(spec, placing)]
        if why := too_big(spec.environ):
            problems.append(Problem(code="too_big", message=why, path=("environment", "envs"), hint=SMALLER))
        if spec.git is not None:
            source = git.check_source(spec.git)
            problems.append(source and source.model_copy(update={"path": ("module_uri",)}))
        found += [(spec.path, problem) for problem in problems if problem is not None]
    return found


def _image(spec: SessionSpec, images: ImageResolver, placing: Placing) -> Problem | None:
    problem = images.check(spec.image)
    return problem and problem.model_copy(update={"path": ("environment", "image")})


def _slots(spec: SessionSpec, ledger: DeviceLedger) -> Iterator[Problem | None]:
    asked = spec.slots.times(spec.cluster_size)
    over = asked.exceeding(ledger.capacity.slots)
    for slot, (amount, there) in over.items():
        of = f" for its {spec.cluster_size} members" if spec.cluster_size > 1 else ""
        yield Problem(
            code="never_fits",
            path=("resources", slot),
            message=f"asks for {slot} {format_quantity(slot, amount)}{of}; here are {say_quantity(slot, there)}",
            value=format_quantity(slot, amount),
            hint="Ask for less, or run with --shrink, which fits it to this machine.",
        )
    if not over and spec.slots:
        problem = ledger.check(spec.slots, spec.cluster_size)
        yield problem and problem.model_copy(update={"path": ("resources",)})


def _mounts(spec: SessionSpec, placing: Placing) -> Iterator[Problem]:
    for mount in spec.mounts:
        try:
            placing.mounted(mount.folder)
        except SessionRejected as error:
            folder = mount.folder
            yield Problem(code="no_folder", message=error.message, path=("mounts",), value=folder, hint=error.hint)
