"""A pipeline job, its task instances, their attempts, and the events that tell of them.

A task instance is identified within its job by its *path*: the task's name here, and
``sweep[2]/train`` for the third iteration of a loop over a group. Its *ordinal* is its position in the order
in which the job's instances came to be; attempt ids are derived from it, so that an attempt has
the same id however often we ask: ``<job id>-<ordinal>-<number>``.

Times are seconds since the epoch (UTC) inside, RFC 3339 in APIs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_job_id(now: float) -> str:
    """Sixteen characters, increasing with time: 45 bits of milliseconds, 35 random bits (Crockford's base 32)."""
    number = int(now * 1000) << 35 | int.from_bytes(os.urandom(5)) & (1 << 35) - 1
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


def attempt_id(job_id: str, ordinal: int, number: int) -> str:
    """The id of attempt ``number`` (from 1) of the instance with ``ordinal``; its session is ``ft-<id>``."""
    return f"{job_id}-{ordinal}-{number}"


def parse_attempt_id(text: str) -> tuple[str, int, int]:
    """Job id, ordinal and number. Raises ValueError for what is no attempt's id."""
    job_id, ordinal, number = text.rsplit("-", 2)
    return job_id, int(ordinal), int(number)


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a task instance (``path``) or of the job itself (``path`` None), with its event.

    The store applies it only if the row's status is ``expected`` (compare and set) and writes the
    event row in the same transaction. Fields left None leave the row's column as it is;
    ``data`` is the event's JSON payload; from it the store also keeps, under these keys,
    what belongs to the instance: ``outputs``, ``outputs_dir``, ``mode``, ``usage``, ``resources``,
    ``session`` (the backend's own reference), ``notes`` (list of words said to the user).
    """

    job_id: str
    path: str | None
    expected: Status | JobStatus
    status: Status | JobStatus
    event: str
    at: float
    attempt: int = 0
    """Number of the current attempt; 0 before there is one. The attempt's row is made when first named."""
    result: Result | None = None
    reason: str | None = None
    exit_code: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    attempt_status: Status | None = None
    """Where the attempt's status differs from the instance's (a retry: attempt TERMINATED, instance WAITING)."""
    attempt_result: Result | None = None
    attempt_reason: str | None = None
    expansion: Mapping[str, Any] | None = None
    """What a container was expanded by: ``items`` of a loop, ``params`` of a group."""
    instances: Sequence[tuple[str, str]] = ()
    """``(path, task)`` of those inside, which come to be with this change: the next ordinals, in order."""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One row of the event log. ``seq`` increases by commit order and is never used twice."""

    seq: int
    at: float
    job_id: str
    path: str | None
    type: str
    attempt: int
    status: str
    result: str | None
    reason: str | None
    data: Mapping[str, Any]
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task instance, 1:1 with a session."""

    id: str
    job_id: str
    path: str
    number: int
    status: Status
    result: Result
    reason: str
    exit_code: int | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One execution of a task in a job; shows its current attempt's session status."""

    job_id: str
    path: str
    ordinal: int
    task: str
    status: Status = Status.WAITING
    result: Result = Result.UNDEFINED
    reason: str = ""
    attempts: int = 0
    exit_code: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    outputs_dir: str | None = None
    """Within the pipeline folder, e.g. ``jobs/12/train``; of an earlier job where it was reused."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """``outputs`` (declared values and artifacts), ``mode``, ``usage``, ``resources``, ``session``, ``notes``."""
    expansion: Mapping[str, Any] | None = None
    """Of a container that was opened: see :class:`Change`."""


@dataclass(frozen=True, slots=True)
class PipelineJob:
    """One execution of a pipeline: an immutable copy of it as it was at that moment."""

    id: str
    index: int
    pipeline: str
    folder: str
    """Name of the pipeline folder (a vfolder), ``<pipeline>-<id>``."""
    text: str
    """The pipeline's YAML, as it was."""
    source: str | None
    """Where the text came from (a file's path), for people."""
    backend: str
    params: Mapping[str, Any]
    status: JobStatus
    result: Result
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    priority: int = 0
    rerun_of: str | None = None
    code: str | None = None
    """Digest of the code snapshot (its files: ``store``/backend), or None where the job has no files."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How it was asked for: ``only``, ``from``, ``until``, ``shrink`` and the plan's decisions."""
