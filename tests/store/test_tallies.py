"""What the store counts and sums up: slots over time, what kept jobs need; and events that tell exit codes."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.store.sqlite import SqliteStore

DAY = 86_400.0


@pytest.mark.parametrize("seed", range(5))
def test_slots_over_time_are_what_a_look_at_each_attempt_gives(kit: Any, seed: int) -> None:
    """Attempts before, within, across and beyond the window, short and long, and some that still run."""
    rng, end, buckets = random.Random(seed), 1_700_000_000.0, rng_buckets(seed)
    start = end - DAY
    spans = [(rng.uniform(start - DAY, end), rng.choice([rng.uniform(0, 60), rng.uniform(0, DAY)])) for _ in range(20)]
    spans = [(began, None if rng.random() < 0.2 else min(began + seconds, end)) for began, seconds in sorted(spans)]

    async def scenario(store: SqliteStore) -> None:
        for began, ended in spans:
            kit.now = began - 3
            job = await store.create_job(kit.new_job())
            kit.now = began - 2
            held = {"resources": {"cpu": "2"}}
            run = {"attempt": 1}
            moves = [
                kit.move(job, None, JobStatus.PENDING, JobStatus.RUNNING),
                kit.move(job, "train", Status.WAITING, Status.PENDING, data=held, **run),
                kit.move(job, "train", Status.PENDING, Status.RUNNING, at=began, **run),
            ]
            if ended is not None:
                moves += [
                    kit.move(job, "train", Status.RUNNING, Status.TERMINATED, at=ended, **run),
                    kit.move(job, None, JobStatus.RUNNING, JobStatus.TERMINATED, at=ended),
                ]
            await store.record(moves)
        [(resources, found)] = await store.held_slots("local", start, end, buckets)
        assert resources == {"cpu": "2"}
        assert found == pytest.approx(by_hand(spans, start, end, buckets), abs=1e-4)
        assert await store.held_slots("cluster", start, end, buckets) == []

    kit.run(scenario)


def test_slots_count_where_the_task_ran(kit: Any) -> None:
    """A task that the plan put on another backend than its job's holds slots there."""
    end = 1_700_000_000.0

    async def scenario(store: SqliteStore) -> None:
        kit.now = end - DAY
        job = await store.create_job(kit.new_job("prep", "train", options={"plan": {"train": {"backend": "cluster"}}}))
        moves = [kit.move(job, None, JobStatus.PENDING, JobStatus.RUNNING)]
        for path in ("prep", "train"):
            moves += [
                kit.move(job, path, Status.WAITING, Status.PENDING, data={"resources": {"cpu": path}}, attempt=1),
                kit.move(job, path, Status.PENDING, Status.RUNNING, at=end - DAY, attempt=1),
            ]
        await store.record(moves)
        for backend, path in (("local", "prep"), ("cluster", "train")):
            [(resources, found)] = await store.held_slots(backend, end - DAY, end, 1)
            assert (resources, found) == ({"cpu": path}, pytest.approx([1.0]))

    kit.run(scenario)


def rng_buckets(seed: int) -> int:
    return (1, 7, 24, 168, 1000)[seed]


def by_hand(spans: list[tuple[float, float | None]], start: float, end: float, buckets: int) -> list[float]:
    """How many ran on average in each bucket."""
    width = (end - start) / buckets
    edges = [start + width * number for number in range(buckets + 1)]
    return [
        sum(max(min(ended or end, right) - max(began, left), 0.0) for began, ended in spans) / width
        for left, right in pairwise(edges)
    ]


def test_what_kept_jobs_need_is_told_without_those_that_go(kit: Any) -> None:
    """Outputs by folder; commits and built environments of all."""

    async def scenario(store: SqliteStore) -> None:
        jobs = [await store.create_job(kit.new_job(pipeline=name)) for name in ("digits", "digits", "other")]
        for number, job in enumerate(jobs):
            data = {"commit": f"c{number}", "environment": f"e{number}", "outputs_dir": f"jobs/{number}/train"}
            await kit.finish(store, job, "train", data=data)
        gone = {jobs[0].id}
        assert await store.kept_outputs({"digits-abc123"}, gone) == {("digits-abc123", "jobs/1/train")}
        assert await store.kept_means(gone) == {"c1", "e1", "c2", "e2"}

    kit.run(scenario)


def test_events_tell_exit_codes(kit: Any) -> None:
    """Those of an end, and of nothing else."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        await kit.finish(store, job, "train", Result.FAILURE)
        assert [event.exit_code for event in await store.events(0, 100)] == [None, None, None, 3]

    kit.run(scenario)


def test_a_pipeline_is_forgotten_once_it_has_no_jobs(kit: Any) -> None:
    """Not before; and its name begins anew."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        with pytest.raises(Conflict):
            await store.delete_pipeline("digits")
        await kit.finish(store, job, "train")
        await kit.end(store, job)
        await store.delete_jobs([job.id], 9.0)
        await store.delete_pipeline("digits")
        await store.delete_pipeline("digits")
        assert (await store.pipelines(), await store.pipeline("digits")) == ([], None)
        assert (await store.create_job(kit.new_job())).index == 1

    kit.run(scenario)


def test_counts_are_by_status_and_result(kit: Any) -> None:
    """Of all that the filter finds, whatever its limit."""

    async def scenario(store: SqliteStore) -> None:
        for result in (Result.SUCCESS, Result.FAILURE, Result.SUCCESS):
            await kit.end(store, await store.create_job(kit.new_job(tags=("한글",))), result)
        await store.create_job(kit.new_job())
        found = {(tally.status, tally.result): tally.jobs for tally in await store.counts(JobFilter(limit=1))}
        assert found == {("PENDING", "UNDEFINED"): 1, ("TERMINATED", "SUCCESS"): 2, ("TERMINATED", "FAILURE"): 1}
        assert sum(tally.jobs for tally in await store.counts(JobFilter(text="한"))) == 3

    kit.run(scenario)
