"""Notebook tasks in a job: planned, given what runs them, and run like any command."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.views import Decision, JobRequest, JobView, PlanView, RerunRequest
from fasttrack_jupyter.testing.fakes import FakeBackend

RUNTIME = b"""\
import json, os, sys
values = dict(word.split("=", 1) for word in sys.argv[3::2])
told = {"notebook": open(sys.argv[1]).read(), "values": values}
for path in ("data", "raw"):
    told[path] = open(values[path]).read()
with open(os.environ["PIPELINE_OUTPUTS"] + "/told.json", "w") as file:
    json.dump(told, file)
"""
TEXT = """\
name: p
params:
- {name: lr, type: float, default: 0.1}
tasks:
- name: prep
  command: |
    mkdir -p /pipeline/outputs/.values
    echo rows > /pipeline/outputs/rows.csv
    echo 7 > /pipeline/outputs/.values/n
  outputs: {rows: {type: Dataset, path: rows.csv}, n: {type: int}}
- name: report
  type: notebook
  notebook: notes/my report.ipynb
  inputs: {rows: prep.rows}
  parameters:
    lr: ${{ params.lr }}
    n: ${{ tasks.prep.outputs.n }}
    data: ${{ inputs.rows }}
    raw: ${{ tasks.prep.outputs.rows }}
    title: it's ${{ job.index }}
"""


def carried() -> dict[str, bytes]:
    """A stand-in for the program that runs notebooks."""
    return {"whole.py": RUNTIME, "more/help.py": b""}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A pipeline's file with its notebook."""
    (tmp_path / "src" / "notes").mkdir(parents=True)
    (tmp_path / "src" / "notes" / "my report.ipynb").write_text("the notebook")
    file = tmp_path / "src" / "p.fasttrack.yaml"
    file.write_text(TEXT)
    return file


def plan(engine: Any, request: JobRequest) -> PlanView:
    """What would happen."""

    async def go() -> PlanView:
        async with engine.on(FakeBackend(), carried=carried) as fasttrack:
            view: PlanView = await fasttrack.plan(request)
            return view

    return asyncio.run(go())


@pytest.mark.parametrize("mode", ["namespaces", "folders"])
def test_a_notebook_gets_values_inputs_and_what_runs_it(engine: Any, tmp_path: Path, source: Path, mode: str) -> None:
    """As a backend sees it, it is a command like any other."""
    told: dict[str, Any] = {}

    async def story() -> JobView:
        engine.clock = SystemClock()
        backend = LocalBackend(LocalSettings(tmp_path / "home", mode=mode, grace=0.2))
        async with engine.on(backend, carried=carried) as fasttrack:
            job = await fasttrack.run(JobRequest(source=str(source)))
            view: JobView = await engine.finish(fasttrack)
            log = await fasttrack.logs(job.id, "report", attempt=None, after=0, limit=9999)
            assert view.result == "SUCCESS", log.data
            told.update(json.loads(await fasttrack.read_output(job.id, "report", "told.json", 0, 9999)))
            return view

    view = asyncio.run(story())
    assert told["notebook"] == "the notebook"
    assert (told["values"]["lr"], told["values"]["n"], told["values"]["title"]) == ("0.1", "7", "it's 1")
    assert (told["data"], told["raw"]) == ("rows\n", "rows\n")
    assert (source.parent / "notes" / "my report.ipynb").read_text() == "the notebook"
    assert view.tasks[1].dependencies == ("prep",)


def test_what_runs_notebooks_travels_only_where_there_are_some(engine: Any, source: Path) -> None:
    """It is code of the job, and never lies beside the person's file."""
    backend = FakeBackend()
    plain = "name: q\ntasks:\n- {name: a, command: ls}\n"

    async def go() -> None:
        async with engine.on(backend, carried=carried) as fasttrack:
            await fasttrack.run(JobRequest(source=str(source)))
            await fasttrack.run(JobRequest(text=plain, source=str(source)))
            await engine.until(fasttrack.is_idle)

    asyncio.run(go())
    codes = [sorted(code) for code in backend.codes.values()]
    beside = ["notes/my report.ipynb", "p.fasttrack.yaml"]
    assert codes == [[".fasttrack/more/help.py", ".fasttrack/whole.py", *beside], beside]
    assert not (source.parent / ".fasttrack").exists()


def test_a_missing_notebook_is_told_at_its_place(engine: Any, source: Path) -> None:
    """Before anything starts, with the name that was probably meant."""
    view = plan(engine, JobRequest(source=str(source), text=TEXT.replace("my report", "my rport")))
    assert view.tasks[1].decision is Decision.REFUSE
    assert [(p.code, p.path, p.line, p.hint) for p in view.problems] == [
        ("no_file", ("tasks", 1, "notebook"), 13, "did you mean 'notes/my report.ipynb'?")
    ]


def test_without_any_code_a_notebook_is_missing(engine: Any) -> None:
    """A text alone brings none; files that come with it do."""
    alone = plan(engine, JobRequest(text=TEXT))
    given = plan(engine, JobRequest(text=TEXT, files={"notes/my report.ipynb": "{}"}))
    assert [view.tasks[1].decision for view in (alone, given)] == [Decision.REFUSE, Decision.RUN]


def test_an_edited_notebook_runs_again(engine: Any, source: Path) -> None:
    """A rerun from failed looks past a newer program of ours, and not past the notebook."""
    backend = FakeBackend()
    backend.values["prep"] = {"n": "7"}

    async def go() -> list[tuple[str, str]]:
        async with engine.on(backend, carried=carried) as fasttrack:
            await fasttrack.run(JobRequest(source=str(source)))
            await engine.finish(fasttrack)
        (source.parent / "notes" / "my report.ipynb").write_text("another")
        async with engine.on(backend, carried=lambda: {"whole.py": b"newer"}) as fasttrack:
            view = await fasttrack.plan_rerun("last", RerunRequest(from_failed=True, edited=True))
            return [(task.decision, task.reason) for task in view.tasks]

    assert asyncio.run(go()) == [
        ("reused", "reused from job #1"),
        ("will run", "notes/my report.ipynb changed"),
    ]
