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

A session can be made ready ahead of the word to begin (``gated``): everything stands, and its supervisor waits at
the end of a pipe. One byte lets it begin; the end of the pipe, which comes with the launcher's own at the latest,
ends it: neither who it is nor in which boot was written, so it never began. Nobody but the launcher has the other
end. Until the word nothing is said about it; if it is not there then, ``busy`` is, and somebody must look.

To it: ``("setup", {mode, home, probe})`` first, then ``("launch", {...})`` (see :meth:`Launcher.launch`), and for
what was gated ``("go", {id})`` or ``("drop", {id})``. From it:
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
    from fasttrack_jupyter.backends.local.runner import namespaces, standing, supervisor, syscalls
else:  # as the launcher, which knows this folder alone
    namespaces, standing, supervisor, syscalls = map(__import__, ("namespaces", "standing", "supervisor", "syscalls"))

GATE_FD, PID_FD, STATUS_FD, LOCK_FD = supervisor.GATE_FD, supervisor.PID_FD, supervisor.STATUS_FD, supervisor.LOCK_FD
_CHILDREN = "/proc/thread-self/children"
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


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
        self._children: dict[int, tuple[str, str, bool] | None] = {}
        """Supervisors by pid: id, directory, whether it is plain. None: one that never began, whose end is no news."""
        self._gates: dict[str, tuple[int, int, dict[str, Any]]] = {}
        """What waits for the word to begin, by id: its pid, our end of its pipe, what was asked for."""
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
            for fd, what in poller.poll():
                if fd == wake:
                    os.read(wake, 4096)
                elif what & select.POLLHUP or not self._receive():
                    return  # what its engine still wanted is the next one's to decide, which may be there already
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
        elif kind == "launch":
            self._start(job)
        elif kind == "go":
            self._let_begin(job["id"])
        else:
            self._drop(job["id"])

    def _start(self, job: dict[str, Any]) -> None:
        news: tuple[Any, ...]
        try:
            pid = self.launch(job)
        except BlockingIOError:
            news = ("busy", job["id"])
        except OSError as error:
            news = ("failed", job["id"], error.errno or 0, f"{error.strerror}: {error.filename or ''}")
        except ValueError as error:  # a NUL, or what cannot be encoded: nobody could start that
            news = ("failed", job["id"], 0, str(error))
        else:
            self._children[pid] = (job["id"], job["control"], job["mode"] == "plain")
            news = ("started", job["id"], pid, time.time())
        if not job.get("gated"):
            self._output.append(news)

    def _let_begin(self, session: str) -> None:
        now = time.time()
        try:
            pid, gate, job = self._gates[session]
            with open(f"{job['control']}/lock", "r+b", buffering=0) as lock:
                self._mark(lock.fileno(), job["mode"])
            os.write(gate, b"\n")
        except (KeyError, OSError):  # it could not be made ready, or was killed; or the disk is full
            self._drop(session)
            self._output.append(("busy", session))
        else:
            os.close(self._gates.pop(session)[1])
            self._output.append(("started", session, pid, now))

    def _drop(self, session: str) -> None:
        if gated := self._gates.pop(session, None):
            self._children[gated[0]] = None
            os.close(gated[1])

    def _mark(self, lock: int, mode: str) -> None:
        """Say in which boot, and how, a session begins, before it can."""
        os.write(lock, f"{self._boot} {mode} .\n".encode())

    def _flush(self) -> None:
        if self._output:
            data = marshal.dumps(self._output)
            self._output = []
            view = memoryview(len(data).to_bytes(4, "little") + data)
            while view:
                view = view[os.write(self._link, view) :]

    def _reap(self) -> None:
        ended: list[tuple[tuple[str, str, bool], int, resource.struct_rusage]] = []
        pid, has_children = 1, True
        while pid:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                pid, has_children = 0, False
            known = self._children.pop(pid, None)
            if known and known[0] in self._gates:
                os.close(self._gates.pop(known[0])[1])  # it never began
            elif known:
                ended.append((known, status, usage))
        for (session, control, is_plain), status, usage in ended:
            if is_plain:
                _write_status(control, status)
            cpu = usage.ru_utime + usage.ru_stime
            peak = usage.ru_maxrss if usage.ru_maxrss > self._own_peak else 0  # else it may be what it began as: us
            left = is_held(control) or (has_children and self._has_strays())
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
        ``argv``, ``environ``, ``cpus`` (or None), ``gated`` (it waits for ``go``; never in ``plain``),
        ``view`` (None, or what ``namespaces.Template.fill`` takes).

        Raises:
            BlockingIOError: the session is alive already, or somebody ended it before it was.
            OSError: it could not be started; nothing runs.
        """
        control = job["control"]
        opened: list[int] = []
        try:
            lock = _open(opened, f"{control}/lock", os.O_RDWR)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(f"{control}/killed"):  # who wrote that will find the lock held, or has been heard here
                raise BlockingIOError
            os.ftruncate(lock, 0)
            if not job.get("gated"):
                self._mark(lock, job["mode"])
            fds = {
                PID_FD: _open(opened, f"{control}/pid", os.O_WRONLY | os.O_TRUNC),
                STATUS_FD: _open(opened, f"{control}/status", os.O_WRONLY | os.O_TRUNC),
                1: _open(opened, f"{control}/log", os.O_WRONLY | os.O_APPEND),
                LOCK_FD: lock,
            }
            with standing.Affinity(job["cpus"], self._cpus):
                return self._spawn_gated(job, fds, opened) if job.get("gated") else self._spawn(job, fds)
        finally:
            for fd in opened:
                os.close(fd)

    def _spawn_gated(self, job: dict[str, Any], fds: dict[int, int], opened: list[int]) -> int:
        reading, gate = os.pipe()
        opened.append(reading)
        self._gates[job["id"]] = (0, gate, job)
        try:
            pid = self._spawn(job, {GATE_FD: reading, **fds})
        except BaseException:
            os.close(self._gates.pop(job["id"])[1])
            raise
        self._gates[job["id"]] = (pid, gate, job)
        return pid

    def _spawn(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        if job["view"] is not None:
            return self._spawn_apart(job, fds)
        os.chdir(job["cwd"])
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in fds.items()]  # type: ignore[misc]
        actions.append((os.POSIX_SPAWN_DUP2, fds[1], 2))  # type: ignore[arg-type]
        script = supervisor.GATED if GATE_FD in fds else supervisor.SCRIPT
        shell = ["/bin/sh", "-c", script, "/bin/sh", self._boot, job["name"]]
        is_plain = job["mode"] == "plain"
        argv = job["argv"] if is_plain else shell + job["argv"]
        pid = os.posix_spawnp(
            argv[0], argv, job["environ"], file_actions=actions, setsid=True, setsigdef=standing.DEFAULT_SIGNALS
        )
        os.chdir("/")  # or the next chdir would wait until the disk has let go of a folder that was removed meanwhile
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
            for _, gate, _ in self._gates.values():
                os.close(gate)  # none of them may be kept open by anybody but the launcher
            os.setsid()
            who = f"{os.readlink('/proc/self')} {start_of('self')} {self._boot} .\n"
            self._template.fill(job["view"])
            if GATE_FD in fds and not os.read(fds[GATE_FD], 1):
                os._exit(125)
            fds.pop(GATE_FD, None)
            os.write(fds.pop(PID_FD), who.encode())
            standing.become(
                ["/bin/sh", "-c", supervisor.INIT, "/bin/sh", self._boot, job["name"], *job["argv"]],
                job["environ"],
                fds,
            )
        except BaseException as error:  # whatever it is, it must not go on as a second launcher
            if GATE_FD not in fds:  # else it is met again, and told then
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


def main() -> None:
    """Serve the link that was inherited as the descriptor named by the last argument."""
    link = int(sys.argv[-1])
    os.set_inheritable(link, False)
    standing.settle()
    try:
        Launcher(link).serve()
    except ConnectionError:
        return  # the engine was killed: the sessions go on without either of us
