"""Rows of the database as the model's values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.engine.storing import NewestJob, PipelineRecord
from fasttrack_jupyter.model.job import Attempt, JobEvent, PipelineJob, TaskInstance, attempt_id
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.store.places import MAX_INSTANCES

Row = tuple[Any, ...]

JOB_COLUMNS = (
    "j.id, j.idx, p.name, j.folder, j.text, j.source, j.backend, j.params, j.status, j.result, j.reason, "
    "j.created_at, j.started_at, j.ended_at, j.name, j.tags, j.note, j.priority, j.rerun_of, j.code, j.options"
)
INSTANCE_COLUMNS = (
    "num, path, task, status, result, reason, attempts, exit_code, started_at, ended_at, outputs_dir, "
    "mode, git_commit, outputs, usage, resources, session, notes, expansion"
)
ATTEMPT_COLUMNS = (
    "a.instance, a.number, i.path, a.status, a.result, a.reason, a.exit_code, a.created_at, a.started_at, a.ended_at, "
    "a.mode, a.git_commit, a.usage, a.resources, a.session"
)
EVENT_COLUMNS = (
    "e.seq, e.at, coalesce(j.id, json_extract(e.data, '$.job')), i.path, e.type, e.attempt, e.status, e.result, "
    "e.reason, e.data, e.exit_code"
)
"""The event that a job was deleted tells itself which job that was."""

_STATUS = {str(status): status for status in Status}
_RESULT: dict[str | None, Result] = {None: Result.UNDEFINED, **{str(result): result for result in Result}}
_NOTHING: Mapping[str, Any] = {}


def seconds(microseconds: int | None) -> float | None:
    """Stored time as seconds since the epoch."""
    return None if microseconds is None else microseconds / 1e6


def job_from(row: Row, text: str) -> PipelineJob:
    """From :data:`JOB_COLUMNS`; ``text`` stands for the number in their place."""
    (job_id, index, pipeline, folder, _text, source, backend, params, status, result, reason,
     created, started, ended, name, tags, note, priority, rerun_of, code, options) = row  # fmt: skip
    return PipelineJob(
        job_id, index, pipeline, folder, text, source, backend, json.loads(params), JobStatus(status), Result(result),
        reason or "", created / 1e6, seconds(started), seconds(ended), name, tuple(json.loads(tags)), note, priority,
        rerun_of, code, json.loads(options),
    )  # fmt: skip


def instance_from(job_id: str, row: Row) -> TaskInstance:
    """From :data:`INSTANCE_COLUMNS`."""
    (num, path, task, status, result, reason, attempts, exit_code, started, ended, outputs_dir, *kept, expansion) = row
    return TaskInstance(
        job_id, path, num % MAX_INSTANCES, task or path, _STATUS[status], _RESULT[result], reason or "", attempts,
        exit_code, started and started / 1e6, ended and ended / 1e6, outputs_dir,
        _data(*kept) if kept.count(None) < len(kept) else _NOTHING,
        None if expansion is None else json.loads(expansion),
    )  # fmt: skip


def attempt_from(job_id: str, row: Row) -> Attempt:
    """From :data:`ATTEMPT_COLUMNS`."""
    (instance, number, path, status, result, reason, exit_code, created, started, ended, mode, commit, *kept) = row
    return Attempt(
        attempt_id(job_id, instance % MAX_INSTANCES, number), job_id, path, number, _STATUS[status], _RESULT[result],
        reason or "", exit_code, created / 1e6, seconds(started), seconds(ended), _data(mode, commit, None, *kept),
    )  # fmt: skip


def event_from(row: Row) -> JobEvent:
    """From :data:`EVENT_COLUMNS`."""
    seq, at, job_id, path, kind, attempt, status, result, reason, data, exit_code = row
    told = json.loads(data) if data else _NOTHING
    return JobEvent(seq, at / 1e6, job_id, path, kind, attempt, status, result, reason, told, exit_code)


def pipeline_from(row: Row) -> PipelineRecord:
    """From name, folder, source, created_at, number of jobs, and of the newest what :class:`NewestJob` holds."""
    name, folder, source, created, jobs, last, index, status, result, last_created, started, ended = row
    newest = None
    if last is not None:
        times = (last_created / 1e6, seconds(started), seconds(ended))
        newest = NewestJob(last, index, JobStatus(status), Result(result), *times)
    return PipelineRecord(name, folder, source, created / 1e6, jobs, newest)


def _data(
    mode: str | None, commit: str | None, outputs: str | None = None, usage: str | None = None,
    resources: str | None = None, session: str | None = None, notes: str | None = None,
) -> Mapping[str, Any]:  # fmt: skip
    texts = {"outputs": outputs, "usage": usage, "resources": resources, "session": session, "notes": notes}
    data = {key: json.loads(text) for key, text in texts.items() if text is not None}
    if mode is not None:
        data["mode"] = mode
    if commit is not None:
        data["commit"] = commit
    return data or _NOTHING
