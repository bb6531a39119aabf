"""How planning, the machine and the store grow with the size of a job. Each figure in a process of its own.

``python growth.py plan|machine|store COUNT`` measures one and prints it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

from shapes import Shape, layers

SIZES = (1_000, 10_000, 100_000)


def measure(what: str, count: int) -> dict[str, float]:
    """``{seconds, mb, …}`` of a fresh process that does ``what`` with ``count`` tasks."""
    argv = [sys.executable, __file__, what, str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{what} of {count} failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _shape(count: int) -> Shape:
    return layers(20, count // 20)


def plan(count: int) -> dict[str, float]:
    """Parse, validate, build the graph, plan: from the text to what would be done."""
    from fasttrack_jupyter.engine.plan import Question, make_plan
    from fasttrack_jupyter.model.graph import build_graph
    from fasttrack_jupyter.model.reading import read_pipeline

    text = _shape(count).pipeline()
    before = _peak_mb()
    began = time.perf_counter()
    reading = read_pipeline(text)
    assert reading.pipeline is not None, reading.problems[:3]
    read = time.perf_counter()
    planned = make_plan(Question(reading.pipeline, build_graph(reading.pipeline)))
    ended = time.perf_counter()
    assert len(planned) == count
    return {"seconds": ended - began, "read": read - began, "plan": ended - read, "mb": _peak_mb(), "mb_before": before}


def machine(count: int) -> dict[str, float]:
    """Drive the machine through a whole job, with a session that is told of thrice, two at a time."""
    from fasttrack_jupyter.engine.machine import JobMachine
    from fasttrack_jupyter.engine.stimuli import InstanceAdmitted, InstancePlan, JobStarted, Offer, SessionReported
    from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status

    plans = [InstancePlan(f"t{i}", upstream) for i, upstream in enumerate(_shape(count).upstream)]
    began = time.perf_counter()
    job = JobMachine("job", plans)
    ready: deque[str] = deque()
    changes = events = 0

    def tell(event: Any) -> None:
        nonlocal changes, events
        decision = job.handle(event)
        changes, events = changes + len(decision.changes), events + 1
        ready.extend(found.path for found in decision.instructions if isinstance(found, Offer))

    tell(JobStarted(0.0))
    while ready:
        path = ready.popleft()
        tell(InstanceAdmitted(path, 0.0, f"jobs/1/{path}"))
        tell(SessionReported(path, 1, Status.RUNNING, 0.0))
        tell(SessionReported(path, 1, Status.TERMINATED, 0.0, result=Result.SUCCESS, exit_code=0))
    seconds = time.perf_counter() - began
    assert job.status is JobStatus.TERMINATED
    return {"seconds": seconds, "mb": _peak_mb(), "per_second": changes / seconds, "events": events}


def store(count: int) -> dict[str, float]:
    """Create a job and record three moves for every instance, durably, 32 callers at a time."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_store(Path(folder), count))


async def _store(folder: Path, count: int) -> dict[str, float]:
    from fasttrack_jupyter.engine.storing import NewJob
    from fasttrack_jupyter.model.job import Change, new_job_id
    from fasttrack_jupyter.model.lifecycle import Result, Status
    from fasttrack_jupyter.store.sqlite import SqliteStore

    kept = await SqliteStore.open(folder / "bench.db")
    paths = [f"t{number}" for number in range(count)]
    pipeline = await kept.ensure_pipeline("bench", None, 0.0)
    began = time.perf_counter()
    job = new_job_id(began)
    await kept.create_job(NewJob(
        job, "bench", pipeline.folder, "", None, "local", {}, [(path, path) for path in paths], created_at=0.0,
    ))  # fmt: skip
    created = time.perf_counter()

    async def live(some: list[str]) -> None:
        for path in some:
            move = Change(job, path, Status.WAITING, Status.PENDING, "SessionRequested", 1.0, attempt=1)
            await kept.record([move])
            await kept.record([Change(job, path, Status.PENDING, Status.RUNNING, "SessionRunning", 1.0, attempt=1)])
            end = Change(
                job, path, Status.RUNNING, Status.TERMINATED, "SessionEnded", 2.0, attempt=1, result=Result.SUCCESS
            )
            await kept.record([end])

    await asyncio.gather(*(live(paths[number::32]) for number in range(32)))
    seconds = time.perf_counter() - began
    await kept.aclose()
    create = created - began
    return {"seconds": seconds, "create": create, "mb": _peak_mb(), "per_second": 3 * count / (seconds - create)}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    kind, size = sys.argv[1:]
    print(json.dumps({"plan": plan, "machine": machine, "store": store}[kind](int(size))))
