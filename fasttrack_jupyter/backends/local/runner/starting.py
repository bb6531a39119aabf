"""What starts sessions, and finds out in which mode that works here: for the launcher and for warm interpreters.

Whoever starts a session takes its lock before anything else, and what it starts inherits the lock. Standard library
only.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Any

if __package__:
    from . import namespaces, standing, supervisor
else:  # inside the launcher, which knows this folder alone
    namespaces, standing, supervisor = map(__import__, ("namespaces", "standing", "supervisor"))

GATE_FD, PID_FD, STATUS_FD, LOCK_FD = supervisor.GATE_FD, supervisor.PID_FD, supervisor.STATUS_FD, supervisor.LOCK_FD


def boot_id() -> str:
    """Which boot of this machine this is; ``-`` where the system does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return "-"


class Starter:
    """Starts sessions, in private mounts once :meth:`set_up` found that they work."""

    def __init__(self) -> None:
        self.boot = boot_id()
        self.gates: dict[str, tuple[int, int, dict[str, Any]]] = {}
        """What waits for the word to begin, by id: its pid, our end of its pipe, what was asked for."""
        self.cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self.template: namespaces.Template | None = None

    def mark(self, lock: int, mode: str) -> None:
        """Say in which boot, and how, a session begins, before it can."""
        os.write(lock, f"{self.boot} {mode} .\n".encode())

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
                self.mark(lock, job["mode"])
            fds = {
                PID_FD: _open(opened, f"{control}/pid", os.O_WRONLY | os.O_TRUNC),
                STATUS_FD: _open(opened, f"{control}/status", os.O_WRONLY | os.O_TRUNC),
                1: _open(opened, f"{control}/log", os.O_WRONLY | os.O_APPEND),
                LOCK_FD: lock,
            }
            with standing.Affinity(job["cpus"], self.cpus):
                return self._spawn_gated(job, fds, opened) if job.get("gated") else self._spawn(job, fds)
        finally:
            for fd in opened:
                os.close(fd)

    def _spawn_gated(self, job: dict[str, Any], fds: dict[int, int], opened: list[int]) -> int:
        reading, gate = os.pipe()
        opened.append(reading)
        self.gates[job["id"]] = (0, gate, job)
        try:
            pid = self._spawn(job, {GATE_FD: reading, **fds})
        except BaseException:
            os.close(self.gates.pop(job["id"])[1])
            raise
        self.gates[job["id"]] = (pid, gate, job)
        return pid

    def _spawn(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        if job["view"] is not None:
            return self._spawn_apart(job, fds)
        os.chdir(job["cwd"])
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in fds.items()]  # type: ignore[misc]
        actions.append((os.POSIX_SPAWN_DUP2, fds[1], 2))  # type: ignore[arg-type]
        script = supervisor.GATED if GATE_FD in fds else supervisor.SCRIPT
        shell = ["/bin/sh", "-c", script, "/bin/sh", self.boot, job["name"]]
        is_plain = job["mode"] == "plain"
        argv = job["argv"] if is_plain else shell + job["argv"]
        pid = os.posix_spawnp(
            argv[0], argv, job["environ"], file_actions=actions, setsid=True, setsigdef=standing.DEFAULT_SIGNALS
        )
        os.chdir("/")  # or the next chdir would wait until the disk has let go of a folder that was removed meanwhile
        if is_plain:
            os.write(fds[PID_FD], f"{pid} {start_of(pid)} {self.boot} .\n".encode())
        return pid

    def _spawn_apart(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        """Start the session in namespaces of its own; its first process writes what went wrong, if it does."""
        if self.template is None:
            raise OSError(errno.ENOSYS, "private mounts do not work here", job["control"])
        pid = self.template.clone()
        if pid:
            return pid
        try:
            for _, gate, _ in self.gates.values():
                os.close(gate)  # none of them may be kept open by anybody but the launcher
            os.setsid()
            who = f"{os.readlink('/proc/self')} {start_of('self')} {self.boot} .\n"
            self.template.fill(job["view"])
            if GATE_FD in fds and not os.read(fds[GATE_FD], 1):
                os._exit(125)
            fds.pop(GATE_FD, None)
            os.write(fds.pop(PID_FD), who.encode())
            standing.become(
                ["/bin/sh", "-c", supervisor.INIT, "/bin/sh", self.boot, job["name"], *job["argv"]],
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
                self.template = template
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
    starter = Starter()
    try:
        starter.template = namespaces.Template(home)
        starter.template.enter(user_namespace=user_namespace)
        _, status = os.waitpid(starter.launch(probe), 0)
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


def _open(opened: list[int], path: str, flags: int) -> int:
    fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    opened.append(fd)
    return fd
