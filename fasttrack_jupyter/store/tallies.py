"""Reads that count: jobs by status and by tag, and slots held over time.

Slots held over time are counted without looking at an attempt more than once, however many buckets it
spans. Let F(t) be the slot-seconds that were held before t. It is the sum of (t - start) over all
starts before t, less the sum of (t - end) over all ends before t. So one query groups starts and
ends by bucket (how many, and the sum of their times), and what a bucket held is the difference of F at its edges.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from itertools import pairwise

from fasttrack_jupyter.engine.storing import JobFilter, JobTally
from fasttrack_jupyter.store.places import ORDINAL_BITS
from fasttrack_jupyter.store.queries import matching

_COUNTS = "SELECT j.status, j.result, count(*) FROM jobs j JOIN pipelines p ON p.num = j.pipeline"
_TAGS = (
    "SELECT t.value, count(*) AS jobs FROM jobs j, json_each(j.tags) t WHERE j.tags <> '[]' "
    "GROUP BY t.value ORDER BY jobs DESC, t.value"
)
# Jobs are numbered in the order in which they were made: what touches the window is in the oldest of those that do,
# or in a later one. A task that runs elsewhere than its job does is in the job's plan: few jobs have such.
_HELD = f"""
WITH elsewhere AS MATERIALIZED (
  SELECT i.num AS instance, json_extract(e.value, '$.backend') AS backend
  FROM jobs j, json_each(j.options, '$.plan') e
  JOIN instances i ON i.num BETWEEN j.num << {ORDINAL_BITS} AND ((j.num + 1) << {ORDINAL_BITS}) - 1 AND i.path = e.key
  WHERE instr(j.options, '"backend":') AND json_extract(e.value, '$.backend') IS NOT NULL
    AND coalesce(j.ended_at, :end) > :start
),
held AS MATERIALIZED (
  SELECT resources, max(started_at, :start) AS a, min(coalesce(ended_at, :end), :end) AS b
  FROM attempts
  WHERE instance >= (SELECT min(num) << {ORDINAL_BITS} FROM jobs WHERE coalesce(ended_at, :end) > :start)
    AND resources IS NOT NULL AND started_at < :end AND coalesce(ended_at, :end) > :start
    AND (instance IN (SELECT instance FROM elsewhere WHERE backend = :backend)
      OR instance NOT IN (SELECT instance FROM elsewhere)
      AND instance >> {ORDINAL_BITS} IN (SELECT num FROM jobs WHERE backend = :backend))
)
SELECT resources, (a - :start) / :width AS bucket, 1, count(*), sum(a - :start) FROM held GROUP BY resources, bucket
UNION ALL
SELECT resources, (b - :start) / :width AS bucket, -1, count(*), sum(b - :start) FROM held GROUP BY resources, bucket
"""


def counts(con: sqlite3.Connection, which: JobFilter) -> list[JobTally]:
    """See :meth:`JobStore.counts`."""
    where, values = matching(con, which)
    found = con.execute(f"{_COUNTS} {where} GROUP BY j.status, j.result", values)
    return [JobTally(*row) for row in found]


def tags(con: sqlite3.Connection) -> list[tuple[str, int]]:
    """See :meth:`JobStore.tags`."""
    return [(str(tag), int(jobs)) for tag, jobs in con.execute(_TAGS)]


def held_slots(
    con: sqlite3.Connection, backend: str, start: float, end: float, buckets: int
) -> list[tuple[Mapping[str, str], list[float]]]:
    """See :meth:`JobStore.held_slots`."""
    first, last = round(start * 1e6), round(end * 1e6)
    width = max((last - first) // buckets, 1)
    span = {"start": first, "end": first + width * buckets, "width": width, "backend": backend}
    moves: dict[str, list[tuple[int, int, int, int]]] = {}
    for resources, *move in con.execute(_HELD, span):
        moves.setdefault(resources, []).append(tuple(move))
    return [(json.loads(resources), _per_bucket(found, buckets, width)) for resources, found in moves.items()]


def _per_bucket(moves: list[tuple[int, int, int, int]], buckets: int, width: int) -> list[float]:
    """How many were held on average in each bucket; ``moves`` are ``(bucket, 1 or -1, how many, sum of times)``."""
    number, times = [0] * (buckets + 1), [0] * (buckets + 1)
    for bucket, sign, count, total in moves:
        number[min(bucket, buckets)] += sign * count
        times[min(bucket, buckets)] += sign * total
    held, begun, since = [0.0], 0, 0
    for bucket in range(buckets):
        begun, since = begun + number[bucket], since + times[bucket]
        held.append(begun * (bucket + 1) * width - since)
    return [(after - before) / width for before, after in pairwise(held)]
