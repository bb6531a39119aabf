"""Every route of the engine's API: a small function for each operation of :mod:`fasttrack_jupyter.api.paths`.

A handler takes by name what it needs: ``engine`` (the façade), the parts of the path, ``query`` and ``body`` (models,
checked before it is called), ``control`` (the process around it), ``request`` (for bytes alone); and returns a view,
a list of views, a text, or an iterator of views, which becomes a stream of JSON lines.
Handlers contain no ``try``: :mod:`fasttrack_jupyter.api.app` turns errors into answers, in one place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from fasttrack_jupyter.api import requests as ask
from fasttrack_jupyter.api import (
    routes_approvals,
    routes_cache,
    routes_cluster,
    routes_compare,
    routes_models,
    routes_profiles,
    routes_services,
    routes_triggers,
)
from fasttrack_jupyter.api.paths import OPERATIONS
from fasttrack_jupyter.api.streams import TextResponse, follow_events, follow_log, send_file, send_log
from fasttrack_jupyter.engine import overviews, views
from fasttrack_jupyter.engine.metric_reads import MetricsView
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.storing import JobFilter

Json = dict[str, Any]


class Control(Protocol):
    """The process around the engine, as far as a caller may ask something of it."""

    def stop(self) -> None:
        """Stop in order, soon; sessions go on."""
        ...


async def info(engine: FastTrack) -> views.EngineInfo:
    """The engine process that answers."""
    return await engine.info()


async def validate(engine: FastTrack, body: ask.TextRequest) -> views.ValidationView:
    """Everything that is to be said about a pipeline's text."""
    return await engine.validate(body.text, body.source)


async def plan(engine: FastTrack, body: views.JobRequest) -> views.PlanView:
    """What a job would do, and why."""
    return await engine.plan(body)


async def export(engine: FastTrack, body: ask.ExportRequest) -> views.ExportView:
    """A pipeline in another generation's words, with what is lost."""
    return await engine.export(body.text, body.source, body.to)


async def jobs(engine: FastTrack, query: ask.JobsQuery) -> list[views.JobSummary]:
    """Jobs, newest first."""
    return await engine.jobs(JobFilter(**query.model_dump()))


async def run(engine: FastTrack, body: views.JobRequest) -> views.JobSummary:
    """Make a job and start it; the same key again: the same job."""
    return await engine.run(body)


async def job(engine: FastTrack, job: str) -> views.JobView:
    """One job with its task instances."""
    return await engine.job(job)


async def change_job(engine: FastTrack, job: str, body: ask.JobPatch) -> views.JobSummary:
    """Change a job's name, tags, note or priority."""
    summary = await engine.annotate(job, name=body.name, tags=body.tags, note=body.note)
    return summary if body.priority is None else await engine.set_priority(summary.id, body.priority)


async def delete_job(engine: FastTrack, job: str) -> ask.Deleted:
    """Forget an ended job."""
    return ask.Deleted(deleted=await engine.delete([job]))


async def delete_jobs(engine: FastTrack, body: ask.JobsToDelete) -> overviews.DeletedJobs:
    """Forget many ended jobs; those that cannot go are told of and stay."""
    return await engine.delete_many(body.jobs)


async def job_tags(engine: FastTrack) -> list[overviews.TagCount]:
    """The tags in use, the most used first."""
    return await engine.tags()


async def job_counts(engine: FastTrack, query: ask.CountsQuery) -> overviews.JobCounts:
    """How many jobs a filter finds, by status and by result."""
    return await engine.counts(JobFilter(**query.model_dump()))


async def job_text(engine: FastTrack, job: str) -> str:
    """The job's own YAML."""
    return await engine.job_text(job)


async def cancel_job(engine: FastTrack, job: str) -> views.JobSummary:
    """Ask for the end of a job."""
    return await engine.cancel(job)


