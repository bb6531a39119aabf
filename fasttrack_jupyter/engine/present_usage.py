"""Slots and usage as the faces show them: amounts as numbers for charts, as words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fasttrack_jupyter.engine.overviews import (
    BackendView,
    GpuSample,
    JobCounts,
    SlotUse,
    UsageHistory,
    UsageSample,
)
from fasttrack_jupyter.engine.ports import UsagePoint
from fasttrack_jupyter.engine.storing import JobTally
from fasttrack_jupyter.model.lifecycle import JobStatus, Result
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots, say_quantity


def amount(slot: str, quantity: float) -> float:
    """A quantity of a slot as a number for a chart: cores, bytes, devices."""
    return quantity if slot == "mem" else round(quantity / HUNDRED, 4)


def sum_of_slots(
    held: Sequence[tuple[Mapping[str, str], Sequence[float]]], capacity: Mapping[str, int], buckets: int
) -> dict[str, tuple[float, ...]]:
    """By slot, how much was held in each bucket; slots of ``capacity`` are there even if nothing was."""
    sums: dict[str, list[float]] = {slot: [0.0] * buckets for slot in capacity}
    for written, counts in held:
        for slot, quantity in ResourceSlots.parse(written).items():
            row = sums.setdefault(slot, [0.0] * buckets)
            for bucket, count in enumerate(counts):
                row[bucket] += count * quantity
    return {slot: tuple(amount(slot, round(value, 2)) for value in row) for slot, row in sums.items()}


def present_usage_history(
    start: float,
    end: float,
    buckets: int,
    series: dict[str, tuple[float, ...]],
    capacity: Mapping[str, int],
    used: Mapping[str, int],
) -> UsageHistory:
    """The history of one backend's slots."""
    return UsageHistory(
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(end, UTC),
        seconds=(end - start) / buckets,
        slots=series,
        total={slot: amount(slot, quantity) for slot, quantity in capacity.items()},
        used={slot: amount(slot, used.get(slot, 0)) for slot in {**capacity, **used}},
    )


def present_backend(
    name: str, told: Mapping[str, Any], capacity: Mapping[str, int] | None, used: Mapping[str, int]
) -> BackendView:
    """A backend that can be used; what is handed out of its slots is counted by the engine, if it does that."""
    slots = {slot: SlotUse(**use) for slot, use in told.get("slots", {}).items()}
    if capacity is not None:
        slots = {
            slot: SlotUse(total=say_quantity(slot, there), used=say_quantity(slot, used.get(slot, 0)))
            for slot, there in capacity.items()
        }
    return BackendView(
        name=name,
        ready=True,
        default_image=told.get("default_image"),
        mode=told.get("mode"),
        counts_slots=capacity is not None,
        slots=slots,
        devices=tuple(dict(device) for device in told.get("devices", ())),
    )


def present_counts(tallies: Sequence[JobTally]) -> JobCounts:
    """How many jobs there are of each status and result."""
    status, result = dict.fromkeys(map(str, JobStatus), 0), dict.fromkeys(map(str, Result), 0)
    for tally in tallies:
        status[tally.status] += tally.jobs
        result[tally.result] += tally.jobs
    return JobCounts(total=sum(status.values()), status=status, result=result)


def present_sample(point: UsagePoint) -> UsageSample:
    """What a session used at one moment."""
    gpu = [GpuSample(index=index, util=util, mem=mem) for index, (util, mem) in enumerate(point.gpus)]
    return UsageSample(
        at=datetime.fromtimestamp(point.at, UTC),
        cpu=round(point.cpu, 3),
        mem=point.mem,
        processes=point.processes,
        gpu=tuple(gpu) or None,
    )
