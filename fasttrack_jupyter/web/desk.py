"""What FastTrack's API can be asked for, in calls of the engine's client. Blocking: the app runs these in threads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_or_raise, read_pipeline
from fasttrack_jupyter.web.library import Kept, Library, id_of_name, text_of
from fasttrack_jupyter.web.shapes import (
    Json,
    instance_shape,
    job_shape,
    newest,
    parse_instance_id,
    pipeline_shape,
)

MOST_JOBS = 1000
_KINDS: Mapping[str, type] = {"dataflow": dict, "params": dict, "is_active": bool}
_WORDS: Mapping[type, str] = {dict: "a JSON object", bool: "true or false"}


class Engine(Protocol):
    """What is used of ``api.client.Client``."""

    def pipelines(self) -> list[Json]: ...
    def run(self, request: Mapping[str, Any]) -> Json: ...
    def jobs(self, *, limit: int = 50, before: str | None = None) -> list[Json]: ...
    def job(self, job: str) -> Json: ...
    def job_text(self, job: str) -> str: ...
    def attempts(self, job: str) -> list[Json]: ...
    def cancel(self, job: str) -> Json: ...


class Desk:
    """Pipelines of ``library`` and those that the engine's home knows; jobs run on ``backend``."""

    def __init__(self, engine: Engine, library: Library, backend: str) -> None:
        self._engine, self._library, self._backend = engine, library, backend

    # ------------------------------------------------------------ pipelines

    def pipelines(self) -> list[Json]:
        """The library's, then those that were run from files elsewhere."""
        folders = {view["name"]: view["folder"] for view in self._engine.pipelines()}
        own = [_kept_shape(kept, folders) for kept in self._library.all()]
        return own + [_known_shape(view) for view in self._elsewhere()]

    def pipeline(self, pipeline_id: str) -> Json:
        """Raises NotFound."""
        return next((shape for shape in self.pipelines() if shape["id"] == pipeline_id), None) or _none(pipeline_id)

    def create(self, given: Json) -> Json:
        """``{yaml, name?, dataflow?, is_active?}``. Raises InvalidPipeline, BadRequest."""
        text = _checked(given, required=True)
        return self.pipeline(
            self._library.create(
                str(text), is_active=given.get("is_active") is not False, dataflow=given.get("dataflow")
            ).id
        )

    def update(self, pipeline_id: str, given: Json) -> Json:
        """What is given of ``{yaml, dataflow, is_active}``. Raises InvalidPipeline, NotFound, Conflict."""
        self._own(pipeline_id)
        text = _checked(given, required=False)
        self._library.update(pipeline_id, text, is_active=given.get("is_active"), dataflow=given.get("dataflow"))
        return self.pipeline(pipeline_id)

    def delete(self, pipeline_id: str) -> None:
        """Raises NotFound, Conflict."""
        self._own(pipeline_id)
        self._library.delete(pipeline_id)

    def run(self, pipeline_id: str, given: Json) -> Json:
        """A job of the pipeline, with the given ``yaml`` where there is one. Raises InvalidPipeline, Refused."""
        text, source = self._text_and_source(pipeline_id)
        changed = _checked(given, required=False)
        request: Json = {"text": changed or text, "source": source, "backend": self._backend}
        request["params"] = given.get("params") or {}
        return self.job(self._engine.run(request)["id"])

    # ------------------------------------------------------------ jobs and task instances

    def jobs(self) -> list[Json]:
        """The newest, at most :data:`MOST_JOBS`."""
        ids = self._ids()
        return [job_shape(job, _pipeline_of(job, ids)) for job in self._engine.jobs(limit=MOST_JOBS)]

    def job(self, job_id: str) -> Json:
        """Raises NotFound."""
        job = self._engine.job(job_id)
        return job_shape(job, _pipeline_of(job, self._ids()), self._engine.job_text(job["id"]))

    def stop(self, job_id: str) -> Json:
        """Ask for its end; one that has ended stays as it is. Raises NotFound."""
        job = self._engine.job(job_id)
        if job["ended_at"] is None:
            self._engine.cancel(job["id"])
        return self.job(job["id"])

    def instances(self, job_id: str | None) -> list[Json]:
        """Of one job, or of the newest ones. Raises NotFound."""
        jobs = [job_id] if job_id else [str(job["id"]) for job in self._engine.jobs(limit=50)]
        return [shape for each in jobs for shape in self._instances(each)]

    def instance(self, instance_id: str) -> Json:
        """Raises NotFound."""
        job_id, path = parse_instance_id(instance_id)
        for shape in self._instances(job_id):
            if shape["name"] == path:
                return shape
        raise NotFound(f"there is no task instance {instance_id!r}")

    # ------------------------------------------------------------ parts

    def _instances(self, job_id: str) -> list[Json]:
        job = self._engine.job(job_id)
        last = newest(self._engine.attempts(job["id"]))
        pipeline = read_pipeline(self._engine.job_text(job["id"])).pipeline
        return [instance_shape(job, task, last.get(task["path"]), pipeline) for task in job["tasks"]]

    def _elsewhere(self) -> list[Json]:
        """Pipelines of the home whose file is there, outside of the library."""
        views = [view for view in self._engine.pipelines() if view["source"] and Path(view["source"]).is_file()]
        return [view for view in views if self._library.find(view["source"]) is None]

    def _ids(self) -> dict[str, str]:
        """Id by the pipeline's file."""
        return {str(kept.file): kept.id for kept in self._library.all()}

    def _own(self, pipeline_id: str) -> Kept:
        if any(id_of_name(view["name"]) == pipeline_id for view in self._elsewhere()):
            raise Conflict("this pipeline is a file of its own", hint="Edit it where it lies, in JupyterLab.")
        return self._library.get(pipeline_id)

    def _text_and_source(self, pipeline_id: str) -> tuple[str, str]:
        for view in self._elsewhere():
            if id_of_name(view["name"]) == pipeline_id:
                return text_of(Path(view["source"])), view["source"]
        kept = self._library.get(pipeline_id)
        return kept.text(), str(kept.file)


