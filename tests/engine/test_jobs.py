"""Jobs from request to end, on a fake backend: what runs, what is said, what a crash costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.errors import (
    InvalidPipeline,
    Refused,
)
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.fakes import FakeBackend


def states(job: Any) -> dict[str, tuple[str, str, str]]:
    """``{path: (status, result, reason)}``."""
    return {task.path: (task.status.value, task.result.value, task.reason) for task in job.tasks}


def test_a_diamond_runs_in_order_and_succeeds(engine: Any) -> None:
    """Each once, after its dependencies, with their outputs as its inputs in order."""

    async def story() -> None:
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", "c: [a]", "d: [c, b]"))
            job = await engine.finish(fasttrack)
        assert (job.status, job.result) == ("TERMINATED", "SUCCESS")
        started = [spec.path for spec in backend.started]
        assert sorted(started) == ["a", "b", "c", "d"]
        assert started[0] == "a"
        assert started[-1] == "d"
        assert backend.started[-1].inputs == ("jobs/1/c", "jobs/1/b")
        assert backend.forgotten == [spec.attempt_id for spec in backend.started]

    asyncio.run(story())


def test_a_failure_is_told_with_its_victims(engine: Any) -> None:
    """The job's reason names the first cause."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 3 if spec.path == "b" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", "c: [b]", "d: [a]"))
            job = await engine.finish(fasttrack)
        assert (job.result, job.reason) == ("FAILURE", "task b failed")
        assert states(job)["b"] == ("TERMINATED", "FAILURE", "exit 3")
        assert states(job)["c"] == ("CANCELLED", "UNDEFINED", "dependency b failed")
        assert states(job)["d"][1] == "SUCCESS"

    asyncio.run(story())


def test_retries_are_new_attempts_with_fresh_outputs(engine: Any) -> None:
    """The second attempt writes elsewhere."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 0 if spec.number == 2 else 1)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, retry: {max_attempts: 2}}"))
            job = await engine.finish(fasttrack)
            attempts = await fasttrack.attempts("last")
        assert job.result == "SUCCESS"
        assert job.tasks[0].attempts == 2
        assert [spec.outputs for spec in backend.started] == ["jobs/1/a", "jobs/1/a.2"]
        assert [(a.number, a.result.value, a.reason) for a in attempts] == [
            (1, "FAILURE", "exit 1"),
            (2, "SUCCESS", ""),
        ]

    asyncio.run(story())


def test_params_job_and_inputs_reach_command_and_environment(engine: Any) -> None:
    """Values quoted for the shell, artifacts as paths, secrets in the environment only."""

    async def story() -> None:
        backend = FakeBackend()
        backend.values = {"prep": {"rows": "12\n"}}
        engine.secrets.set("KEY", "s3cr3t value")
        text = (
            "name: p\n"
            'params: [{name: who, type: str, default: "Jim O\'Hara"}]\n'
            "tasks:\n"
            "- name: prep\n"
            "  command: prep ${{ params.who }} ${{ job.index }}\n"
            "  outputs: {rows: int, clean: {type: Dataset, path: clean.csv}}\n"
            "- name: use\n"
            "  inputs: {clean: prep.clean, rows: prep.rows}\n"
            "  command: use ${{ inputs.clean }} ${{ inputs.rows }} ${{ tasks.prep.outputs.clean }}\n"
            "  environment:\n"
            "    envs: {KEY: '${{ secrets.KEY }}', URL: 'https://:${{ secrets.KEY }}@host', N: '${{ inputs.rows }}'}\n"
        )
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=text))
            job = await engine.finish(fasttrack)
        prep, use = backend.started
        assert prep.command == """prep 'Jim O'"'"'Hara' 1"""
        assert use.command == "use /pipeline/inputs/clean 12 /pipeline/input1/clean.csv"
        assert use.environ["KEY"] == "s3cr3t value"
        assert use.environ["N"] == "12"
        assert use.secrets == ("s3cr3t value",)
        assert use.environ["FASTTRACK_SECRET_NAMES"] == "KEY URL"
        assert use.environ["FASTTRACK_SECRET_PARTS"] == "URL:9+12"
        assert use.environ["URL"][9:][:12] == "s3cr3t value"
        assert not {"FASTTRACK_SECRET_NAMES", "FASTTRACK_SECRET_PARTS"} & prep.environ.keys()
        assert "s3cr3t" not in repr(use)
        assert use.named_inputs == {"clean": "jobs/1/prep/clean.csv"}
        assert use.input_values == {"rows": "12"}
        assert job.tasks[0].outputs["rows"] == 12
        assert job.tasks[1].dependencies == ("prep",)

    asyncio.run(story())


def test_an_output_that_was_promised_and_not_written_is_a_failure(engine: Any) -> None:
    """Said by name."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, outputs: {accuracy: float}}"))
            job = await engine.finish(fasttrack)
        assert states(job)["a"][:2] == ("TERMINATED", "FAILURE")
        assert "accuracy" in states(job)["a"][2]

    asyncio.run(story())


