"""The launcher: a small process that starts sessions and tells when they end.

It keeps no state that matters. What counts is each attempt's directory: the launcher takes the
``flock`` on ``lock`` *before* it spawns, and the child inherits the same open file, so there is no
moment in which a session is "spawned but unclaimed". The shell supervisor first writes who it is
(``pid``), then runs the command, then writes the exit code (``status``); both lines end in a dot,
so a torn write can never be taken for a whole one. Kill the launcher and the sessions go on: the
next engine finds them by their locks.

It runs as ``python -I -S``, imports nothing of ours but its neighbours in this folder, has one
thread and ends when the engine's end of the link closes. Messages are marshalled lists, each
preceded by its length (four bytes, little endian): the same interpreter sits on both sides.

To it: ``("setup", {mode, home, probe})`` first, then ``("launch", {...})`` (see :meth:`Launcher.launch`). From it:
``("ready", "", mode, why not namespaces)``, ``("started", id, host pid, epoch seconds)``,
``("busy", id)``, ``("failed", id, errno, words)``,
``("ended", id, wait status, cpu seconds, peak rss in bytes, processes are left, epoch seconds)``.
"""

from __future__ import annotations

import errno
import fcntl
import marshal
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

if __package__:
    from fasttrack_jupyter.backends.local.runner import namespaces, syscalls
else:  # as the launcher, which knows this folder alone
    namespaces, syscalls = __import__("namespaces"), __import__("syscalls")

LOCK_FD = 100
"""Where every process of a session holds its lock: far above what scripts use."""
PID_FD, STATUS_FD = 8, 9
_FIRST_FREE_FD = 16
_CHILDREN = "/proc/thread-self/children"
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
_OFTEN_IGNORED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip

_SAY_WHO = """\
IFS=' ' read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ft_start _ 2>/dev/null </proc/self/stat || _ft_start=0
echo "$$ $_ft_start $1 ." >&8
"""
_RUN = """\
shift 2
"$@" 8>&- 9>&-
_ft_rc=$?
until echo "$_ft_rc ." >&9; do sleep 1; done 2>/dev/null
exit $_ft_rc
"""
SUPERVISOR = "trap : 1 2 3 15\n" + _SAY_WHO + _RUN
"""``$1`` is the boot, ``$2`` names the session in ``ps``, the rest is the command.

``trap :`` rather than ``trap ''``: the supervisor outlives the signals that end its command, and the
command's own signals stay as they are. A full disk makes it wait, not lose the exit code."""
INIT = "trap : 1 2 3 15\n" + _RUN
"""The same as the first process of a pid namespace: who it is was written by the launcher's child, who knew it."""


