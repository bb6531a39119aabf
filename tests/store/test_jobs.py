"""Making, finding, listing, annotating and forgetting jobs; what earlier jobs teach."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.store.jobs import folder_name
from fasttrack_jupyter.store.sqlite import SqliteStore


def test_a_job_comes_back_as_it_was_made(kit: Any) -> None:
    """Every field, and the JobCreated event."""

    async def scenario(store: SqliteStore) -> None:
        new = kit.new_job(
            "a", "한국어", params={"lr": 0.01, "deep": [1, {"x": None}]}, name="a 'name'", tags=("x", "y z"),
            note="n\nn", priority=3, rerun_of="older", code="d1", options={"only": ["a"], "key": "k1"},
        )  # fmt: skip
        made = await store.create_job(new)
        assert made == await store.job(new.id)
        assert (made.index, made.status, made.result, made.reason) == (1, JobStatus.PENDING, Result.UNDEFINED, "")
        for field in (
            "id",
            "pipeline",
            "folder",
            "text",
            "source",
            "backend",
            "params",
            "name",
            "tags",
            "note",
            "priority",
        ):
            assert getattr(made, field) == getattr(new, field), field
        assert (made.rerun_of, made.code, made.options, made.created_at) == ("older", "d1", new.options, new.created_at)
        assert [(i.path, i.ordinal, i.status) for i in await store.instances(new.id)] == [
            ("a", 0, Status.WAITING),
            ("한국어", 1, Status.WAITING),
        ]
        (event,) = await store.events(0, 10)
        assert (event.type, event.job_id, event.path, event.seq) == ("JobCreated", new.id, None, 1)

    kit.run(scenario)


def test_an_instance_may_have_another_name_than_its_task(kit: Any) -> None:
    """Loops: the path says which one, the task what."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job(instances=[("sweep[0]/train", "train"), ("sweep[1]/train", "train")]))
        assert [(i.path, i.task) for i in await store.instances(job.id)] == [
            ("sweep[0]/train", "train"),
            ("sweep[1]/train", "train"),
        ]

    kit.run(scenario)


def test_making_a_known_job_gives_the_stored_one(kit: Any) -> None:
    """By id, and by idempotency key; no index is used up."""

    async def scenario(store: SqliteStore) -> None:
        new = kit.new_job(options={"key": "once"})
        first = await store.create_job(new)
        assert await store.create_job(new) == first
        assert await store.create_job(kit.new_job(options={"key": "once"})) == first
        assert await store.job_by_key("once") == first
        assert await store.job_by_key("never") is None
        assert (await store.create_job(kit.new_job())).index == 2
        assert await store.last_seq() == 2

    kit.run(scenario)


def test_indices_count_per_pipeline_without_gaps(kit: Any) -> None:
    """Also when many are made at once; a deleted job's index is not used again."""

    async def scenario(store: SqliteStore) -> None:
        made = await asyncio.gather(*(store.create_job(kit.new_job(pipeline=f"p{n % 2}")) for n in range(20)))
        for name in ("p0", "p1"):
            assert [job.index for job in made if job.pipeline == name] == list(range(1, 11))
        last = made[-1]
        await kit.end(store, last)
        await store.delete_jobs([last.id], 9.0)
        assert (await store.create_job(kit.new_job(pipeline="p1"))).index == 11

    kit.run(scenario)


def test_two_instances_of_one_path_are_refused(kit: Any) -> None:
    """Nothing of the job is written then."""

    async def scenario(store: SqliteStore) -> None:
        with pytest.raises(BadRequest, match="one path"):
            await store.create_job(kit.new_job("a", "a"))
        assert await store.unfinished() == []
        assert await store.last_seq() == 0

    kit.run(scenario)


