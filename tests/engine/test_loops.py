"""Loops and groups from the file to the sessions, on a fake backend and a real store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.engine.views import JobRequest, JobView, RerunRequest
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.fakes import FakeBackend

LOOP = """
name: demo
tasks:
- {name: prep, command: prep, outputs: {files: list, data: File}}
- name: train
  for_each: {item: "${{ tasks.prep.outputs.files }}", max_parallel: 2}
  inputs: {data: prep.data}
  command: train ${{ item }} ${{ loop.index }} ${{ loop.train.item }}
  outputs: {acc: float, model: {type: File, path: m.txt}}
- name: best
  inputs: {accs: train.acc, models: train.model}
  command: best ${{ tasks.train.outputs.acc }} ${{ inputs.models }}
"""
GROUP = """
name: demo
params: [{name: seed, type: int, default: 7}]
tasks:
- {name: prep, command: prep, outputs: {data: File}}
- name: sweep
  for_each: {item: [a, b]}
  parameters: {which: "${{ item }}-${{ params.seed }}", seed: 8}
  environment: {image: deep, envs: {MODE: fast}}
  resources: {cpu: 2}
  tasks:
  - {name: two, inputs: {x: one.x}, command: "two ${{ loop.sweep.item }} ${{ params.seed }}", outputs: {n: int}}
  - {name: one, inputs: {data: prep.data}, command: "one ${{ params.which }}", outputs: {x: File}}
  outputs: {n: {type: int, from: two.n}, x: {type: File, from: one.x}}
- {name: after, inputs: {ns: sweep.n, xs: sweep.x}, command: after}
"""
FILES = '["a", "b", "c"]'


def told(job: JobView) -> dict[str, tuple[str, str]]:
    """``{path: (status, result)}``."""
    return {task.path: (task.status.value, task.result.value) for task in job.tasks}


def loop_backend(**how: Any) -> FakeBackend:
    """One whose sessions leave what LOOP declares."""
    backend = FakeBackend(**how)
    backend.values = {"prep": {"files": FILES}} | {f"train[{i}]": {"acc": f"0.{i}"} for i in range(3)}
    return backend


def test_a_loop_runs_its_task_for_each_item(engine: Any) -> None:
    """Each iteration is a task instance with a session, and others see what they made as lists."""

    async def story() -> None:
        backend = loop_backend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            job = await engine.finish(fasttrack)
        specs = {spec.path: spec for spec in backend.started}
        assert list(specs) == ["prep", "train[0]", "train[1]", "train[2]", "best"]
        assert [specs[f"train[{i}]"].command for i in range(3)] == [f"train {x} {i} {x}" for i, x in enumerate("abc")]
        assert specs["train[1]"].outputs == "jobs/1/train/1"
        assert specs["train[1]"].named_inputs == {"data": "jobs/1/prep/data"}
        assert specs["best"].command == "best '[0.0, 0.1, 0.2]' /pipeline/inputs/models"
        assert specs["best"].named_inputs == {f"models/{i}": f"jobs/1/train/{i}/m.txt" for i in range(3)}
        assert specs["best"].input_values == {"accs": "[0.0, 0.1, 0.2]"}
        assert specs["best"].inputs == (None,)
        by_path = {task.path: task for task in job.tasks}
        assert [(by_path[p].kind, by_path[p].parent, by_path[p].item) for p in ("train", "train[2]", "best")] == [
            ("loop", None, None),
            ("task", "train", "c"),
            ("task", None, None),
        ]
        assert by_path["train"].outputs["acc"] == [0.0, 0.1, 0.2]

    asyncio.run(story())


def test_only_so_many_iterations_go_on_at_a_time(engine: Any) -> None:
    """``max_parallel`` is kept whatever slots there are."""

    async def story() -> None:
        backend = loop_backend(decide=lambda spec: None if spec.path.startswith("train") else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            await engine.until(lambda: len(backend.running()) == 2)
            assert [spec.path for spec in backend.started] == ["prep", "train[0]", "train[1]"]
            job = await fasttrack.job("last")
            assert told(job)["train"] == ("RUNNING", "UNDEFINED")
            backend.end(backend.running()[0], values={"acc": "1"})
            await engine.until(lambda: len(backend.started) == 4)
            for attempt in list(backend.running()):
                backend.end(attempt, values={"acc": "1"})
            await engine.finish(fasttrack)

    asyncio.run(story())


def test_groups_have_names_parameters_and_defaults_of_their_own(engine: Any) -> None:
    """Inner tasks see their siblings first, then what is outside; outside only the group's outputs are seen."""

    async def story() -> None:
        backend = FakeBackend()
        backend.values = {"sweep[0]/two": {"n": "1"}, "sweep[1]/two": {"n": "2"}}
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=GROUP))
            job = await engine.finish(fasttrack)
        specs = {spec.path: spec for spec in backend.started}
        assert set(specs) == {"prep", "after"} | {f"sweep[{i}]/{name}" for i in (0, 1) for name in ("one", "two")}
        assert specs["sweep[1]/one"].command == "one b-7"
        assert specs["sweep[1]/two"].command == "two b 8"
        assert specs["sweep[1]/two"].named_inputs == {"x": "jobs/1/sweep/1/one/x"}
        assert (specs["sweep[0]/one"].image, specs["sweep[0]/one"].environ["MODE"]) == ("deep", "fast")
        assert specs["sweep[0]/one"].slots.written() == {"cpu": "2"}
        assert specs["after"].input_values == {"ns": "[1, 2]"}
        assert specs["after"].named_inputs == {f"xs/{i}": f"jobs/1/sweep/{i}/one/x" for i in (0, 1)}
        assert {task.path: task.dependencies for task in job.tasks}["sweep[0]/two"] == ("sweep[0]/one",)

    asyncio.run(story())


