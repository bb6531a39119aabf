"""The launcher's warm interpreters: one per environment, started when a task first asks for it.

If one dies with something unanswered nobody knows whether that began: the launcher says ``busy`` of it, and the
attempts' directories tell the engine. One that hangs is killed first. Environments whose interpreters die, or cannot
fork safely, are left alone for a while. Standard library only.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

if __package__:
    from . import room, standing, starting, syscalls
else:  # inside the launcher, which knows this folder alone
    room, standing, starting, syscalls = map(__import__, ("room", "standing", "starting", "syscalls"))

MOST = 4
"""Warm interpreters at a time."""
_PATIENCE = 60.0
"""Seconds within which one must answer."""
_LEFT_ALONE = 600.0
"""Seconds for which nobody tries again after one died or could not serve."""
_MAIN = (
    "import sys, types; package = sys.modules['fasttrack_warm'] = types.ModuleType('fasttrack_warm'); "
    "package.__path__ = [sys.argv[1]]; from fasttrack_warm import zygote; zygote.main()"
)
_QUIET = {"OPENBLAS_NUM_THREADS": "1"}
"""What keeps libraries from starting threads as soon as they are imported; forks get as many as they want."""
_DEFAULTS = {"HOME": "/nonexistent", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


class Interpreter:
    """One warm interpreter, and what it was asked."""

    def __init__(self, pid: int, link: socket.socket, warm: dict[str, Any]) -> None:
        self.pid, self.link, self.warm = pid, link, warm
        self.pending: dict[str, tuple[float, dict[str, Any]]] = {}
        self.retired = False
        self.modules: dict[str, None] = {}
        self.used = time.monotonic()
        self._input, self._unsent = bytearray(), bytearray()

    def ask(self, job: dict[str, Any]) -> None:
        """Send a job."""
        self.used = time.monotonic()
        self.pending[job["id"]] = (self.used, job)
        data = marshal.dumps(job, 2)
        self._unsent += len(data).to_bytes(4, "little") + data
        self.write()

    def write(self) -> bool:
        """Send what it takes; whether something is left."""
        with contextlib.suppress(OSError):  # it is busy; or dead, which the other end tells
            while self._unsent:
                del self._unsent[: self.link.send(self._unsent)]
        return bool(self._unsent)

    def answers(self) -> list[tuple[Any, ...]] | None:
        """What it says; None once it is gone."""
        try:
            data = self.link.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self._input += data
        found = []
        while len(self._input) >= 4 and len(self._input) >= 4 + (size := int.from_bytes(self._input[:4], "little")):
            found.append(marshal.loads(bytes(self._input[4 : 4 + size])))
            del self._input[: 4 + size]
        return found if data or found else None


class Warmth:
    """All of them."""

    def __init__(self, starter: starting.Starter, home: str, poller: select.poll) -> None:
        self._starter, self._home, self._poller = starter, home, poller
        self._by_fd: dict[int, Interpreter] = {}
        self._left_alone: dict[str, tuple[float, str]] = {}
        self._told: list[tuple[int, str, str]] = []

    def __contains__(self, fd: int) -> bool:
        return fd in self._by_fd

    def __bool__(self) -> bool:
        """Whether an answer is waited for."""
        return any(one.pending for one in self._by_fd.values())

    @property
    def patience(self) -> int | None:
        """Milliseconds until somebody must be looked at (for ``poll``)."""
        asked = [since for one in self._by_fd.values() for since, _ in one.pending.values()]
        return max(0, int((min(asked) + _PATIENCE - time.monotonic()) * 1000) + 1) if asked else None

    def news(self) -> Iterator[tuple[Any, ...]]:
        """Of each: pid, its Python, what it has imported; if that is not what was told last."""
        live = [one for one in self._by_fd.values() if not one.retired]
        state = [(one.pid, one.warm["python"], ", ".join(one.modules)) for one in live]
        if state != self._told:
            self._told = state
            yield ("warm", "", state)

    def ask(self, job: dict[str, Any]) -> tuple[str, int]:
        """Have ``job`` started warm: why not (or nothing), and the pid of an interpreter that was started for it."""
        key, started = job["warm"]["key"], 0
        until, why = self._left_alone.get(key, (0.0, ""))
        if until > time.monotonic():
            return why, 0
        found = next((one for one in self._by_fd.values() if one.warm["key"] == key and not one.retired), None)
        if found is None:
            try:
                found = self._start(job["warm"])
            except OSError as error:
                why = f"{job['warm']['python']} cannot be started: {error.strerror}"
                self._left_alone[key] = (time.monotonic() + _LEFT_ALONE, why)
                return why, 0
            started = found.pid
        found.ask(job)
        self._listen(found)
        return "", started

    def hear(self, fd: int) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        """What the one at ``fd`` has to say, with the jobs that it is about."""
        one = self._by_fd[fd]
        if (answers := one.answers()) is None:
            yield from self._died(one)
            return
        for answer in answers:
            _, job = one.pending.pop(answer[1])
            if answer[0] == "started":
                one.modules.update(dict.fromkeys(job["warm"]["modules"]))
            elif answer[0] == "cold" and answer[3] is not None:
                one.retired = True
                if answer[3]:
                    self._left_alone[one.warm["key"]] = (time.monotonic() + _LEFT_ALONE, answer[2])
            yield answer, job
        if one.retired and not one.pending:
            self._let_go(one)
        else:
            self._listen(one)

    def end_hung(self) -> None:
        """Kill those that did not answer in time; their end is heard of like any other's."""
        limit = time.monotonic() - _PATIENCE
        for one in self._by_fd.values():
            if any(since < limit for since, _ in one.pending.values()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)

    def _died(self, one: Interpreter) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        self._let_go(one)
        if one.pending:
            self._left_alone[one.warm["key"]] = (time.monotonic() + _LEFT_ALONE, "its warm interpreter ended at once")
        for _, job in one.pending.values():
            yield ("busy", job["id"]), job

    def _let_go(self, one: Interpreter) -> None:
        self._poller.unregister(one.link)
        del self._by_fd[one.link.fileno()]
        one.link.close()

    def _listen(self, one: Interpreter) -> None:
        self._poller.register(one.link, select.POLLIN | (select.POLLOUT if one.write() else 0))

    def _start(self, warm: dict[str, Any]) -> Interpreter:
        idle = sorted((one for one in self._by_fd.values() if not one.pending), key=lambda one: one.used)
        if len(self._by_fd) >= MOST and idle:
            self._let_go(idle[0])
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        mode = "folders" if self._starter.template is None else "mounts"
        is_lent = self._starter.template is not None and self._starter.template.is_in_user_namespace
        argv = [warm["python"], "-c", _MAIN, os.path.dirname(os.path.abspath(__file__))]
        argv += ["lent" if is_lent else mode, self._home, warm["travel"]]
        argv, environ = room.with_room(argv, {**_DEFAULTS, **warm["environ"], **_QUIET})
        actions: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)
        ]
        actions.append((os.POSIX_SPAWN_DUP2, theirs.fileno(), 3))
        try:
            if is_lent:
                syscalls.Rights().lend()
            pid = os.posix_spawn(
                argv[0], argv, environ, file_actions=actions, setsid=True, setsigdef=standing.DEFAULT_SIGNALS
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
            if is_lent:
                syscalls.Rights().keep()
        one = self._by_fd[ours.fileno()] = Interpreter(pid, ours, warm)
        return one
