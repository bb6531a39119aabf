"""What ``record`` does to a task instance, its attempts, its job and the event log."""

from __future__ import annotations

import asyncio
import itertools
import math
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest, Conflict, IllegalTransition, NotFound, StoreError
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.store.sqlite import SqliteStore


def test_a_change_moves_the_instance_and_writes_its_event(kit: Any) -> None:
    """Row and event are there once record returns, and its seq is the event's."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        change = kit.move(
            job,
            "train",
            Status.WAITING,
            Status.PENDING,
            attempt=1,
            event="TaskSubmitted",
            data={"resources": {"cpu": "1"}},
        )
        seq = await store.record([change])
        (instance,) = await store.instances(job.id)
        assert (instance.status, instance.attempts, instance.data) == (Status.PENDING, 1, {"resources": {"cpu": "1"}})
        event = (await store.events(0, 10, job.id))[-1]
        assert (event.seq, event.type, event.path, event.attempt, event.at) == (
            seq,
            "TaskSubmitted",
            "train",
            1,
            change.at,
        )
        assert event.data == {"resources": {"cpu": "1"}}
        assert await store.last_seq() == seq == 2

    kit.run(scenario)


def test_start_and_end_are_kept(kit: Any) -> None:
    """started_at is the moment of RUNNING, ended_at that of the end; exit code, reason and result follow."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await kit.finish(store, job, "train", reason="exit 0", data={"outputs_dir": "jobs/1/train", "commit": "abc"})
        (instance,) = await store.instances(job.id)
        assert instance.ended_at == kit.now
        assert instance.started_at == kit.now - 1
        assert (instance.status, instance.result, instance.exit_code) == (Status.TERMINATED, Result.SUCCESS, 0)
        assert (instance.reason, instance.outputs_dir, instance.data) == ("exit 0", "jobs/1/train", {"commit": "abc"})
        (attempt,) = await store.attempts(job.id)
        assert (attempt.id, attempt.number, attempt.created_at) == (f"{job.id}-0-1", 1, kit.now - 2)
        assert (attempt.started_at, attempt.ended_at, attempt.exit_code) == (kit.now - 1, kit.now, 0)

    kit.run(scenario)


def test_what_was_never_seen_running_started_when_it_ended(kit: Any) -> None:
    """A short session jumps from PENDING to its end."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, attempt=1)])
        await store.record(
            [kit.move(job, "train", Status.PENDING, Status.TERMINATED, attempt=1, result=Result.SUCCESS)]
        )
        (instance,) = await store.instances(job.id)
        assert instance.started_at == instance.ended_at == kit.now

    kit.run(scenario)


def test_what_never_had_a_session_never_started(kit: Any) -> None:
    """A skipped instance has an end, and no beginning."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await store.record([kit.move(job, "train", Status.WAITING, Status.SKIPPED, result=Result.SUCCESS)])
        (instance,) = await store.instances(job.id)
        assert (instance.started_at, instance.ended_at) == (None, kit.now)
        assert await store.attempts(job.id) == []

    kit.run(scenario)


def test_a_retry_ends_the_attempt_and_not_the_instance(kit: Any) -> None:
    """The first attempt keeps its own end; the instance keeps its start, and its second attempt starts clean."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, attempt=1)])
        await store.record([kit.move(job, "train", Status.PENDING, Status.RUNNING, attempt=1)])
        started = kit.now
        retry = kit.move(
            job, "train", Status.RUNNING, Status.WAITING, attempt=1, reason="exit 3", exit_code=3,
            attempt_status=Status.TERMINATED, attempt_result=Result.FAILURE,
        )  # fmt: skip
        await store.record([retry])
        (instance,) = await store.instances(job.id)
        assert (instance.status, instance.ended_at, instance.exit_code) == (Status.WAITING, None, 3)
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, attempt=2)])
        (instance,) = await store.instances(job.id)
        assert (instance.started_at, instance.attempts) == (started, 2)
        assert (instance.exit_code, instance.reason) == (None, "")
        first, second = await store.attempts(job.id, "train")
        assert (first.status, first.result, first.exit_code) == (Status.TERMINATED, Result.FAILURE, 3)
        assert (first.reason, first.ended_at) == ("exit 3", retry.at)
        assert (second.number, second.status, second.result) == (2, Status.PENDING, Result.UNDEFINED)

    kit.run(scenario)


def test_telling_between_attempts_leaves_the_ended_attempt_alone(kit: Any) -> None:
    """A change to the same status only tells: notes add up, each said once."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, attempt=1, data={"notes": ["one"]})])
        ended = {"attempt_status": Status.ERROR, "attempt_result": Result.FAILURE}
        await store.record([kit.move(job, "train", Status.PENDING, Status.WAITING, attempt=1, **ended)])
        told = {"notes": ["two", "one"]}
        await store.record([kit.move(job, "train", Status.WAITING, Status.WAITING, attempt=1, data=told)])
        (attempt,) = await store.attempts(job.id)
        assert attempt.status is Status.ERROR
        (instance,) = await store.instances(job.id)
        assert instance.data["notes"] == ["one", "two"]

    kit.run(scenario)


