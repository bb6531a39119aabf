"""Private mounts for every session, at the price of a handful of system calls.

The expensive part is done once, by the launcher for itself (:meth:`Template.enter`): a mount namespace whose root
is a small tmpfs that shows every entry of the real ``/``, has ``/home`` mirrored one level deep so
that ``/home/work`` can exist, and ``/pipeline`` with two places in it: ``ro``, FastTrack's home read-only (what is
bound from there is read-only without another call), and ``new``. A session is then a ``clone`` with a copy of
that namespace and a pid namespace of its own (:meth:`Template.fill`): a tmpfs at ``/pipeline/new`` gets the
session's folders, is moved over ``/pipeline`` (which hides ``ro``), ``/home/work`` is bound last, for
FastTrack's own home may lie below it, and a new ``/proc`` shows the session to itself.

As an ordinary user the launcher enters a user namespace first, with its own ids as they are.
"""

from __future__ import annotations

import os
import stat
from typing import Any

if __package__:
    from . import syscalls
else:  # inside the launcher, which knows this folder alone
    syscalls = __import__("syscalls")

PIPELINE, NEW, READONLY, WORK = "/pipeline", "/pipeline/new", "/pipeline/ro", "/home/work"


class Template:
    """The launcher's own view of the machine, from which sessions get theirs."""

    def __init__(self, home: str) -> None:
        self._kernel = syscalls.Kernel()
        self._home = os.path.realpath(home)
        self.is_in_user_namespace = False

    # ------------------------------------------------------------ once

    def enter(self, *, user_namespace: bool) -> None:
        """Move this process into the template. After an error it is of no further use."""
        self.is_in_user_namespace = user_namespace
        uid, gid = os.getuid(), os.getgid()
        flags = syscalls.CLONE_NEWNS | (syscalls.CLONE_NEWUSER if user_namespace else 0)
        self._kernel.unshare(flags)
        if user_namespace:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{uid} {uid} 1")
            _write("/proc/self/gid_map", f"{gid} {gid} 1")
        self._kernel.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_SLAVE)
        self._build_root()

    def _build_root(self) -> None:
        kernel = self._kernel
        base = "/tmp" if os.path.isdir("/tmp") else "/var"
        kernel.mount("fasttrack", base, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=0755")
        os.mkdir(f"{base}/old")
        os.mkdir(f"{base}/new")
        kernel.pivot_root(base, f"{base}/old")
        os.chdir("/")
        kernel.mount("fasttrack", "/new", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=0755")
        for name in sorted(os.listdir("/old")):
            if name == "home":
                self._mirror("/old/home", "/new/home")
            elif name != "pipeline":
                self._show(f"/old/{name}", f"/new/{name}")
        for folder in (WORK, NEW, READONLY):
            os.makedirs(f"/new{folder}", exist_ok=True)
        kernel.bind(f"/old{self._home}", f"/new{READONLY}")
        kernel.set_readonly(f"/new{READONLY}")
        os.chdir("/new")
        kernel.pivot_root(".", ".")
        kernel.detach(".")
        os.chdir("/")
        kernel.set_readonly("/", recursive=False)

    def _mirror(self, old: str, new: str) -> None:
        """Make the folder ``new`` anew, and show every entry of ``old`` in it."""
        os.mkdir(new)
        old = f"/old{os.readlink(old)}" if os.path.islink(old) else old
        for name in sorted(os.listdir(old)):
            self._show(f"{old}/{name}", f"{new}/{name}")

    def _show(self, old: str, new: str) -> None:
        mode = os.lstat(old).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(old), new)
        elif stat.S_ISDIR(mode):
            os.mkdir(new)
            self._kernel.bind(old, new)
        elif stat.S_ISREG(mode):
            os.close(os.open(new, os.O_CREAT | os.O_CLOEXEC, 0o444))
            self._kernel.bind(old, new)

    # ------------------------------------------------------------ per session

    def clone(self, more: int = 0) -> int:
        """As fork, with a copy of this view and a new pid namespace, and what the flags ``more`` say."""
        return self._kernel.clone(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | more)

    def fill(self, view: dict[str, Any]) -> None:
        """In the child: put the session's folders in place, and be in ``/home/work``.

        ``view``: ``work``, ``rw`` and ``ro`` (``[(name below /pipeline, path)]``), ``inputs`` (whether there are
        named ones), ``values`` (``[(name, text)]`` at ``/pipeline/inputs``), ``mounts`` (``[(target, path)]``),
        ``sealed_mounts`` (targets among them that are read-only), ``shmem`` (bytes or None), ``sealed`` (paths that
        are read-only for the session).
        """
        kernel = self._kernel
        sources = [self._source(path) for _, path in view["mounts"]]
        kernel.mount("pipeline", NEW, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=0755")
        os.symlink("outputs", f"{NEW}/output")
        for name, path in view["rw"]:
            self._place(path, f"{NEW}/{name}")
        if view["inputs"]:
            os.mkdir(f"{NEW}/inputs")
        for name, path in view["ro"]:
            if name.count("/") > 1:  # one of several that are one input
                os.makedirs(os.path.dirname(f"{NEW}/{name}"), exist_ok=True)
            self._place(self._readonly(path), f"{NEW}/{name}")
        for name, text in view["values"]:
            with open(f"{NEW}/inputs/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        for path in view["sealed"]:
            kernel.bind(self._readonly(path), path)
            if not path.startswith(self._home + "/"):
                kernel.set_readonly(path)
        kernel.mount(NEW, PIPELINE, flags=syscalls.MS_MOVE)
        kernel.bind(self._source(view["work"]), WORK)
        for (target, _), source in zip(view["mounts"], sources, strict=True):
            self._mount_at(source, target)
            if target in view["sealed_mounts"]:
                kernel.set_readonly(target)
        if view["shmem"]:
            flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
            kernel.mount("shm", "/dev/shm", "tmpfs", flags, f"mode=1777,size={view['shmem']}")
        kernel.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
        os.chdir(WORK)

    def _readonly(self, path: str) -> str:
        if path.startswith(self._home + "/"):
            return READONLY + path[len(self._home) :]
        return path

    @staticmethod
    def _source(path: str) -> str:
        """``path`` in a form that stays valid when ``/home/work`` is covered."""
        if path.startswith(WORK + "/"):
            return f"/proc/self/fd/{os.open(path, os.O_PATH | os.O_CLOEXEC)}"  # type: ignore[attr-defined,unused-ignore]
        return path

    def _place(self, source: str, target: str) -> None:
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC, 0o444))
        self._kernel.bind(source, target)
        if not source.startswith(READONLY) and not target.startswith((f"{NEW}/outputs", f"{NEW}/vfroot")):
            self._kernel.set_readonly(target)

    def _mount_at(self, source: str, target: str) -> None:
        if not os.path.isdir(target):
            self._make_place(target)
        self._kernel.bind(source, target)

    def _make_place(self, target: str) -> None:
        """Make the folder ``target`` in this view alone: its deepest existing ancestor is mirrored first."""
        ancestor = os.path.dirname(target)
        while not os.path.isdir(ancestor):
            ancestor = os.path.dirname(ancestor)
        if os.lstat(ancestor).st_dev == os.lstat("/").st_dev:
            self._kernel.mount("none", "/", flags=syscalls.MS_REMOUNT | syscalls.MS_BIND)
            os.makedirs(target, exist_ok=True)
            self._kernel.set_readonly("/", recursive=False)
            return
        if (ancestor + "/").startswith((WORK + "/", PIPELINE + "/")):
            os.makedirs(target)
            return
        self._cover(ancestor)
        os.makedirs(target)

    def _cover(self, folder: str) -> None:
        """Put a tmpfs over ``folder`` that shows the same entries."""
        entries = {name: os.lstat(f"{folder}/{name}").st_mode for name in os.listdir(folder)}
        links = {name: os.readlink(f"{folder}/{name}") for name, mode in entries.items() if stat.S_ISLNK(mode)}
        kept = os.open(folder, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
        self._kernel.mount("cover", folder, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=0755")
        for name, mode in entries.items():
            if name in links:
                os.symlink(links[name], f"{folder}/{name}")
            elif stat.S_ISDIR(mode):
                os.mkdir(f"{folder}/{name}")
                self._kernel.bind(f"/proc/self/fd/{kept}/{name}", f"{folder}/{name}")
            elif stat.S_ISREG(mode):
                os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_CLOEXEC, 0o444))
                self._kernel.bind(f"/proc/self/fd/{kept}/{name}", f"{folder}/{name}")
        os.close(kept)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
