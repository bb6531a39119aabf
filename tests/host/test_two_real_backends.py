"""One job on two backends that really run something: outputs of the one are read by the command on the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.host.wiring import open_fasttrack

TEXT = """\
name: travelling
tasks:
- name: prep
  outputs: {table: {type: Dataset, path: sub/data.csv}}
  command: >-
    mkdir /pipeline/outputs/sub /pipeline/outputs/empty && echo 1,2 > /pipeline/outputs/sub/data.csv &&
    ln -s sub/data.csv /pipeline/outputs/inside && ln -s /etc/hostname /pipeline/outputs/outside
- name: train
  backend: other
  inputs: {table: prep.table}
  command: >-
    test -d /pipeline/input1/empty && test ! -e /pipeline/input1/outside &&
    cat /pipeline/input1/inside /pipeline/inputs/table > /pipeline/outputs/model.txt
- name: report
  dependencies: [train]
  command: cat /pipeline/input1/model.txt
"""


def test_outputs_are_carried_there_and_back(tmp_path: Path) -> None:
    """Through links and empty folders; what leads out of the outputs stays, and is told."""

    async def go() -> tuple[JobView, str]:
        fasttrack = await open_fasttrack(tmp_path / "home")
        try:
            await fasttrack.add_backend("other", LocalBackend(LocalSettings(tmp_path / "other")))
            await fasttrack.run(JobRequest(text=TEXT))
            job = await _ended(fasttrack)
            log = await fasttrack.logs("last", "report", attempt=None, after=0, limit=1000)
            await fasttrack.delete(["last"])
            return job, log.data
        finally:
            await fasttrack.aclose()

    job, log = asyncio.run(go())
    assert job.result == "SUCCESS", [(task.path, task.reason) for task in job.tasks]
    assert log == "1,2\n1,2\n"
    train = job.tasks[1]
    assert train.outputs_dir is not None
    assert Path(train.outputs_dir).is_relative_to(tmp_path / "other")
    assert any("not carried over from local: outside of prep" in note for note in train.notes)
    for home in ("home", "other"):
        folder = tmp_path / home / "folders" / job.folder
        assert [path for path in folder.rglob("*") if path.is_file()] == []


async def _ended(fasttrack: FastTrack) -> JobView:
    async with asyncio.timeout(60):
        after = 0
        while not fasttrack.is_idle():
            after = (await fasttrack.events(after, 100, wait=1.0)).next
    return await fasttrack.job("last")
