"""Jobs from request to end, on a fake backend: what runs, what is said, what a crash costs."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import JobFilter
from fasttrack_jupyter.engine.views import JobRequest, RerunRequest, Selection
from fasttrack_jupyter.errors import (
    BackendUnreachable,
    Conflict,
    InvalidPipeline,
    NotFound,
    Refused,
    SessionRejected,
    StoreFull,
)
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.store.sqlite import SqliteStore
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
            "  environment: {envs: {KEY: '${{ secrets.KEY }}', N: '${{ inputs.rows }}'}}\n"
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


def test_rerun_from_failed_reuses_what_succeeded(engine: Any) -> None:
    """Reused outputs are the old job's own; the plan says so beforehand."""

    async def story() -> None:
        broken = {"c"}
        backend = FakeBackend(lambda spec: 1 if spec.path in broken else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", "c: [b]", "d: [c]"))
            await engine.finish(fasttrack)
            broken.clear()
            again = RerunRequest(from_failed=True)
            plan = await fasttrack.plan_rerun("last", again)
            assert [(t.path, t.decision.value) for t in plan.tasks] == [
                ("a", "reused"), ("b", "reused"), ("c", "will run"), ("d", "will run"),
            ]  # fmt: skip
            await fasttrack.rerun("last", again)
            job = await engine.finish(fasttrack)
        assert [spec.path for spec in backend.started] == ["a", "b", "c", "c", "d"]
        assert backend.started[3].inputs == ("jobs/1/b",)
        assert states(job)["a"] == ("TERMINATED", "SUCCESS", "reused from job #1")
        assert job.rerun_of

    asyncio.run(story())


def test_rerun_with_an_edited_text_runs_what_changed_and_what_hangs_on_it(engine: Any) -> None:
    """The reason names what changed."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 1 if spec.path == "c" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]", "c: [b]"))
            await engine.finish(fasttrack)
            edited = engine.request("a", "{name: b, command: other, dependencies: [a]}", "c: [b]").text
            plan = await fasttrack.plan_rerun("last", RerunRequest(from_failed=True, text=edited))
        assert [(t.decision.value, t.reason) for t in plan.tasks] == [
            ("reused", "reused from job #1"),
            ("will run", "command changed"),
            ("will run", "did not succeed"),
        ]

    asyncio.run(story())


def test_a_partial_job_uses_the_last_successes_of_what_it_leaves_out(engine: Any) -> None:
    """``--from b``: ``a`` is reused; ``--only`` with nothing before warns of an empty input."""

    async def story() -> None:
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            request = engine.request("a", "b: [a]", "c: [b]")
            only_b = request.model_copy(update={"selection": Selection(only=("b",))})
            plan = await fasttrack.plan(only_b)
            assert [t.decision.value for t in plan.tasks] == ["skipped", "will run", "skipped"]
            assert "empty input" in plan.tasks[0].notes[0]
            await fasttrack.run(request)
            await engine.finish(fasttrack)
            await fasttrack.run(request.model_copy(update={"selection": Selection.model_validate({"from": ["b"]})}))
            job = await engine.finish(fasttrack)
        assert states(job)["a"] == ("TERMINATED", "SUCCESS", "reused from job #1")
        assert [spec.path for spec in backend.started] == ["a", "b", "c", "b", "c"]
        assert backend.started[3].inputs == ("jobs/1/a",)

    asyncio.run(story())


def test_a_skipped_task_counts_as_satisfied(engine: Any) -> None:
    """With nothing before it, its dependents see an empty input, and are told."""

    async def story() -> None:
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, skip: true}", "b: [a]"))
            job = await engine.finish(fasttrack)
        assert states(job)["a"] == ("SKIPPED", "SUCCESS", "skip: true")
        assert "empty input" in job.tasks[0].notes[0]
        assert backend.started[0].inputs == (None,)

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


def test_only_so_many_jobs_run_at_once_and_the_urgent_one_is_next(engine: Any) -> None:
    """The others are PENDING and say why."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend, max_jobs=1) as fasttrack:
            await fasttrack.run(engine.request("a", name="one"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.run(engine.request("a", name="two"))
            await fasttrack.run(engine.request("a", name="three").model_copy(update={"priority": 5}))
            job = await fasttrack.job("two#1")
            assert job.status == "PENDING"
            assert "turn" in job.tasks[0].reason
            for _ in range(3):
                await engine.until(lambda: len(backend.running()) == 1)
                backend.end(backend.running()[0])
            await engine.finish(fasttrack)
        assert [spec.pipeline for spec in backend.started] == ["one", "three", "two"]

    asyncio.run(story())


def test_a_backend_that_does_not_answer_is_asked_again(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is never an end; the instance says what the trouble is."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.02))

    async def story() -> None:
        trouble = BackendUnreachable("the manager does not answer")
        answers: list[Exception | int] = [trouble, trouble, OSError(errno.ENOSPC, "No space left"), 0]
        backend = FakeBackend(lambda spec: answers.pop(0))
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            job = await engine.finish(fasttrack)
            events = (await fasttrack.events(0, 100)).events
        assert job.result == "SUCCESS"
        assert len(backend.started) == 1
        assert any(event.reason == "the manager does not answer" for event in events)

    asyncio.run(story())


def test_a_full_disk_pauses_the_job_and_space_lets_it_go_on(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done that could not be recorded; the job says why it waits."""
    monkeypatch.setattr("fasttrack_jupyter.engine.runner.FULL_DISK_PAUSE", 0.01)
    is_full = True
    record = SqliteStore.record

    async def record_if_there_is_space(store: SqliteStore, changes: Any) -> int:
        if is_full:
            raise StoreFull("no space left on the disk of the home")
        return await record(store, changes)

    monkeypatch.setattr(SqliteStore, "record", record_if_there_is_space)

    async def story() -> None:
        nonlocal is_full
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.until(lambda: is_paused(fasttrack))
            assert backend.started == []
            is_full = False
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert job.paused is None

    async def is_paused(fasttrack: Any) -> bool:
        job = await fasttrack.job("last")
        return job.paused == "paused: no space left on the disk of the home" and job.tasks[0].reason == job.paused

    asyncio.run(story())


def test_what_cannot_start_is_an_error_with_the_remedy_and_no_retry(engine: Any) -> None:
    """status ERROR, result FAILURE."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: SessionRejected("no such image", hint="name another"))
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("{name: a, command: x, retry: {max_attempts: 3}}"))
            job = await engine.finish(fasttrack)
        assert states(job)["a"] == ("ERROR", "FAILURE", "no such image (name another)")
        assert job.tasks[0].attempts == 1

    asyncio.run(story())


@pytest.mark.parametrize("after_starts", range(8))
def test_an_engine_that_dies_costs_nothing(engine: Any, after_starts: int) -> None:
    """Whenever it dies, the next one goes on: nothing lost, nothing twice."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None if len(backend.started) >= after_starts else 0)
        request = engine.request("a", "b: [a]", "c: [a]", "d: [b, c]", "e: [d]", "f: [d]")
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(request)
            await engine.until(lambda: len(backend.started) > after_starts or fasttrack.is_idle())
        for attempt_id in backend.running():
            backend.end(attempt_id)
        later = FakeBackend(sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            job = await engine.finish(fasttrack)
        started = [spec.attempt_id for spec in backend.started + later.started]
        assert len(started) == len(set(started)) == 6
        assert (job.status, job.result) == ("TERMINATED", "SUCCESS")

    asyncio.run(story())


def test_a_cancel_that_was_asked_for_survives_the_engine(engine: Any) -> None:
    """The next engine asks the backend again."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)

        async def deaf(attempt_id: str, reason: str) -> None:
            pass

        backend.cancel = deaf  # type: ignore[method-assign]
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.until(lambda: len(backend.running()) == 1)
            await fasttrack.cancel("last")
            await engine.until(lambda: is_terminating(fasttrack))
        later = FakeBackend(sessions=backend.sessions)
        async with engine.on(later) as fasttrack:
            job = await engine.finish(fasttrack)
        assert job.status == "CANCELLED"

    async def is_terminating(fasttrack: Any) -> bool:
        return (await fasttrack.job("last")).tasks[0].status == "TERMINATING"

    asyncio.run(story())


def test_events_tell_the_whole_story_in_order(engine: Any) -> None:
    """From the creation to the end; a waiting reader is woken."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            waiting = asyncio.create_task(fasttrack.events(0, 100, wait=10.0))
            await asyncio.sleep(0)
            await fasttrack.run(engine.request("a"))
            assert (await waiting).events[0].type == "JobCreated"
            await engine.finish(fasttrack)
            page = await fasttrack.events(0, 100)
        assert [event.type for event in page.events] == [
            "JobCreated", "JobStarted", "SessionRequested", "SessionStatusChanged", "SessionEnded", "JobEnded",
        ]  # fmt: skip
        assert [event.seq for event in page.events] == sorted({event.seq for event in page.events})

    asyncio.run(story())


def test_gc_keeps_what_a_kept_job_still_shows(engine: Any) -> None:
    """The reused outputs of a job that goes stay as long as another refers to them."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 1 if spec.path == "b" and spec.job_index == 1 else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.finish(fasttrack)
            await fasttrack.rerun("last", RerunRequest(from_failed=True))
            await engine.finish(fasttrack)
            engine.clock.at += 10 * 86_400
            view = await fasttrack.gc(keep_jobs=1, older_than_days=1, dry_run=True)
            assert view.jobs == ("demo#1",)
            assert [name.split("/", 1)[1] for name in view.folders] == ["jobs/1/b"]
            await fasttrack.gc(keep_jobs=1, older_than_days=1, dry_run=False)
            assert [job.index for job in await fasttrack.jobs(JobFilter())] == [2]

    asyncio.run(story())


def test_a_running_job_cannot_be_deleted(engine: Any) -> None:
    """Conflict, with what to do."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            with pytest.raises(Conflict, match="has not ended"):
                await fasttrack.delete(["last"])
            await fasttrack.cancel("last")
            await engine.finish(fasttrack)
            assert await fasttrack.delete(["last"]) == 1
            with pytest.raises(NotFound):
                await fasttrack.job("last")

    asyncio.run(story())