def test_an_iteration_that_fails_fails_the_loop_and_no_other(engine: Any) -> None:
    """The reason names it; what waits for the loop is cancelled."""

    async def story() -> None:
        backend = loop_backend(decide=lambda spec: 3 if spec.path == "train[1]" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            job = await engine.finish(fasttrack)
        reasons = {task.path: task.reason for task in job.tasks}
        assert told(job)["train[2]"] == ("TERMINATED", "SUCCESS")
        assert reasons["train"] == "1 of 3 iterations failed: train[1]"
        assert reasons["best"] == "dependency train failed"
        assert (job.result, job.reason) == ("FAILURE", "task train failed")

    asyncio.run(story())


def test_what_is_no_list_fails_the_loop_with_words(engine: Any) -> None:
    """Nothing is started for it."""

    async def story() -> None:
        backend = loop_backend()
        backend.values = {"prep": {"files": "[]"}}
        async with engine.on(backend) as fasttrack:
            text = LOOP.replace("outputs: {files: list", "outputs: {files: struct")
            text = text.replace("tasks.prep.outputs.files", "tasks.prep.outputs.files.of")  # its type is open
            await fasttrack.run(JobRequest(text=text))
            job = await engine.finish(fasttrack)
            assert told(job)["prep"] == ("TERMINATED", "FAILURE")
            backend.values = {"prep": {"files": '{"of": "abc"}'}}
            await fasttrack.run(JobRequest(text=text.replace("name: demo", "name: other")))
            job = await engine.finish(fasttrack)
        reasons = {task.path: task.reason for task in job.tasks}
        assert reasons["train"] == "for_each goes over a list, and this is none: abc"

    asyncio.run(story())


def test_nothing_to_go_over_is_a_success(engine: Any) -> None:
    """With empty lists."""

    async def story() -> None:
        backend = loop_backend()
        backend.values = {"prep": {"files": "[]"}}
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            job = await engine.finish(fasttrack)
        assert told(job) == dict.fromkeys(("prep", "train", "best"), ("TERMINATED", "SUCCESS"))
        assert {spec.path: spec.input_values for spec in backend.started}["best"] == {"accs": "[]"}

    asyncio.run(story())


def test_an_engine_that_dies_in_a_loop_costs_time_only(engine: Any) -> None:
    """The next one knows the iterations, adopts what runs and goes on; nothing runs twice."""

    async def story() -> None:
        sessions: dict[str, Any] = {}
        backend = loop_backend(decide=lambda spec: None if spec.path == "train[0]" else 0, sessions=sessions)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            await engine.until(lambda: len(backend.started) == 4)
        after = loop_backend(sessions=sessions)
        async with engine.on(after) as fasttrack:
            (running,) = [name for name, report in sessions.items() if report.status == "RUNNING"]
            after.end(running, values={"acc": "0.5"})
            job = await engine.finish(fasttrack)
        assert [spec.path for spec in after.started] == ["best"]
        assert told(job)["train"] == ("TERMINATED", "SUCCESS")
        assert after.started[0].input_values == {"accs": "[0.5, 0.1, 0.2]"}

    asyncio.run(story())


def test_a_cancelled_job_ends_what_is_inside(engine: Any) -> None:
    """Running iterations are ended, held ones never begin."""

    async def story() -> None:
        backend = loop_backend(decide=lambda spec: None if spec.path.startswith("train") else 0)
        async with engine.on(backend) as fasttrack:
            made = await fasttrack.run(JobRequest(text=LOOP))
            await engine.until(lambda: len(backend.running()) == 2)
            await fasttrack.cancel(made.id)
            job = await engine.finish(fasttrack)
        assert {end for end, _ in told(job).values()} == {"TERMINATED", "CANCELLED"}
        assert told(job)["train"] == ("CANCELLED", "UNDEFINED")
        assert told(job)["train[2]"] == ("CANCELLED", "UNDEFINED")
        assert job.status == "CANCELLED"

    asyncio.run(story())


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rerun_from_failed_repeats_only_the_iteration_that_failed(engine: Any, failing: int) -> None:
    """The others are reused, as long as the loop goes over the same items; they take no turn of ``max_parallel``."""

    async def story() -> None:
        broken = True
        backend = loop_backend(decide=lambda spec: 3 if broken and spec.path == f"train[{failing}]" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=LOOP))
            first = await engine.finish(fasttrack)
            broken = False
            backend.started.clear()
            await fasttrack.rerun(first.id, RerunRequest(from_failed=True))
            job = await engine.finish(fasttrack)
        assert [spec.path for spec in backend.started] == [f"train[{failing}]", "best"]
        assert job.result == "SUCCESS"
        assert {task.path: task.reason for task in job.tasks}["train[0]"] == "reused from job #1"
        places = {f"models/{i}": f"jobs/{2 if i == failing else 1}/train/{i}/m.txt" for i in range(3)}
        assert backend.started[-1].named_inputs == places

    asyncio.run(story())


