"""A warm interpreter ("zygote"): it has imported what cells import, and forks a session whenever it is told to.

It is started by the launcher as an interpreter of the image's environment, and inherits the launcher's view of the
machine. Each request on its link is a job as the launcher itself gets it. It takes the attempt's lock, clones, and
what comes out does what a session's first process does (mounts, ``pid``) and goes on as the supervisor: it forks once
more, the child runs the cells, and its exit code is written to ``status``. The clone has ``CLONE_PARENT``: it is a
child of the launcher, as every supervisor is, so that nothing of a session depends on this process, which may be
killed at any moment.

A fork copies one thread and all locks. So it serves as long as it has one thread; whatever would make it unlike a
fresh interpreter (a second thread, a module that holds a device, an import that says something, an environment
that has changed) ends its service: it answers ``cold`` with the reason, and the launcher starts a fresh one.
It ends with the launcher, or when nothing was asked of it for some minutes.

Requests: ``{job}``, marshalled. Answers: ``("started", id, host pid, epoch seconds)``, ``("busy", id)``,
``("failed", id, errno, words)``, ``("cold", id, why, whether that stays so)``: True for every interpreter like this,
False for this one, None for this job alone.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import importlib
import importlib.util
import marshal
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

from . import namespaces, room, starting, syscalls, warm_cells

IDLE = 300.0
"""Seconds without a request after which it ends."""
_TOLD = 300
"""Characters of what an import says that are passed on."""
_HOLDS_DEVICES = ("torch", "jax", "jaxlib", "tensorflow", "cupy", "numba.cuda", "mxnet")
_SHELL_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""What a supervisor outlives."""


class Unlike(Exception):
    """This interpreter is not, or no longer, like a fresh one."""

    def __init__(self, why: str, *, stays: bool | None = True) -> None:
        super().__init__(why)
        self.stays = stays


