"""The few system calls that Python 3.11 has no name for; Linux on x86-64 and arm64.

Standard library only: the launcher imports it without our package.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal

CLONE_PARENT = 0x00008000
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MS_SLAVE = 0x20, 0x1000, 0x2000, 0x4000, 0x40000, 0x80000
MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = -100, 0x8000, 1
_PR_SET_CHILD_SUBREAPER = 36
_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "mount_setattr": 442},
    "aarch64": {"clone": 220, "pivot_root": 41, "mount_setattr": 442},
}


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends (Linux: a child subreaper); whether that works."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


class Kernel:
    """System calls by name; each raises OSError with the paths it was about.

    Raises:
        OSError: on construction, where this machine has no such calls.
    """

    def __init__(self) -> None:
        self._numbers = _NUMBERS.get(platform.machine() if os.name == "posix" else "", {})
        if not self._numbers or not os.path.isdir("/proc/self/ns"):
            raise OSError(38, "no namespaces on this system", platform.machine())
        # PyDLL keeps the interpreter's lock: a raw clone must come back in a process whose lock is in order.
        self._libc = ctypes.PyDLL(None, use_errno=True)
        self._syscall = self._libc.syscall
        self._syscall.restype = ctypes.c_long
        self._mount = self._libc.mount
        self._mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]

    def clone(self, flags: int) -> int:
        """As ``fork``, into new namespaces."""
        zero = ctypes.c_long(0)
        return self._checked(
            self._syscall(self._numbers["clone"], ctypes.c_long(flags | signal.SIGCHLD), zero, zero, zero, zero),
            "clone",
        )

    def unshare(self, flags: int) -> None:
        """Move this process into new namespaces."""
        self._checked(self._libc.unshare(flags), "unshare")

    def mount(self, source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
        """Mount ``source`` at ``target``."""
        result = self._mount(
            os.fsencode(source), os.fsencode(target), kind.encode() or None, flags, options.encode() or None
        )
        if result:
            number = ctypes.get_errno()
            raise OSError(number, f"mount: {os.strerror(number)}", f"{source} at {target}")

    def bind(self, source: str, target: str) -> None:
        """Show ``source`` (and what is mounted in it) at ``target`` as well."""
        self.mount(source, target, flags=MS_BIND | MS_REC)

    def set_readonly(self, target: str, *, recursive: bool = True) -> None:
        """Make the mount at ``target`` read-only."""
        attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
        self._checked(
            self._syscall(
                self._numbers["mount_setattr"], ctypes.c_long(_AT_FDCWD), os.fsencode(target),
                ctypes.c_long(_AT_RECURSIVE if recursive else 0), ctypes.byref(attributes), ctypes.c_long(32),
            ), target,
        )  # fmt: skip

    def pivot_root(self, new: str, old: str) -> None:
        """Make ``new`` the root, and what was the root appear at ``old``."""
        self._checked(self._syscall(self._numbers["pivot_root"], os.fsencode(new), os.fsencode(old)), new)

    def detach(self, target: str) -> None:
        """Unmount ``target`` and all below it."""
        self._checked(self._libc.umount2(os.fsencode(target), MNT_DETACH), target)

    @staticmethod
    def _checked(result: int, what: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), what)
        return result


class Rights:
    """The right to mount, which the first process in a user namespace has and loses when it becomes another program.

    Sources: capabilities(7), capset(2), PR_CAP_AMBIENT in prctl(2).
    """

    _HEADER = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
    _MOUNT = 21  # CAP_SYS_ADMIN

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def lend(self) -> None:
        """From now on programs that this process becomes, or starts, have it. Raises OSError."""
        everything = self._read()
        self._write(everything[0], everything[1], everything[2] | 1 << self._MOUNT, *everything[3:])
        self._ambient(2, self._MOUNT)

    def keep(self) -> None:
        """From now on they do not. Raises OSError."""
        self._ambient(4, 0)
        everything = self._read()
        self._write(everything[0], everything[1], 0, everything[3], everything[4], 0)

    def drop(self) -> None:
        """Have none at all any more. Raises OSError."""
        self._ambient(4, 0)
        self._write(0, 0, 0, 0, 0, 0)

    def _ambient(self, what: int, right: int) -> None:
        self._checked(self._libc.prctl(47, *(ctypes.c_ulong(word) for word in (what, right, 0, 0))))

    def _read(self) -> list[int]:
        sets = (ctypes.c_uint32 * 6)()
        self._checked(self._libc.capget((ctypes.c_uint32 * 2)(self._HEADER, 0), sets))
        return list(sets)

    def _write(self, *sets: int) -> None:
        """Effective, permitted, inheritable: of the first 32 rights, then of the others."""
        self._checked(self._libc.capset((ctypes.c_uint32 * 2)(self._HEADER, 0), (ctypes.c_uint32 * 6)(*sets)))

    @staticmethod
    def _checked(result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "rights")