def test_a_plan_says_what_is_inside_and_refuses_what_never_fits(engine: Any) -> None:
    """Before the job: the reason is the inner task's, at its line."""

    async def story() -> None:
        backend = FakeBackend(capacity=ResourceSlots.parse({"cpu": "4"}))
        async with engine.on(backend) as fasttrack:
            plan = await fasttrack.plan(JobRequest(text=GROUP))
            notes = {task.path: task.notes for task in plan.tasks}
            assert notes["sweep"] == ("for each of 2 items", "2 tasks inside")
            assert (await fasttrack.plan(JobRequest(text=LOOP))).tasks[1].notes == (
                "for each of tasks.prep.outputs.files, 2 at a time",
            )
            text = GROUP.replace("{name: one, ", "{name: one, resources: {cpu: 64}, ")
            plan = await fasttrack.plan(JobRequest(text=text))
        decisions = {task.path: (task.decision.value, task.reason) for task in plan.tasks}
        assert decisions["sweep"][0] == "refused"
        assert "one: asks for 64 cpu, this machine has 4" in decisions["sweep"][1]
        (problem,) = [each for each in plan.problems if each.severity.value == "error"]
        assert problem.path == ("tasks", 1, "tasks", 1, "resources", "cpu")
        assert text.splitlines()[problem.line - 1].lstrip().startswith("- {name: one")

    asyncio.run(story())


def test_an_edit_inside_of_a_group_or_of_its_items_is_one_of_the_group(engine: Any) -> None:
    """An edited rerun from failed reuses nothing of what it changed."""

    async def story() -> None:
        backend = FakeBackend(decide=lambda spec: 3 if spec.path == "after" else 0)
        backend.values = {f"sweep[{i}]/two": {"n": "1"} for i in range(3)}
        async with engine.on(backend) as fasttrack:
            first = await fasttrack.run(JobRequest(text=GROUP))
            await engine.finish(fasttrack)
            edits = {
                "one: command changed": GROUP.replace('"one ', '"ONE '),
                "loop changed": GROUP.replace("[a, b]", "[a, b, c]"),
                "parameters changed": GROUP.replace("seed: 8", "seed: 9"),
                "one: image changed": GROUP.replace("name: one,", "name: one, environment: {image: x},"),
            }
            for reason, text in edits.items():
                plan = await fasttrack.plan_rerun(first.id, RerunRequest(from_failed=True, edited=True, text=text))
                told = {task.path: (task.decision.value, task.reason) for task in plan.tasks}
                assert told["sweep"] == ("will run", reason)

    asyncio.run(story())


def test_a_loop_inside_of_a_loop_hands_on_lists_of_lists(engine: Any) -> None:
    """Artifacts as folders of folders."""
    text = """
name: demo
tasks:
- name: outer
  for_each: {item: [1, 2]}
  tasks: [{name: inner, for_each: {item: [a, b]}, command: x, outputs: {m: File, n: int}}]
  outputs: {m: {type: File, from: inner.m}, n: {type: list, from: inner.n}}
- {name: best, inputs: {ms: outer.m, ns: outer.n}, command: best}
"""

    async def story() -> None:
        backend = FakeBackend()
        backend.values = {f"outer[{i}]/inner[{j}]": {"n": str(10 * i + j)} for i in (0, 1) for j in (0, 1)}
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=text))
            job = await engine.finish(fasttrack)
        best = backend.started[-1]
        assert job.result == "SUCCESS"
        assert best.input_values == {"ns": "[[0, 1], [10, 11]]"}
        assert best.named_inputs == {
            f"ms/{i}/{j}": f"jobs/1/outer/{i}/inner/{j}/m" for i in (0, 1) for j in (0, 1)
        }  # fmt: skip

    asyncio.run(story())


def test_what_a_kept_job_shows_of_an_older_one_stays(engine: Any) -> None:
    """Iterations that were reused lie in the older job's folder; gc leaves them there."""

    async def story() -> None:
        broken = True
        backend = loop_backend(decide=lambda spec: 3 if broken and spec.path == "train[1]" else 0)
        async with engine.on(backend) as fasttrack:
            first = await fasttrack.run(JobRequest(text=LOOP))
            await engine.finish(fasttrack)
            broken = False
            await fasttrack.rerun(first.id, RerunRequest(from_failed=True))
            await engine.finish(fasttrack)
            await fasttrack.delete([first.id])
        assert not {path for path in backend.gone if path.startswith("jobs/1/train/0")}, backend.gone

    asyncio.run(story())
