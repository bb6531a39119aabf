"""The environment variables of a session: a sane base, what only the backend knows, then the task's own."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.resources import HUNDRED

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "RAYON_NUM_THREADS", "PYTHON_CPU_COUNT",
)  # fmt: skip
LONGEST_WORD = 131_072
"""Bytes of one argument or variable of a process, its end included (Linux: MAX_ARG_STRLEN)."""
_ROOM_FOR_WORDS = 256 << 10
"""Bytes of arguments and variables in all that are left for what is not the pipeline's."""
SMALLER = "Put what is large into a file of the pipeline's folder or an output, and its path into the variable."
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base_environment(settings: LocalSettings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every session sees of this machine: paths, language, user, caches; nothing else of the engine's own.

    ``HOME`` is the fresh working directory, as on a cluster; caches (pip, models) are the user's own.
    A proxy's address that holds a password stays out.
    """
    environ = os.environ if environ is None else environ
    user = _user()
    base = {
        "PATH": environ.get("PATH") or _DEFAULT_PATH,
        "LANG": "C.UTF-8",
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/sh",
        "XDG_CACHE_HOME": environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "PYTHONUNBUFFERED": "1",
    }
    return base | {name: environ[name] for name in settings.pass_environment if _may_pass(environ.get(name))}


def _may_pass(value: str | None) -> bool:
    return bool(value) and not ("://" in str(value) and "@" in str(value))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def member_names(spec: SessionSpec) -> list[str]:
    """``main1, sub1, sub2 …``: the members of the session's cluster."""
    return ["main1", *(f"sub{number}" for number in range(1, spec.cluster_size))]


def session_variables(spec: SessionSpec, member: int = 0) -> dict[str, str]:
    """``BACKENDAI_*`` of the session and of its ``member`` (0 is main1)."""
    names = member_names(spec)
    subs = len(names) - 1
    session = f"ft-{spec.attempt_id}"
    return {
        "BACKENDAI_SESSION_ID": session,
        "BACKENDAI_SESSION_NAME": session,
        "BACKENDAI_KERNEL_ID": f"{session}-{names[member]}",
        "BACKENDAI_KERNEL_IMAGE": spec.image or "",
        "BACKENDAI_CLUSTER_SIZE": str(len(names)),
        "BACKENDAI_CLUSTER_HOSTS": ",".join(names),
        "BACKENDAI_CLUSTER_REPLICAS": f"main:1,sub:{subs}" if subs else "main:1",
        "BACKENDAI_CLUSTER_HOST": names[member],
        "BACKENDAI_CLUSTER_IDX": str(member or 1),
        "BACKENDAI_CLUSTER_ROLE": "sub" if member else "main",
        "BACKENDAI_CLUSTER_LOCAL_RANK": str(member),
    }


def too_big(environ: Mapping[str, str]) -> str:
    """What is wrong with variables that no process can be started with, in words; or nothing."""
    sizes = {name: len(name) + len(value.encode("utf-8", "surrogatepass")) + 2 for name, value in environ.items()}
    name = max(sizes, key=sizes.__getitem__, default="")
    if name and sizes[name] > LONGEST_WORD:
        return f"its variable {name} takes {sizes[name]} bytes; one of a process here can have {LONGEST_WORD}"
    total, most = sum(sizes.values()) + 8 * len(sizes), os.sysconf("SC_ARG_MAX") - _ROOM_FOR_WORDS
    if total > most:
        return f"its variables take {total} bytes in all; a process here can be given {most}"
    return ""


def thread_variables(spec: SessionSpec) -> dict[str, str]:
    """How many threads numerical libraries and Python should use, where the task asks for ``cpu``."""
    cpu = spec.slots.get("cpu", 0)
    return dict.fromkeys(_THREADS, str(-(-cpu // HUNDRED))) if cpu else {}