class Zygote(starting.Starter):
    """Serves one launcher over ``link`` until that goes away. ``travel`` is the folder of what runs cells."""

    def __init__(self, link: socket.socket, mode: str, home: str, travel: str) -> None:
        super().__init__()
        self._link = link
        self._kernel = syscalls.Kernel()
        self._room = room.Room()
        self._is_lent = mode == "lent"
        self.template = namespaces.Template(home) if mode != "folders" else None
        self._said = os.memfd_create("said")
        os.dup2(self._said, 1)
        os.dup2(self._said, 2)
        self._loaded: set[str] = set()
        self._cells = warm_cells.WarmCells(travel)
        self._seen: dict[str, tuple[int, ...]] = dict.fromkeys(
            (sys.executable, f"{sys.prefix}/pyvenv.cfg", *sys.path), ()
        )
        self._settle()

    # ------------------------------------------------------------ requests

    def serve(self) -> None:
        """Work until the launcher's end of the link closes, or nobody asks for anything."""
        received, poller = bytearray(), select.poll()
        poller.register(self._link, select.POLLIN)
        while news := poller.poll(IDLE * 1000):
            if news[0][1] & (select.POLLHUP | select.POLLERR):
                return  # what was asked for is the next launcher's to start
            received += self._link.recv(1 << 18)
            while len(received) >= 4 and len(received) >= 4 + (size := int.from_bytes(received[:4], "little")):
                job = marshal.loads(bytes(received[4 : 4 + size]))
                del received[: 4 + size]
                data = marshal.dumps(self._answer(job), 2)
                self._link.sendall(len(data).to_bytes(4, "little") + data)

    def _answer(self, job: dict[str, Any]) -> tuple[Any, ...]:
        try:
            self._be_ready(job["warm"]["modules"])
            self._see_that_nothing_is_hidden(job["warm"]["own"])
            return ("started", job["id"], self.launch(job), time.time())
        except Unlike as why:
            return ("cold", job["id"], str(why), why.stays)
        except BlockingIOError:
            return ("busy", job["id"])
        except OSError as error:
            return ("failed", job["id"], error.errno or 0, f"{error.strerror}: {error.filename or ''}")
        except ValueError as error:
            return ("failed", job["id"], 0, str(error))

    def _be_ready(self, modules: Sequence[str]) -> None:
        """Import what is not there yet; see that a fork is safe. Raises Unlike."""
        if any(_mark_of(path) != mark for path, mark in self._seen.items()):
            raise Unlike("its environment has changed", stays=False)
        if new := [name for name in modules if name not in self._loaded]:
            for name in new:
                self._load(name)
            self._settle()
        threads = len(os.listdir("/proc/self/task"))
        if threads != 1:
            raise Unlike(f"{', '.join(sorted(self._loaded))} started {threads - 1} threads")

    @staticmethod
    def _see_that_nothing_is_hidden(own: Sequence[str]) -> None:
        """Raises Unlike if a fresh interpreter would import the task's ``own`` module where this one has another."""
        if hiding := next((name for name in own if name in sys.modules), None):
            raise Unlike(f"{hiding} in its code hides the module of that name", stays=None)

    def _load(self, name: str) -> None:
        self._loaded.add(name)
        top = name.partition(".")[0]
        try:
            if importlib.util.find_spec(top) is None:
                return  # the cell will say so
            importlib.import_module(name)
        except Exception as error:
            raise Unlike(f"importing {name} failed: {type(error).__name__}: {error}") from error
        sys.stdout.flush()
        sys.stderr.flush()
        if os.fstat(self._said).st_size:
            raise Unlike(f"importing {name} says: {os.pread(self._said, _TOLD, 0).decode('utf-8', 'replace')}")
        if holder := next((holder for holder in _HOLDS_DEVICES if holder in sys.modules), None):
            raise Unlike(f"{name} imports {holder}")
        if (path := getattr(sys.modules[top], "__file__", None)) is not None:
            self._seen[path] = ()

    def _settle(self) -> None:
        """What is imported now is what forks begin with."""
        self._seen = {path: _mark_of(path) for path in self._seen}  # to import may compile, which changes a folder
        self._cells.prepare()
        gc.collect()
        gc.freeze()  # what stands now is nobody's garbage; to look at it would copy it

    # ------------------------------------------------------------ sessions

    def launch(self, job: dict[str, Any]) -> int:
        """See :meth:`starting.Starter.launch`; whoever began already is never started again, however late this is."""
        try:
            with open(f"{job['control']}/pid", "rb") as file:
                if file.read(256).endswith(b" .\n"):
                    raise BlockingIOError(errno.EAGAIN, "it has begun", job["control"])
        except FileNotFoundError:
            pass  # as it should be
        return super().launch(job)

    def _spawn(self, job: dict[str, Any], fds: dict[int, int]) -> int:
        if job["view"] is None:
            pid = self._kernel.clone(syscalls.CLONE_PARENT)
        else:
            assert self.template is not None
            pid = self.template.clone(syscalls.CLONE_PARENT)
        if pid:
            return pid
        has_begun = False
        try:
            who = self._stand(job, fds)
            has_begun = True
            self._supervise(job, fds, who)
        except BaseException as error:  # whatever it is, it must not go on as a second zygote
            if not has_begun:
                with open(f"{job['control']}/failed", "w") as file:
                    file.write(f"{error}")
        finally:
            os._exit(125)

    def _stand(self, job: dict[str, Any], fds: dict[int, int]) -> str:
        """Be a session's first process, up to the moment before it says so; who it is."""
        self._link.close()
        os.setsid()
        who = f"{os.readlink('/proc/self')} {starting.start_of('self')} {self.boot} .\n"
        if job["view"] is None:
            os.chdir(job["cwd"])
        else:
            assert self.template is not None
            self.template.fill(job["view"])
        if self._is_lent:
            syscalls.Rights().drop()
        for number in _SHELL_SIGNALS:
            signal.signal(number, lambda *_: None)
        os.close(self._said)
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(null, 0)
        os.close(null)
        for target, fd in ((1, fds[1]), (2, fds[1]), (starting.LOCK_FD, fds[starting.LOCK_FD])):
            os.dup2(fd, target)
        self._room.be_called([job["name"], *job["argv"]])
        self._room.show(job["environ"])
        return who

    def _supervise(self, job: dict[str, Any], fds: dict[int, int], who: str) -> None:
        """What the shell does otherwise; see :mod:`.supervisor`."""
        _insist(fds[starting.PID_FD], who)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SHELL_SIGNALS)  # what the child hears now it shall not take as we do
        try:
            child = os.fork()
        except OSError as error:
            os.write(2, f"fasttrack: {error}\n".encode())
            code = 2
        else:
            if child == 0:
                for fd in fds.values():
                    os.close(fd)
                for number in _SHELL_SIGNALS:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _SHELL_SIGNALS)
                self._room.be_called(job["argv"])
                self._cells.run(job["argv"], job["environ"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SHELL_SIGNALS)
            code = _code_of(child)
        _insist(fds[starting.STATUS_FD], f"{code} .\n")
        os._exit(code)


def _mark_of(path: str) -> tuple[int, ...]:
    """What changes when the file or folder is another one, or changed."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _insist(fd: int, text: str) -> None:
    """A full disk makes a supervisor wait, not lose what it has to say."""
    while True:
        try:
            os.write(fd, text.encode())
            return
        except OSError:
            time.sleep(1)


def _code_of(child: int) -> int:
    """Wait for ``child``, and for whoever has no other parent; its exit code as a shell tells it."""
    pid, status = os.wait()
    while pid != child:
        pid, status = os.wait()
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = os.WTERMSIG(status)
    if number not in (signal.SIGINT, signal.SIGPIPE):
        dumped = " (core dumped)" if os.WCOREDUMP(status) else ""
        os.write(2, f"{signal.strsignal(number)}{dumped}\n".encode())
    return 128 + number


def main() -> None:
    """Serve the link that was inherited as descriptor 3; then: how mounts are to be had, the home, what runs cells."""
    mode, home, travel = sys.argv[2:5]
    fcntl.fcntl(3, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    link = socket.socket(fileno=fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 64))
    os.close(3)
    sys.path[:] = [path for path in sys.path if path]
    zygote = Zygote(link, mode, home, travel)
    zygote.serve()
