"""Random ``kill -9`` of engine, launcher and supervisor: nothing lost unsaid, nothing run twice, no orphan.

This file is also the engine of the campaign: run as a script it drives a backend over the sessions of a
campaign and notes, as the store would, what it intends and what it hears (one line each, in a file). It is killed
and started again until all sessions have ended. Each session appends its name to a file, so that a second
run of it would be seen.

``SURVIVAL_SESSIONS`` and ``SURVIVAL_SEED`` choose another length and another seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.testing.conformance import FOLDER, session_spec

SESSIONS = int(os.environ.get("SURVIVAL_SESSIONS", "50"))
IN_FLIGHT = 8


def code_of(number: int) -> int:
    """The exit code that session ``number`` ends with."""
    return number % 4


def command_of(number: int) -> str:
    """What session ``number`` does: it says that it runs, takes a while, and leaves a daemon now and then."""
    daemon = "(setsid sleep 300 >/dev/null 2>&1 &)\n" if number % 10 == 0 else ""
    return f"{daemon}echo {number} >> $PIPELINE_VFROOT/ran; sleep 0.{number % 9}; exit {code_of(number)}"


CELL = """\
import os, subprocess, sys, time
number = int(os.environ["NUMBER"])
if number % 10 == 0:
    subprocess.Popen(["setsid", "sleep", "300"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
with open(os.environ["PIPELINE_VFROOT"] + "/ran", "a") as file:
    file.write(f"{number}\\n")
time.sleep(number % 9 / 10)
sys.exit(number % 4)
"""
"""The same as a cell."""


async def cells_of(backend: LocalBackend) -> dict[str, str]:
    """How a session runs the cell."""
    files: dict[str, str | bytes] = {f"n.cells/{name}": data for name, data in travel_files().items()}
    files["n.cells/c.py"] = CELL.encode()
    entry = {"file": "c.py", "label": "cell 1", "kind": "task"}
    files["n.cells/tasks.json"] = json.dumps({"format": 1, "tasks": {"it": {"cells": [entry]}}}).encode()
    return {"command": "python3 n.cells/execute.py it", "code": await backend.put_code(files)}


# ------------------------------------------------------------------ the engine of the campaign


class Journal:
    """What the store would know: by attempt, ``intent``, ``running``, or how it ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ends: dict[str, dict[str, object]] = {}
        self.seen_running: set[str] = set()
        for line in path.read_text().splitlines() if path.exists() else ():
            self._learn(json.loads(line))

    def _learn(self, entry: dict[str, object]) -> None:
        if entry["status"] in ENDED:
            self.ends[str(entry["id"])] = entry
        elif entry["status"] == Status.RUNNING:
            self.seen_running.add(str(entry["id"]))

    def note(self, report: SessionReport) -> None:
        """One line, in one write: it is there whole, or not at all."""
        entry = {"id": report.attempt_id, "status": report.status, "result": report.result, "code": report.exit_code}
        entry |= {"reason": report.reason}
        if report.status is Status.RUNNING or report.status in ENDED:
            with self._path.open("ab", buffering=0) as file:
                file.write(json.dumps(entry).encode() + b"\n")
            self._learn(entry)


async def drive(home: Path, mode: str, count: int) -> None:
    """Run all sessions that the journal does not know the end of, ``IN_FLIGHT`` at a time."""
    journal = Journal(home / "journal")
    free = asyncio.Semaphore(IN_FLIGHT)

    def report(news: SessionReport) -> None:
        known = news.attempt_id in journal.ends
        journal.note(news)
        if news.status in ENDED and not known:
            free.release()

    is_warm = mode.startswith("warm ")
    backend = LocalBackend(LocalSettings(home, mode=mode.removeprefix("warm "), grace=0.2, warm_start=is_warm))
    await backend.open(report)
    await backend.make_folder(FOLDER, "data")
    cells = await cells_of(backend) if is_warm else {}
    for number in range(count):
        command: dict[str, Any] = {"command": command_of(number), "environ": {"NUMBER": str(number)}, **cells}
        spec = session_spec(f"j-{number}-1", **command)
        if spec.attempt_id in journal.ends:
            continue
        await free.acquire()
        if number % 2:  # made ready, and its intent is recorded meanwhile
            backend.foresee(spec)
            await asyncio.sleep(0.02)
        await (backend.adopt if spec.attempt_id in journal.seen_running else backend.submit)(spec)
    for _ in range(IN_FLIGHT):
        await free.acquire()
    await backend.aclose()


# ------------------------------------------------------------------ the killer


class Campaign:
    """One campaign in ``home``."""

    def __init__(self, home: Path, mode: str, seed: int, count: int) -> None:
        self.home, self.mode, self.count = home, mode, count
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.shot: set[str] = set()

    def run(self, seconds: float) -> None:
        """Kill until all sessions have ended, then let it finish."""
        deadline = time.monotonic() + seconds
        while len(Journal(self.home / "journal").ends) < self.count:
            assert time.monotonic() < deadline, f"not over after {seconds} s; {self.kills}"
            engine = self.start()
            try:
                self.harass(engine)
            finally:
                engine.kill()
                engine.wait()
        engine = self.start()
        assert engine.wait(60) == 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start an engine."""
        argv = [sys.executable, __file__, str(self.home), self.mode, str(self.count)]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL)

    def harass(self, engine: subprocess.Popen[bytes]) -> None:
        """Kill launchers and supervisors for a while; returns when the engine's own turn has come."""
        for _ in range(self.chance.randrange(2, 9)):
            try:
                engine.wait(self.chance.uniform(0.01, 1.0 if self.mode.startswith("warm ") else 0.25))
            except subprocess.TimeoutExpired:
                warm = ("warm",) * 2 * self.mode.startswith("warm ")
                self.kill_one(engine, self.chance.choice(("launcher", "launcher", "supervisor", "both", *warm)))
            else:
                assert engine.returncode == 0, "the engine failed by itself"
                return
        self.kills["engine"] += 1

    def kill_one(self, engine: subprocess.Popen[bytes], what: str) -> None:
        """Kill -9, if there is anything to kill."""
        if what in ("launcher", "both"):
            for child in psutil.Process(engine.pid).children():
                child.kill()
                self.kills["launcher"] += 1
        if what in ("supervisor", "both"):
            self.kill_supervisor()
        if what == "warm":
            for process in psutil.Process(engine.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if "fasttrack_warm" in " ".join(process.cmdline()):
                        process.kill()
                        self.kills["warm"] += 1

    def kill_supervisor(self) -> None:
        """Kill the supervisor of some session that has not ended."""
        ends = Journal(self.home / "journal").ends
        pids = [path for path in (self.home / "attempts").glob("j-*/pid") if path.parent.name not in ends]
        if not pids:
            return
        chosen = self.chance.choice(sorted(pids))
        words = chosen.read_text().split()
        if len(words) == 4 and _is_supervisor(int(words[0]), chosen.parent.name):
            self.shot.add(chosen.parent.name)
            self.kills["supervisor"] += 1
            os.kill(int(words[0]), signal.SIGKILL)


def _is_supervisor(pid: int, attempt_id: str) -> bool:
    try:
        return f"ft-{attempt_id}" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def processes_of(home: Path) -> list[str]:
    """Command lines of live processes that belong to a session of ``home``."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FASTTRACK_ATTEMPT", "").startswith(str(home)):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("mode", ["auto", "folders", "warm auto", "warm folders"])
def test_a_campaign_of_kills_loses_nothing_and_repeats_nothing(tmp_path: Path, mode: str) -> None:
    """Every session ran once at most; every exit code is right, or the session is said to be lost."""
    seed = int(os.environ.get("SURVIVAL_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}")
    home = tmp_path / "ft"
    count = SESSIONS // 2 if mode.startswith("warm ") else SESSIONS  # these take longer to begin
    campaign = Campaign(home, mode, seed, count)
    campaign.run(400)
    print(f"{count} sessions, kills: {dict(campaign.kills)}")
    ran = Counter((home / "folders" / FOLDER / ".pipeline/ran").read_text().split())
    ends = Journal(home / "journal").ends
    assert not [number for number, times in ran.items() if times > 1], f"seed {seed}"
    for number in range(count):
        end = ends[f"j-{number}-1"]
        if end["reason"] == "lost":
            assert f"j-{number}-1" in campaign.shot, f"seed {seed}: {number} was lost though nobody shot its supervisor"
            assert end["result"] == Result.FAILURE
        else:
            assert end["code"] == code_of(number), f"seed {seed}: {number} {end}"
            assert ran[str(number)] == 1, f"seed {seed}: {number} did not run"
    assert processes_of(home) == [], f"seed {seed}"


if __name__ == "__main__":
    asyncio.run(drive(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
