"""Reruns, partial jobs, skipped tasks: what is reused and what is said about it; gc."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.engine.views import JobRequest, RerunRequest, Selection
from fasttrack_jupyter.errors import (
    Conflict,
    NotFound,
)
from fasttrack_jupyter.testing.fakes import FakeBackend


def states(job: Any) -> dict[str, tuple[str, str, str]]:
    """``{path: (status, result, reason)}``."""
    return {task.path: (task.status.value, task.result.value, task.reason) for task in job.tasks}


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


def test_a_deletion_is_told_to_whoever_waits_for_events(engine: Any) -> None:
    """Also one by gc; the event tells by itself which job is gone."""

    async def story() -> None:
        async with engine.on(FakeBackend(lambda spec: 0)) as fasttrack:
            gone = []
            for delete in (
                lambda: fasttrack.delete(["last"]),
                lambda: fasttrack.gc(keep_jobs=0, older_than_days=0, dry_run=False),
            ):
                job = await fasttrack.run(engine.request("a"))
                await engine.finish(fasttrack)
                seq = (await fasttrack.info()).seq
                waiting = asyncio.create_task(fasttrack.events(seq, 100, wait=30))
                await asyncio.sleep(0)
                await delete()
                (event,) = (await waiting).events
                assert (event.type, event.job_id, event.path) == ("JobDeleted", job.id, None)
                gone.append(event.data)
            assert [(data["pipeline"], data["index"]) for data in gone] == [(job.pipeline, 1), (job.pipeline, 2)]

    asyncio.run(story())


def test_outputs_that_somebody_removed_are_not_reused(engine: Any) -> None:
    """The plan says so: the task runs again in a rerun from failed; in a partial job its place is empty."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 1 if spec.path == "c" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", "b", "c: [a, b]"))
            await engine.finish(fasttrack)
            backend.gone = {"jobs/1/a"}
            plan = await fasttrack.plan_rerun("last", RerunRequest(from_failed=True))
            part = await fasttrack.plan_rerun("last", RerunRequest(selection=Selection(only=("c",))))
            await fasttrack.rerun("last", RerunRequest(from_failed=True))
            await engine.finish(fasttrack)
        assert [(t.decision.value, t.reason) for t in plan.tasks] == [
            ("will run", "its outputs of job #1 are gone"),
            ("reused", "reused from job #1"),
            ("will run", "did not succeed"),
        ]
        assert part.tasks[0].notes == ("its outputs of job #1 are gone: what it feeds sees an empty input",)
        assert backend.started[-1].inputs == ("jobs/2/a", "jobs/1/b")

    asyncio.run(story())


def test_a_rerun_from_failed_gives_a_skipped_task_the_outputs_it_had(engine: Any) -> None:
    """Those of the last successful job, as in the first place."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 1 if spec.path == "b" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.finish(fasttrack)
            await fasttrack.run(engine.request("{name: a, command: x, skip: true}", "b: [a]"))
            await engine.finish(fasttrack)
            await fasttrack.rerun("last", RerunRequest(from_failed=True))
            await engine.finish(fasttrack)
        assert [spec.inputs for spec in backend.started if spec.path == "b"] == [("jobs/1/a",), ("jobs/1/a",)]

    asyncio.run(story())


def test_an_edited_rerun_takes_new_defaults_and_leaves_out_what_is_declared_no_more(engine: Any) -> None:
    """What was given by hand is kept."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            head = "params:\n- {name: rate, type: float, default: 0.1}\n- {name: old, type: int, default: 1}\n"
            head += "- {name: size, type: int, default: 3}\n"
            request = engine.request("a", head=head)
            await fasttrack.run(request.model_copy(update={"params": {"size": 7, "old": 2}}))
            await engine.finish(fasttrack)
            head = "params:\n- {name: rate, type: float, default: 0.5}\n- {name: size, type: int, default: 4}\n"
            await fasttrack.rerun("last", RerunRequest(text=engine.request("a", head=head).text))
            job = await engine.finish(fasttrack)
        assert job.params == {"rate": 0.5, "size": 7}

    asyncio.run(story())


def test_a_rerun_under_another_name_reuses_nothing(engine: Any) -> None:
    """Another pipeline has another folder, in which the same path is something else."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: 1 if spec.path == "b" else 0)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request("a", name="other"))
            await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.finish(fasttrack)
            text = engine.request("a", "b: [a]", name="other").text
            plan = await fasttrack.plan_rerun("demo#1", RerunRequest(from_failed=True, text=text))
        assert [task.decision.value for task in plan.tasks] == ["will run", "will run"]

    asyncio.run(story())


def test_edited_code_runs_the_tasks_that_name_it_and_is_said_for_the_others(engine: Any, tmp_path: Path) -> None:
    """A file that no command names may still matter: the plan says that it changed."""
    folder = tmp_path / "code"
    folder.mkdir()
    source = folder / "p.yaml"
    source.write_text("name: p\ntasks:\n- {name: a, command: sh a.sh}\n- {name: b, command: sh b.sh}\n")
    for name in ("a.sh", "b.sh", "shared.sh"):
        (folder / name).write_text("1")

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            await fasttrack.run(JobRequest(source=str(source)))
            await engine.finish(fasttrack)
            for name in ("b.sh", "shared.sh"):
                (folder / name).write_text("2")
            plan = await fasttrack.plan_rerun("last", RerunRequest(from_failed=True, edited=True))
            assert [(t.decision, t.reason) for t in plan.tasks] == [
                ("reused", "reused from job #1"),
                ("will run", "b.sh changed"),
            ]
            assert [p.message for p in plan.problems] == ["edited since job #1: b.sh, shared.sh"]

    asyncio.run(story())
