"""What the faces send and see: requests and views, as JSON (OpenAPI and TypeScript types come from these).

Times are RFC 3339 in UTC; quantities are written as in the YAML.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.problems import Problem

LONGEST_NAME, LONGEST_TAG, MOST_TAGS, LONGEST_NOTE = 200, 64, 32, 10_000
"""What a person may write on a job: characters of its name, of a tag, how many tags, characters of its note."""

SERVICE_CHANGED = "ServiceChanged"
"""The type of an event that is none of the log: model services are not any more as they were told."""

Tag = Annotated[str, Field(max_length=LONGEST_TAG)]


class View(BaseModel):
    """Frozen; unknown keys of a request are refused. Built when first used: an engine should be there in a moment."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class Selection(View):
    """Which part of a pipeline: only these tasks, from these on, until these."""

    only: tuple[str, ...] = ()
    from_: tuple[str, ...] = Field(default=(), alias="from")
    until: tuple[str, ...] = ()


class JobRequest(View):
    """A job to plan or to run. The pipeline comes as ``text`` or as a ``source`` file of this machine; with both,
    ``text`` counts and ``source`` says where its code lies."""

    text: str | None = None
    source: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    """Relative path → text: laid over the files of the source's folder; without a ``source`` all the code there is."""
    params: dict[str, Any] = Field(default_factory=dict)
    """By name; a string is read as the parameter's type."""
    selection: Selection = Selection()
    backend: str = "local"
    shrink: bool = False
    """Fit what asks for more than this backend has, instead of refusing it."""
    name: str = Field(default="", max_length=LONGEST_NAME)
    tags: tuple[Tag, ...] = Field(default=(), max_length=MOST_TAGS)
    note: str = Field(default="", max_length=LONGEST_NOTE)
    priority: int = Field(default=0, ge=-(2**63), lt=2**63)
    cache: bool = True
    """Whether results that are there already may stand in for tasks that allow it; what runs is remembered anyway."""
    key: str | None = None
    """Idempotency key: asked again with the same key, the same job comes back."""


class RerunRequest(View):
    """A new job from an old one."""

    from_failed: bool = False
    """Reuse what succeeded."""
    edited: bool = False
    """With the file as it is now, instead of the old job's pipeline."""
    text: str | None = None
    """With this text, instead of the file (implies ``edited``)."""
    files: dict[str, str] = Field(default_factory=dict)
    """As in :class:`JobRequest`, of an edited pipeline."""
    keep_code: bool = False
    """With the old job's code, also where the pipeline is an edited one; ``files`` are laid over it."""
    selection: Selection = Selection()
    params: dict[str, Any] | None = None
    backend: str | None = None
    """Where to run it; where the old job did, if none is named."""
    shrink: bool | None = None
    cache: bool | None = None
    """As in :class:`JobRequest`; as the old job was asked, if nothing is said."""
    key: str | None = None
    """Idempotency key, as in :class:`JobRequest`."""


class Decision(StrEnum):
    """What a plan says about a task."""

    RUN = "will run"
    REUSE = "reused"
    SKIP = "skipped"
    REFUSE = "refused"


class TaskPlan(View):
    """One task of a plan, and why."""

    path: str
    task: str
    decision: Decision
    reason: str
    dependencies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Shrunk resources, an empty input, a suggestion from earlier runs …"""
    expected_seconds: float | None = None
    resources: dict[str, str] = Field(default_factory=dict)
    backend: str = "local"
    """Where it runs; of one that does not, where the outputs are that stand in for its own."""


class PlanView(View):
    """What a job would do."""

    pipeline: str
    backend: str
    """Of the job: where every task runs that names no other."""
    tasks: tuple[TaskPlan, ...]
    problems: tuple[Problem, ...] = ()
    """Warnings and notices about the text, and at its place in the text what was found about the tasks (why one is
    refused, what stands in for an image …); errors of the text itself are raised as InvalidPipeline."""
    expected_seconds: float | None = None
    """Length of the critical path, where earlier jobs tell."""


class ValidationView(View):
    """Everything that was found in a text."""

    valid: bool
    generation: str | None = None
    pipeline: str | None = None
    tasks: int = 0
    problems: tuple[Problem, ...] = ()


class ProgressView(View):
    """How far a running task says that it is."""

    fraction: float | None = Field(default=None, ge=0, le=1)
    """From 0 to 1; None where it does not say."""
    text: str = ""
    """One line: what it does just now."""


class TaskInstanceView(View):
    """One task instance of a job."""

    path: str
    task: str
    status: Status
    result: Result
    reason: str
    attempts: int
    exit_code: int | None
    started_at: datetime | None
    ended_at: datetime | None
    outputs: dict[str, Any]
    """Declared outputs: values as JSON, artifacts as ``{type, path, metadata}`` (a path of this machine)."""
    outputs_dir: str | None
    resources: dict[str, str]
    mode: str | None = None
    usage: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    backend: str = "local"
    """Where it runs, and its log and outputs are; of a reused one, where those outputs are."""
    dependencies: tuple[str, ...] = ()
    expected_seconds: float | None = None
    """What its run takes, as earlier jobs taught; None where none did, or where it does not run."""
    progress: ProgressView | None = None
    """None where it does not run, or says nothing (also until an engine that was started anew has heard it)."""
    kind: Literal["task", "loop", "group"] = "task"
    """A loop and a group have no session: they have others inside, which come to be once they are RUNNING."""
    parent: str | None = None
    """Path of the loop or the group that it is inside of."""
    item: Any = None
    """Of the iteration that it is, or is inside of."""


class AttemptView(View):
    """One try at a task instance."""

    id: str
    path: str
    number: int
    status: Status
    result: Result
    reason: str
    exit_code: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    data: dict[str, Any]


class JobSummary(View):
    """A job without its tasks."""

    id: str
    index: int
    pipeline: str
    status: JobStatus
    result: Result
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    priority: int = 0
    backend: str = "local"
    rerun_of: str | None = None
    paused: str | None = None
    """Why nothing new is started just now (the disk is full, say)."""


class JobView(JobSummary):
    """A job with its task instances, in the pipeline's order."""

    params: dict[str, Any]
    folder: str
    folder_path: str | None
    source: str | None
    tasks: tuple[TaskInstanceView, ...]
    outputs: dict[str, dict[str, Any]]
    """By task path: the declared outputs of all tasks."""
    seq: int = 0
    """Of an event that this view shows, as it does all before it: ask for the events after it to go on from here."""
    expected_seconds: float | None = None
    """Length of the critical path of what runs, as earlier jobs taught; None where some of it is not known."""


