"""Outputs of a task that still runs: a curve can be drawn while it grows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.views import JobRequest

TEXT = """\
name: p
tasks:
- name: train
  command: |
    echo '{"step": 1}' > /pipeline/outputs/metrics.jsonl
    while ! test -e %s; do sleep 0.02; done
    echo '{"step": 2}' >> /pipeline/outputs/metrics.jsonl
    while ! test -e %s; do sleep 0.02; done
"""


@pytest.mark.parametrize("mode", ["namespaces", "folders"])
def test_outputs_of_a_running_task_are_listed_and_read(engine: Any, tmp_path: Path, mode: str) -> None:
    """With size and time as they are now; a range gives what is new, and nothing where nothing is."""
    flags = tmp_path / "more", tmp_path / "end"

    async def story() -> None:
        engine.clock = SystemClock()
        began = datetime.now(UTC).timestamp()
        backend = LocalBackend(LocalSettings(tmp_path / "home", mode=mode, grace=0.2))
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text=TEXT % flags))

            async def size() -> int:
                return sum(entry.size for entry in await fasttrack.outputs(job.id, "train"))

            async def has(wanted: int) -> None:
                deadline = asyncio.get_running_loop().time() + 20
                while await size() != wanted:
                    assert asyncio.get_running_loop().time() < deadline, "waited in vain"
                    await asyncio.sleep(0.02)

            await has(12)
            [entry] = await fasttrack.outputs(job.id, "train")
            assert (entry.path, entry.is_dir) == ("metrics.jsonl", False)
            assert began - 1 <= entry.modified_at.timestamp() <= datetime.now(UTC).timestamp() + 1
            assert await fasttrack.read_output(job.id, "train", "metrics.jsonl", 12, 100) == b""
            flags[0].touch()
            await has(24)
            assert await fasttrack.read_output(job.id, "train", "metrics.jsonl", 12, 100) == b'{"step": 2}\n'
            assert (await fasttrack.job(job.id)).tasks[0].status == "RUNNING"
            flags[1].touch()
            assert (await engine.finish(fasttrack)).result == "SUCCESS"

    asyncio.run(story())