def test_slots_limit_what_runs_at_once(engine: Any) -> None:
    """Two cpus, tasks of one cpu: two at a time, and the third says what it waits for."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None, capacity=ResourceSlots.parse({"cpu": 2}))
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b", "c"))
            await engine.until(lambda: len(backend.running()) == 2)
            job = await fasttrack.job("last")
            assert {task.path: task.reason for task in job.tasks}["c"] == "waits for slots: 1 cpu asked, 0 of 2 free"
            while backend.running():
                backend.end(backend.running()[0])
                await asyncio.sleep(0.02)
                assert len(backend.running()) <= 2
            assert (await engine.finish(fasttrack)).result == "SUCCESS"

    asyncio.run(story())


def test_what_can_never_fit_is_refused_with_numbers_and_shrinks_on_request(engine: Any) -> None:
    """Before anything starts; with the remedy."""

    async def story() -> None:
        backend = FakeBackend(capacity=ResourceSlots.parse({"cpu": 2, "mem": "4g"}))
        request = engine.request("{name: a, command: x, resources: {cpu: 8, mem: 1g}}")
        async with engine.on(backend) as fasttrack:
            with pytest.raises(Refused, match="asks for 8 cpu, this machine has 2") as refused:
                await fasttrack.run(request)
            assert "--shrink" in str(refused.value.details["tasks"]["a"])
            assert await fasttrack.pipelines() == []
            await fasttrack.run(request.model_copy(update={"shrink": True}))
            job = await engine.finish(fasttrack)
        assert job.tasks[0].notes == ("shrunk: cpu 8 → 2",)
        assert job.tasks[0].resources == {"cpu": "2", "mem": "1g"}
        assert backend.started[0].slots == ResourceSlots.parse({"cpu": 2, "mem": "1g"})

    asyncio.run(story())


def test_cancelling_a_job_leaves_nothing_running(engine: Any) -> None:
    """And says so; cancelling again changes nothing."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
            await fasttrack.cancel("last")
        assert (job.status, job.result) == ("CANCELLED", "UNDEFINED")
        assert backend.running() == []
        assert states(job)["a"] == ("CANCELLED", "UNDEFINED", "cancelled")

    asyncio.run(story())


def test_a_missing_secret_is_a_problem_of_the_text_before_the_job(engine: Any) -> None:
    """With its line; nothing is made."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            request = engine.request("{name: a, command: x, environment: {envs: {K: '${{ secrets.NOPE }}'}}}")
            with pytest.raises(InvalidPipeline) as refused:
                await fasttrack.run(request)
            assert any("NOPE" in p.message and p.line == 3 for p in refused.value.problems)
            assert await fasttrack.pipelines() == []

    asyncio.run(story())


def test_the_same_key_makes_one_job(engine: Any) -> None:
    """A request that is repeated because its answer got lost."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            request = engine.request("a").model_copy(update={"key": "k1"})
            first = await fasttrack.run(request)
            again = await fasttrack.run(request)
            assert again.id == first.id

    asyncio.run(story())


def test_a_deployment_is_refused_rather_than_run_as_nothing(engine: Any) -> None:
    """It has no command; a shell would call that a success."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            serve = "{name: serve, type: serving, dependencies: [a], service: {name: api, model: m}%s}"
            with pytest.raises(Refused, match="'serve' is a deployment"):
                await fasttrack.run(engine.request("a", serve % ""))
            await fasttrack.run(engine.request("a", serve % ", skip: true"))
            assert (await engine.finish(fasttrack)).result == "SUCCESS"

    asyncio.run(story())


def test_all_sessions_of_a_job_see_one_commit(engine: Any) -> None:
    """What the first one found is what the others, and later attempts, are asked to use."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        task = "{name: %s, type: git, module_uri: 'https://host/x.git@main', command: x, dependencies: [%s]}"
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(task % ("a", ""), task % ("b", "a")))
            await engine.until(lambda: len(backend.running()) == 1)
            backend.tell(backend.running()[0], commit="c0ffee")
            backend.end(backend.running()[0])
            await engine.until(lambda: len(backend.started) == 2)
            backend.end(backend.running()[0])
            await engine.finish(fasttrack)
        assert [spec.git.commit for spec in backend.started] == [None, "c0ffee"]

    asyncio.run(story())
