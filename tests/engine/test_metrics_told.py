"""What programs of tasks note of themselves: live while they run, kept at their end, and nobody's secret."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.metric_reads import MetricsView
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.task_files import helper_files
from fasttrack_jupyter.engine.views import JobRequest, JobView, RerunRequest
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.reading import read_or_raise

Story = Callable[[FastTrack], Awaitable[None]]


@pytest.fixture(params=["folders", "namespaces"])
def told(request: pytest.FixtureRequest, engine: Any, tmp_path: Path) -> Callable[[Story], None]:
    """Tells a story on an engine with the real local backend, with private mounts and without."""
    settings = LocalSettings(tmp_path / "home", mode=request.param, grace=0.2, watch_interval=0.05)

    def tell(story: Story) -> None:
        async def whole() -> None:
            engine.clock = SystemClock()
            async with engine.on(LocalBackend(settings)) as fasttrack:
                await story(fasttrack)

        asyncio.run(whole())

    return tell


def request(program: str, task: str = "", head: str = "", command: str = "python3 train.py") -> JobRequest:
    """A job of one task ``a`` that runs ``program``, with more keys of the task."""
    command = command.replace("python3", sys.executable)
    text = f"name: p\n{head}tasks:\n- name: a\n  command: {command}\n{task}"
    return JobRequest(text=text, files={"train.py": program})


async def ended(engine: Any, fasttrack: FastTrack, asked: JobRequest) -> JobView:
    """The job, run to its end."""
    job = await fasttrack.run(asked)
    found: JobView = await engine.finish(fasttrack, job.id)
    return found


async def kept(fasttrack: FastTrack, job: str) -> dict[str, Any]:
    """The data of the event of the task's end."""
    events = (await fasttrack.events(0, 1000, job=job)).events
    return dict(next(event.data for event in events if event.path == "a" and event.ended_at is not None))


def test_metrics_are_read_while_the_task_runs_and_kept_at_its_end(told: Any, engine: Any, tmp_path: Path) -> None:
    """A series by name; what comes after an offset alone; the last word of each in the event."""
    flag = tmp_path / "flag"
    program = f"""
import fasttrack_task as ft, os, time
for step in range(3): ft.metric("loss", 1 / (step + 1), step=step)
ft.param("lr", 0.1)
ft.flush()
while not os.path.exists({str(flag)!r}): time.sleep(0.01)
ft.metric("loss", 9, step=3); ft.metric("acc", float("nan"))
"""

    async def story(fasttrack: FastTrack) -> None:
        job = await fasttrack.run(request(program))
        found: list[MetricsView] = []

        async def has_three() -> bool:
            found[:] = [await fasttrack.metrics(job.id, "a", None, 0)]
            return "loss" in found[0].series and found[0].series["loss"].count == 3

        await engine.until(has_three)
        assert found[0].series["loss"].values == (1.0, 0.5, 1 / 3)
        assert (found[0].ended, found[0].more, found[0].attempt) == (False, False, 1)
        flag.touch()
        await engine.finish(fasttrack)
        rest = await fasttrack.metrics(job.id, "a", None, found[0].next)
        assert (rest.series["loss"].values, rest.series["acc"].values, rest.ended) == ((9.0,), ("NaN",), True)
        whole = await fasttrack.metrics(job.id, "a", None, 0)
        assert (whole.series["loss"].count, whole.params, whole.next) == (4, {"lr": 0.1}, rest.next)
        data = await kept(fasttrack, job.id)
        assert data["metrics"]["loss"] == {"last": 9.0, "min": 1 / 3, "max": 9.0, "step": 3, "count": 4}
        assert (data["metrics"]["acc"]["last"], data["params"]) == ("NaN", {"lr": 0.1})
        assert await fasttrack.outputs(job.id, "a") == []
        with pytest.raises(NotFound):
            await fasttrack.metrics(job.id, "a", 2, 0)

    told(story)


def test_a_failure_keeps_what_was_noted(told: Any, engine: Any) -> None:
    """Its metrics and why it failed."""

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request("import fasttrack_task as t; t.metric('x', 1); t.fail('no luck')"))
        assert job.tasks[0].reason == "exit 1: no luck"
        assert (await kept(fasttrack, job.id))["metrics"]["x"]["last"] == 1

    told(story)


def test_metadata_of_artifacts_becomes_the_output_s(told: Any, engine: Any) -> None:
    """Over what the pipeline declares; the artifact is at its declared path."""
    program = "import fasttrack_task as t; t.artifact('model', b'1', metadata={'framework': 'none'}); t.value('v', 3)"
    task = "  outputs: {model: {type: Model, path: m.bin, metadata: {framework: '?', owner: me}}, v: int}\n"

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request(program, task))
        model = job.tasks[0].outputs["model"]
        assert (model["metadata"], Path(model["path"]).name) == ({"framework": "none", "owner": "me"}, "m.bin")
        assert job.tasks[0].outputs["v"] == 3

    told(story)


