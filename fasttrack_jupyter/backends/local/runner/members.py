"""The members of a multi-node session: main1, sub1, sub2 … as processes of this machine.

``members.py main|all COMMAND`` runs as the session's command. ``main``: COMMAND on main1, whose exit code counts;
the others idle until it ends. ``all``: COMMAND on each, every line of output begins with the member's name; the
first that fails ends the others, and its exit code counts. ``FT_MEMBERS`` holds each member's own variables
(JSON, in order). Standard library only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import NoReturn

_GRACE = 10.0
_LONGEST_LINE = 1 << 16
_LOCK_FD = 100


class Member:
    """One process of the session, in a process group of its own."""

    def __init__(self, name: str, argv: list[str], environ: dict[str, str], *, prefixed: bool) -> None:
        self.name = name
        self.code: int | None = None
        self.output: int | None = None
        self._line = b""
        actions: list[tuple[int, ...]] = []
        if prefixed:
            self.output, theirs = os.pipe()
            actions = [(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)]
        self.pid = os.posix_spawn(
            "/bin/sh", argv, environ, file_actions=actions, setpgroup=0, setsigdef=[signal.SIGPIPE]
        )
        if prefixed:
            os.close(theirs)

    def read(self) -> None:
        """Take what it wrote, and pass on whole lines."""
        assert self.output is not None
        data = os.read(self.output, _LONGEST_LINE)
        if not data:
            os.close(self.output)
            self.output = None
        *lines, self._line = (self._line + data).split(b"\n")
        if self._line and (not data or len(self._line) >= _LONGEST_LINE):
            lines, self._line = [*lines, self._line], b""
        if lines:
            name = f"[{self.name}] ".encode()
            _write_all(b"".join(name + line + b"\n" for line in lines))

    def send(self, number: signal.Signals) -> None:
        """Signal its process group."""
        if self.code is None:
            os.killpg(self.pid, number)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def _pump(members: list[Member], seconds: float) -> None:
    """Pass on output for at most ``seconds``, or until there is news."""
    poller = select.poll()
    readers = {member.output: member for member in members if member.output is not None}
    for fd in readers:
        poller.register(fd, select.POLLIN)
    for fd, _ in poller.poll(seconds * 1000):
        readers[fd].read()


def _reap(members: list[Member]) -> None:
    for member in members:
        if member.code is None:
            pid, status = os.waitpid(member.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                member.code = code if code >= 0 else 128 - code


def _finish(members: list[Member], code: int) -> NoReturn:
    """End whoever is left, TERM before KILL, and take over ``code``."""
    deadline = time.monotonic() + _GRACE
    for number in (signal.SIGTERM, signal.SIGKILL):
        for member in members:
            member.send(number)
        while any(member.code is None for member in members) and time.monotonic() < deadline:
            _pump(members, 0.02)
            _reap(members)
        deadline += _GRACE
    for member in members:
        while member.output is not None and select.select([member.output], [], [], 0)[0]:
            member.read()
    sys.exit(code)


def _run_all(members: list[Member]) -> NoReturn:
    while True:
        _pump(members, 0.02)
        _reap(members)
        failed = next((member for member in members if member.code), None)
        if failed is not None:
            os.write(_LOCK_FD, f"member {failed.name}\n".encode())
            _write_all(f"[fasttrack] {failed.name} ended with {failed.code}: the others are ended\n".encode())
            _finish(members, failed.code or 1)
        if all(member.code == 0 for member in members):
            _finish(members, 0)


def main() -> NoReturn:
    """See the module's text."""
    which, command = sys.argv[1:3]
    own = json.loads(os.environ.pop("FT_MEMBERS"))
    names = [variables["BACKENDAI_CLUSTER_HOST"] for variables in own]
    environs = [{**os.environ, **variables} for variables in own]
    run, idle = ["/bin/sh", "-c", command], ["/bin/sh", "-c", "while :; do sleep 3600; done"]
    if which == "all":
        _run_all([Member(name, run, environ, prefixed=True) for name, environ in zip(names, environs, strict=True)])
    first = Member(names[0], run, environs[0], prefixed=False)
    others = [
        Member(name, idle, environ, prefixed=False) for name, environ in zip(names[1:], environs[1:], strict=True)
    ]
    _, status = os.waitpid(first.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    _finish(others, code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
