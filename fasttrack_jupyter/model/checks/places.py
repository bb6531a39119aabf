"""Resources, mounts, environment variables and code files: what a session is given, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.resources import Mount, ResourceSlots, format_size
from fasttrack_jupyter.model.yaml_events import Path

_SLOTS = {
    "cpus": "cpu", "cores": "cpu", "ram": "mem", "gpu": "cuda.device or cuda.shares",
    "gpus": "cuda.device or cuda.shares", "cuda": "cuda.device or cuda.shares", "shm": "resource_opts: {shmem: …}",
    "shmem": "resource_opts: {shmem: …}", "disk": "a mount",
}  # fmt: skip
_TINY = 4 << 20
_OURS = ("/pipeline", "/proc", "/sys", "/dev")
_SYSTEM = frozenset(
    ("/", "/tmp", "/home", "/home/work", "/bin", "/boot", "/etc", "/lib", "/lib64", "/opt", "/root", "/run", "/sbin",
     "/usr", "/var")
)  # fmt: skip
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRETIVE = re.compile(r"(?i)(^|_)(secret|token|password|passwd|api_?key|access_?key|private_?key|credentials?)($|_)")


def check_places(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with what sessions are given, at the pipeline and at each task."""
    yield from _resources(pipeline.resources, pipeline.resource_opts.shmem, ())
    yield from _mounts(pipeline.mounts, ("mounts",))
    yield from _envs(pipeline.environment.envs, ("environment", "envs"))
    yield from _files(pipeline.files or (), ("files",))
    for number, task in enumerate(pipeline.tasks):
        yield from _task(number, task)


def _task(number: int, task: Task) -> Iterator[Finding]:
    path: Path = ("tasks", number)
    if task.resources is not None or task.resource_opts.shmem is not None:
        yield from _resources(task.resources, task.resource_opts.shmem, path)
    if task.mounts:
        yield from _mounts(task.mounts, (*path, "mounts"))
    if task.environment.envs:
        yield from _envs(task.environment.envs, (*path, "environment", "envs"))
    if task.files:
        yield from _files(task.files, (*path, "files"))


def _resources(slots: ResourceSlots | None, shmem: int | None, path: Path) -> Iterator[Finding]:
    mem = slots.get("mem") if slots else None
    if mem is not None and mem < _TINY:
        message = f"mem is {mem} bytes: no program starts with so little"
        near = f"did you mean {mem}g?" if mem < 1 << 12 else "write a unit, such as 512m or 16g"
        yield Finding("tiny-size", (*path, "resources", "mem"), message, near, mem, Severity.WARNING)
    if mem is not None and shmem is not None and shmem > mem:
        message = f"shmem ({format_size(shmem)}) is more than mem ({format_size(mem)}), of which it is a part"
        place = (*path, "resource_opts", "shmem")
        yield Finding("large-shmem", place, message, "raise mem, or lower shmem", format_size(shmem), Severity.WARNING)
    for slot in slots or ():
        if slot.lower() in _SLOTS:
            message, hint = f"no machine has a resource slot named {slot!r}", f"did you mean {_SLOTS[slot.lower()]}?"
            place = (*path, "resources", slot)
            yield Finding("unknown-slot", place, message, hint, slot, Severity.WARNING, at_key=True)


def _mounts(mounts: tuple[Mount, ...], path: Path) -> Iterator[Finding]:
    targets: dict[str, int] = {}
    for position, mount in enumerate(mounts):
        place, target = (*path, position), mount.target
        if target in targets:
            message = f"two folders are mounted at {target}"
            hint = f"give one an alias: {mount.folder}:another-name"
            yield Finding("mount-collision", place, message, hint, mount.written, see=(*path, targets[target]))
        elif target in _SYSTEM or any(target == ours or target.startswith(ours + "/") for ours in _OURS):
            message = f"folder {mount.folder!r} would be mounted over {target}, which the session itself needs"
            hint = f"mount it elsewhere: {mount.folder}:{mount.folder}"
            yield Finding("mount-over-system", place, message, hint, mount.written)
        targets.setdefault(target, position)


def _envs(envs: Mapping[str, str], path: Path) -> Iterator[Finding]:
    for name, value in envs.items():
        place = (*path, name)
        if not name or "=" in name or not name.isprintable():
            message = f"{name!r} is no name of an environment variable"
            yield Finding("bad-env-name", place, message, "use letters, digits and _", name, at_key=True)
        elif not _VARIABLE.fullmatch(name):
            message, hint = f"no shell can read a variable named {name!r}", "use letters, digits and _"
            yield Finding("odd-env-name", place, message, hint, name, Severity.WARNING, at_key=True)
        elif name.startswith("BACKENDAI_"):
            message = f"{name} is set by FastTrack itself in every session"
            hint = "choose a name that does not begin with BACKENDAI_"
            yield Finding("reserved-env", place, message, hint, name, Severity.WARNING, at_key=True)
        elif value.strip() and "${{" not in value and _SECRETIVE.search(name):
            message = f"the value of {name} stands in the file, where everybody who has the file can read it"
            hint = f"if it is secret: fasttrack secrets set {name}, and write ${{{{ secrets.{name} }}}}"
            yield Finding("secret-in-text", place, message, hint, severity=Severity.WARNING)


def _files(patterns: Sequence[str], path: Path) -> Iterator[Finding]:
    for position, pattern in enumerate(patterns):
        bare = pattern.removeprefix("!")
        if not bare.strip() or bare.startswith(("/", "~")) or ".." in bare.split("/"):
            message = f"the pattern {pattern!r} leaves the pipeline's folder, or is empty"
            hint = "write patterns relative to the folder of this file, such as '*.py' or 'conf/**'"
            yield Finding("bad-files-pattern", (*path, position), message, hint, pattern)