def test_a_pipelines_folder_is_decided_once(kit: Any) -> None:
    """The source follows the file; the folder never changes."""

    async def scenario(store: SqliteStore) -> None:
        first = await store.ensure_pipeline("My digits!", "/a.yaml", 5.0)
        again = await store.ensure_pipeline("My digits!", "/b.yaml", 9.0)
        assert re.fullmatch(r"My-digits-[0-9A-Za-z]{6}", first.folder)
        assert (again.folder, again.source, again.created_at) == (first.folder, "/b.yaml", 5.0)
        assert (await store.ensure_pipeline("My digits!", None, 9.0)).source == "/b.yaml"
        job = await store.create_job(kit.new_job(pipeline="My digits!", folder=first.folder))
        (record,) = await store.pipelines()
        assert record.last_job is not None
        assert (record.jobs, record.last_job.id, record.last_job.index) == (1, job.id, 1)

    kit.run(scenario)


@pytest.mark.parametrize(("name", "slug"), [("디지트", "pipeline"), ("../x y", "x-y"), ("a" * 90, "a" * 40)])
def test_a_folders_name_is_plain_ascii(name: str, slug: str) -> None:
    """Whatever the pipeline is called."""
    assert re.fullmatch(re.escape(slug) + "-[0-9A-Za-z]{6}", folder_name(name))


def test_a_job_that_is_not_there_gets_a_suggestion(kit: Any) -> None:
    """A pipeline's name, whole or mistyped, is answered with its newest job."""

    async def scenario(store: SqliteStore) -> None:
        for _ in range(2):
            await store.create_job(kit.new_job(pipeline="학습 tour"))
        for word in ("학습 tour", "학습 tuor#1", "학습 tour#9"):
            with pytest.raises(NotFound) as missing:
                await store.find_job(word)
            assert "is 학습 tour#2;" in missing.value.hint, word

    kit.run(scenario)


def test_finding_a_job(kit: Any) -> None:
    """By id, beginning of an id, name#index, #index where unambiguous, and last."""

    async def scenario(store: SqliteStore) -> None:
        one = await store.create_job(kit.new_job(pipeline="a#b", id="1aaa"))
        two = await store.create_job(kit.new_job(pipeline="c", id="1aab"))
        three = await store.create_job(kit.new_job(pipeline="c", id="1aa"))
        words = {"1aaa": one, "1AAB": two, "a#b#1": one, "c#2": three, "#2": three, "last": three, " last ": three}
        for word, job in words.items():
            assert (await store.find_job(word)).id == job.id, word
        with pytest.raises(Conflict, match="2 jobs: ") as conflict:
            await store.find_job("#1")
        assert set(conflict.value.details["candidates"]) == {one.id, two.id}
        assert (await store.find_job("1aa")).id == three.id
        with pytest.raises(Conflict, match=r"c#1 \(1aab\)"):
            await store.find_job("1a")
        for word in ("", "9", "c#3", "#99", "x#1", "1%", "a#", "#٣"):
            with pytest.raises(NotFound) as missing:
                await store.find_job(word)
            assert missing.value.hint

    kit.run(scenario)


def test_listing_jobs(kit: Any) -> None:
    """Newest first, filtered, page by page."""

    async def scenario(store: SqliteStore) -> None:
        jobs = [
            await store.create_job(kit.new_job(pipeline=f"p{n % 2}", name=f"100%_{n}", tags=("even",) * (n % 2 == 0)))
            for n in range(6)
        ]
        ids = [job.id for job in jobs][::-1]
        await kit.end(store, jobs[0], Result.FAILURE)

        async def listed(**which: Any) -> list[str]:
            return [job.id for job in await store.jobs(JobFilter(**which))]

        assert await listed() == ids
        assert await listed(limit=2) == ids[:2]
        assert await listed(limit=2, before=ids[1]) == ids[2:4]
        assert await listed(pipeline="p1") == [ids[0], ids[2], ids[4]]
        assert await listed(tag="even") == [ids[1], ids[3], ids[5]]
        assert await listed(status=("TERMINATED", "CANCELLED")) == [ids[5]]
        assert await listed(result=("FAILURE",)) == [ids[5]]
        assert await listed(text="0%_3") == [ids[2]]
        assert await listed(text="P1") == [ids[0], ids[2], ids[4]]
        assert await listed(text="%%") == []
        with pytest.raises(NotFound):
            await listed(before="gone")

    kit.run(scenario)


