"""What reuse costs: a no-op plan of a fully cached pipeline beside ninja's no-op on the same graph, and a job of it.

``python cache.py [TASKS]`` (10,000) measures and prints JSON; run by hand. Engine, store and digests are the
real ones; sessions are played by a backend that writes one small file for each, since what is measured is what happens
when nothing runs. ninja comes from ``PATH`` (``pip install ninja``) and has run each command of the graph once before.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from shapes import Shape, layers

from fasttrack_jupyter.engine.ambient import LocalBus, SystemClock
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import Decision, JobRequest
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeSecrets

sys.path.append(str(Path(__file__).parents[1] / "engine"))
from disk_backend import DiskBackend

ROUNDS = 3


def main(count: int) -> dict[str, float]:
    """``{plan, tasks_per_s, ninja, ratio, job}``: seconds, and our rate over ninja's."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_measure(Path(folder), count))
        if shutil.which("ninja"):
            found["ninja"] = _ninja(Path(folder) / "ninja", _shape(count))
            found["ratio"] = round(found["ninja"] / found["plan"], 3)
    return found


async def _measure(home: Path, count: int) -> dict[str, float]:
    store = await SqliteStore.open(home / "fasttrack.db")
    backend = DiskBackend(home / "vfolders", _leave)
    fasttrack = FastTrack(
        World(
            str(home), store, {"local": backend}, FakeSecrets(), SystemClock(), LocalBus(), lambda text, to: (text, ())
        )
    )
    await fasttrack.open()
    try:
        request = JobRequest(text=_text(_shape(count)))
        began = time.perf_counter()
        await _run(fasttrack, request)
        cold = time.perf_counter() - began
        await fasttrack.plan(request)  # files that were just written are looked at once more
        plans, jobs = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            view = await fasttrack.plan(request)
            plans.append(time.perf_counter() - began)
            assert all(task.decision is Decision.REUSE for task in view.tasks), view.tasks[0]
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await _run(fasttrack, request)
            jobs.append(time.perf_counter() - began)
    finally:
        await fasttrack.aclose()
    plan = median(plans)
    return {
        "tasks": count, "first": round(cold, 2), "plan": round(plan, 3), "tasks_per_s": round(count / plan),
        "job": round(median(jobs), 3),
    }  # fmt: skip


class Distinct(Shape):
    """Tasks that each do something else: of equal ones, one execution would do for all."""

    def command(self, number: int) -> str:
        return f"echo {number}"

    def ninja(self) -> str:
        """As a file for ninja, whose targets are files."""
        lines = ["rule r", "  command = touch $out"]
        for number, upstream in enumerate(self.upstream):
            lines.append(f"build t{number}: r " + " ".join(f"t{other}" for other in upstream))
        return "\n".join(lines) + "\n"


def _shape(count: int) -> Distinct:
    shape = layers(20, count // 20)
    return Distinct(shape.name, shape.upstream)


def _text(shape: Shape) -> str:
    head, *rest = shape.pipeline().splitlines()
    return "\n".join([head, "cache: true", *rest])


async def _run(fasttrack: FastTrack, request: JobRequest) -> None:
    await fasttrack.run(request)
    while not fasttrack.is_idle():
        await asyncio.sleep(0.005)


def _leave(spec: SessionSpec, outputs: Path, inputs: list[Path | None]) -> int:
    (outputs / "out.txt").write_text(spec.path)
    return 0


def _ninja(folder: Path, shape: Distinct) -> float:
    """Seconds of a no-op."""
    folder.mkdir()
    (folder / "build.ninja").write_text(shape.ninja())
    subprocess.run(["ninja", "-C", str(folder)], check=True, capture_output=True)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(["ninja", "-C", str(folder)], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return round(median(taken), 4)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
