"""Conditions in jobs on a fake backend: `when`, `run_if`, one of several inputs, final tasks, what a crash costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fasttrack_jupyter.engine.views import JobRequest, JobView, RerunRequest
from fasttrack_jupyter.testing.fakes import FakeBackend


def ends(job: JobView) -> dict[str, str]:
    """In one word and its reason, how each task came out."""
    found = {}
    for task in job.tasks:
        word = task.status.value if task.status.value in ("SKIPPED", "CANCELLED") else task.result.value
        found[task.path] = f"{word}: {task.reason}" if task.reason else word
    return found


def told(engine: Any, text: str, *, fails: tuple[str, ...] = (), values: Mapping[str, Any] | None = None) -> Any:
    """The job of a pipeline, and what was started for it; ``values`` by task are its outputs."""

    async def story() -> tuple[JobView, FakeBackend]:
        backend = FakeBackend(lambda spec: 1 if spec.path in fails else 0)
        backend.values.update(values or {})
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text="name: demo\n" + text))
            return await engine.finish(fasttrack), backend

    return asyncio.run(story())


CHECKED = """\
tasks:
- {name: check, command: check, outputs: {accuracy: float}}
- {name: big, command: big, when: "${{ tasks.check.outputs.accuracy > 0.9 }}", outputs: {model: Model}}
- {name: small, command: small, when: "${{ !(tasks.check.outputs.accuracy > 0.9) }}", outputs: {model: Model}}
- {name: deploy, command: "deploy ${{ inputs.model }}", inputs: {model: big.model | small.model}}
- {name: tell, command: tell, dependencies: [big]}
- {name: paint, command: paint, inputs: {model: big.model}, outputs: {size: int}}
- {name: frame, command: "frame ${{ tasks.paint.outputs.size }}"}
"""


def test_a_condition_skips_what_uses_the_data_and_not_what_only_comes_after(engine: Any) -> None:
    """And one of several inputs is the one that is there."""
    job, backend = told(engine, CHECKED, values={"check": {"accuracy": "0.5"}, "paint": {"size": "3"}})
    assert job.result == "SUCCESS"
    assert ends(job) == {
        "check": "SUCCESS",
        "big": "SKIPPED: when is false: tasks.check.outputs.accuracy > 0.9",
        "small": "SUCCESS",
        "deploy": "SUCCESS",
        "tell": "SUCCESS",
        "paint": "SKIPPED: input model comes from big, which was skipped",
        "frame": "SKIPPED: it uses paint, which was skipped",
    }
    (deploy,) = [spec for spec in backend.started if spec.path == "deploy"]
    assert deploy.named_inputs == {"model": "jobs/1/small/model"}


def test_a_condition_that_holds_runs_its_task(engine: Any) -> None:
    """With all that is behind it."""
    job, backend = told(engine, CHECKED, values={"check": {"accuracy": "0.95"}, "paint": {"size": "3"}})
    assert [path for path, word in ends(job).items() if word != "SUCCESS"] == ["small"]
    (deploy,) = [spec for spec in backend.started if spec.path == "deploy"]
    assert deploy.named_inputs == {"model": "jobs/1/big/model"}


def test_an_expression_takes_what_is_there_of_two(engine: Any) -> None:
    """`a || b`, of which one was skipped."""
    text = """\
params: [{name: which, type: str, default: b}]
tasks:
- {name: a, command: a, when: "${{ params.which == 'a' }}", outputs: {x: int}}
- {name: b, command: b, when: "${{ params.which == 'b' }}", outputs: {x: int}}
- {name: c, command: "use ${{ tasks.a.outputs.x || tasks.b.outputs.x }}"}
"""
    job, backend = told(engine, text, values={"a": {"x": "1"}, "b": {"x": "2"}})
    assert job.result == "SUCCESS"
    assert backend.started[-1].command == "use 2"


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("${{ tasks.a.outputs.x.n }}", "when gave 7, not true or false"),
        ("${{ tasks.a.outputs.x.n > 'y' }}", "when cannot be worked out: '>' does not go between a int and a str"),
    ],
)
def test_a_condition_that_gives_no_answer_fails_its_task(engine: Any, when: str, reason: str) -> None:
    """With words; nothing of it is started."""
    text = f"""\
