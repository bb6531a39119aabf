"""What the engine needs of a store: the contract, and the values that go in and out.

One engine per home writes. See :class:`~fasttrack_jupyter.model.job.Change` for what is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fasttrack_jupyter.engine.caching import CacheStore
from fasttrack_jupyter.engine.triggers import TriggerStore
from fasttrack_jupyter.model.job import Attempt, Change, JobEvent, PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import JobStatus, Result


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be made: the store gives it its index (per pipeline name) and its JobCreated event."""

    id: str
    pipeline: str
    folder: str
    text: str
    source: str | None
    backend: str
    params: Mapping[str, Any]
    instances: Sequence[tuple[str, str]]
    """``(path, task name)`` in order: the ordinals."""
    created_at: float
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    priority: int = 0
    rerun_of: str | None = None
    code: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs, newest first."""

    pipeline: str | None = None
    status: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    tag: str | None = None
    text: str | None = None
    """Found in name, note, tags, pipeline name or id; ``#12`` and ``name#12`` find by index."""
    limit: int = 50
    before: str | None = None
    """Only jobs older than this id (paging)."""


@dataclass(frozen=True, slots=True)
class JobTally:
    """How many jobs are in one status with one result."""

    status: str
    result: str
    jobs: int


@dataclass(frozen=True, slots=True)
class NewestJob:
    """As much of a pipeline's newest job as is shown beside the pipeline."""

    id: str
    index: int
    status: JobStatus
    result: Result
    created_at: float
    started_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class PipelineRecord:
    """A pipeline that this home knows: by name; its folder; where its file was last seen."""

    name: str
    folder: str
    source: str | None
    created_at: float
    jobs: int = 0
    last_job: NewestJob | None = None


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What earlier jobs taught about a task: median seconds of its last successes, peaks seen."""

    seconds: float
    peak_mem: int
    peak_cpu: float
    """Peak of cpu in cores."""
    samples: int


class JobStore(CacheStore, TriggerStore, Protocol):
    """What happened, durably. One engine per home writes; see :class:`~fasttrack_jupyter.model.job.Change`."""

    async def ensure_pipeline(self, name: str, source: str | None, now: float) -> PipelineRecord:
        """The pipeline of that name, made if new (its folder name is decided then, for good)."""
        ...

    async def create_job(self, job: NewJob) -> PipelineJob:
        """Job, instances (WAITING), event JobCreated: one transaction. Known id: the stored job comes back."""
        ...

    async def record(self, changes: Sequence[Change]) -> int:
        """Apply all of ``changes`` or none, durable on return; the seq of the last event.

        Several calls at once share a commit. The row's status must be ``expected``; instance columns
        ``status result reason attempts exit_code started_at ended_at outputs_dir data`` follow, the
        attempt's row too; a job's ``started_at``/``ended_at`` likewise. A change's ``instances`` come to be with it
        (WAITING, the next ordinals, in order); its ``expansion`` stays with its own row.

        Raises:
            Conflict: a row was not in its expected status; nothing was written.
            StoreFull: no space; nothing was written.
        """
        ...

    async def events(self, after: int, limit: int, job_id: str | None = None) -> list[JobEvent]:
        """Events with ``seq > after``, in order."""
        ...

    async def last_seq(self) -> int:
        """The seq of the newest event (0: none)."""
        ...

    async def unfinished(self) -> list[PipelineJob]:
        """Jobs that have not ended, oldest first."""
        ...

    async def job(self, job_id: str) -> PipelineJob:
        """Raises NotFound."""
        ...

    async def job_by_key(self, key: str) -> PipelineJob | None:
        """The job that was made with ``options["key"] == key``, if there is one."""
        ...

    async def find_job(self, word: str) -> PipelineJob:
        """By id, unambiguous id prefix, ``name#12``, ``#12`` when unambiguous, ``last``. Raises NotFound, Conflict."""
        ...

    async def jobs(self, which: JobFilter) -> list[PipelineJob]:
        """Newest first."""
        ...

    async def counts(self, which: JobFilter) -> list[JobTally]:
        """How many jobs ``which`` finds in all (its limit does not count), by status and result."""
        ...

    async def tags(self) -> list[tuple[str, int]]:
        """Tags in use and on how many jobs, the most used first."""
        ...

    async def held_slots(
        self, backend: str, start: float, end: float, buckets: int
    ) -> list[tuple[Mapping[str, str], list[float]]]:
        """For each amount of slots (as written) that attempts held: how many held it on average, bucket by bucket."""
        ...

    async def instances(self, job_id: str, path: str | None = None) -> list[TaskInstance]:
        """By ordinal; with ``path``, that one (or none)."""
        ...

    async def attempts(self, job_id: str, path: str | None = None) -> list[Attempt]:
        """By ordinal and number."""
        ...

    async def kept_outputs(self, folders: Collection[str], gone: Collection[str]) -> set[tuple[str, str]]:
        """``(folder, outputs_dir)`` of all instances in the pipeline folders ``folders``, but of the jobs ``gone``."""
        ...

    async def standing_in(self, folder: str, outputs_dir: str, limit: int) -> list[tuple[str, str]]:
        """``(job id, path)`` of instances that never ran and show an earlier one's outputs, the oldest first."""
        ...

    async def kept_means(self, gone: Collection[str]) -> set[str]:
        """What reports of all instances, but of the jobs ``gone``, called ``environment`` and ``commit``."""
        ...

    async def latest_successes(self, pipeline: str) -> Mapping[str, TaskInstance]:
        """By task name: the newest instance of each that ended in SUCCESS with outputs (TERMINATED, not SKIPPED)."""
        ...

    async def history(self, pipeline: str) -> Mapping[str, TaskHistory]:
        """By task name, from recent successful, not reused, instances."""
        ...

    async def annotate(
        self, job_id: str, at: float, *, name: str | None, tags: Sequence[str] | None, note: str | None
    ) -> None:
        """Free text on a job, and an event JobAnnotated of time ``at`` with it; None leaves a field as it is."""
        ...

    async def pipelines(self) -> list[PipelineRecord]:
        """By name."""
        ...

    async def pipeline(self, name: str) -> PipelineRecord | None:
        """The pipeline of that name, if this home knows it."""
        ...

    async def delete_pipeline(self, name: str) -> None:
        """Forget a pipeline that has no jobs any more. Raises Conflict if it has."""
        ...

    async def delete_jobs(self, job_ids: Sequence[str], at: float) -> None:
        """Forget ended jobs, their instances, attempts and events. Raises Conflict if one is unfinished.

        What stays of each is one event JobDeleted of time ``at``, stored in the same transaction.
        """
        ...

    async def aclose(self) -> None:
        """Commit what is queued and close."""
        ...