class EventView(View):
    """One event. What a JobView shows of status and result follows from its events alone, by these rules.

    Take a JobView, and the events of its job after the seq that it shows (``seq``), in order. An event with
    a ``path`` is about that task instance (``task``), one without about the job itself::

        task.status     = event.status
        task.result     = event.result ?? task.result
        task.reason     = event.reason ?? (event.attempt > task.attempts ? "" : task.reason)
        task.exit_code  = event.exit_code ?? (event.attempt > task.attempts ? null : task.exit_code)
        task.attempts   = max(task.attempts, event.attempt)
        task.started_at = task.started_at ?? event.started_at
        task.ended_at   = task.ended_at ?? event.ended_at
        task.progress   = event.status == "RUNNING" ? event.data.progress ?? task.progress : null
        job.status      = event.status
        job.result      = event.result ?? job.result
        job.reason      = event.reason ?? job.reason
        job.started_at  = job.started_at ?? event.started_at
        job.ended_at    = job.ended_at ?? event.ended_at
        job.priority    = event.data.priority ?? job.priority
        job.name        = event.data.name     ?? job.name       (and tags, note: of a JobAnnotated)

    (``reason`` and ``exit_code`` before ``attempts``; an empty reason is one, null is none.) ``data`` may hold
    ``outputs`` (declared values as JSON; artifacts as ``{type, path, metadata}``, their path within the outputs
    folder), ``outputs_dir`` (within the pipeline folder), ``mode``, ``usage`` and ``resources``, each of which
    replaces what was known, and ``notes``, which add up, each said once. Two things are told by
    JobView alone: why an instance waits that has no session yet (it shows that as the ``reason`` of a WAITING
    or PENDING instance whose stored reason is empty), and the places of artifacts as paths of this machine.

    A ``JobDeleted`` is the last of its job, of which there is no JobView any more (and no other event): ``data`` tells
    the ``job``, its ``pipeline`` and its ``index``. It comes whoever deleted the job, ``gc`` as well.
    """

    seq: int
    at: datetime
    job_id: str
    path: str | None
    type: str
    attempt: int
    status: str
    result: str | None
    reason: str | None
    exit_code: int | None = None
    started_at: datetime | None = None
    """When what the event is about began, if the event tells."""
    ended_at: datetime | None = None
    """When what the event is about ended, if the event tells."""
    data: dict[str, Any]


class EventsPage(View):
    """Events after a seq; ``next`` is what to ask for then."""

    events: tuple[EventView, ...]
    next: int


class LogView(View):
    """Part of a masked log. ``data`` is text, undecodable bytes replaced; offsets are bytes of the raw log."""

    attempt: str
    data: str
    start: int
    next: int
    size: int
    ended: bool


class FileView(View):
    """One output file or folder; ``path`` is relative to the outputs folder of its task."""

    path: str
    is_dir: bool
    size: int
    modified_at: datetime


class LastJob(View):
    """The newest job of a pipeline, as short as a list shows it."""

    id: str
    index: int
    status: JobStatus
    result: Result
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class PipelineView(View):
    """A pipeline that this home knows."""

    name: str
    folder: str
    source: str | None
    created_at: datetime
    jobs: int
    last_job: str | None
    """The id of ``last``."""
    last: LastJob | None = None


class FolderView(View):
    """A vfolder."""

    name: str
    usage_mode: str
    created_at: datetime
    host_path: str | None
    pipeline: str | None


class ExportView(View):
    """An exported pipeline and what the format could not carry."""

    text: str
    losses: tuple[Problem, ...]


class GcView(View):
    """What ``gc`` removes, or would remove."""

    dry_run: bool
    jobs: tuple[str, ...]
    folders: tuple[str, ...]
    """``folder/path`` of output folders."""
    environments: tuple[str, ...] = ()
    bytes: int
    models: int = 0
    """Registered versions, none of which it touches, on the backends that answer."""
    model_bytes: int = 0
    """What they hold."""


class EngineInfo(View):
    """The engine process that answers."""

    version: str
    home: str
    pid: int
    started_at: datetime
    backends: tuple[str, ...]
    running_jobs: int
    seq: int
