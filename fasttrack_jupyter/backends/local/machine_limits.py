"""How much cpu and memory this process may really use: the machine's, less affinity and control groups.

A control group's limit binds everything below it, so each of our groups and all their parents are
read, of version 2 (``cpu.max``, ``memory.max``) and version 1 (``cpu.cfs_quota_us``, ``memory.limit_in_bytes``);
see https://docs.kernel.org/admin-guide/cgroup-v2.html. In a container the path in ``/proc/self/cgroup``
may be the host's and not exist below the mount: then the mount's own top is the container's group.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_HUNDRED = 100


def usable_cpus(root: Path = Path("/")) -> int:
    """Processors in hundredths: those that the affinity allows, or the tightest quota; at least 1 hundredth."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for group in _groups(root, "cpu") if (quota := _cpu_quota(group)) is not None]
    return max(1, min([allowed * _HUNDRED, *quotas]))


def usable_memory(root: Path = Path("/")) -> int:
    """Bytes of memory: the machine's, or the tightest limit."""
    limits = [limit for group in _groups(root, "memory") if (limit := _memory_limit(group)) is not None]
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *limits])


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of our control group for ``controller`` and of all its parents, in either version."""
    mount = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        tops = [mount / controller, mount / controllers] if controllers else [mount, mount / "unified"]
        for top in (top for top in tops if top.is_dir()):
            inside = PurePosixPath(path.lstrip("/"))
            yield from (top / parent for parent in (inside, *inside.parents))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []  # no such file on this platform, or in this version of control groups


def _cpu_quota(group: Path) -> int | None:
    if lines := _lines(group / "cpu.max"):
        quota, period = [*lines[0].split(), "100000"][:2]
    else:
        quota, period = _first(group / "cpu.cfs_quota_us"), _first(group / "cpu.cfs_period_us")
    if not quota.isdigit() or not period.isdigit():  # "max", "-1", or no such file
        return None
    return int(quota) * _HUNDRED // int(period)


def _memory_limit(group: Path) -> int | None:
    written = _first(group / "memory.max") or _first(group / "memory.limit_in_bytes")
    return int(written) if written.isdigit() else None


def _first(path: Path) -> str:
    return (_lines(path) or [""])[0].strip()
