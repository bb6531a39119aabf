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

To it: ``("setup", {mode, home, probe})`` first, then ``("launch", {...})`` (see :meth:`.starting.Starter.launch`), and
for what was gated ``("go", {id})`` or ``("drop", {id})``. From it:
``("ready", "", mode, why not namespaces)``, ``("started", id, host pid, epoch seconds, why not warm)``,
``("busy", id)``, ``("failed", id, errno, words)``, ``("warm", "", what is warm)`` (see :meth:`.warming.Warmth.news`),
``("ended", id, wait status, cpu seconds, peak rss in bytes, processes are left, epoch seconds)``.
"""

from __future__ import annotations

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
    from . import standing, starting, syscalls, warming
else:  # as the launcher, which knows this folder alone
    standing, starting, syscalls, warming = map(__import__, ("standing", "starting", "syscalls", "warming"))

_CHILDREN = "/proc/thread-self/children"
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Launcher:
    """Serves one engine over ``link`` until it goes away."""

    def __init__(self, link: int) -> None:
        self._link = link
        self._input = bytearray()
        self._output: list[tuple[Any, ...]] = []
        self._children: dict[int, tuple[str, str, bool] | None] = {}
        """Supervisors by pid: id, directory, whether it is plain. None: one that never began, whose end is no news."""
        self._own_peak = 0
        self._starter = starting.Starter()
        self._poller = select.poll()
        self._warmth: warming.Warmth | None = None
        self._waiting: dict[str, dict[str, Any]] = {}
        """What a warm interpreter shall start once it may begin: it is ready without being made so."""
        self._unknown: dict[int, tuple[int, resource.struct_rusage]] = {}
        """Children that ended before anybody said whose they were: a warm interpreter is about to."""
        self._adopts = False

    def serve(self) -> None:
        """Work until the engine's end of the link closes."""
        wake = self._wake_on_child()
        self._own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 1024
        self._poller.register(self._link, select.POLLIN)
        self._poller.register(wake, select.POLLIN)
        while True:
            for fd, what in self._poller.poll(self._warmth.patience if self._warmth else None):
                if fd == wake:
                    os.read(wake, 4096)
                elif fd != self._link:
                    self._hear_warm(fd)
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
            mode, why = self._starter.set_up(job["mode"], job["home"], job["probe"])
            if mode != "namespaces":  # there, the end of a session's first process is the end of all
                self._adopts = os.path.exists(_CHILDREN) and syscalls.adopt_orphans()
            self._warmth = warming.Warmth(self._starter, job["home"], self._poller)
            self._output.append(("ready", "", mode, why))
        elif kind == "launch" and "warm" in job:
            self._start_warm(job)
        elif kind == "launch":
            self._start(job)
        elif kind == "go":
            self._let_begin(job["id"])
        else:
            self._drop(job["id"])

    def _start_warm(self, job: dict[str, Any]) -> None:
        assert self._warmth is not None
        if job.get("gated"):
            self._waiting[job["id"]] = {**job, "gated": False}
            return
        why, pid = self._warmth.ask(job)
        if pid:
            self._children[pid] = None
            self._output.extend(self._warmth.news())
        if why:
            self._start(job, why)

    def _hear_warm(self, fd: int) -> None:
        if self._warmth is None or fd not in self._warmth:
            return
        for answer, job in self._warmth.hear(fd):
            if answer[0] == "cold":
                self._start(job, answer[2])
                continue
            self._output.append((*answer, "") if answer[0] == "started" else answer)
            if answer[0] == "started":
                self._children[answer[2]] = (job["id"], job["control"], False)
                if early := self._unknown.pop(answer[2], None):
                    self._end(self._children.pop(answer[2]), *early)
        self._output.extend(self._warmth.news())
        if not self._warmth:
            self._unknown.clear()

    def _start(self, job: dict[str, Any], why_fresh: str = "") -> None:
        """Start a session; ``why_fresh`` if a warm interpreter should have done that."""
        news: tuple[Any, ...]
        try:
            pid = self._starter.launch(job)
        except BlockingIOError:
            news = ("busy", job["id"])
        except OSError as error:
            news = ("failed", job["id"], error.errno or 0, f"{error.strerror}: {error.filename or ''}")
        except ValueError as error:  # a NUL, or what cannot be encoded: nobody could start that
            news = ("failed", job["id"], 0, str(error))
        else:
            self._children[pid] = (job["id"], job["control"], job["mode"] == "plain")
            news = ("started", job["id"], pid, time.time(), why_fresh)
        if not job.get("gated"):
            self._output.append(news)

    def _let_begin(self, session: str) -> None:
        if waiting := self._waiting.pop(session, None):
            self._start_warm(waiting)
            return
        now = time.time()
        try:
            pid, gate, job = self._starter.gates[session]
            with open(f"{job['control']}/lock", "r+b", buffering=0) as lock:
                self._starter.mark(lock.fileno(), job["mode"])
            os.write(gate, b"\n")
        except (KeyError, OSError):  # it could not be made ready, or was killed; or the disk is full
            self._drop(session)
            self._output.append(("busy", session))
        else:
            os.close(self._starter.gates.pop(session)[1])
            self._output.append(("started", session, pid, now, ""))

    def _drop(self, session: str) -> None:
        self._waiting.pop(session, None)
        if gated := self._starter.gates.pop(session, None):
            self._children[gated[0]] = None
            os.close(gated[1])

    def _flush(self) -> None:
        if self._output:
            data = marshal.dumps(self._output)
            self._output = []
            view = memoryview(len(data).to_bytes(4, "little") + data)
            while view:
                view = view[os.write(self._link, view) :]

    def _reap(self) -> None:
        if self._warmth:
            self._warmth.end_hung()
        ended: list[tuple[tuple[str, str, bool], int, resource.struct_rusage]] = []
        pid, has_children = 1, True
        while pid:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                pid, has_children = 0, False
            if pid and self._warmth and pid not in self._children:
                self._unknown[pid] = (status, usage)
            known = self._children.pop(pid, None)
            if known and known[0] in self._starter.gates:
                os.close(self._starter.gates.pop(known[0])[1])  # it never began
            elif known:
                ended.append((known, status, usage))
        for known, status, usage in ended:
            self._end(known, status, usage, has_children=has_children)

    def _end(
        self,
        known: tuple[str, str, bool] | None,
        status: int,
        usage: resource.struct_rusage,
        *,
        has_children: bool = True,
    ) -> None:
        assert known is not None
        session, control, is_plain = known
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


def _write_status(control: str, status: int) -> None:
    """What a supervisor would do."""
    code = os.waitstatus_to_exitcode(status)
    try:
        with open(f"{control}/status", "w") as file:
            file.write(f"{code if code >= 0 else 128 - code} .\n")
    except OSError:
        return  # the disk is full, or the directory gone: the engine finds no exit code and says so


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