def test_telling_after_the_end_moves_no_time(kit: Any) -> None:
    """Usage that arrives late is kept, and ended_at stays."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await kit.finish(store, job, "train")
        ended = kit.now
        late = {"usage": {"peak_mem": 5}}
        await store.record([kit.move(job, "train", Status.TERMINATED, Status.TERMINATED, attempt=1, data=late)])
        (instance,) = await store.instances(job.id)
        assert (instance.ended_at, instance.data) == (ended, late)

    kit.run(scenario)


def test_several_changes_of_one_instance_may_come_in_one_call(kit: Any) -> None:
    """They apply in order, and each has its event."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job("a", "b"))
        steps = [Status.WAITING, Status.PENDING, Status.RUNNING, Status.TERMINATED]
        pairs = list(itertools.pairwise(steps))
        await store.record([kit.move(job, path, *pair, attempt=1) for pair in pairs for path in ("a", "b")])
        assert {instance.status for instance in await store.instances(job.id)} == {Status.TERMINATED}
        assert [event.status for event in await store.events(1, 10) if event.path == "b"] == steps[1:]

    kit.run(scenario)


def test_an_unexpected_status_is_a_conflict_and_nothing_is_written(kit: Any) -> None:
    """Not even the changes of the same call that were right."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job("a", "b"))
        with pytest.raises(Conflict, match=r"'b' of job .* is WAITING, not RUNNING"):
            await store.record(
                [
                    kit.move(job, "a", Status.WAITING, Status.PENDING, attempt=1),
                    kit.move(job, "b", Status.RUNNING, Status.TERMINATED, attempt=1),
                ]
            )
        assert [instance.status for instance in await store.instances(job.id)] == [Status.WAITING, Status.WAITING]
        assert await store.attempts(job.id) == []
        assert await store.last_seq() == 1

    kit.run(scenario)


def test_nothing_leaves_an_ended_status(kit: Any) -> None:
    """The database itself refuses what the transition table forbids."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await kit.finish(store, job, "train")
        with pytest.raises(IllegalTransition, match="has ended"):
            await store.record([kit.move(job, "train", Status.TERMINATED, Status.RUNNING)])

    kit.run(scenario)


def test_one_callers_conflict_does_not_touch_its_neighbours(kit: Any) -> None:
    """Calls that share a transaction succeed and fail one by one, and no seq is lost."""

    async def scenario(store: SqliteStore) -> None:
        tasks = [f"t{n}" for n in range(30)]
        job = await store.create_job(kit.new_job(*tasks))
        wrong = {"t7", "t20"}
        moves = [
            kit.move(job, task, Status.RUNNING if task in wrong else Status.WAITING, Status.PENDING, attempt=1)
            for task in tasks
        ]
        outcomes = await asyncio.gather(*(store.record([move]) for move in moves), return_exceptions=True)
        refused = {task for task, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, Conflict)}
        assert refused == wrong
        moved = {instance.path for instance in await store.instances(job.id) if instance.status is Status.PENDING}
        assert moved == set(tasks) - wrong
        assert [event.seq for event in await store.events(0, 100)] == list(range(1, 30))

    kit.run(scenario)


def test_an_unknown_job_or_path_is_not_found(kit: Any) -> None:
    """And it costs nobody else anything."""

    async def scenario(store: SqliteStore) -> None:
        job, gone = await store.create_job(kit.new_job()), kit.new_job()
        calls = [
            store.record([kit.move(gone, None, JobStatus.PENDING, JobStatus.RUNNING)]),
            store.record([kit.move(job, "eval", Status.WAITING, Status.PENDING)]),
            store.record([kit.move(job, "train", Status.WAITING, Status.PENDING)]),
        ]
        first, second, third = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(first, NotFound)
        assert isinstance(second, NotFound)
        assert third == 2

    kit.run(scenario)


