"""FastTrack: the façade that every face uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fasttrack_jupyter.engine.ports import JobFilter
from fasttrack_jupyter.engine.views import (
    AttemptView,
    EngineInfo,
    EventsPage,
    ExportView,
    FileView,
    FolderView,
    GcView,
    JobRequest,
    JobSummary,
    JobView,
    LogView,
    PipelineView,
    PlanView,
    RerunRequest,
    ValidationView,
)  # fmt: skip


class FastTrack:
    """One home's pipelines, jobs and folders. Every method raises FastTrackError subclasses only.

    ``job`` arguments take what a person types: an id prefix, ``name#12``, ``#12``, ``last``.
    """

    async def open(self) -> None:
        """Take over unfinished jobs and go on with them."""

    async def aclose(self) -> None:
        """Stop; sessions go on by themselves and are adopted by the next engine."""

    def is_idle(self) -> bool:
        """Whether no job is unfinished."""

    async def info(self) -> EngineInfo: ...
    async def validate(self, text: str | None, source: str | None) -> ValidationView: ...
    async def plan(self, request: JobRequest) -> PlanView: ...
    async def run(self, request: JobRequest) -> JobSummary:
        """Make the job and start it. Raises InvalidPipeline, Refused."""

    async def plan_rerun(self, job: str, request: RerunRequest) -> PlanView: ...
    async def rerun(self, job: str, request: RerunRequest) -> JobSummary: ...
    async def jobs(self, which: JobFilter) -> list[JobSummary]: ...
    async def job(self, job: str) -> JobView: ...
    async def job_text(self, job: str) -> str:
        """The job's own YAML."""

    async def attempts(self, job: str, path: str | None = None) -> list[AttemptView]: ...
    async def annotate(
        self, job: str, *, name: str | None, tags: Sequence[str] | None, note: str | None
    ) -> JobSummary: ...
    async def set_priority(self, job: str, priority: int) -> JobSummary: ...
    async def cancel(self, job: str, path: str | None = None) -> JobSummary:
        """Ask for the end of a job, or of one task instance. Cancelling what has ended changes nothing."""

    async def delete(self, jobs: Sequence[str]) -> int: ...
    async def logs(self, job: str, path: str, *, attempt: int | None, after: int, limit: int) -> LogView:
        """Masked. ``after`` below zero counts from the end. Nothing yet: an empty, not ended, page."""

    async def usage(self, job: str, path: str) -> dict[str, Any]: ...
    async def shell(self, job: str, path: str) -> list[str]: ...
    async def outputs(self, job: str, path: str) -> list[FileView]: ...
    async def read_output(self, job: str, path: str, file: str, start: int, limit: int) -> bytes: ...
    async def events(self, after: int, limit: int, *, job: str | None = None, wait: float = 0.0) -> EventsPage:
        """Events after a seq; with ``wait``, up to so many seconds until there is one."""

    async def pipelines(self) -> list[PipelineView]: ...
    async def folders(self) -> list[FolderView]: ...
    async def make_folder(self, name: str, usage_mode: str) -> FolderView: ...
    async def remove_folder(self, name: str) -> None: ...
    async def images(self, backend: str) -> list[dict[str, Any]]: ...
    async def slots(self, backend: str) -> dict[str, Any]: ...
    async def secrets(self) -> list[dict[str, Any]]:
        """``{name, pipeline}`` each; never a value."""

    async def set_secret(self, name: str, value: str, pipeline: str | None) -> None: ...
    async def remove_secret(self, name: str, pipeline: str | None) -> None: ...
    async def export(self, text: str | None, source: str | None, to: str) -> ExportView: ...
    async def gc(self, *, keep_jobs: int, older_than_days: float, dry_run: bool) -> GcView: ...
    async def doctor(self) -> list[dict[str, Any]]:
        """``{check, ok, found, remedy}`` each: what this machine can do."""
