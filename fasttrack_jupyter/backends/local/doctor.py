"""What this machine can do for sessions, and what to do about what it cannot. Every call blocks a little."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.local.devices_ledger import DeviceLedger
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.environments_uv import uv_binary
from fasttrack_jupyter.errors import ImageUnresolved
from fasttrack_jupyter.model.resources import say_quantity

_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs",
    "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "virtiofs",
})  # fmt: skip
_LITTLE = 2 << 30
_NAMESPACES = {"user": "user", "mnt": "mount", "pid": "pid"}


class Check(NamedTuple):
    """One line: what was looked at, whether it is as it should be, what was found, what helps."""

    check: str
    ok: bool
    found: str
    remedy: str = ""

    def told(self) -> Mapping[str, Any]:
        """``{check, ok, found, remedy}``; what is as it should be needs no remedy."""
        return {**self._asdict(), "remedy": "" if self.ok else self.remedy}


class Doctor:
    """Looks at one home on this machine; ``root`` stands for ``/`` in tests.

    ``warm``: the warm interpreters (pid, Python, what it has imported); None where warm start is off.
    """

    def __init__(
        self,
        home: Path,
        images: ImageResolver,
        ledger: DeviceLedger,
        mode: str,
        why: str,
        root: Path = Path("/"),
        warm: Sequence[tuple[int, str, str]] | None = None,
    ) -> None:
        self._home, self._images, self._ledger, self._root = home, images, ledger, root
        self._mode, self._why, self._warm = mode, why, warm

    def look(self) -> list[Mapping[str, Any]]:
        """``{check, ok, found, remedy}`` each."""
        return [check.told() for check in self._checks()]

    def _checks(self) -> Iterator[Check]:
        yield self._mounts()
        yield self._namespaces()
        yield Check("control groups", True, self._cgroups())
        yield self._accelerators()
        engines = ", ".join(f"{engine.name} {engine.version}" for engine in self._images.engines())
        remedy = "install docker or podman if images shall run as containers"
        yield Check("container engine", bool(engines), engines or "none answers", remedy)
        yield self._uv()
        git = shutil.which("git")
        yield Check("git", git is not None, git or "not found", "install git for tasks whose code comes from Git")
        yield self._warm_start()
        yield self._file_system()
        yield self._space()

    def _mounts(self) -> Check:
        works = self._mode == "namespaces"
        found = f"work, {'as root' if os.geteuid() == 0 else 'without root'}" if works else self._why
        remedy = "allow user namespaces, or run where mounts are allowed; until then paths in commands are replaced"
        return Check("private mounts", works, found or f"mode {self._mode} was chosen", remedy)

    def _namespaces(self) -> Check:
        there = [words for kind, words in _NAMESPACES.items() if (self._root / "proc/self/ns" / kind).exists()]
        remedy = "a Linux kernel with namespaces; without a pid namespace a task's daemons are found by other marks"
        return Check("namespaces", len(there) == len(_NAMESPACES), ", ".join(there) or "none on this system", remedy)

    def _cgroups(self) -> str:
        top = self._root / "sys/fs/cgroup"
        if not (top / "cgroup.controllers").exists():
            return "version 1: memory is watched" if (top / "memory").exists() else "none: memory is watched"
        own = self._lines("proc/self/cgroup")
        path = next((line[3:] for line in own if line.startswith("0::")), "/")
        group = top / path.lstrip("/")
        is_ours = group.exists() and os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)
        return f"version 2, {'delegated to this user' if is_ours else 'not delegated'}: memory is watched"

    def _accelerators(self) -> Check:
        devices = self._ledger.capacity.devices
        names = ", ".join(f"{device.kind} {device.name or device.id}" for device in devices)
        silent = (self._root / "dev/nvidiactl").exists() and not any(device.kind == "cuda" for device in devices)
        found = names or ("an NVIDIA driver whose NVML does not answer" if silent else "none")
        return Check("accelerators", not silent, found, "see whether nvidia-smi works; else name them in slots.yaml")

    @staticmethod
    def _uv() -> Check:
        try:
            return Check("uv", True, uv_binary())
        except ImageUnresolved as error:
            return Check("uv", False, error.message, f"{error.hint}, for images that begin with uv:")

    def _warm_start(self) -> Check:
        if self._warm is None:
            return Check("warm start", True, "off; FASTTRACK_LOCAL_WARM_START=1 turns it on for tasks of cells")
        if sys.platform != "linux" or self._mode not in ("namespaces", "folders"):
            why = f"sessions of mode {self._mode} start fresh" if sys.platform == "linux" else "it needs Linux"
            return Check("warm start", False, f"on, but {why}", "unset FASTTRACK_LOCAL_WARM_START or the mode")
        alive = [f"{python} with {modules or 'nothing more'} (pid {pid})" for pid, python, modules in self._warm]
        return Check("warm start", True, f"on; warm now: {', '.join(alive) or 'none, the first task starts one'}")

    def _file_system(self) -> Check:
        kind = self._kind_of_file_system()
        is_far = kind in _NETWORK
        no_programs = bool(os.statvfs(self._home).f_flag & getattr(os, "ST_NOEXEC", 0))
        found = f"{kind or 'of unknown kind'} ({self._home})"
        found += ", on a network" if is_far else ", programs cannot run from it" if no_programs else ""
        remedy = "set FASTTRACK_HOME to a local disk: " + (
            "locks and the database's journal (WAL) are not to be trusted there"
            if is_far
            else "environments are built in it"
        )
        return Check("home's file system", not is_far and not no_programs, found, remedy)

    def _kind_of_file_system(self) -> str:
        """As ``/proc/self/mountinfo`` says, see proc_pid_mountinfo(5): of the last of the deepest mounts above it."""
        home, best, kind = str(self._home.resolve()), "", ""
        for line in self._lines("proc/self/mountinfo"):
            place, _, after = line.partition(" - ")
            mount = place.split()[4].encode().decode("unicode_escape")
            if (home + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best):
                best, kind = mount, after.split()[0]
        return kind

    def _space(self) -> Check:
        free = shutil.disk_usage(self._home).free
        remedy = "fasttrack gc removes old jobs; or set FASTTRACK_HOME to a larger disk"
        return Check("free disk space", free >= _LITTLE, say_quantity("mem", free), remedy)

    def _lines(self, path: str) -> list[str]:
        try:
            return (self._root / path).read_text().splitlines()
        except OSError:
            return []  # no such file on this platform
