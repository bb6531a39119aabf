"""What the panel, the editor and the monitor ask of the engine, beside jobs as such."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import UsagePoint
from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.fakes import FakeBackend

SECRET = "s3cret-value-of-length"


def has_running(backend: FakeBackend, count: int) -> bool:
    """Whether so many sessions run."""
    return len(backend.running()) == count


def request(*tasks: str, pipeline: str = "demo", **more: Any) -> JobRequest:
    """A pipeline of tasks in flow style."""
    text = f"name: {pipeline}\ntasks:\n" + "".join(f"- {{{task}}}\n" for task in tasks)
    return JobRequest(text=text, **more)


# ---------------------------------------------------------------- many jobs


def test_what_can_be_deleted_is_and_the_rest_is_told_of(engine: Any) -> None:
    """A job that runs and a name that means nothing keep no other from going; twice named is once deleted."""

    async def story() -> None:
        async with engine.on(FakeBackend(lambda spec: None if spec.path == "long" else 0)) as fasttrack:
            for name in ("x", "y"):
                await fasttrack.run(engine.request("a", name=name))
            await engine.finish(fasttrack)
            running = await fasttrack.run(engine.request("long", name="z"))
            answer = await fasttrack.delete_many(["x#1", "y#1", running.id, "nobody", "x#1"])
            assert [(refusal.job, refusal.code) for refusal in answer.refused] == [
                (running.id, "conflict"), ("nobody", "not_found")
            ]  # fmt: skip
            assert len(answer.deleted) == 2
            assert [job.pipeline for job in await fasttrack.jobs(JobFilter())] == ["z"]

    asyncio.run(story())


def test_tags_are_counted(engine: Any) -> None:
    """The most used first."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            for tags in (("best", "실험"), ("best",), ()):
                await fasttrack.run(request("name: a, command: x", tags=tags))
            await engine.finish(fasttrack)
            assert [(tag.tag, tag.jobs) for tag in await fasttrack.tags()] == [("best", 2), ("실험", 1)]

    asyncio.run(story())


def test_jobs_are_counted_by_the_same_filter(engine: Any) -> None:
    """By status and by result, zeros included."""

    async def story() -> None:
        async with engine.on(FakeBackend(lambda spec: 1 if spec.path == "bad" else 0)) as fasttrack:
            for task in ("good", "bad", "good"):
                await fasttrack.run(engine.request(task, name=f"p {task}"))
            await engine.finish(fasttrack)
            counts = await fasttrack.counts(JobFilter())
            assert (counts.total, counts.status["TERMINATED"], counts.status["RUNNING"]) == (3, 3, 0)
            assert counts.result == {"UNDEFINED": 0, "SUCCESS": 2, "FAILURE": 1}
            assert (await fasttrack.counts(JobFilter(text="GOOD"))).total == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#1", ["digits#1"]),
        ("#12", ["digits#12"]),
        ("digits#2", ["digits#2"]),
        ("실험", ["digits#3"]),
        ("second note", ["digits#2"]),
        ("best run", ["digits#1"]),
        ("100%", ["digits#4"]),
        ("no such", []),
    ],
)
def test_text_finds_jobs_by_all_that_people_write_on_them(engine: Any, text: str, found: list[str]) -> None:
    """Name, note, tags, pipeline and index; nothing in it is a pattern."""
    more: dict[int, dict[str, Any]] = {
        1: {"name": "Best run"}, 2: {"note": "a second note"}, 3: {"tags": ("실험 A",)}, 4: {"note": "100% sure"},
    }  # fmt: skip

    async def story() -> list[str]:
        async with engine.on(FakeBackend()) as fasttrack:
            for number in range(1, 13):
                await fasttrack.run(request("name: a, command: x", pipeline="digits", **more.get(number, {})))
            return [f"{job.pipeline}#{job.index}" for job in await fasttrack.jobs(JobFilter(text=text))]

    assert asyncio.run(story()) == found


