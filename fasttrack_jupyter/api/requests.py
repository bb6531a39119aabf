"""Bodies, queries and small answers that only the API knows; the rest is in :mod:`fasttrack_jupyter.engine.views`."""

from __future__ import annotations

from pydantic import Field

from fasttrack_jupyter.engine.views import LONGEST_NAME, LONGEST_NOTE, MOST_TAGS, Tag, View

LARGEST = 2**63 - 1
"""What the store can hold of a whole number."""


class TextRequest(View):
    """A pipeline as ``text``, or as a ``source`` file of this machine."""

    text: str | None = None
    source: str | None = None


class ExportRequest(TextRequest):
    """… to be written in another generation's words (``fasttrack-22.09``, ``fasttrack-25.15``, ``fasttrack-26.4``)."""

    to: str


class JobsQuery(View):
    """Which jobs, newest first; ``before`` is the last id of the page before."""

    pipeline: str | None = None
    status: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    tag: str | None = None
    text: str | None = None
    limit: int = Field(default=50, ge=1, le=1000)
    before: str | None = None


class CountsQuery(View):
    """Which jobs to count: as in :class:`JobsQuery`."""

    pipeline: str | None = None
    status: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    tag: str | None = None
    text: str | None = None


class JobsToDelete(View):
    """Jobs to forget, each named as a person would."""

    jobs: tuple[str, ...] = Field(max_length=10_000)


class JobPatch(View):
    """What may be changed on a job; what is not named stays as it is."""

    name: str | None = Field(default=None, max_length=LONGEST_NAME)
    tags: tuple[Tag, ...] | None = Field(default=None, max_length=MOST_TAGS)
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)
    priority: int | None = Field(default=None, ge=-LARGEST, le=LARGEST)


class Deleted(View):
    """How many jobs were forgotten."""

    deleted: int


class PathQuery(View):
    """One task instance of the job; all where there is none."""

    path: str | None = None


class AttemptQuery(View):
    """Which attempt, from 1; the current one where there is none."""

    attempt: int | None = Field(default=None, ge=1)


class MetricsQuery(AttemptQuery):
    """What an attempt has noted after a byte; see ``next`` of the answer."""

    after: int = Field(default=0, ge=0)


class HistoryQuery(View):
    """How far back, in how many buckets, of which backend."""

    days: float = Field(default=7.0, gt=0, le=366)
    buckets: int = Field(default=168, ge=1, le=2000)
    backend: str = "local"


class LogQuery(View):
    """Which part of a log; ``after`` below zero counts from the end; no ``attempt`` means the current one."""

    attempt: int | None = Field(default=None, ge=1)
    after: int = 0
    limit: int = Field(default=65_536, ge=1, le=4 << 20)


class EventsQuery(View):
    """Events after a seq, at most ``limit``; with ``wait``, up to so many seconds until there is one."""

    after: int = Field(default=0, ge=0, le=LARGEST)
    limit: int = Field(default=1000, ge=1, le=10_000)
    wait: float = Field(default=0.0, ge=0, le=120)
    job: str | None = None


class StreamQuery(View):
    """Events after a seq, without end."""

    after: int = Field(default=0, ge=0, le=LARGEST)
    job: str | None = None
    services: bool = False
    """Also a line of type ``ServiceChanged`` whenever model services are not any more as they were told.

    It is a hint, stored nowhere: it repeats the seq of the line before, is of no job, and says nothing more."""


class BackendQuery(View):
    """Which backend."""

    backend: str = "local"


class FolderRequest(View):
    """A vfolder to make."""

    name: str
    usage_mode: str = "general"
    backend: str = "local"


class SecretValue(View):
    """A secret's value, on its way in."""

    value: str = Field(repr=False)


class ScopeQuery(View):
    """The pipeline whose secret it is; the home's where there is none."""

    pipeline: str | None = None


class LeaveQuery(View):
    """Whether unfinished jobs that need what goes are set aside until it is back; else it stays."""

    set_aside: bool = False


class GcRequest(View):
    """What to keep; with ``dry_run`` nothing is removed."""

    keep_jobs: int = Field(default=10, ge=0, le=LARGEST)
    older_than_days: float = Field(default=30.0, ge=0, le=36_500)
    dry_run: bool = True


class ShutdownRequest(View):
    """With ``when_idle`` only if no job is unfinished."""

    when_idle: bool = False


class Stopping(View):
    """Whether the engine is about to stop."""

    stopping: bool