def boot_id() -> str:
    """Which boot of this machine this is; ``-`` where the system does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return "-"


class Launcher:
    """Serves one engine over ``link`` until it goes away."""

    def __init__(self, link: int) -> None:
        self._link = link
        self._input = bytearray()
        self._output: list[tuple[Any, ...]] = []
        self._children: dict[int, tuple[str, str, bool]] = {}
        self._boot = boot_id()
        self._cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self._own_peak = 0
        self._template: namespaces.Template | None = None
        self._adopts = False

    def serve(self) -> None:
        """Work until the engine's end of the link closes."""
        wake = self._wake_on_child()
        self._own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 1024
        poller = select.poll()
        poller.register(self._link, select.POLLIN)
        poller.register(wake, select.POLLIN)
        while True:
            for fd, _ in poller.poll():
                if fd == wake:
                    os.read(wake, 4096)
                elif not self._receive():
                    return
            self._reap()
            self._flush()

    @staticmethod
    def _wake_on_child() -> int:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return reading

    def _receive(self) -> bool:
        data = os.read(self._link, 1 << 18)
        self._input += data
        for message in frames(self._input):
            for request in message:
                self._handle(request)
        return bool(data)

    def _handle(self, request: tuple[str, dict[str, Any]]) -> None:
        kind, job = request
        if kind == "setup":
            mode, why = self.set_up(job["mode"], job["home"], job["probe"])
            if mode != "namespaces":  # there, the end of a session's first process is the end of all
                self._adopts = os.path.exists(_CHILDREN) and syscalls.adopt_orphans()
            self._output.append(("ready", "", mode, why))
            return
        try:
            pid = self.launch(job)
        except BlockingIOError:
            self._output.append(("busy", job["id"]))
        except OSError as error:
            self._output.append(("failed", job["id"], error.errno or 0, f"{error.strerror}: {error.filename or ''}"))
        except ValueError as error:  # a NUL, or what cannot be encoded: nobody could start that
            self._output.append(("failed", job["id"], 0, str(error)))
        else:
            self._children[pid] = (job["id"], job["control"], job["mode"] == "plain")
            self._output.append(("started", job["id"], pid, time.time()))

    def _flush(self) -> None:
        if self._output:
            data = marshal.dumps(self._output)
            self._output = []
            view = memoryview(len(data).to_bytes(4, "little") + data)
            while view:
                view = view[os.write(self._link, view) :]

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if known := self._children.pop(pid, None):
                session, control, is_plain = known
                if is_plain:
                    _write_status(control, status)
                cpu = usage.ru_utime + usage.ru_stime
                peak = usage.ru_maxrss if usage.ru_maxrss > self._own_peak else 0  # else it may be what it began as: us
                left = is_held(control) or self._has_strays()
                self._output.append(("ended", session, status, cpu, peak * _RSS_UNIT, left, time.time()))

    def _has_strays(self) -> bool:
        """Whether there are children that are nobody's supervisor: what daemons become when their parents end."""
        if not self._adopts:
            return False
        with open(_CHILDREN) as file:
            return len(file.read().split()) > len(self._children)

    def launch(self, job: dict[str, Any]) -> int:
        """Start the session ``job`` and return the pid of its supervisor.

        Keys: ``id``, ``name`` (in ``ps``), ``mode``, ``control`` (the attempt's directory), ``cwd``,
        ``argv``, ``environ``, ``cpus`` (or None),
        ``view`` (None, or what ``namespaces.Template.fill`` takes).

        Raises:
            BlockingIOError: the session is alive already.
            OSError: it could not be started; nothing runs.
        """
        control = job["control"]
        opened: list[int] = []
        try:
            lock = _open(opened, f"{control}/lock", os.O_RDWR)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.write(lock, f"{self._boot} {job['mode']} .\n".encode())
            fds = {
                PID_FD: _open(opened, f"{control}/pid", os.O_WRONLY | os.O_TRUNC),
                STATUS_FD: _open(opened, f"{control}/status", os.O_WRONLY | os.O_TRUNC),
                1: _open(opened, f"{control}/log", os.O_WRONLY | os.O_APPEND),
                LOCK_FD: lock,
            }
            with _Affinity(job["cpus"], self._cpus):
                return self._spawn(job, fds) if job["view"] is None else self._spawn_apart(job, fds)
        finally:
            for fd in opened:
                os.close(fd)

    def _spawn(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        os.chdir(job["cwd"])
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in fds.items()]  # type: ignore[misc]
        actions.append((os.POSIX_SPAWN_DUP2, fds[1], 2))  # type: ignore[arg-type]
        supervisor = ["/bin/sh", "-c", SUPERVISOR, "/bin/sh", self._boot, job["name"]]
        is_plain = job["mode"] == "plain"
        argv = job["argv"] if is_plain else supervisor + job["argv"]
        pid = os.posix_spawnp(
            argv[0], argv, job["environ"], file_actions=actions, setsid=True, setsigdef=_DEFAULT_SIGNALS
        )
        if is_plain:
            os.write(fds[PID_FD], f"{pid} {start_of(pid)} {self._boot} .\n".encode())
        return pid

    def _spawn_apart(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        """Start the session in namespaces of its own; its first process writes what went wrong, if it does."""
        if self._template is None:
            raise OSError(errno.ENOSYS, "private mounts do not work here", job["control"])
        pid = self._template.clone()
        if pid:
            return pid
        try:
            os.setsid()
            who = f"{os.readlink('/proc/self')} {start_of('self')} {self._boot} .\n"
            self._template.fill(job["view"])
            os.write(fds.pop(PID_FD), who.encode())
            _become(["/bin/sh", "-c", INIT, "/bin/sh", self._boot, job["name"], *job["argv"]], job["environ"], fds)
        except BaseException as error:  # whatever it is, it must not go on as a second launcher
            with open(f"{job['control']}/failed", "w") as file:
                file.write(f"{error}")
        finally:
            os._exit(125)

    def set_up(self, mode: str, home: str, probe: dict[str, Any]) -> tuple[str, str]:
        """Find out, by doing it, whether sessions can have private mounts; the mode, and why not.

        ``probe`` is a job as :meth:`launch` takes it, which ends with 0 if all is as it should be.
        """
        why = ""
        if mode not in ("auto", "namespaces"):
            return mode, why
        for user_namespace in (False, True):
            try:
                self._try_out(home, probe, user_namespace)
                template = namespaces.Template(home)
                template.enter(user_namespace=user_namespace)
            except OSError as error:
                why = f"{error.strerror} ({error.filename})"
            else:
                self._template = template
                return "namespaces", ""
        return "folders", why

    def _try_out(self, home: str, probe: dict[str, Any], user_namespace: bool) -> None:
        """Do everything once in a child. Raises OSError with what failed."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(writing, _probed(home, probe, user_namespace).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading) as answer:
            words = answer.read()
        os.waitpid(pid, 0)
        if words != "ok":
            raise OSError(errno.EPERM, words or "it ended without a word", "private mounts")


def _probed(home: str, probe: dict[str, Any], user_namespace: bool) -> str:
    launcher = Launcher(-1)
    try:
        launcher._template = namespaces.Template(home)
        launcher._template.enter(user_namespace=user_namespace)
        _, status = os.waitpid(launcher.launch(probe), 0)
        if status == 0:
            return "ok"
        with open(f"{probe['control']}/failed") as file:
            return file.read()
    except OSError as error:
        return str(error)


def _become(argv: list[str], environ: dict[str, str], fds: dict[int, int]) -> None:
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    os.dup2(fds[1], 2)
    for target, fd in fds.items():
        os.dup2(fd, target)
    os.execve(argv[0], argv, environ)


def start_of(pid: int | str) -> int:
    """When process ``pid`` started, in clock ticks since boot; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0


def _write_status(control: str, status: int) -> None:
    """What a supervisor would do."""
    code = os.waitstatus_to_exitcode(status)
    try:
        with open(f"{control}/status", "w") as file:
            file.write(f"{code if code >= 0 else 128 - code} .\n")
    except OSError:
        return  # the disk is full, or the directory gone: the engine finds no exit code and says so


class _Affinity:
    """For the moment of a spawn, be on the processors that the child shall inherit."""

    def __init__(self, cpus: list[int] | None, own: set[int]) -> None:
        self._cpus, self._own = cpus, own

    def __enter__(self) -> None:
        if self._cpus:
            os.sched_setaffinity(0, self._cpus)

    def __exit__(self, *_: object) -> None:
        if self._cpus:
            os.sched_setaffinity(0, self._own)


def _open(opened: list[int], path: str, flags: int) -> int:
    fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    opened.append(fd)
    return fd


def is_held(control: str) -> bool:
    """Whether some process still holds the lock of the attempt whose directory is ``control``."""
    try:
        fd = os.open(f"{control}/lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def frames(data: bytearray) -> Iterator[list[tuple[Any, ...]]]:
    """Take the whole messages out of ``data``, and leave a part of one in it."""
    while len(data) >= 4 and len(data) >= 4 + (size := int.from_bytes(data[:4], "little")):
        message = marshal.loads(bytes(data[4 : 4 + size]))
        del data[: 4 + size]
        yield message


def _settle() -> None:
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


def main() -> None:
    """Serve the link that was inherited as the descriptor named by the last argument."""
    link = int(sys.argv[-1])
    os.set_inheritable(link, False)
    _settle()
    try:
        Launcher(link).serve()
    except ConnectionError:
        return  # the engine was killed: the sessions go on without either of us
