"""Sessions in containers: the same places at the same paths, through a container engine's client."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.containers import ContainerEngine, ContainerMount, container_command
from fasttrack_jupyter.backends.local.environments import ResolvedImage
from fasttrack_jupyter.backends.local.folders_view import WORK, Places
from fasttrack_jupyter.backends.local.fresh import open_private
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import BackendError, SessionRejected
from fasttrack_jupyter.model.resources import HUNDRED

_MARK = "container"
"""File in the attempt's directory that tells that there is a container to end as well."""


def gpus_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The NVIDIA devices that the session was given."""
    return tuple(filter(None, environ.get("CUDA_VISIBLE_DEVICES", "").split(",")))


def request(
    spec: SessionSpec,
    image: ResolvedImage,
    places: Places,
    environ: Mapping[str, str],
    argv: Sequence[str],
    gpus: Sequence[str],
) -> dict[str, Any]:
    """What differs in the launch of a session that runs in a container.

    Raises:
        SessionRejected: it asks for what containers here cannot do.
    """
    if spec.cluster_size > 1:
        raise SessionRejected(
            f"{spec.path!r} asks for {spec.cluster_size} members in containers, which this machine does not link",
            hint="Map the image to an environment (uv:, conda:, venv:), or ask for cluster_size 1.",
        )
    if spec.launch is not None:
        raise SessionRejected(
            f"{spec.path!r} has a launcher, which cannot start its ranks in a container here",
            hint="Map the image to an environment (uv:, conda:, venv:), or start them in the command: torchrun …",
        )
    if spec.service is not None:
        raise SessionRejected(
            f"the image {spec.image} of service {spec.service.name} is a container here, and this machine serves none",
            hint="Map the image to an environment (uv:, conda:, venv:), or deploy on Backend.AI.",
        )
    assert image.container is not None
    engine, name = image.container
    cpu = spec.slots.get("cpu", 0)
    words, client = container_command(
        engine, image=name, name=f"ft-{spec.attempt_id}", mounts=_mounts(places), environ=environ, workdir=WORK,
        command=argv, shmem=spec.shmem, cpus=cpu / HUNDRED or None, mem=spec.slots.get("mem"), gpus=gpus,
    )  # fmt: skip
    with open(f"{places.control}/{_MARK}", "w", opener=open_private) as file:
        file.write(engine.name)
    return {"argv": words, "environ": client, "cpus": None}


def _mounts(places: Places) -> list[ContainerMount]:
    mounts: list[ContainerMount] = [
        (Path(places.work), WORK, False),
        (Path(places.outputs), "/pipeline/outputs", False),
        (Path(places.outputs), "/pipeline/output", False),
        (Path(places.vfroot), "/pipeline/vfroot", False),
    ]
    mounts += [(Path(path), f"/pipeline/input{number}", True) for number, path in enumerate(places.inputs, 1)]
    mounts += [(Path(path), f"/pipeline/inputs/{name}", True) for name, path in places.named_inputs.items()]
    if places.code:
        mounts.append((Path(places.code), "/pipeline/code", True))
    return mounts + [(Path(path), target, False) for target, path in places.mounts]


def is_contained(control: str) -> bool:
    """Whether the attempt may have a container."""
    return os.path.exists(f"{control}/{_MARK}")


def engine_of(control: str, engines: Sequence[ContainerEngine]) -> ContainerEngine:
    """The engine that runs the attempt's container.

    Raises:
        BackendError: it does not answer, so nothing is known about the container.
    """
    with open(f"{control}/{_MARK}") as file:
        name = file.read()
    for engine in engines:
        if engine.name == name:
            return engine
    raise BackendError(f"{name} does not answer", hint="Start it: its container may still run.")


def end(engine: ContainerEngine, name: str, control: str) -> bool:
    """End and remove the container ``name``; whether it is gone. Blocks. Raises BackendError.

    One that ended by itself after its client was killed tells its exit code: it becomes the attempt's at ``control``.
    """
    leader = attempts.supervisor(control)
    is_untold = attempts.exit_code(control) is None and attempts.killed(control) is None
    # what engines say of containers from before a reboot is not how their commands ended
    if is_untold and leader is not None and leader.boot == attempts.BOOT:
        code = engine.exit_code(name)
        if code is not None:
            with open(f"{control}/status", "w", opener=open_private) as file:
                file.write(f"{code} .\n")
    if engine.is_running(name):
        engine.kill(name)
    engine.remove(name)
    return not engine.is_running(name)
