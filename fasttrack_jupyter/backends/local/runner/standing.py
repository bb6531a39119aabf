"""How the launcher, and what it becomes, stand among the other processes: descriptors, signals, processors."""

from __future__ import annotations

import os
import signal

DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
"""What the interpreter or the launcher handles and sessions shall not find changed."""
_FIRST_FREE_FD = 16
_OFTEN_IGNORED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip


def settle() -> None:
    """Reserve the low descriptors (they are targets of the child's), be the first to go when memory is short.

    Signals that whoever started the engine ignored (``nohup``, ``&`` in a script) shall not be ignored in sessions."""
    for number in _OFTEN_IGNORED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    while null < _FIRST_FREE_FD:
        null = os.dup(null)
    os.umask(0o022)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return  # no such thing on this system: the kernel's own choice holds


def become(argv: list[str], environ: dict[str, str], fds: dict[int, int]) -> None:
    """Go on as ``argv``, with ``fds`` (by target) as its descriptors, and 2 as 1."""
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    os.dup2(fds[1], 2)
    for target, fd in fds.items():
        os.dup2(fd, target)
    os.execve(argv[0], argv, environ)


class Affinity:
    """For the moment of a spawn, be on the processors that the child shall inherit."""

    def __init__(self, cpus: list[int] | None, own: set[int]) -> None:
        self._cpus, self._own = cpus, own

    def __enter__(self) -> None:
        if self._cpus:
            os.sched_setaffinity(0, self._cpus)

    def __exit__(self, *_: object) -> None:
        if self._cpus:
            os.sched_setaffinity(0, self._own)
