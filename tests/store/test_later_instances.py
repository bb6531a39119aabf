"""Instances that come to be while their job runs: rows under the next ordinals, with the change that brings them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.job import Change, PipelineJob
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.store.sqlite import SqliteStore

INSIDE = (("train[0]", "train[]"), ("train[1]", "train[]"))


def opened(kit: Any, job: PipelineJob) -> Change:
    """A loop of two is opened."""
    change: Change = kit.move(job, "train", Status.WAITING, Status.RUNNING, event="TaskInstancesAdded")
    return replace(change, instances=INSIDE, expansion={"items": [0.1, 0.01]}, data={"iterations": 2})


def test_they_are_there_with_the_change_that_brings_them(kit: Any) -> None:
    """And what they were made by stays with the loop; they can be moved in the same call."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        first = kit.move(job, "train[0]", Status.WAITING, Status.PENDING, attempt=1)
        await store.record([opened(kit, job), first])
        rows = await store.instances(job.id)
        assert [(row.path, row.task, row.ordinal, row.status) for row in rows] == [
            ("train", "train", 0, Status.RUNNING),
            ("train[0]", "train[]", 1, Status.PENDING),
            ("train[1]", "train[]", 2, Status.WAITING),
        ]
        assert [row.expansion for row in rows] == [{"items": [0.1, 0.01]}, None, None]
        events = await store.events(0, 10, job.id)
        assert [(event.type, event.path, event.data) for event in events[1:]] == [
            ("TaskInstancesAdded", "train", {"iterations": 2}),
            ("Moved", "train[0]", {}),
        ]

    kit.run(scenario)


def test_of_a_refused_change_nothing_is_there(kit: Any) -> None:
    """Neither rows nor numbers: what comes next has the ordinals that are free."""

    async def scenario(store: SqliteStore) -> None:
        job = await store.create_job(kit.new_job())
        wrong = replace(opened(kit, job), expected=Status.PENDING)
        with pytest.raises(Conflict):
            await store.record([wrong])
        assert len(await store.instances(job.id)) == 1
        await store.record([replace(opened(kit, job), instances=INSIDE[1:])])
        assert [(row.path, row.ordinal) for row in await store.instances(job.id)] == [("train", 0), ("train[1]", 1)]

    kit.run(scenario)


def test_one_refused_change_spoils_no_other_of_its_group(kit: Any) -> None:
    """Two jobs at once, of which one is refused."""

    async def scenario(store: SqliteStore) -> None:
        good, bad = await store.create_job(kit.new_job()), await store.create_job(kit.new_job())
        wrong = replace(opened(kit, bad), expected=Status.PENDING)
        calls = [store.record([change]) for change in (wrong, opened(kit, good))]
        refused, written = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(refused, Conflict)
        assert isinstance(written, int)
        assert [len(await store.instances(job.id)) for job in (bad, good)] == [1, 3]

    kit.run(scenario)
