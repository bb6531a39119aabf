"""The directory of an attempt: what it says about a session, and whom to believe.

::

    lock     flock: held as long as one process of the session lives, or waits for the word to begin
             "<boot id> <mode> ."                              written before it may begin
    pid      "<pid> <start in clock ticks since boot> <boot id> ."   written before the command begins
    status   "<exit code> ."                                         written after the command ended
    killed   "<kind>\\n<reason>\\n"                                    written by a killer before it kills
    log      stdout and stderr                work/   the working directory        inputs/  values as files
    usage    what it used over time, of sessions that last (see ``usage``)

What a look finds: ``status`` complete → ENDED. No lock file → UNSTARTED, unless ``pid`` says that it
began all the same (the command removed the lock): then its supervisor tells. Lock refused → ALIVE, or, when
the supervisor named in ``pid`` is gone, ORPHANED (somebody killed the supervisor alone: the command
runs on and holds the lock, but its exit code will never be known), or, while nobody is named, STARTING (the
launcher, or a supervisor that waits: look again). Lock obtained → read ``status``
again, for it may just have ended; else ``pid`` complete → GONE, and not → UNSTARTED, since the command
cannot have begun. A directory without status whose lock tells of another boot is GONE as well: what it says
about a beginning may have been lost with the power.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from fasttrack_jupyter.backends.local.runner.launcher import is_held as is_held
from fasttrack_jupyter.backends.local.runner.starting import boot_id
from fasttrack_jupyter.backends.local.system import age_of, is_leader
from fasttrack_jupyter.backends.local.system import start_of as start_of

BOOT = boot_id()


class Finding(Enum):
    """What a look at an attempt's directory finds."""

    ABSENT = "absent"
    UNSTARTED = "unstarted"
    STARTING = "starting"
    ALIVE = "alive"
    ORPHANED = "orphaned"
    ENDED = "ended"
    GONE = "gone"


class Supervisor(NamedTuple):
    """Who leads a session: its pid as this machine counts, and when it started (0: the system does not tell)."""

    pid: int
    start: int
    boot: str
    at: float = 0.0
    """When it said so, in seconds since the epoch."""

    def is_alive(self) -> bool:
        """Whether that very process is there (a zombie is not)."""
        return self.boot == BOOT and is_leader(self.pid, self.start, self.at)

    def age(self) -> float:
        """Seconds since it started."""
        return age_of(self.pid, self.start)


@dataclass(frozen=True, slots=True)
class Killed:
    """That somebody ended the session on purpose: ``cancel``, ``timeout``, ``memory`` or ``lost``, and why."""

    kind: str
    reason: str


def _whole_line(path: str) -> list[str] | None:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        words = os.read(fd, 256).decode("ascii", "replace").split()
    finally:
        os.close(fd)
    return words[:-1] if words and words[-1] == "." else None


def exit_code(control: str) -> int | None:
    """The command's exit code, if it has ended and told."""
    words = _whole_line(f"{control}/status")
    return int(words[0]) if words else None


def supervisor(control: str) -> Supervisor | None:
    """Who leads the session, if it has begun."""
    words = _whole_line(f"{control}/pid")
    if not words or len(words) != 3:
        return None
    return Supervisor(int(words[0]), int(words[1]), words[2], began_at(control) or 0.0)


def ended_at(control: str) -> float | None:
    """When the exit code was written, in seconds since the epoch."""
    return _written_at(f"{control}/status")


def began_at(control: str) -> float | None:
    """When the supervisor wrote who it is, in seconds since the epoch."""
    return _written_at(f"{control}/pid")


def _written_at(path: str) -> float | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime if found.st_size else None


def _lock_words(control: str) -> list[list[str]]:
    try:
        with open(f"{control}/lock", encoding="ascii", errors="replace") as file:
            return [line.split() for line in file]
    except OSError:
        return []


def mode_of(control: str) -> str:
    """The mode in which the session was started, or nothing if it was not."""
    return next((words[1] for words in _lock_words(control) if len(words) == 3 and words[2] == "."), "")


def failed_member(control: str) -> str:
    """Which member of a multi-node session failed first, if one did."""
    return next((words[1] for words in _lock_words(control) if len(words) == 2 and words[0] == "member"), "")


def _is_of_another_boot(control: str) -> bool:
    return any(len(words) == 3 and words[2] == "." and words[0] != BOOT for words in _lock_words(control))


def killed(control: str) -> Killed | None:
    """Whether somebody ended the session on purpose."""
    try:
        with open(f"{control}/killed", encoding="utf-8") as file:
            kind, _, reason = file.read().partition("\n")
    except OSError:
        return None
    return Killed(kind, reason.rstrip("\n")) if reason.endswith("\n") else None


def record_kill(control: str, kill: Killed) -> Killed:
    """Note, before killing, why; the first killer's word stands and comes back."""
    draft = f"{control}/killed.{os.getpid()}"
    with open(draft, "w", encoding="utf-8", opener=_private) as file:
        file.write(f"{kill.kind}\n{' '.join(kill.reason.splitlines())}\n")
    try:
        os.link(draft, f"{control}/killed")
    except FileExistsError:
        return killed(control) or kill
    finally:
        os.unlink(draft)
    return kill


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def look(control: str) -> Finding:
    """See the module's text."""
    if exit_code(control) is not None:
        return Finding.ENDED
    if not os.path.exists(f"{control}/lock"):
        return _look_without_lock(control)
    held = is_held(control)
    leader = supervisor(control)
    if held:
        if leader is None:
            return Finding.STARTING
        return Finding.ALIVE if leader.is_alive() else _ended_meanwhile(control, Finding.ORPHANED)
    if leader is None and not _is_of_another_boot(control):
        return Finding.UNSTARTED
    return _ended_meanwhile(control, Finding.GONE)


def _look_without_lock(control: str) -> Finding:
    """Not made yet, or removed by the very command that it stands for."""
    if (leader := supervisor(control)) is not None:
        return Finding.ALIVE if leader.is_alive() else _ended_meanwhile(control, Finding.GONE)
    return Finding.UNSTARTED if os.path.isdir(control) else Finding.ABSENT


def _ended_meanwhile(control: str, otherwise: Finding) -> Finding:
    return Finding.ENDED if exit_code(control) is not None else otherwise


def make(control: str) -> bool:
    """Make the directory; False if it is there already."""
    try:
        os.mkdir(control, 0o700)
    except FileExistsError:
        return False
    except FileNotFoundError:
        os.makedirs(os.path.dirname(control), 0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(control, 0o700)
            return True
        return False
    return True