tasks:
- {{name: a, command: a, outputs: {{x: struct}}}}
- {{name: b, command: b, when: "{when}"}}
- {{name: c, command: c, dependencies: [b]}}
"""
    job, backend = told(engine, text, values={"a": {"x": '{"n": 7}'}})
    assert ends(job) == {"a": "SUCCESS", "b": f"FAILURE: {reason}", "c": "CANCELLED: dependency b failed"}
    assert [spec.path for spec in backend.started] == ["a"]


RULES = """\
tasks:
- {name: a, command: a}
- {name: b, command: b}
- {name: off, command: x, when: "${{ 1 > 2 }}"}
- {name: done, command: x, dependencies: [a, b], run_if: all_done}
- {name: failed, command: x, dependencies: [a, b], run_if: any_failed}
- {name: one, command: x, dependencies: [a, b], run_if: one_success}
- {name: none, command: x, dependencies: [off], run_if: one_success}
- {name: behind, command: x, dependencies: [failed]}
"""


def test_run_if_says_which_ends_let_a_task_run(engine: Any) -> None:
    """All four, with a failure among the dependencies."""
    job, _ = told(engine, RULES, fails=("a",))
    assert ends(job) == {
        "a": "FAILURE: exit 1",
        "b": "SUCCESS",
        "off": "SKIPPED: when is false: 1 > 2",
        "done": "SUCCESS",
        "failed": "SUCCESS",
        "one": "SUCCESS",
        "none": "SKIPPED: every dependency was skipped",
        "behind": "SUCCESS",
    }
    assert job.reason == "task a failed"


def test_run_if_without_a_failure_and_without_a_success(engine: Any) -> None:
    """What waits for a failure is skipped; what needs a success and has none is cancelled."""
    job, _ = told(engine, RULES)
    assert ends(job)["failed"] == "SKIPPED: no dependency failed"
    assert ends(job)["behind"] == "SUCCESS"
    job, _ = told(engine, RULES, fails=("a", "b"))
    assert ends(job)["one"] == "CANCELLED: no dependency succeeded"


FINAL = """\
tasks:
- {name: a, command: a}
- {name: b, command: b, dependencies: [a]}
- {name: clean, command: "clean ${{ job.status }} ${{ tasks.b.result }} ${{ job.reason }}", final: true}
- {name: alarm, command: alarm, final: true, run_if: any_failed}
- {name: last, command: last, final: true, dependencies: [clean]}
"""


def test_final_tasks_run_however_the_job_came_out(engine: Any) -> None:
    """And are told."""
    job, backend = told(engine, FINAL)
    assert job.result == "SUCCESS"
    assert ends(job)["alarm"] == "SKIPPED: no dependency failed"
    assert [spec.path for spec in backend.started] == ["a", "b", "clean", "last"]
    assert backend.started[2].command == "clean SUCCESS SUCCESS ''"
    assert backend.started[2].inputs == ("jobs/1/b",)

    job, backend = told(engine, FINAL, fails=("a",))
    assert (job.result, job.reason) == ("FAILURE", "task a failed")
    assert {spec.path for spec in backend.started} == {"a", "clean", "alarm", "last"}
    (clean,) = [spec for spec in backend.started if spec.path == "clean"]
    assert clean.command == "clean FAILURE CANCELLED 'task a failed'"
    assert (clean.environ["FASTTRACK_JOB_STATUS"], clean.environ["FASTTRACK_JOB_REASON"]) == (
        "FAILURE",
        "task a failed",
    )


def test_final_tasks_run_after_a_cancel_and_a_second_one_ends_them(engine: Any) -> None:
    """Also where the engine was killed in between."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None if spec.path in ("a", "clean") else 0)
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(JobRequest(text="name: demo\n" + FINAL))
            await engine.until(lambda: bool(backend.started))
            await fasttrack.cancel(job.id)
            await engine.until(lambda: "clean" in [spec.path for spec in backend.started])
        async with engine.on(backend) as fasttrack:
            assert (await fasttrack.job(job.id)).status == "RUNNING"
            await fasttrack.cancel(job.id)
            view = await engine.finish(fasttrack)
        assert (view.status, view.result) == ("CANCELLED", "UNDEFINED")
        assert ends(view)["clean"] == "CANCELLED: cancelled"
        assert ends(view)["last"] == "CANCELLED: cancelled"
        (clean,) = [spec for spec in backend.started if spec.path == "clean"]
        assert clean.command.startswith("clean CANCELLED")

    asyncio.run(story())


BRANCHES = """\
params: [{name: big, type: bool, default: false}]
tasks:
- {name: check, command: check, outputs: {accuracy: float}}
- {name: train, command: train, when: "${{ params.big }}", outputs: {model: Model}}
- {name: cheap, command: cheap, when: "${{ !params.big }}", outputs: {model: Model}}
- {name: paint, command: paint, inputs: {model: train.model}}
- {name: use, command: use, inputs: {model: train.model | cheap.model}}
- {name: good, command: good, when: "${{ tasks.check.outputs.accuracy > 0.9 }}"}
- {name: alarm, command: alarm, dependencies: [check], run_if: any_failed}
- {name: clean, command: clean, final: true}
"""


def test_a_plan_says_what_a_condition_skips_and_on_what_terms_the_rest_runs(engine: Any) -> None:
    """As far as that is known before; and the job decides by itself."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            plan = await fasttrack.plan(JobRequest(text="name: demo\n" + BRANCHES))
        said = {task.path: (task.decision.value, task.reason, *task.notes) for task in plan.tasks}
        runs = ("will run", "part of the pipeline")
        assert said == {
            "check": runs,
            "train": ("skipped", "when is false: params.big"),
            "cheap": runs,
            "paint": ("skipped", "input model comes from train, which was skipped"),
            "use": runs,
            "good": (*runs, "only if tasks.check.outputs.accuracy > 0.9"),
            "alarm": (*runs, "only if something that it waits for fails"),
            "clean": (*runs, "at the end, whatever comes out"),
        }

    asyncio.run(story())


def test_a_rerun_from_failed_keeps_what_a_condition_skipped_out_of_it(engine: Any) -> None:
    """What stood behind a skipped task is not run again for that; final tasks are."""

    async def story() -> None:
        fails = {"check"}
        backend = FakeBackend(lambda spec: 1 if spec.path in fails else 0)
        backend.values["check"] = {"accuracy": "0.5"}
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text="name: demo\n" + BRANCHES))
            assert (await engine.finish(fasttrack)).result == "FAILURE"
            fails.clear()
            backend.started.clear()
            await fasttrack.rerun("last", RerunRequest(from_failed=True))
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert [spec.path for spec in backend.started] == ["check", "clean"]
        assert ends(job)["use"] == "SUCCESS: reused from job #1"
        assert ends(job)["train"] == "SKIPPED: when is false: params.big"

    asyncio.run(story())
