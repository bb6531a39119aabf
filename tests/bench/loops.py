"""What loops cost, and how well slots are filled.

    python tests/bench/loops.py                    10,000 iterations, in the machine and in an engine; makespans
    python tests/bench/loops.py --items 1000       fewer
    python tests/bench/loops.py --only machine     machine | engine | makespan (repeatable)

The reference of a loop is the same number of plain tasks, by turns in the same minutes. The reference of a makespan
is what no schedule can beat: the longest chain of the graph, or all its work over all slots, whichever is longer. There
the engine, its store and its line for slots are the real ones; the clock is set by hand and sessions take what was
drawn for them. A pipeline's first job knows nothing of its tasks, the second how long each took. Trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from engines import engine, peak_mb, wait

from fasttrack_jupyter.engine.ambient import LocalBus
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.machine import JobMachine
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.stimuli import (
    Event,
    InstanceAdmitted,
    InstanceDecided,
    InstancePlan,
    JobStarted,
    SessionReported,
    Verdict,
    VerdictKind,
)
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.testing.fakes import FakeBackend, FakeClock, FakeSecrets

PARTS = ("machine", "engine", "makespan")
TURNS = 3
SLOTS = (2, 8, 64)
GRAPHS = 6
TASKS = 240

# ------------------------------------------------------------------ the machine alone


class OneLoop:
    """Knows what is inside of ``each``: as many iterations as there are items."""

    def expand(self, path: str, data: Mapping[str, Any]) -> Sequence[InstancePlan]:
        """The iterations."""
        return [InstancePlan(f"{path}[{i}]", parent=0) for i in range(len(data["items"]))]

    def collect(self, path: str) -> Mapping[str, Any]:
        """Nothing."""
        return {}


def in_machine(plans: Sequence[InstancePlan], first: Sequence[Event], paths: Sequence[str]) -> float:
    """Events per second of a job of ``true``: begun, running, ended, each."""
    machine = JobMachine("j", plans, growth=OneLoop())
    events = list(first)
    for path in paths:
        events += [
            InstanceAdmitted(path, 1.0, path),
            SessionReported(path, 1, Status.RUNNING, 2.0),
            SessionReported(path, 1, Status.TERMINATED, 3.0, Result.SUCCESS, 0),
        ]
    began = time.perf_counter()
    for event in events:
        machine.handle(event)
    taken = time.perf_counter() - began
    assert machine.status is JobStatus.TERMINATED
    return len(events) / taken


def measure_machine(count: int) -> dict[str, float]:
    """Events per second of a loop, of one with ``max_parallel``, and of as many plain tasks."""
    opened = InstanceDecided("each", 0.5, Verdict(VerdictKind.EXPAND, data={"items": list(range(count))}))
    names, paths = [f"t{i}" for i in range(count)], [f"each[{i}]" for i in range(count)]
    plain, free, held = [], [], []
    for _ in range(TURNS):
        plain.append(in_machine([InstancePlan(name) for name in names], [JobStarted(0.0)], names))
        for rates, limit in ((free, None), (held, 4)):
            loop = [InstancePlan("each", is_considered=True, is_loop=True, at_once=limit)]
            rates.append(in_machine(loop, [JobStarted(0.0), opened], paths))
    return {
        "plain events/s": round(median(plain)), "loop events/s": round(median(free)),
        "4 at a time events/s": round(median(held)), "loop × plain": round(median(free) / median(plain), 2),
    }  # fmt: skip


# ------------------------------------------------------------------ a real engine


def measure_engine(count: int) -> dict[str, float]:
    """Seconds of a job of ``true`` in a real engine: as plain tasks, as iterations, and as plain tasks again."""
    head = "resources: {cpu: 1, mem: 16m}\ntasks:\n"
    tasks = "".join(f"- {{name: t{i}, command: 'true'}}\n" for i in range(count))
    each = f"- {{name: each, for_each: {{item: {list(range(count))}}}, command: 'true'}}\n"
    found: dict[str, float] = {}
    with engine("supervised") as client:
        for name, text in (("plain", tasks), ("loop", each), ("plain again", tasks)):
            began = time.perf_counter()
            summary = wait(client, client.run({"text": f"name: {name}\n{head}{text}"})["id"])
            found[f"{name} s"] = round(time.perf_counter() - began, 2)
            assert summary["result"] == "SUCCESS", summary
        found["engine MB"] = round(peak_mb(client.info()["pid"]))
    reference = (found["plain s"] + found["plain again s"]) / 2
    return found | {"loop × plain": round(reference / found["loop s"], 2)}


# ------------------------------------------------------------------ makespans


def random_graph(seed: int) -> tuple[TaskGraph, list[float]]:
    """A graph and how long its tasks take: a few long ones among many short, as in life."""
    dice = random.Random(seed)
    reach = dice.choice([8, 30, TASKS])
    upstream: list[tuple[int, ...]] = []
    for task in range(TASKS):
        near = range(max(task - reach, 0), task)
        upstream.append(tuple(sorted(dice.sample(near, min(len(near), dice.randint(0, 3))))))
    seconds = [round(dice.lognormvariate(3.0, 1.0), 1) + 1.0 for _ in range(TASKS)]
    return TaskGraph(tuple(f"t{task}" for task in range(TASKS)), upstream), seconds


def bound(graph: TaskGraph, seconds: Sequence[float], slots: int) -> float:
    """No schedule is shorter: the longest chain, and all work over all slots."""
    return max(max(graph.priorities(seconds)), sum(seconds) / slots)


async def makespans(graph: TaskGraph, seconds: Sequence[float], slots: int, home: Path) -> list[float]:
    """Of two jobs one after the other, the second of which knows how long the tasks took."""
    clock = FakeClock()
    backend = FakeBackend(lambda spec: None, capacity=ResourceSlots.parse({"cpu": slots}), now=clock.now)
    store = await SqliteStore.open(home / "fasttrack.db")
    world = World(str(home), store, {"local": backend}, FakeSecrets(), clock, LocalBus(), lambda text, to: (text, ()))
    fasttrack = FastTrack(world)
    await fasttrack.open()
    tasks = [
        {"name": name, "command": "true", "resources": {"cpu": 1}, "dependencies": [graph.names[i] for i in needed]}
        for name, needed in zip(graph.names, graph.upstream, strict=True)
    ]
    try:
        found = []
        for _ in range(2):
            began = clock.at
            await fasttrack.run(JobRequest(text=json.dumps({"name": "graph", "tasks": tasks})))
            await play(graph, seconds, slots, backend, clock, fasttrack._runner.settled)
            await until(fasttrack.is_idle)
            found.append(clock.at - began)
        return found
    finally:
        await fasttrack.aclose()


async def play(
    graph: TaskGraph,
    seconds: Sequence[float],
    slots: int,
    backend: FakeBackend,
    clock: FakeClock,
    settle: Callable[[], Awaitable[None]],
) -> None:
    """Let sessions end when their time has come; before the clock moves on, every slot is filled that can be.

    And what was decided is on the disk: tasks take seconds, a commit takes milliseconds.
    """
    missing = [len(needed) for needed in graph.upstream]
    ready, ended, seen = missing.count(0), 0, len(backend.started)
    running: list[tuple[float, str, int]] = []
    while ended < len(missing):
        expected = seen + min(ready, slots - len(running))
        await until(lambda expected=expected: len(backend.started) >= expected)  # type: ignore[misc]
        for spec in backend.started[seen:]:
            task = graph.index[spec.path]
            heapq.heappush(running, (clock.at + seconds[task], spec.attempt_id, task))
            ready -= 1
        assert ready >= 0
        assert len(running) <= slots
        seen = len(backend.started)
        await settle()
        clock.at, attempt, task = heapq.heappop(running)
        backend.end(attempt)
        ended += 1
        for other in graph.downstream[task]:
            missing[other] -= 1
            ready += not missing[other]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it. Raises TimeoutError after 30 s: then a slot stays empty that could be filled."""
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("a slot stays empty while a task is ready")
        await asyncio.sleep(0)


def measure_makespan() -> dict[str, float]:
    """How far above the bound, for each number of slots: median and worst, without and with known durations."""
    found: dict[str, float] = {}
    for slots in SLOTS:
        above: list[list[float]] = []
        for seed in range(GRAPHS):
            graph, seconds = random_graph(seed)
            with tempfile.TemporaryDirectory() as home:
                spans = asyncio.run(makespans(graph, seconds, slots, Path(home)))
            above.append([span / bound(graph, seconds, slots) for span in spans])
        for column, known in enumerate(("unknown", "known")):
            values = [row[column] for row in above]
            found[f"{slots} slots, {known}: median ×"] = round(median(values), 3)
            found[f"{slots} slots, {known}: worst ×"] = round(max(values), 3)
    return found


def main() -> None:
    """Measure what was asked for, and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--only", action="append", choices=PARTS)
    options = parser.parse_args()
    measures: dict[str, Callable[[], dict[str, float]]] = {
        "machine": lambda: measure_machine(options.items),
        "engine": lambda: measure_engine(options.items),
        "makespan": measure_makespan,
    }
    for part in options.only or PARTS:
        print(json.dumps({part: measures[part]()}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