def test_unfinished_jobs_come_oldest_first(kit: Any) -> None:
    """And only those."""

    async def scenario(store: SqliteStore) -> None:
        jobs = [await store.create_job(kit.new_job()) for _ in range(3)]
        await kit.end(store, jobs[1])
        assert [job.id for job in await store.unfinished()] == [jobs[0].id, jobs[2].id]

    kit.run(scenario)


def test_annotating(kit: Any) -> None:
    """None leaves a field as it is; a job that is not there is not found; an event tells what is new, and no more."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job(name="old", tags=("t",)))
        await store.annotate(job.id, 1.0, name=None, tags=["a", "b"], note="looks good")
        job = await store.job(job.id)
        assert (job.name, job.tags, job.note) == ("old", ("a", "b"), "looks good")
        await store.annotate(job.id, 1.0, name="", tags=[], note=None)
        job = await store.job(job.id)
        assert (job.name, job.tags, job.note) == ("", (), "looks good")
        with pytest.raises(NotFound):
            await store.annotate("gone", 1.0, name="x", tags=None, note=None)
        told = [event for event in await store.events(0, 100) if event.type == "JobAnnotated"]
        assert [event.data for event in told] == [{"tags": ["a", "b"], "note": "looks good"}, {"name": "", "tags": []}]
        assert [(event.status, event.at, event.path) for event in told] == [("PENDING", 1.0, None)] * 2
        assert told[-1].seq == await store.last_seq()

    kit.run(scenario)


def test_deleting_ended_jobs(kit: Any) -> None:
    """All of them or none; one event of each stays and tells it; seq goes on, also after a restart."""

    async def scenario(store: SqliteStore) -> str:
        done, open_one = await store.create_job(kit.new_job()), await store.create_job(kit.new_job())
        await kit.finish(store, done, "train")
        await kit.end(store, done)
        with pytest.raises(Conflict, match=f"{open_one.id} is PENDING"):
            await store.delete_jobs([done.id, open_one.id], 9.0)
        await kit.end(store, open_one)
        newest = await store.last_seq()
        await store.delete_jobs([done.id, open_one.id, "gone"], 9.0)
        left = await store.events(0, 100)
        assert [(event.seq, event.type, event.job_id, event.at) for event in left] == [
            (newest + 1, "JobDeleted", done.id, 9.0), (newest + 2, "JobDeleted", open_one.id, 9.0),
        ]  # fmt: skip
        assert left[0].data == {"job": done.id, "pipeline": done.pipeline, "index": done.index}
        assert await store.jobs(JobFilter()) == []
        assert await store.last_seq() == newest + 2
        with pytest.raises(NotFound):
            await store.record([kit.move(done, "train", Status.TERMINATED, Status.TERMINATED)])
        return newest + 2

    newest = kit.run(scenario)

    async def later(store: SqliteStore) -> None:
        assert await store.last_seq() == newest
        await store.create_job(kit.new_job())
        assert (await store.events(newest, 10))[0].seq == newest + 1

    kit.run(later)


def test_events_of_one_job(kit: Any) -> None:
    """In order, after a seq, at most so many."""

    async def scenario(store: SqliteStore) -> None:
        one, two = await store.create_job(kit.new_job()), await store.create_job(kit.new_job())
        await kit.finish(store, one, "train")
        await kit.finish(store, two, "train")
        assert [event.seq for event in await store.events(0, 100, two.id)] == [2, 6, 7, 8]
        assert [event.seq for event in await store.events(2, 2, two.id)] == [6, 7]
        assert [event.seq for event in await store.events(5, 2)] == [6, 7]
        with pytest.raises(NotFound):
            await store.events(0, 1, "gone")

    kit.run(scenario)


def test_the_latest_success_of_each_task(kit: Any) -> None:
    """The newest that was TERMINATED, SUCCESS and has outputs; of this pipeline only."""

    async def scenario(store: SqliteStore) -> None:
        jobs = [await store.create_job(kit.new_job("a", "b", "c")) for _ in range(3)]
        other = await store.create_job(kit.new_job("a", pipeline="other"))
        for number, job in enumerate(jobs):
            await kit.finish(store, job, "a", data={"outputs_dir": f"jobs/{number}/a"})
        await kit.finish(store, jobs[0], "b", data={"outputs_dir": "jobs/0/b"})
        await kit.finish(store, jobs[1], "b", Result.FAILURE, data={"outputs_dir": "jobs/1/b"})
        await kit.finish(store, jobs[2], "c")
        await kit.finish(store, other, "a", data={"outputs_dir": "jobs/0/other"})
        latest = await store.latest_successes("digits")
        assert {task: (i.job_id, i.outputs_dir) for task, i in latest.items()} == {
            "a": (jobs[2].id, "jobs/2/a"),
            "b": (jobs[0].id, "jobs/0/b"),
        }
        assert await store.latest_successes("none") == {}

    kit.run(scenario)


def test_history_teaches_the_median_and_the_peaks(kit: Any) -> None:
    """Of the last ten successes that really ran."""

    async def scenario(store: SqliteStore) -> None:
        for seconds in (1000, *range(1, 11)):  # the oldest is one too many
            job = await store.create_job(kit.new_job("a", "b"))
            await store.record([kit.move(job, "a", Status.WAITING, Status.RUNNING, attempt=1, at=100.0)])
            usage = {"usage": {"peak_mem": 1000 - seconds, "cpu_seconds": 2.0 * seconds}}
            end = {"at": 100.0 + seconds, "attempt": 1, "result": Result.SUCCESS, "data": usage}
            await store.record([kit.move(job, "a", Status.RUNNING, Status.TERMINATED, **end)])
            await store.record(
                [
                    kit.move(
                        job, "b", Status.WAITING, Status.TERMINATED, result=Result.SUCCESS, reason="reused from job #1"
                    )
                ]
            )
        history = await store.history("digits")
        assert set(history) == {"a"}
        learnt = history["a"]
        assert (learnt.seconds, learnt.peak_mem, learnt.samples) == (5.5, 999, 10)
        assert learnt.peak_cpu == pytest.approx(2.0)

    kit.run(scenario)


def test_a_hundred_thousand_instances(kit: Any) -> None:
    """Made in two seconds of this process and read back in one and a half (measured: 0.3, 0.5); also recorded."""
    tasks = [f"task{n}" for n in range(100_000)]

    async def scenario(store: SqliteStore) -> None:
        new = kit.new_job(*tasks)
        began = time.process_time()
        job = await store.create_job(new)
        made = time.process_time()
        instances = await store.instances(job.id)
        read = time.process_time()
        assert (len(instances), instances[-1].path, instances[-1].ordinal) == (100_000, "task99999", 99_999)
        assert made - began < 2.0
        assert read - made < 1.5
        await store.record([kit.move(job, task, Status.WAITING, Status.PENDING, attempt=1) for task in tasks[:5_000]])
        assert len(await store.attempts(job.id)) == 5_000

    kit.run(scenario)


def test_reads_do_not_wait_for_a_long_read(kit: Any) -> None:
    """A small question is answered while a large one is under way."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job(*(f"t{n}" for n in range(30_000))))
        large = asyncio.ensure_future(store.instances(job.id))
        await store.job(job.id)
        await store.record([kit.move(job, "t1", Status.WAITING, Status.PENDING)])
        assert not large.done() or len(large.result()) == 30_000
        assert len(await large) == 30_000

    kit.run(scenario)
