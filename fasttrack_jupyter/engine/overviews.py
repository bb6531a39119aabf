"""More of what the faces see: what a session ran and used, many jobs at a glance, the backends.

Beside :mod:`fasttrack_jupyter.engine.views`, and by the same rules. Where a chart is drawn, amounts are
numbers: cpu in cores, mem in bytes, any other slot in its own unit (``cuda.device`` in devices).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from fasttrack_jupyter.engine.views import View


class GpuSample(View):
    """One GPU of a session at one moment."""

    index: int
    """Its place among the session's own GPUs, from 0."""
    util: float | None
    """Percent of the time in which it was busy; None where that is not told (a GPU split by MIG)."""
    mem: int
    """Bytes in use on the device, by whomever."""


class UsageSample(View):
    """What a session used at one moment."""

    at: datetime
    cpu: float
    """Cores, on average since the sample before."""
    mem: int
    """Bytes."""
    processes: int
    gpu: tuple[GpuSample, ...] | None = None
    """None where the session has no GPU."""


class UsageSeries(View):
    """What an attempt used over time. Short ones (about a second) leave no samples; long ones at most about 600."""

    attempt: int
    """Its number; 0 where there was none yet."""
    samples: tuple[UsageSample, ...]


class UsageHistory(View):
    """Slots that attempts held over the last days, in buckets of equal width, and now."""

    start: datetime
    """When the first bucket begins."""
    end: datetime
    """When the last one ends: now."""
    seconds: float
    """Width of a bucket."""
    slots: dict[str, tuple[float, ...]]
    """By slot: how much of it was held on average, bucket by bucket."""
    total: dict[str, float]
    """By slot: what there is; empty where a backend counts by itself."""
    used: dict[str, float]
    """By slot: what is held now."""


class TagCount(View):
    """A tag in use, and on how many jobs."""

    tag: str
    jobs: int


class JobCounts(View):
    """How many jobs a filter finds. To count what other states it would find, leave status and result out of it."""

    total: int
    status: dict[str, int]
    """By job status; every status is there."""
    result: dict[str, int]
    """By result; every result is there."""


class JobRefusal(View):
    """A job that was not deleted, and why."""

    job: str
    """As it was named in the request."""
    code: str
    message: str
    hint: str


class DeletedJobs(View):
    """What became of a wish to delete many jobs."""

    deleted: tuple[str, ...]
    """Their ids."""
    refused: tuple[JobRefusal, ...]


class MountView(View):
    """A vfolder (or a folder in it) that a session sees, and where."""

    folder: str
    target: str


class GitView(View):
    """Where the code of a Git task comes from; credentials are never shown."""

    url: str
    ref: str | None
    subfolder: str | None
    commit: str | None
    """What was fetched; None before that is known."""


class SessionView(View):
    """What exactly an attempt runs or ran. Where that cannot be told, ``reason`` says why, and the rest is empty."""

    attempt: int
    """Its number; 0 where there was none yet: then this is what the first will run, as far as it is known."""
    reason: str = ""
    command: str | None = None
    image: str | None = None
    """As the pipeline names it; None is the backend's default."""
    environ: dict[str, str | None] = Field(default_factory=dict)
    """Variables that the pipeline sets; null where the value holds a secret."""
    inputs: tuple[str | None, ...] = ()
    """Folders behind ``/pipeline/input1`` …, within the pipeline folder; null is an empty one."""
    named_inputs: dict[str, str] = Field(default_factory=dict)
    """By name: what is at ``/pipeline/inputs/<name>``, a path within the pipeline folder, or a value's text."""
    outputs: str | None = None
    """Where it writes, within the pipeline folder."""
    mounts: tuple[MountView, ...] = ()
    slots: dict[str, str] = Field(default_factory=dict)
    cluster_size: int = 1
    shmem: str | None = None
    timeout: float | None = None
    """Seconds."""
    code: str | None = None
    """Digest of the job's code; None where it has no files."""
    git: GitView | None = None
    mode: str | None = None
    """How the backend ran it (``namespaces``, ``folders``, ``container`` …); None before that is known."""


class SlotUse(View):
    """One slot of a backend, in written quantities."""

    total: str
    used: str


class BackendView(View):
    """A backend of this engine."""

    name: str
    ready: bool
    reason: str = ""
    """Why it is not ready."""
    default_image: str | None = None
    mode: str | None = None
    counts_slots: bool = True
    """Whether the engine hands out its slots; a cluster queues by itself."""
    slots: dict[str, SlotUse] = Field(default_factory=dict)
    devices: tuple[dict[str, Any], ...] = ()
