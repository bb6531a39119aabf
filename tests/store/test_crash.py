"""``kill -9`` of a writing process at random moments: what was acknowledged is there, and nothing is torn."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.store.sqlite import SqliteStore

TASKS = 400
STEPS = [Status.WAITING, Status.PENDING, Status.RUNNING, Status.TERMINATED]

WRITER = """
import asyncio, os, sys
from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.store.sqlite import SqliteStore

STEPS = [Status.WAITING, Status.PENDING, Status.RUNNING, Status.TERMINATED]

async def main(path, job_id):
    store = await SqliteStore.open(path)
    todo = [i for i in await store.instances(job_id) if i.status is not Status.TERMINATED]
    print("ready", flush=True)
    async def pair(first, second):
        # Two instances always move together: a torn transaction would part them.
        for old, new in zip(STEPS, STEPS[1:]):
            if STEPS.index(first.status) > STEPS.index(old):
                continue
            changes = [Change(job_id, i.path, old, new, "Moved", 1.0, attempt=1) for i in (first, second)]
            seq = await store.record(changes)
            os.write(1, f"{seq} {first.path} {new}\\n".encode())
    async def worker(pairs):
        for first, second in pairs:
            await pair(first, second)
    pairs = iter(list(zip(todo[::2], todo[1::2])))
    await asyncio.gather(*(worker(pairs) for _ in range(8)))
    await store.aclose()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


def write_and_kill(path: Path, job_id: str, patience: float) -> list[tuple[int, str, str]]:
    """Let a process write and kill it after ``patience`` seconds; what it was told is durable."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), job_id], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(patience)  # the moment itself is what is varied here
    process.send_signal(signal.SIGKILL)
    output, _errors = process.communicate(timeout=30)
    lines = [line.split() for line in output.splitlines()]
    return [(int(line[0]), line[1], line[2]) for line in lines if len(line) == 3]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_kill_9_at_random_moments(kit: Any, mode: str) -> None:
    """Eight kills of one store: every acknowledged change is there, seq has no gap, pairs never part."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    new = kit.new_job(*(f"t{n}" for n in range(TASKS)))
    kit.run(lambda store: store.create_job(new), journal_mode=mode)

    async def check(store: SqliteStore) -> bool:
        instances = await store.instances(new.id)
        by_path = {instance.path: instance.status for instance in instances}
        for _seq, path, status in acknowledged:
            assert STEPS.index(by_path[path]) >= STEPS.index(Status(status)), (seed, path)
        for first, second in zip(instances[::2], instances[1::2], strict=True):
            assert first.status == second.status, (seed, first.path)
        events = await store.events(0, 100_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1)), seed
        moved = sum(STEPS.index(status) for status in by_path.values())
        assert len(events) == moved + 1, seed
        assert len(events) >= max((seq for seq, _path, _status in acknowledged), default=0), seed
        return all(status is Status.TERMINATED for status in by_path.values())

    acknowledged: list[tuple[int, str, str]] = []
    for _kill in range(8):
        acknowledged += write_and_kill(kit.path, new.id, moments.uniform(0.0, 0.03))
        if kit.run(check, journal_mode=mode):
            break
    assert acknowledged, seed
