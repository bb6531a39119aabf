"""One shape through ``make -j2``, and through the engine process as its users have it."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from shapes import Shape

from fasttrack_jupyter.api.client import Client, connect

MODES = {"plain": "plain", "supervised": "folders", "namespaces": "namespaces"}
"""How the bench calls them, and how FASTTRACK_LOCAL_MODE does."""


@dataclass
class Timing:
    """One job: from the request until its end by the engine's own event log."""

    seconds: float
    engine_mb: float
    """Peak memory (VmHWM) of the engine process, so far."""
    engine_cpu: float
    """Seconds of processor time that the engine process used for it."""
    events: int
    asked: list[float] = field(repr=False)
    """When each task's session was asked for, in order."""
    lived: list[float] = field(repr=False)
    """Per task: from the request for its session to its end."""
    modes: set[str] = field(default_factory=set)

    @property
    def steps(self) -> list[float]:
        """Seconds from the request for one session to the next one's: in a chain, all that a step costs."""
        return [late - early for early, late in zip(self.asked, self.asked[1:], strict=False)]


def make_seconds(shape: Shape) -> float:
    """Wall time of the whole ``make -j2``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Makefile").write_text(shape.makefile())
        began = time.perf_counter()
        subprocess.run(["make", "-j2", "-s", "all"], cwd=folder, check=True)
        return time.perf_counter() - began


@contextlib.contextmanager
def engine(mode: str, *, warm_start: bool = False) -> Iterator[Client]:
    """A fresh home with a warm engine in one of MODES; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="ftb"))
    os.environ["FASTTRACK_LOCAL_MODE"] = MODES[mode]
    os.environ["FASTTRACK_LOCAL_WARM_START"] = str(int(warm_start))
    try:
        with connect(home) as client:
            try:
                wait(client, client.run({"text": "name: warm\ntasks: [{name: up, command: 'true'}]\n"})["id"])
                yield client
            finally:
                stop(client)
    finally:
        for name in ("FASTTRACK_LOCAL_MODE", "FASTTRACK_LOCAL_WARM_START"):  # engines may be nested
            os.environ.pop(name, None)
        for folder, _, _ in os.walk(home):
            Path(folder).chmod(0o700)
        shutil.rmtree(home, ignore_errors=True)


def stop(client: Client) -> None:
    """End the engine, and see it gone."""
    pid = client.info()["pid"]
    client.shutdown()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def wait(client: Client, job: str) -> dict[str, Any]:
    """The job's summary once it has ended. Raises TimeoutError after ten minutes."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        found = next(found for found in client.jobs(limit=5) if found["id"] == job)
        if found["ended_at"]:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"job {job} did not end")


def run_job(client: Client, shape: Shape) -> Timing:
    """Run ``shape`` to its end. Raises RuntimeError if it did not succeed."""
    pid, after = client.info()["pid"], client.info()["seq"]
    cpu, began = cpu_seconds(pid), time.time()
    job = client.run({"text": shape.pipeline(), "files": shape.files()})["id"]
    summary = wait(client, job)
    seconds = _epoch(summary["ended_at"]) - began
    if summary["result"] != "SUCCESS":
        failed = [task for task in client.job(job)["tasks"] if task["result"] == "FAILURE"]
        why = "; ".join(f"{task['path']}: {task['reason']} {task['notes']}" for task in failed[:3])
        raise RuntimeError(f"{shape.name} ended in {summary['result']}: {why}")
    return _timing(client, job, after, seconds, pid, cpu_seconds(pid) - cpu)


def _timing(client: Client, job: str, after: int, seconds: float, pid: int, cpu: float) -> Timing:
    asked: dict[str, float] = {}
    ended: dict[str, float] = {}
    events, modes = 0, set()
    while True:
        page = client.events(after, limit=1000, job=job)
        if not page["events"]:
            break
        for event in page["events"]:
            events, after = events + 1, event["seq"]
            if event["type"] == "SessionRequested":
                asked[event["path"]] = _epoch(event["at"])
            elif event["type"] == "SessionEnded":
                ended[event["path"]] = _epoch(event["at"])
            modes |= {event["data"]["mode"]} if event["data"].get("mode") else set()
    lived = [ended[path] - asked[path] for path in ended if path in asked]
    return Timing(seconds, peak_mb(pid), cpu, events, sorted(asked.values()), lived, modes)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process, in MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used (its children excluded)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


def median(values: list[float]) -> float:
    return statistics.median(values)