def test_pages_are_stable_while_jobs_come_and_go(engine: Any) -> None:
    """No job is shown twice or left out between two pages."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            for _ in range(6):
                await fasttrack.run(engine.request("a"))
            await engine.finish(fasttrack)
            first = await fasttrack.jobs(JobFilter(limit=3))
            await fasttrack.run(engine.request("a"))
            await fasttrack.delete(["demo#5"])
            second = await fasttrack.jobs(JobFilter(limit=3, before=first[-1].id))
            assert [job.index for job in first + second] == [6, 5, 4, 3, 2, 1]

    asyncio.run(story())


# ---------------------------------------------------------------- pipelines


def test_a_pipeline_tells_of_its_last_job(engine: Any) -> None:
    """So that a panel needs one question."""

    async def story() -> None:
        async with engine.on(FakeBackend(lambda spec: 1)) as fasttrack:
            await fasttrack.run(engine.request("a"))
            job = await engine.finish(fasttrack)
            [view] = await fasttrack.pipelines()
            assert view == await fasttrack.pipeline("demo")
            assert view.last is not None
            assert (view.last_job, view.last.id, view.last.index) == (job.id, job.id, 1)
            assert (view.last.status, view.last.result, view.last.ended_at) == (job.status, "FAILURE", job.ended_at)
            with pytest.raises(NotFound, match="demos"):
                await fasttrack.pipeline("demos")

    asyncio.run(story())


def test_a_pipeline_goes_with_its_jobs_and_its_folder(engine: Any) -> None:
    """And another of the same name begins anew."""

    async def story() -> None:
        backend = FakeBackend()
        async with engine.on(backend) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request("a"))
            await fasttrack.run(engine.request("a", name="other"))
            await engine.finish(fasttrack)
            folder = (await fasttrack.pipeline("demo")).folder
            assert await fasttrack.delete_pipeline("demo") == 2
            assert [view.name for view in await fasttrack.pipelines()] == ["other"]
            assert folder not in backend.folder_infos
            again = await fasttrack.run(engine.request("a"))
            assert again.index == 1

    asyncio.run(story())


def test_a_pipeline_with_a_running_job_stays_whole(engine: Any) -> None:
    """Nothing of it is removed."""

    async def story() -> None:
        backend = FakeBackend(lambda spec: None if spec.job_index == 2 else 0)
        async with engine.on(backend) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request("a"))
            with pytest.raises(Conflict, match="demo#2 has not ended"):
                await fasttrack.delete_pipeline("demo")
            assert (await fasttrack.pipeline("demo")).jobs == 2

    asyncio.run(story())


# ---------------------------------------------------------------- of a task instance


def test_expected_seconds_come_from_earlier_jobs(engine: Any) -> None:
    """Of each instance that runs, and of the job along its longest path."""

    async def story() -> None:
        async with engine.on(backend := FakeBackend(lambda spec: None, now=engine.clock.now)) as fasttrack:
            for _ in range(2):
                job = await fasttrack.run(engine.request("a", "b: [a]", "c: [a]"))
                first = await fasttrack.job(job.id)
                for seconds, count in ((10.0, 1), (5.0, 2)):
                    await engine.until(partial(has_running, backend, count))
                    engine.clock.at += seconds
                    for name in backend.running():
                        backend.end(name)
                await engine.finish(fasttrack)
            assert {task.path: task.expected_seconds for task in first.tasks} == {"a": 10.0, "b": 5.0, "c": 5.0}
            assert first.expected_seconds == 15.0

    asyncio.run(story())


def test_usage_over_time_is_of_the_attempt_that_is_asked_for(engine: Any) -> None:
    """Cores, bytes, GPUs by their place; an attempt that was not is not found."""

    async def story() -> None:
        async with engine.on(backend := FakeBackend()) as fasttrack:
            job = await fasttrack.run(engine.request("a", "b: [a]"))
            await engine.finish(fasttrack)
            backend.samples[f"{job.id}-0-1"] = [UsagePoint(1.5, 0.25, 1 << 20, 3, ((40.0, 7), (None, 8)))]
            series = await fasttrack.usage_samples(job.id, "a", None)
            assert (series.attempt, len(series.samples)) == (1, 1)
            assert json.loads(series.samples[0].model_dump_json()) == {
                "at": "1970-01-01T00:00:01.500000Z", "cpu": 0.25, "mem": 1 << 20, "processes": 3,
                "gpu": [{"index": 0, "util": 40.0, "mem": 7}, {"index": 1, "util": None, "mem": 8}],
            }  # fmt: skip
            assert (await fasttrack.usage_samples(job.id, "b", None)).samples == ()
            with pytest.raises(NotFound, match="had 1 attempts, not 2"):
                await fasttrack.usage_samples(job.id, "a", 2)

    asyncio.run(story())


def test_what_an_attempt_ran_is_told_without_any_secret(engine: Any) -> None:
    """Ended and running, and whatever way a secret took into the command."""
    engine.secrets.set("TOKEN", SECRET)
    environment = "{image: 'py:1', envs: {T: 'x ${{ secrets.TOKEN }}', N: '1'}}"
    more = f"environment: {environment}, resources: {{cpu: 2}}, timeout: 1h"
    tasks = (
        f"name: a, command: 'echo ${{{{ params.word }}}}', outputs: {{n: int}}, {more}",
        "name: b, command: 'use ${{ tasks.a.outputs.n }} ${{ inputs.v }}', inputs: {v: a.n}, mounts: ['data:/data']",
        "name: c, command: x, dependencies: [b]",
    )

    async def story() -> None:
        backend = FakeBackend(lambda spec: None if spec.path == "b" else 0)
        backend.values["a"] = {"n": "7"}
        head = "params: [{name: word, type: str, default: hello}]\n"
        text = (asked := request(*tasks)).text
        assert text is not None
        async with engine.on(backend) as fasttrack:
            wanted = asked.model_copy(
                update={"text": text.replace("tasks:", f"{head}tasks:", 1), "params": {"word": f"say {SECRET}"}}
            )
            job = await fasttrack.run(wanted)
            await engine.until(partial(has_running, backend, 1))
            first, second, third = [await fasttrack.session(job.id, path, None) for path in "abc"]
        assert SECRET not in first.model_dump_json() + second.model_dump_json()
        assert first.command == f"echo 'say {'*' * len(SECRET)}'"
        assert (first.attempt, first.image, first.timeout, first.slots) == (1, "py:1", 3600.0, {"cpu": "2"})
        assert (first.environ["T"], first.environ["N"]) == (None, "1")
        assert (second.command, second.inputs, second.named_inputs) == ("use 7 7", ("jobs/1/a",), {"v": "7"})
        assert [(mount.folder, mount.target) for mount in second.mounts] == [("data", "/data")]
        assert (third.attempt, third.command, third.reason) == (0, None, "what it runs is known once b has ended")

    asyncio.run(story())


# ---------------------------------------------------------------- the home


def test_slots_held_over_the_last_days_add_up(engine: Any) -> None:
    """Averages by bucket, across buckets and for what still runs; totals and what is held now beside them."""

    async def story() -> None:
        slots = ResourceSlots.parse({"cpu": "8", "mem": "16g"})
        backend = FakeBackend(lambda spec: None, capacity=slots, now=engine.clock.now)
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(request("name: a, command: x, resources: {cpu: 2, mem: 1g}"))
            await engine.until(partial(has_running, backend, 1))
            engine.clock.at += 86_400 / 8
            backend.end(backend.running()[0])
            await engine.finish(fasttrack)
            engine.clock.at += 86_400 / 8
            history = await fasttrack.usage_history(1.0, 4, "local")
        assert history.slots["cpu"] == (0.0, 0.0, 0.0, 1.0)
        assert history.slots["mem"][3] == (1 << 30) / 2
        assert (history.total["cpu"], history.used, history.seconds) == (8.0, {"cpu": 0.0, "mem": 0.0}, 21_600.0)
        assert (history.end - history.start).days == 1

    asyncio.run(story())


def test_backends_tell_what_is_free_and_why_one_cannot_be_used(engine: Any) -> None:
    """One that could not be opened is shown with the reason."""

    class Broken(FakeBackend):
        async def open(self, report: Any) -> None:
            raise OSError("no route to it")

    async def story() -> None:
        backend = FakeBackend(lambda spec: None, capacity=ResourceSlots.parse({"cpu": "8"}))
        async with engine.on(backend, cluster=Broken()) as fasttrack:
            await fasttrack.run(request("name: a, command: x, resources: {cpu: 2}"))
            await engine.until(partial(has_running, backend, 1))
            local, cluster = await fasttrack.backends()
        assert (local.name, local.ready, local.mode, local.counts_slots) == ("local", True, "fake", True)
        assert local.slots["cpu"].model_dump() == {"total": "8", "used": "2"}
        assert (cluster.name, cluster.ready) == ("cluster", False)
        assert "no route to it" in cluster.reason

    asyncio.run(story())


def test_the_schema_is_the_shipped_one(engine: Any) -> None:
    """For the form and the YAML pane."""

    async def story() -> dict[str, Any]:
        async with engine.on(FakeBackend()) as fasttrack:
            found: dict[str, Any] = await fasttrack.schema()
            return found

    assert asyncio.run(story())["properties"]["tasks"]["title"] == "Tasks"