def _kept_shape(kept: Kept, folders: Mapping[str, str]) -> Json:
    text = kept.text()
    pipeline: Pipeline | None = read_pipeline(text).pipeline
    return pipeline_shape(
        kept.id,
        text,
        created_at=kept.created_at.isoformat(),
        last_modified=kept.modified_at.isoformat(),
        is_active=kept.is_active,
        dataflow=kept.dataflow,
        storage=folders.get(pipeline.name) if pipeline else None,
    )


def _known_shape(view: Json) -> Json:
    text = text_of(Path(view["source"]))
    last = view["last"] or {}
    return pipeline_shape(
        id_of_name(view["name"]),
        text,
        created_at=view["created_at"],
        last_modified=last.get("created_at") or view["created_at"],
        storage=view["folder"],
    )


def _pipeline_of(job: Json, ids: Mapping[str, str]) -> str:
    return ids.get(str(job.get("source")), id_of_name(job["pipeline"]))


def _checked(given: Json, *, required: bool) -> str | None:
    """The YAML, when it can be run. Raises InvalidPipeline, BadRequest."""
    for name, kind in _KINDS.items():
        if given.get(name) is not None and not isinstance(given[name], kind):
            raise BadRequest(f"{name} is {given[name]!r}", hint=f"{name} is {_WORDS[kind]}.")
    text = given.get("yaml")
    if text is None and not required:
        return None
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("no pipeline was given", hint="Send its text as yaml.")
    pipeline = read_or_raise(text).pipeline
    assert pipeline is not None
    if given.get("name") not in (None, "", pipeline.name):
        raise BadRequest(
            f"name is {given['name']!r}, but the YAML is called {pipeline.name!r}", hint="Give both the same name."
        )
    return text


def _none(pipeline_id: str) -> Json:
    raise NotFound(f"there is no pipeline {pipeline_id!r}", hint="GET /api/pipelines/ lists them.")