def test_secrets_are_starred_out_of_what_is_noted(told: Any, engine: Any) -> None:
    """In names, parameters and metadata, in the store and in answers."""
    engine.secrets.set("TOKEN", "hunter2-hunter2")
    program = """
import fasttrack_task as t, os
key = os.environ["T"]
t.metric(f"loss {key}", 1); t.param("k", key); t.tag(key, [key])
t.artifact("model", b"1", metadata={"k": {key: [key]}})
"""
    task = "  outputs: {model: Model}\n  environment: {envs: {T: '${{ secrets.TOKEN }}'}}\n"

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request(program, task))
        data, noted = await kept(fasttrack, job.id), await fasttrack.metrics(job.id, "a", None, 0)
        assert list(data["metrics"]) == list(noted.series) == [f"loss {'*' * 15}"]
        assert "hunter2" not in str(job) + str(noted) + str((await fasttrack.events(0, 1000)).events)
        assert job.tasks[0].outputs["model"]["metadata"] == {"k": {"*" * 15: ["*" * 15]}}

    told(story)


def test_mlflow_s_calls_land_there_where_the_variable_is_set(told: Any, engine: Any) -> None:
    """``import mlflow`` is the stand-in in that task; a PYTHONPATH of the task's own stays."""
    program = "import mlflow, os; mlflow.log_metric('m', 2, step=5); print(os.environ['PYTHONPATH'])"
    task = "  environment: {envs: {FASTTRACK_MLFLOW: '1', PYTHONPATH: /opt/mine}}\n"

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request(program, task))
        log = (await fasttrack.logs(job.id, "a", attempt=None, after=0, limit=10_000)).data
        assert job.tasks[0].result == "SUCCESS", log
        assert log.strip().endswith(":/opt/mine")
        assert (await kept(fasttrack, job.id))["metrics"]["m"]["step"] == 5

    told(story)


def test_a_task_is_told_of_its_job(told: Any, engine: Any) -> None:
    """Parameters with their types, names, which attempt."""
    program = "import fasttrack_task as t, json; t.value('v', {**t.params(), **t.job()})"
    head = "params: [{name: lr, type: float, default: 0.1}]\n"

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request(program, "  outputs: {v: struct}\n", head))
        told = job.tasks[0].outputs["v"]
        assert told == {"lr": 0.1, "id": job.id, "index": 1, "name": "p", "pipeline": "p", "task": "a", "attempt": 1}

    told(story)


def test_a_rerun_with_the_old_code_has_the_helpers_too(told: Any, engine: Any) -> None:
    """They are part of the code, which is kept."""

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request("import fasttrack_task as t; t.metric('x', 1)"))
        again = await fasttrack.rerun(job.id, RerunRequest())
        await engine.finish(fasttrack, again.id)
        assert (await kept(fasttrack, again.id))["metrics"]["x"]["last"] == 1

    told(story)


def test_who_does_not_name_them_pays_nothing(told: Any, engine: Any) -> None:
    """No file in the code, no variable."""
    program = "import json, os; print(json.dumps(sorted(os.environ)))"

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request(program))
        names = json.loads((await fasttrack.logs(job.id, "a", attempt=None, after=0, limit=10_000)).data)
        assert not {"PYTHONPATH", "FASTTRACK_JOB", "FASTTRACK_PYTHONPATH"} & set(names)
        assert (await fasttrack.metrics(job.id, "a", None, 0)).series == {}
        assert "metrics" not in await kept(fasttrack, job.id)

    told(story)


@pytest.mark.parametrize(
    "hostile",
    ["mkfifo .metrics.jsonl", "ln -s /etc/passwd .metrics.jsonl", "mkdir .metrics.jsonl", "ln -s . .artifacts.json",
     "head -c 3000000 /dev/zero > .metrics.jsonl", "printf '[%.0s' $(seq 20000) > .artifacts.json",
     "mkfifo .artifacts.json"],
)  # fmt: skip
def test_a_hostile_file_is_nothing_and_ends_nothing(told: Any, engine: Any, hostile: str) -> None:
    """The task succeeds all the same, and nobody waits."""
    command = f'|\n    cd "$PIPELINE_OUTPUTS"; {hostile}; echo 1 > model'

    async def story(fasttrack: FastTrack) -> None:
        job = await ended(engine, fasttrack, request("", "  outputs: {model: Model}\n", command=command))
        assert (job.tasks[0].result, job.tasks[0].reason) == ("SUCCESS", "")
        assert "metrics" not in await kept(fasttrack, job.id)
        assert (await fasttrack.metrics(job.id, "a", None, 0)).series == {}

    told(story)


def test_what_names_the_helpers_is_found_and_a_magic_is_not(tmp_path: Path) -> None:
    """In commands and files, each file read once; MLflow's stand-in goes along for those who ask for it."""
    reading = read_or_raise("name: p\ntasks: [{name: a, command: python3 -m fasttrack_task}, {name: b, command: x}]\n")
    assert reading.pipeline is not None
    assert list(helper_files(reading.pipeline, {})) == [".fasttrack/task/fasttrack_task.py"]
    plain = read_or_raise("name: p\ntasks: [{name: b, command: x}]\n").pipeline
    assert plain is not None
    file = tmp_path / "n.ipynb"
    for text, is_found in (
        ("%%fasttrack_task train", False), ("from fasttrack_task import metric", True), ("fasttrack_tasks", False),
        ("import fasttrack_task as t", True), ("", False),
    ):  # fmt: skip
        file.write_text(text)
        assert bool(helper_files(plain, {"n.ipynb": str(file)})) is is_found
        assert bool(helper_files(plain, {"n.py": text.encode()})) is is_found
    calls = read_or_raise("name: p\ntasks: [{name: b, command: x, environment: {envs: {FASTTRACK_MLFLOW: '1'}}}]\n")
    assert calls.pipeline is not None
    assert len(helper_files(calls.pipeline, {"gone.py": str(tmp_path / "gone")})) == 2
