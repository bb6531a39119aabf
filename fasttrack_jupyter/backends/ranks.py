"""The ranks of a distributed training task: one such process leads those of one node (a container of the session).

``ranks.py COMMAND`` runs as the session's command; ``FT_RANKS`` (JSON, see :class:`Plan`) says the rest. It travels:
standard library only, any Python 3.8 or later. Nodes meet in a folder that all of them see; on one machine a single
process plays them all (it forks)::

    here.N      node N is there; the number in it grows as long as it lives
    go          all were there: ranks begin (written by node 0, main1)
    failed/     made by whoever fails first, so there is one; `why` in it: {"code", "reason"}
    ended.N     the exit code of each rank of node N
    log.N       what node N wrote, where nodes have no log in common: node 0 passes it on
    told        {"reason", "codes"}: how it came out, for the backend

No rank begins before all nodes are there. The first rank that fails ends the others, TERM before KILL, and its code
is the session's. Every line of output begins with the rank that wrote it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, NamedTuple

_GRACE = 10.0
_LONGEST_LINE = 1 << 20
_BEAT = 5.0
_NOT_THERE, _SILENT, _TOLD = 94, 93, 143
"""Exit codes of a session whose nodes were not all there, one of whose nodes fell silent, that was told to end."""


class Plan(NamedTuple):
    """What the ranks of a session are told by the backend."""

    folder: str
    nodes: list[str]
    """Hostnames, main1 first."""
    processes: int
    """Ranks of each node."""
    within: float
    """Seconds until all nodes must be there."""
    address: str
    port: int
    """0: any that is free (where one process plays all nodes)."""
    run: str
    members: list[dict[str, str]] | None = None
    """Each node's own variables, where one process plays all of them."""
    poll: float = 1.0
    """Seconds between looks into the folder."""
    silence: float = 120.0
    """Seconds after which a node that is not heard of is given up."""

    @property
    def is_alone(self) -> bool:
        """Whether one machine, whose processes somebody else ends as well, plays all nodes."""
        return self.members is not None

    def variables(self, node: int, local: int) -> dict[str, str]:
        """Of one rank: those of ``torchrun``."""
        size = len(self.nodes) * self.processes
        rank = str(node * self.processes + local)
        return {
            "MASTER_ADDR": self.address, "MASTER_PORT": str(self.port), "WORLD_SIZE": str(size), "RANK": rank,
            "LOCAL_RANK": str(local), "LOCAL_WORLD_SIZE": str(self.processes), "NODE_RANK": str(node),
            "GROUP_RANK": str(node), "GROUP_WORLD_SIZE": str(len(self.nodes)), "ROLE_NAME": "default",
            "ROLE_RANK": rank, "ROLE_WORLD_SIZE": str(size), "TORCHELASTIC_RESTART_COUNT": "0",
            "TORCHELASTIC_MAX_RESTARTS": "0", "TORCHELASTIC_RUN_ID": self.run,
        }  # fmt: skip