async def rerun(engine: FastTrack, job: str, body: views.RerunRequest) -> views.JobSummary:
    """Make a new job from an old one and start it."""
    return await engine.rerun(job, body)


async def plan_rerun(engine: FastTrack, job: str, body: views.RerunRequest) -> views.PlanView:
    """What a rerun would do, and why."""
    return await engine.plan_rerun(job, body)


async def attempts(engine: FastTrack, job: str, query: ask.PathQuery) -> list[views.AttemptView]:
    """The attempts of a job, or of one task instance."""
    return await engine.attempts(job, query.path)


async def logs(engine: FastTrack, job: str, path: str, query: ask.LogQuery) -> views.LogView:
    """Part of a masked log."""
    return await engine.logs(job, path, attempt=query.attempt, after=query.after, limit=query.limit)


async def logs_stream(
    engine: FastTrack, job: str, path: str, query: ask.LogQuery
) -> AsyncIterator[views.LogView | None]:
    """A masked log as it is written, until the attempt has ended."""
    return follow_log(engine, job, path, query)


async def logs_text(
    engine: FastTrack, request: web.Request, job: str, path: str, query: ask.AttemptQuery
) -> TextResponse:
    """A masked log as a text file: all that is written by now."""
    return await send_log(engine, request, job, path, query.attempt)


async def cancel_task(engine: FastTrack, job: str, path: str) -> views.JobSummary:
    """Ask for the end of one task instance."""
    return await engine.cancel(job, path)


async def usage(engine: FastTrack, job: str, path: str) -> Json:
    """What a running task instance uses now."""
    return await engine.usage(job, path)


async def usage_samples(engine: FastTrack, job: str, path: str, query: ask.AttemptQuery) -> overviews.UsageSeries:
    """What an attempt used over time."""
    return await engine.usage_samples(job, path, query.attempt)


async def session(engine: FastTrack, job: str, path: str, query: ask.AttemptQuery) -> overviews.SessionView:
    """What exactly an attempt runs or ran, without any secret."""
    return await engine.session(job, path, query.attempt)


async def shell(engine: FastTrack, job: str, path: str) -> list[str]:
    """The argv that opens a shell inside a running task instance."""
    return await engine.shell(job, path)


async def metrics(engine: FastTrack, job: str, path: str, query: ask.MetricsQuery) -> MetricsView:
    """Metrics, parameters and tags that a task instance has noted, live while it runs."""
    return await engine.metrics(job, path, query.attempt, query.after)


async def outputs(engine: FastTrack, job: str, path: str) -> list[views.FileView]:
    """What a task instance left."""
    return await engine.outputs(job, path)


async def read_output(engine: FastTrack, request: web.Request, job: str, path: str, file: str) -> web.StreamResponse:
    """One output file's bytes, or a range of them."""
    return await send_file(engine, request, job, path, file)


async def events(engine: FastTrack, query: ask.EventsQuery) -> views.EventsPage:
    """Events after a seq."""
    return await engine.events(query.after, query.limit, job=query.job, wait=query.wait)


async def events_stream(engine: FastTrack, query: ask.StreamQuery) -> AsyncIterator[views.EventView | None]:
    """Events as they happen, without end."""
    return follow_events(engine, query)


async def pipelines(engine: FastTrack) -> list[views.PipelineView]:
    """The pipelines that this home knows."""
    return await engine.pipelines()


async def pipeline(engine: FastTrack, name: str) -> views.PipelineView:
    """One pipeline."""
    return await engine.pipeline(name)


async def delete_pipeline(engine: FastTrack, name: str) -> ask.Deleted:
    """Forget a pipeline: its ended jobs, its folder with all outputs, its record."""
    return ask.Deleted(deleted=await engine.delete_pipeline(name))


async def backends(engine: FastTrack) -> list[overviews.BackendView]:
    """Where jobs can run, and what is free there."""
    return await engine.backends()


