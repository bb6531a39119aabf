"""Random ``kill -9`` of everything, over thousands of task instances: nothing lost unsaid, nothing run twice.

Real engine processes on a real home. Every task writes a line when its command begins and one when
it ends, so that a second run cannot hide. The seed is printed; ``FASTTRACK_CAMPAIGN_SEED`` repeats one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.errors import EngineUnavailable

KILLS = 160
"""In each mode; two modes make more than 300."""
TASKS = 180
CODES = (0, 0, 0, 3, 0, 7)


def pipeline(number: int, dice: random.Random) -> str:
    """Layers of short tasks, each with a few dependencies; some fail, none stops the others; some may try twice."""
    tasks = []
    for i in range(TASKS):
        layer = i // 20
        upstream = dice.sample(range((layer - 1) * 20, layer * 20), 2) if layer else []
        tasks.append(
            f"- name: t{i}\n"
            f"  dependencies: [{', '.join(f't{u}' for u in upstream)}]\n"
            f"  continue_on_failure: true\n"
            f"  resources: {{cpu: 0.1}}\n"
            f"  retry: {{max_attempts: {1 + i % 2}, delay: 0}}\n"
            f"  command: |\n"
            f'    echo "start $BACKENDAI_SESSION_ID" >> /pipeline/vfroot/lines\n'
            f"    sleep {dice.choice((0, 0.01, 0.05, 0.3))}\n"
            f'    echo "end $BACKENDAI_SESSION_ID" >> /pipeline/vfroot/lines\n'
            f"    exit {CODES[i % len(CODES)]}\n"
        )
    return f"name: campaign {number}\ntasks:\n" + "".join(tasks)


@dataclass
class Killer:
    """Who was killed, and the attempts that this may have cost."""

    home: Path
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    hit: set[str] = field(default_factory=set)
    """Attempts of which a process was killed by us."""

    def strike(self) -> None:
        """Kill one process of a kind chosen by the dice, if there is one."""
        kind = self.dice.choice(("engine", "launcher", "supervisor", "supervisor", "command"))
        victims = list(self._victims(kind))
        if not victims:
            return
        process, attempt = self.dice.choice(victims)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            self.counts[kind] += 1
            if attempt:
                self.hit.add(attempt)

    def _victims(self, kind: str) -> Iterator[tuple[psutil.Process, str]]:
        engine = self.engine()
        if kind == "engine":
            yield from [(engine, "")] if engine else []
            return
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                name = next((word for word in words if word.startswith("ft-")), "")
                if kind == "launcher":
                    if any("launcher.main()" in word for word in words) and process.parent() == engine:
                        yield process, ""
                elif kind == "supervisor" and len(words) > 3 and self._is_ours(name):
                    yield process, name.removeprefix("ft-").split(" ")[0]
                elif kind == "command" and words[:1] == ["sleep"]:
                    session = process.environ().get("BACKENDAI_SESSION_ID", "")
                    if self._is_ours(session):
                        yield process, session.removeprefix("ft-")

    def _is_ours(self, session: str) -> bool:
        """Whether this home has that session: others on this machine are not for us to kill."""
        attempt = session.removeprefix("ft-").split(" ")[0]
        return bool(attempt) and (self.home / "attempts" / attempt).is_dir()

    def engine(self) -> psutil.Process | None:
        """The engine that serves the home now."""
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            return psutil.Process(json.loads((self.home / "engine.json").read_text())["pid"])
        return None


def alive_sessions(home: Path) -> list[psutil.Process]:
    """Every process that carries the marker of a session of ``home``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            attempt = process.environ().get("BACKENDAI_SESSION_ID", "").removeprefix("ft-")
            if attempt and (home / "attempts" / attempt).is_dir() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def run_job(client: Client, killer: Killer, number: int) -> dict[str, Any]:
    """One job from start to end, under fire."""
    text = pipeline(number, killer.dice)
    job = client.run({"text": text, "key": f"campaign-{number}"})
    deadline = time.monotonic() + 180
    while True:
        time.sleep(killer.dice.uniform(0.0, 0.15))
        killer.strike()
        with contextlib.suppress(EngineUnavailable):
            if client.jobs(limit=1)[0]["status"] in ("TERMINATED", "CANCELLED"):
                return client.job(job["id"])
        assert time.monotonic() < deadline, "the job does not end"


def check(client: Client, job: dict[str, Any], killer: Killer) -> Counter[str]:
    """Every promise, attempt by attempt; how they ended."""
    lines = Counter((Path(job["folder_path"]) / ".pipeline" / "lines").read_text().splitlines())
    ends: Counter[str] = Counter()
    assert job["status"] == "TERMINATED"
    assert job["result"] == "SUCCESS", "all tasks have continue_on_failure"
    for attempt in client.attempts(job["id"]):
        starts, finishes = (lines[f"{word} ft-{attempt['id']}"] for word in ("start", "end"))
        expected = CODES[int(attempt["path"][1:]) % len(CODES)]
        assert starts <= 1, f"{attempt['id']} ran {starts} times"
        if attempt["reason"] == "lost":
            assert attempt["id"] in killer.hit, f"{attempt['id']} is lost, and none of its processes was killed"
            assert (attempt["status"], attempt["result"]) == ("ERROR", "FAILURE")
            ends["lost"] += 1
        elif attempt["exit_code"] == expected:
            assert (starts, finishes) == (1, 1), f"{attempt['id']} has its exit code and did not run to its end"
            assert attempt["result"] == ("FAILURE" if expected else "SUCCESS")
            ends["right"] += 1
        else:
            assert attempt["id"] in killer.hit, f"{attempt['id']} ended with {attempt['exit_code']}: {attempt}"
            ends["killed"] += 1
    for task in job["tasks"]:
        assert task["status"] in ("TERMINATED", "ERROR"), task
        assert task["attempts"] >= 1, task
    return ends


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_nothing_is_lost_and_nothing_runs_twice(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill engine, launcher, supervisors and commands at random until enough of them have died."""
    seed = int(os.environ.get("FASTTRACK_CAMPAIGN_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"\nFASTTRACK_CAMPAIGN_SEED={seed} ({mode})")
    home = Path(tempfile.mkdtemp(prefix="ftc"))
    monkeypatch.setenv("FASTTRACK_HOME", str(home))
    monkeypatch.setenv("FASTTRACK_LOCAL_MODE", mode)
    killer = Killer(home, random.Random(seed))
    client = connect(home)
    ends: Counter[str] = Counter()
    number = 0
    while killer.counts.total() < KILLS or number < 6:
        number += 1
        ends += check(client, run_job(client, killer, number), killer)
    assert not alive_sessions(home)
    engine = psutil.Process(client.info()["pid"])
    descriptors = engine.num_fds()
    print(f"{mode}: {number} jobs, {number * TASKS} task instances, kills {dict(killer.counts)}, ends {dict(ends)}")
    assert descriptors < 64, [str(fd.readlink()) for fd in Path(f"/proc/{engine.pid}/fd").iterdir()]
    client.shutdown()
    engine.wait(20)
    shutil.rmtree(home)