class Rank:
    """One process of the training, in a process group of its own."""

    def __init__(self, number: int, command: str, environ: dict[str, str]) -> None:
        self.number = number
        self.code: int | None = None
        self._line = b""
        reading, theirs = os.pipe()
        self.output: int | None = reading
        actions = [(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)]
        self.pid = os.posix_spawn(
            "/bin/sh", ["/bin/sh", "-c", command], environ, file_actions=actions, setpgroup=0,
            setsigdef=[signal.SIGPIPE, signal.SIGTERM],
        )  # fmt: skip
        os.close(theirs)

    def read(self) -> None:
        """Take what it wrote, and pass on whole lines."""
        assert self.output is not None
        data = os.read(self.output, 1 << 16)
        if not data:
            os.close(self.output)
            self.output = None
        *lines, self._line = (self._line + data).split(b"\n")
        if self._line and (not data or len(self._line) >= _LONGEST_LINE):
            lines, self._line = [*lines, self._line], b""
        if lines:
            name = f"[rank {self.number}] ".encode()
            write_all(b"".join(name + line + b"\n" for line in lines))

    def reap(self) -> None:
        """See whether it has ended."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)

    def send(self, number: signal.Signals) -> None:
        """Signal its process group, as long as it lives."""
        if self.code is None:
            os.killpg(self.pid, number)


class Node:
    """The ranks of one node, from their gathering to their end."""

    def __init__(self, plan: Plan, number: int, command: str, forked: dict[int, int]) -> None:
        self._plan, self._number, self._command = plan, number, command
        self._forked = forked
        """Node by pid, of those that this process plays besides its own."""
        self._ranks: list[Rank] = []
        self._is_told = False
        self._pause = 0.02 if plan.is_alone else 0.2
        self._looked = self._beaten = 0.0
        self._beats = 0
        self._heard: dict[int, tuple[str, float]] = {}
        self._given_up: set[int] = set()
        """Nodes that tell nothing any more."""
        self._passed_on: dict[int, int] = {}
        signal.signal(signal.SIGTERM, self._told_to_end)

    def run(self) -> int:
        """Everything; the session's exit code on node 0."""
        self._beat()
        if self._gather():
            self._start()
        while not self._has_failed() and any(rank.code is None for rank in self._ranks):
            self._turn()
            for rank in self._ranks:
                if rank.code:
                    self._fail(f"rank {rank.number} ({self._name()}): {words_of(rank.code)}", rank.code)
                    break
        self._end_ranks()
        self._write(f"ended.{self._number}", {rank.number: rank.code for rank in self._ranks})
        return self._conclude() if self._number == 0 else 0

    # ------------------------------------------------------------------ beginning

    def _gather(self) -> bool:
        """Wait until all nodes are there; False if somebody has failed."""
        deadline = time.monotonic() + self._plan.within + (0.0 if self._number == 0 else self._plan.silence)
        while not self._has_failed():
            if self._number and self._is_there("go"):
                return True
            absent = [i for i in range(len(self._plan.nodes)) if not self._is_there(f"here.{i}")]
            if self._number == 0 and not absent:
                self._write("go", self._plan.port)
                return True
            if time.monotonic() >= deadline:
                self._given_up.update(absent)
                self._fail(self._not_there([self._plan.nodes[i] for i in absent]), _NOT_THERE)
            self._turn()
        return False

    def _not_there(self, absent: list[str]) -> str:
        within, size = f"{self._plan.within:g} s", len(self._plan.nodes)
        if self._number:
            return f"{self._name()} heard nothing of {self._plan.nodes[0]} in time"
        were = "was" if len(absent) == 1 else "were"
        return f"no rank began: within {within}, of its {size} containers {', '.join(absent)} {were} not there"

    def _start(self) -> None:
        own = self._plan.members[self._number] if self._plan.members else {}
        for local in range(self._plan.processes):
            environ = {**os.environ, **own, **self._plan.variables(self._number, local)}
            self._ranks.append(Rank(self._number * self._plan.processes + local, self._command, environ))

    # ------------------------------------------------------------------ going on

    def _turn(self) -> None:
        """Pass on output for a moment, and see what is new."""
        readers = {rank.output: rank for rank in self._ranks if rank.output is not None}
        if readers:
            poller = select.poll()
            for fd in readers:
                poller.register(fd, select.POLLIN)
            for fd, _ in poller.poll(self._pause * 1000):
                readers[fd].read()
        else:
            time.sleep(self._pause)
        for rank in self._ranks:
            rank.reap()
        if time.monotonic() - self._looked >= self._plan.poll:
            self._looked = time.monotonic()
            self._beat()
            if self._number == 0:
                self._listen()

    def _beat(self) -> None:
        if not self._beats or time.monotonic() - self._beaten >= _BEAT:
            self._beats, self._beaten = self._beats + 1, time.monotonic()
            self._write(f"here.{self._number}", self._beats)

    def _listen(self) -> None:
        """Pass on what the others wrote; give up who is gone, or silent."""
        for number in range(1, len(self._plan.nodes)):
            if not self._plan.is_alone:
                self._pass_on(number)
            if self._is_there(f"ended.{number}") or not self._is_there(f"here.{number}"):
                continue  # who was never there is waited for by all together
            beat, at = self._heard.get(number, ("", 0.0))
            now = time.monotonic()
            if (said := str(self._read(f"here.{number}"))) != beat:
                self._heard[number] = (said, now)
            elif at and now - at > self._plan.silence:
                self._given_up.add(number)
                self._fail(f"{self._plan.nodes[number]} was not heard of for {self._plan.silence:g} s", _SILENT)
        for pid, number in list(self._forked.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._forked[pid]
                if not self._is_there(f"ended.{number}"):
                    self._given_up.add(number)
                    self._fail(f"{self._plan.nodes[number]} was killed", _SILENT)

    def _pass_on(self, number: int) -> None:
        """The whole lines that another node wrote since the last time."""
        try:
            with open(f"{self._plan.folder}/log.{number}", "rb") as file:
                file.seek(self._passed_on.get(number, 0))
                lines, _, _ = file.read().rpartition(b"\n")
        except OSError:
            return
        if lines:
            self._passed_on[number] = self._passed_on.get(number, 0) + len(lines) + 1
            write_all(lines + b"\n")

    # ------------------------------------------------------------------ ending

    def _told_to_end(self, number: int, frame: object) -> None:
        self._is_told = True
        if not self._plan.is_alone:
            self._fail("it was told to end", _TOLD)

    def _fail(self, reason: str, code: int) -> None:
        """Somebody fails; only the first is heard."""
        try:
            os.mkdir(f"{self._plan.folder}/failed")
        except FileExistsError:
            return
        code = code if code >= 0 else 128 - code
        self._write("failed/why", {"code": code, "reason": reason})
        write_all(f"[fasttrack] {reason}: the others are ended\n".encode())

    def _has_failed(self) -> bool:
        return self._is_told or self._is_there("failed")

    def _end_ranks(self) -> None:
        """End whoever is left, TERM before KILL, and read to the end."""
        is_ended_by_others = self._is_told and self._plan.is_alone
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not is_ended_by_others or number is signal.SIGKILL:
                for rank in self._ranks:
                    rank.send(number)
            deadline = time.monotonic() + _GRACE
            while any(rank.code is None for rank in self._ranks) and time.monotonic() < deadline:
                self._turn()
        for rank in self._ranks:
            while rank.output is not None and select.select([rank.output], [], [], 0)[0]:
                rank.read()

    def _conclude(self) -> int:
        """Wait for the other nodes, and tell how it came out."""
        others, deadline = range(1, len(self._plan.nodes)), 0.0
        while not all(number in self._given_up or self._is_there(f"ended.{number}") for number in others):
            if self._has_failed():
                deadline = deadline or time.monotonic() + 2 * _GRACE + 3 * self._plan.poll
                if time.monotonic() > deadline:
                    break
            self._turn()
        self._listen()
        codes: dict[str, Any] = {}
        for number in range(len(self._plan.nodes)):
            codes.update(self._read(f"ended.{number}") or {})
        why = self._read("failed/why") if self._is_there("failed") else None
        found = [codes.get(str(rank)) for rank in range(len(self._plan.nodes) * self._plan.processes)]
        if why is None and (self._is_there("failed") or any(found)):  # who failed died before it could say why
            bad = next(((rank, code) for rank, code in enumerate(found) if code), None)
            reason = f"rank {bad[0]}: exit {bad[1]}" if bad else "a container failed, and ended before it said why"
            why = {"reason": reason, "code": bad[1] if bad and 0 < bad[1] < 256 else 1}
        self._write("told", {"reason": why["reason"] if why else "", "codes": found})
        return int(why["code"]) if why else (_TOLD if self._is_told else 0)

    # ------------------------------------------------------------------ the folder

    def _name(self) -> str:
        return self._plan.nodes[self._number]

    def _is_there(self, name: str) -> bool:
        return os.path.exists(f"{self._plan.folder}/{name}")

    def _write(self, name: str, what: object) -> None:
        """Under its name it is whole."""
        draft = f"{self._plan.folder}/.{self._number}.{name.replace('/', '.')}"
        with open(draft, "w") as file:
            json.dump(what, file)
        os.replace(draft, f"{self._plan.folder}/{name}")

    def _read(self, name: str) -> Any:
        try:
            with open(f"{self._plan.folder}/{name}") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None


def words_of(code: int) -> str:
    """``exit 3``, ``killed by SIGKILL``."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def write_all(data: bytes) -> None:
    """To the log, all of it."""
    while data:
        data = data[os.write(1, data) :]


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """See the module's text."""
    plan = Plan(**json.loads(os.environ.pop("FT_RANKS")))
    os.makedirs(plan.folder, exist_ok=True)
    if not plan.port:
        plan = plan._replace(port=free_port())
    number = 0
    forked: dict[int, int] = {}
    if plan.is_alone:
        for other in range(1, len(plan.nodes)):
            pid = os.fork()
            if pid == 0:
                number, forked = other, {}
                break
            forked[pid] = other
    else:
        number = plan.nodes.index(os.environ["BACKENDAI_CLUSTER_HOST"])
        if number:
            log = os.open(f"{plan.folder}/log.{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
    code = Node(plan, number, sys.argv[1], forked).run()
    for pid in forked:
        os.waitpid(pid, 0)
    return code


if __name__ == "__main__":
    sys.exit(main())