async def usage_history(engine: FastTrack, query: ask.HistoryQuery) -> overviews.UsageHistory:
    """Resources in use over the last days, and now."""
    return await engine.usage_history(query.days, query.buckets, query.backend)


async def schema(engine: FastTrack) -> Json:
    """The JSON Schema of a pipeline file."""
    return await engine.schema()


async def folders(engine: FastTrack, query: ask.BackendQuery) -> list[views.FolderView]:
    """All vfolders of a backend."""
    return await engine.folders(query.backend)


async def make_folder(engine: FastTrack, body: ask.FolderRequest) -> views.FolderView:
    """Make a vfolder; one that is there already comes back as it is."""
    return await engine.make_folder(body.name, body.usage_mode, body.backend)


async def remove_folder(engine: FastTrack, name: str, query: ask.BackendQuery) -> None:
    """Remove a vfolder and what is in it."""
    await engine.remove_folder(name, query.backend)


async def images(engine: FastTrack, query: ask.BackendQuery) -> list[Json]:
    """What can be named as an image."""
    return await engine.images(query.backend)


async def slots(engine: FastTrack, query: ask.BackendQuery) -> Json:
    """The resource slots of a backend and their use."""
    return await engine.slots(query.backend)


async def secrets(engine: FastTrack) -> list[Json]:
    """The names of secrets, never a value."""
    return await engine.secrets()


async def set_secret(engine: FastTrack, name: str, query: ask.ScopeQuery, body: ask.SecretValue) -> None:
    """Keep a secret."""
    await engine.set_secret(name, body.value, query.pipeline)


async def remove_secret(engine: FastTrack, name: str, query: ask.ScopeQuery) -> None:
    """Forget a secret."""
    await engine.remove_secret(name, query.pipeline)


async def gc(engine: FastTrack, body: ask.GcRequest) -> views.GcView:
    """Remove what old jobs left, or say what that would be."""
    return await engine.gc(keep_jobs=body.keep_jobs, older_than_days=body.older_than_days, dry_run=body.dry_run)


async def doctor(engine: FastTrack) -> list[Json]:
    """What this machine can do."""
    return await engine.doctor()


async def openapi() -> Json:
    """This API, described."""
    from fasttrack_jupyter.api.openapi import document  # builds every model's schema: only when asked

    return document(ROUTES)


async def shutdown(engine: FastTrack, control: Control, body: ask.ShutdownRequest) -> ask.Stopping:
    """Stop the engine in order; sessions go on."""
    stopping = engine.is_idle() or not body.when_idle
    if stopping:
        control.stop()
    return ask.Stopping(stopping=stopping)


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path (below ``/v1``) and who answers it."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]


_HANDLERS: tuple[Callable[..., Awaitable[Any]], ...] = (
    *(info, validate, plan, export),
    *(jobs, run, delete_jobs, job_tags, job_counts),
    *(job, change_job, delete_job, job_text, cancel_job, rerun, plan_rerun, attempts),
    *(logs, logs_stream, logs_text, cancel_task, usage, usage_samples, session, shell, metrics, outputs, read_output),
    *(events, events_stream, pipelines, pipeline, delete_pipeline, backends, usage_history, schema),
    *(folders, make_folder, remove_folder, images, slots, secrets, set_secret, remove_secret),
    *routes_profiles.HANDLERS,
    *routes_cluster.HANDLERS,
    *routes_approvals.HANDLERS,
    *routes_triggers.HANDLERS,
    *routes_services.HANDLERS,
    *routes_models.HANDLERS,
    *routes_compare.HANDLERS,
    *routes_cache.HANDLERS,
    *(gc, doctor, openapi, shutdown),
)
"""Each answers the operation of its name."""


def _bind() -> tuple[Route, ...]:
    handlers = {handler.__name__: handler for handler in _HANDLERS}
    return tuple(Route(each.method, each.path, handlers[each.name]) for each in OPERATIONS)


ROUTES = _bind()
