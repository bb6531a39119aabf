"""Where a job and its task instances lie in the database: ``num`` of their rows.

A path never moves, so what was looked up once is kept in memory until the job has ended.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict

from fasttrack_jupyter.errors import BadRequest, NotFound

ORDINAL_BITS = 24
MAX_INSTANCES = 1 << ORDINAL_BITS
_KEPT_JOBS = 64


def instance_range(job: int) -> tuple[int, int]:
    """First and last possible ``num`` of the instances of job ``job``."""
    return job << ORDINAL_BITS, (job + 1 << ORDINAL_BITS) - 1


class Places:
    """Cache of ``(job id, path) → (job num, instance num)`` over the writer's connection."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        self._jobs: OrderedDict[str, tuple[int, dict[str, int]]] = OrderedDict()

    def find(self, job_id: str, path: str | None) -> tuple[int, int | None]:
        """Raises NotFound."""
        num, instances = self._jobs.get(job_id) or self._load(job_id)
        if path is None:
            return num, None
        try:
            return num, instances[path]
        except KeyError:
            raise NotFound(f"job {job_id} has no task instance {path!r}") from None

    def add(self, job_id: str, path: str) -> int:
        """The next ``num`` of the job, for an instance that comes to be; where that was not written, it stays its own.

        Raises:
            NotFound: no such job.
            BadRequest: the job is full.
        """
        job, instances = self._jobs.get(job_id) or self._load(job_id)
        if (known := instances.get(path)) is not None:
            return known
        if len(instances) >= MAX_INSTANCES:
            raise BadRequest(f"job {job_id} has more than {MAX_INSTANCES} task instances", hint="split the pipeline")
        num = instances[path] = (job << ORDINAL_BITS) + len(instances)
        return num

    def forget(self, job_id: str) -> None:
        """The job has ended, or is gone."""
        self._jobs.pop(job_id, None)

    def _load(self, job_id: str) -> tuple[int, dict[str, int]]:
        row = self._con.execute("SELECT num FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(f"no job {job_id}", hint="`fasttrack jobs` lists them")
        query = "SELECT path, num FROM instances WHERE num BETWEEN ? AND ?"
        found = self._jobs[job_id] = (row[0], dict(self._con.execute(query, instance_range(row[0]))))
        if len(self._jobs) > _KEPT_JOBS:
            self._jobs.popitem(last=False)
        return found
