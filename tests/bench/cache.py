"""What reuse costs: a no-op plan of a fully cached pipeline beside ninja's no-op on the same graph, and a job of it.

``python cache.py [TASKS]`` (10,000) measures and prints JSON; run by hand. Engine, store and digests are the
real ones; sessions are played by a backend that writes one small file for each, since what is measured is what happens
when nothing runs. ninja comes from ``PATH`` (``pip install ninja``) and has run each command of the graph once before.

ninja's time is that of its process, which reads the graph and looks at each file. Ours is told thrice: ``plan``, asked
of an engine that is up and has planned the same before; ``edited``, after the text of one task changed; and, with a
real engine and real sessions (``python cache.py TASKS --command``), ``fasttrack plan`` as a whole process, of an engine
that is up (``warm``) and of none (``cold``). Rounds of both are taken in turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from engines import stop
from shapes import Shape, layers

from fasttrack_jupyter.api.client import connect
from fasttrack_jupyter.engine.ambient import LocalBus, SystemClock
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import Decision, JobRequest
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeSecrets

sys.path.append(str(Path(__file__).parents[1] / "engine"))
from disk_backend import DiskBackend

ROUNDS = 5


def main(count: int) -> dict[str, float]:
    """``{plan, tasks_per_s, ninja, ratio, edited, job}``: seconds, and our rate over ninja's."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), count))


def of_command(count: int) -> dict[str, float]:
    """``{warm, cold, ninja, ratio}``: of ``fasttrack plan`` as a process."""
    with tempfile.TemporaryDirectory(prefix="ftb", ignore_cleanup_errors=True) as folder:
        home, pipeline = Path(folder, "home"), Path(folder, "p", "p.yaml")
        pipeline.parent.mkdir()
        pipeline.write_text(_text(_shape(count)))
        environ = {**os.environ, "FASTTRACK_HOME": str(home)}
        command = [str(Path(sys.executable).with_name("fasttrack"))]

        def plan() -> None:
            subprocess.run([*command, "plan", str(pipeline)], env=environ, check=True, stdout=subprocess.DEVNULL)

        subprocess.run([*command, "run", str(pipeline)], env=environ, check=True, stdout=subprocess.DEVNULL)
        ninja = _ninja(Path(folder) / "ninja", _shape(count))
        plan()  # files that were just written are looked at once more
        plan()
        warm, others = _in_turns(plan, ninja)
        cold = []
        for _ in range(3):
            with connect(home) as client:
                stop(client)
            cold.append(_seconds(plan))
        with connect(home) as client:
            stop(client)
    return {
        "tasks": count, "warm": round(warm, 3), "cold": round(median(cold), 3), "ninja": round(others, 4),
        "ratio": round(others / warm, 3),
    }  # fmt: skip


async def _measure(home: Path, count: int) -> dict[str, float]:
    ninja = _ninja(home / "ninja", _shape(count))
    async with _Engine(home) as fasttrack:
        text = _text(_shape(count))
        request = JobRequest(text=text)
        began = time.perf_counter()
        await _run(fasttrack, request)
        first = time.perf_counter() - began
        await fasttrack.plan(request)  # files that were just written are looked at once more
        plans, others, edited, jobs = [], [], [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            view = await fasttrack.plan(request)
            plans.append(time.perf_counter() - began)
            assert all(task.decision is Decision.REUSE for task in view.tasks), view.tasks[0]
            others.append(_seconds(ninja))
        for number in range(3):
            change = JobRequest(text=text.replace("'echo 7'", f"'echo seven {number}'"))
            began = time.perf_counter()
            await fasttrack.plan(change)
            edited.append(time.perf_counter() - began)
            began = time.perf_counter()
            await _run(fasttrack, request)
            jobs.append(time.perf_counter() - began)
    plan, other = median(plans), median(others)
    return {
        "tasks": count, "first": round(first, 2), "plan": round(plan, 4), "tasks_per_s": round(count / plan),
        "ninja": round(other, 4), "ratio": round(other / plan, 3), "edited": round(median(edited), 3),
        "job": round(median(jobs), 3),
    }  # fmt: skip


class _Engine:
    """An engine in this process."""

    def __init__(self, home: Path) -> None:
        self.home = home

    async def __aenter__(self) -> FastTrack:
        store = await SqliteStore.open(self.home / "fasttrack.db")
        backends = {"local": DiskBackend(self.home / "vfolders", _leave)}
        self.fasttrack = FastTrack(
            World(
                str(self.home), store, backends, FakeSecrets(), SystemClock(), LocalBus(), lambda text, to: (text, ())
            )
        )
        await self.fasttrack.open()
        return self.fasttrack

    async def __aexit__(self, *_: object) -> None:
        await self.fasttrack.aclose()


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


def _ninja(folder: Path, shape: Distinct) -> Callable[[], None]:
    """A no-op of ninja, all of whose targets are made."""
    folder.mkdir()
    (folder / "build.ninja").write_text(shape.ninja())

    def run() -> None:
        subprocess.run(["ninja", "-C", str(folder)], check=True, capture_output=True)

    if shutil.which("ninja") is None:
        raise SystemExit("ninja is not there: pip install ninja")
    run()
    return run


def _in_turns(one: Callable[[], None], other: Callable[[], None]) -> tuple[float, float]:
    """Medians of both."""
    taken = [(_seconds(one), _seconds(other)) for _ in range(ROUNDS)]
    return median(first for first, _ in taken), median(second for _, second in taken)


def _seconds(doing: Callable[[], None]) -> float:
    began = time.perf_counter()
    doing()
    return time.perf_counter() - began


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    wanted = int(words[0]) if words else 10_000
    print(json.dumps(of_command(wanted) if "--command" in sys.argv else main(wanted)))