def test_data_that_is_no_json_is_refused(kit: Any) -> None:
    """With the offending value, and nothing written."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        with pytest.raises(BadRequest, match="object object"):
            await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, data={"x": object()})])

    kit.run(scenario)


@pytest.mark.parametrize("text", ["한국어 '\"\n", "nul \0 inside", "\udcff not UTF-8", "x" * 100_000, "{}", "1.50"])
def test_any_text_survives(kit: Any, text: str) -> None:
    """In data as it is; in a reason, what SQLite's text cannot hold comes back as an escape."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        data = {"outputs": {"x": text}, "mode": "m", "other": text}
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, reason=text, data=data)])
        (instance,) = await store.instances(job.id)
        assert instance.data["outputs"] == {"x": text}
        assert (await store.events(1, 1))[0].data["other"] == text
        assert instance.reason == text.replace("\0", "\\x00").replace("\udcff", "\\udcff")

    kit.run(scenario)


def test_a_metric_that_is_not_a_number_survives(kit: Any) -> None:
    """A diverged loss is a value like others."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        data = {"outputs": {"loss": math.nan, "best": math.inf, "none": None}}
        await store.record([kit.move(job, "train", Status.WAITING, Status.PENDING, data=data)])
        outputs = (await store.instances(job.id))[0].data["outputs"]
        assert math.isnan(outputs["loss"])
        assert outputs["best"] == math.inf
        assert outputs["none"] is None

    kit.run(scenario)


def test_a_jobs_own_changes(kit: Any) -> None:
    """Status, result, times and priority of a job follow its changes; it ends once."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await store.record([kit.move(job, None, JobStatus.PENDING, JobStatus.RUNNING)])
        started = kit.now
        await store.record([kit.move(job, None, JobStatus.RUNNING, JobStatus.RUNNING, data={"priority": 7})])
        end = kit.move(job, None, JobStatus.RUNNING, JobStatus.TERMINATED, result=Result.FAILURE, reason="train failed")
        await store.record([end])
        job = await store.job(job.id)
        assert (job.status, job.result, job.reason) == (JobStatus.TERMINATED, Result.FAILURE, "train failed")
        assert (job.started_at, job.ended_at, job.priority) == (started, end.at, 7)
        with pytest.raises(IllegalTransition):
            await store.record([kit.move(job, None, JobStatus.TERMINATED, JobStatus.RUNNING)])

    kit.run(scenario)


def test_a_clock_that_jumps_back_changes_no_order(kit: Any) -> None:
    """seq follows commits; jobs are newest first by creation; times are as they were told."""

    async def scenario(store: SqliteStore) -> None:
        first = await store.create_job(kit.new_job())
        kit.now -= 1_000_000
        second = await store.create_job(kit.new_job())
        await store.record([kit.move(first, None, JobStatus.PENDING, JobStatus.RUNNING)])
        assert [event.seq for event in await store.events(0, 10)] == [1, 2, 3]
        assert (await store.find_job("last")).id == second.id
        assert (await store.job(first.id)).started_at < first.created_at

    kit.run(scenario)


def test_no_changes_are_no_event(kit: Any) -> None:
    """An empty call is answered with the newest seq."""

    async def scenario(store: SqliteStore) -> None:
        await store.create_job(kit.new_job())
        assert await store.record([]) == 1

    kit.run(scenario)


def test_a_cancelled_caller_loses_only_its_answer(kit: Any) -> None:
    """What was queued is written, and the store goes on."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        task = asyncio.ensure_future(store.record([kit.move(job, "train", Status.WAITING, Status.PENDING)]))
        await asyncio.sleep(0)
        task.cancel()
        assert await store.record([kit.move(job, "train", Status.PENDING, Status.RUNNING)]) == 3

    kit.run(scenario)


def test_a_closed_store_says_so(kit: Any) -> None:
    """Reads and writes after aclose are refused in words; closing again is allowed."""

    async def scenario(store: SqliteStore) -> None:
        await store.aclose()
        with pytest.raises(StoreError, match="closed"):
            await store.unfinished()
        with pytest.raises(StoreError, match="closed"):
            await store.create_job(kit.new_job())

    kit.run(scenario)


def test_a_store_in_memory_works_alike(kit: Any) -> None:
    """``:memory:`` serves tests: same store, nothing kept."""

    async def scenario() -> None:
        store = await SqliteStore.open(":memory:")
        job = await store.create_job(kit.new_job())
        await kit.finish(store, job, "train")
        assert (await store.instances(job.id))[0].result is Result.SUCCESS
        await store.aclose()

    asyncio.run(scenario())


def test_a_change_that_cannot_be_written_at_all_is_its_callers_trouble(kit: Any) -> None:
    """A time that is none, say: the caller hears of it, and the store can be used on."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job("a"))
        for at in (None, float("nan"), float("inf")):
            with pytest.raises((TypeError, ValueError, OverflowError)):
                await store.record([kit.move(job, "a", Status.WAITING, Status.PENDING, at=at)])
        await store.record([kit.move(job, "a", Status.WAITING, Status.PENDING)])

    kit.run(scenario)
