"""Our views in the words of FastTrack's API. Pure.

``{id, name, description, yaml, dataflow, storage, version, is_active, created_at, last_modified}`` is a pipeline; a
pipeline job and a task instance add ``status``, ``result``, ``compute_session_id`` and ``config``. Times are RFC 3339
in UTC.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.reading import read_pipeline

Json = dict[str, Any]


def pipeline_shape(
    pipeline_id: str,
    text: str,
    *,
    created_at: str,
    last_modified: str,
    is_active: bool = True,
    dataflow: Mapping[str, Any] | None = None,
    storage: str | None = None,
) -> Json:
    """A pipeline. One whose text is broken is listed by its id, with the text as it is, so that it can be mended."""
    pipeline = read_pipeline(text).pipeline
    return {
        "id": pipeline_id,
        "name": pipeline.name if pipeline else pipeline_id,
        "description": (pipeline.description or "") if pipeline else "",
        "yaml": text,
        "dataflow": dict(dataflow) if dataflow else _dataflow(pipeline),
        "storage": _storage(storage),
        "version": pipeline.version if pipeline and pipeline.version is not None else "",
        "is_active": is_active,
        "created_at": created_at,
        "last_modified": last_modified,
    }


def job_shape(job: Json, pipeline_id: str, text: str | None = None) -> Json:
    """A pipeline job; with its ``yaml`` and ``dataflow`` where its text is given."""
    shape: Json = {
        "id": job["id"],
        "pipeline": pipeline_id,
        "name": job["name"] or f"{job['pipeline']}#{job['index']}",
        "description": job["note"],
        "index": job["index"],
        "status": job["status"],
        "result": job["result"],
        "status_info": job["reason"],
        "config": {"params": job.get("params", {}), "tags": job["tags"], "backend": job["backend"]},
        "is_active": job["ended_at"] is None,
        **_times(job),
    }
    if text is not None:
        pipeline = read_pipeline(text).pipeline
        shape |= {"yaml": text, "dataflow": _dataflow(pipeline), "storage": _storage(job.get("folder"))}
    return shape


def instance_shape(job: Json, task: Json, attempt: Json | None, pipeline: Pipeline | None) -> Json:
    """A task instance; ``attempt`` is its newest, ``pipeline`` that of the job."""
    declared = pipeline.by_name.get(task["task"]) if pipeline else None
    return {
        "id": instance_id(job["id"], task["path"]),
        "pipeline_job": job["id"],
        "name": task["path"],
        "description": (declared.description or "") if declared else "",
        "status": task["status"],
        "result": task["result"],
        "status_info": task["reason"],
        "exit_code": task["exit_code"],
        "compute_session_id": (attempt or {}).get("data", {}).get("session"),
        "config": _config(pipeline, declared, task),
        "dependencies": list(task["dependencies"]),
        "attempts": task["attempts"],
        **_times({"created_at": job["created_at"], **task}),
    }


def instance_id(job_id: str, path: str) -> str:
    """Of a task instance: its job's id and its path, in letters that an address can hold."""
    return f"{job_id}.{urlsafe_b64encode(path.encode()).decode().rstrip('=')}"


def parse_instance_id(text: str) -> tuple[str, str]:
    """Job id and path. Raises NotFound."""
    job_id, _, path = text.partition(".")
    try:
        return job_id, urlsafe_b64decode(path + "=" * (-len(path) % 4)).decode()
    except ValueError:
        raise NotFound(f"there is no task instance {text!r}") from None


def newest(attempts: Sequence[Json]) -> dict[str, Json]:
    """The last attempt of each path."""
    return {attempt["path"]: attempt for attempt in sorted(attempts, key=lambda attempt: int(attempt["number"]))}


def _config(pipeline: Pipeline | None, task: Task | None, view: Json) -> Json:
    return {
        "type": str(task.type) if task else "",
        "command": task.command if task else "",
        "image": pipeline.image_of(task) if pipeline and task else None,
        "cluster_mode": str(task.cluster_mode) if task else "",
        "cluster_size": task.cluster_size if task else 1,
        "resources": dict(view["resources"]),
    }


def _dataflow(pipeline: Pipeline | None) -> Json:
    """Nodes and edges of the DAG: what an editor needs that kept none of its own."""
    if pipeline is None:
        return {"nodes": [], "edges": []}
    return {
        "nodes": [{"id": task.name, "type": str(task.type)} for task in pipeline.tasks],
        "edges": [{"source": name, "target": task.name} for task in pipeline.tasks for name in task.dependencies],
    }


def _storage(folder: str | None) -> Json | None:
    return None if folder is None else {"name": folder, "usage_mode": "data"}


def _times(view: Json) -> Json:
    started, ended = view["started_at"], view["ended_at"]
    return {
        "created_at": view["created_at"],
        "last_modified": ended or started or view["created_at"],
        "started_at": started,
        "terminated_at": ended,
        "duration": (_moment(ended) - _moment(started)).total_seconds() if started and ended else None,
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
