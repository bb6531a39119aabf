"""The one client of the engine process: the command line, the kernel and Jupyter's extension speak through it.

Synchronous, from the standard library alone, and light (importing it costs 15 ms), because a command
line should be there at once. It starts the engine when none serves the home, and outlives it: when an
engine dies in the middle of a call, the call is asked again of a fresh one. That is safe because every call
of this API may be repeated: reading changes nothing, ending what has ended changes nothing, and
what makes a job carries a key, so that the second call finds the first one's job.

Results are parsed JSON, shaped as in :mod:`fasttrack_jupyter.engine.views`; errors are raised as the class of
:mod:`fasttrack_jupyter.errors` that the engine named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.api import starter
from fasttrack_jupyter.api.caller import Json, quoted
from fasttrack_jupyter.api.client_approvals import ApprovalCalls
from fasttrack_jupyter.api.client_cache import CacheCalls
from fasttrack_jupyter.api.client_cluster import ClusterCalls
from fasttrack_jupyter.api.client_compare import CompareCalls
from fasttrack_jupyter.api.client_models import ModelCalls
from fasttrack_jupyter.api.client_profiles import ProfileCalls
from fasttrack_jupyter.api.client_services import ServiceCalls
from fasttrack_jupyter.api.client_triggers import TriggerCalls
from fasttrack_jupyter.errors import EngineUnavailable
from fasttrack_jupyter.home import Home


def connect(
    home: Path | str | None = None, *, start: bool = True, timeout: float = 60.0, begun: int | None = None
) -> Client:
    """A client of the engine that serves ``home`` (default: ``$FASTTRACK_HOME``, else the user's data folder).

    With ``start`` an engine is started when none serves; without, only a running one is spoken to.
    ``timeout``: seconds to wait for any one answer. ``begun``: an engine that is on its way (:func:`.starter.begin`).

    Raises:
        EngineUnavailable: there is none and none could be started.
    """
    client = Client(Home(home), start=start, timeout=timeout, begun=begun)
    client.open()
    return client


class Client(
    CacheCalls, CompareCalls, ClusterCalls, ProfileCalls, ServiceCalls, ModelCalls, ApprovalCalls, TriggerCalls
):
    """One home's engine, from outside. Threads may share it. ``job`` is what a person types (``last``, ``name#12``)."""

    # ------------------------------------------------------------ pipelines, before a job

    def info(self) -> Json:
        """The engine process: EngineInfo."""
        return self._ask("GET", "/info")

    def validate(self, *, text: str | None = None, source: str | None = None) -> Json:
        """Everything found in a pipeline's text (or in the file ``source``): ValidationView."""
        return self._ask("POST", "/validate", {"text": text, "source": source})

    def plan(self, request: Mapping[str, Any]) -> Json:
        """What a job would do: ``request`` is a JobRequest, the answer a PlanView. Raises InvalidPipeline."""
        return self._ask("POST", "/plan", request)

    def export(self, to: str, *, text: str | None = None, source: str | None = None) -> Json:
        """The pipeline in another generation's words, with what is lost: ExportView."""
        return self._ask("POST", "/export", {"to": to, "text": text, "source": source})

    def pipelines(self) -> list[Json]:
        """PipelineView each, by name."""
        return self._list("GET", "/pipelines")

    # ------------------------------------------------------------ jobs

    def run(self, request: Mapping[str, Any]) -> Json:
        """Make a job from a JobRequest and start it: JobSummary. Raises InvalidPipeline, Refused."""
        return self._ask("POST", "/jobs", _with_key(request))

    def plan_rerun(self, job: str, request: Mapping[str, Any] | None = None) -> Json:
        """What :meth:`rerun` would do: PlanView."""
        return self._ask("POST", f"{_job(job)}/rerun/plan", request or {})

    def rerun(self, job: str, request: Mapping[str, Any] | None = None) -> Json:
        """A new job from an old one, by a RerunRequest: JobSummary."""
        return self._ask("POST", f"{_job(job)}/rerun", _with_key(request or {}))

    def jobs(
        self,
        *,
        pipeline: str | None = None,
        status: Sequence[str] = (),
        result: Sequence[str] = (),
        tag: str | None = None,
        text: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Json]:
        """JobSummary each, newest first; ``before`` is the last id of the page before."""
        query = {"pipeline": pipeline, "status": status, "result": result, "tag": tag, "text": text}
        return self._list("GET", "/jobs", query={**query, "limit": limit, "before": before})

    def job(self, job: str) -> Json:
        """One job with its task instances: JobView."""
        return self._ask("GET", _job(job))

    def job_text(self, job: str) -> str:
        """The job's own YAML."""
        return self._read("GET", f"{_job(job)}/text").decode()

    def attempts(self, job: str, path: str | None = None) -> list[Json]:
        """AttemptView each, of a job or of one task instance."""
        return self._list("GET", f"{_job(job)}/attempts", query={"path": path})

    def annotate(
        self,
        job: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        priority: int | None = None,
    ) -> Json:
        """Change a job's free text or its priority; None leaves a field as it is."""
        patch = {"name": name, "tags": None if tags is None else list(tags), "note": note, "priority": priority}
        return self._ask("PATCH", _job(job), {key: value for key, value in patch.items() if value is not None})

    def cancel(self, job: str, path: str | None = None) -> Json:
        """Ask for the end of a job, or of one task instance: JobSummary."""
        return self._ask("POST", f"{_job(job) if path is None else _task(job, path)}/cancel", {})

    def delete(self, jobs: Sequence[str]) -> int:
        """Forget ended jobs; how many there were."""
        return sum(self._ask("DELETE", _job(job))["deleted"] for job in jobs)

    # ------------------------------------------------------------ task instances

    def logs(self, job: str, path: str, *, attempt: int | None = None, after: int = 0, limit: int = 65_536) -> Json:
        """A page of a masked log: LogView. ``after`` below zero counts from the end."""
        return self._ask("GET", f"{_task(job, path)}/logs", query={"attempt": attempt, "after": after, "limit": limit})

    def follow_logs(self, job: str, path: str, *, attempt: int | None = None, after: int = 0) -> Iterator[Json]:
        """LogView pages as they are written, until the attempt has ended; goes on when the engine is restarted."""
        page: Json = {"next": after, "ended": False}
        while not page["ended"]:
            query = {"attempt": attempt, "after": page["next"]}
            for page in self._lines(f"{_task(job, path)}/logs/stream", query):
                yield page

    def usage(self, job: str, path: str) -> Json:
        """What a running task instance uses now; empty when it does not run."""
        return self._ask("GET", f"{_task(job, path)}/usage")

    def session(self, job: str, path: str) -> Json:
        """What exactly a task instance runs or ran, secrets starred out: SessionView."""
        return self._ask("GET", f"{_task(job, path)}/session")

    def shell(self, job: str, path: str) -> list[str]:
        """The argv that opens a shell inside a running task instance."""
        return self._list("GET", f"{_task(job, path)}/shell")

    def metrics(self, job: str, path: str, *, after: int = 0, attempt: int | None = None) -> Json:
        """Metrics, parameters and tags that a task instance has noted after a byte: MetricsView."""
        return self._ask("GET", f"{_task(job, path)}/metrics", query={"after": after, "attempt": attempt})

    def outputs(self, job: str, path: str) -> list[Json]:
        """FileView each: what a task instance left."""
        return self._list("GET", f"{_task(job, path)}/outputs")

    def read_output(self, job: str, path: str, file: str) -> Iterator[bytes]:
        """One output file's bytes, part by part.

        Raises:
            EngineUnavailable: the engine went away in the middle; what came until then is right, but not all.
        """
        connection, answer, _ = self._exchange("GET", f"{_task(job, path)}/outputs/{quoted(file)}", stream=True)
        try:
            yield from answer.parts()
        except (ConnectionError, TimeoutError) as error:
            raise EngineUnavailable(f"reading {file!r} broke off: {error}", hint="Read it again.") from error
        finally:
            connection.close()

    # ------------------------------------------------------------ events

    def events(self, after: int = 0, *, limit: int = 1000, job: str | None = None, wait: float = 0.0) -> Json:
        """Events after a seq: EventsPage. With ``wait``, up to so many seconds until there is one."""
        query = {"after": after, "limit": limit, "job": job, "wait": wait}
        return self._ask("GET", "/events", query=query, timeout=self._timeout + wait)

    def follow_events(self, after: int = 0, *, job: str | None = None) -> Iterator[Json]:
        """EventView each, in order, without end; goes on where it was when the engine is restarted."""
        while True:
            for event in self._lines("/events/stream", {"after": after, "job": job}):
                after = event["seq"]
                yield event

    # ------------------------------------------------------------ the home

    def folders(self, backend: str = "local") -> list[Json]:
        """FolderView each, by name."""
        return self._list("GET", "/folders", query={"backend": backend})

    def make_folder(self, name: str, usage_mode: str = "general", backend: str = "local") -> Json:
        """Make a vfolder: FolderView."""
        return self._ask("POST", "/folders", {"name": name, "usage_mode": usage_mode, "backend": backend})

    def remove_folder(self, name: str, backend: str = "local") -> None:
        """Remove a vfolder and what is in it."""
        self._read("DELETE", f"/folders/{quoted(name)}", query={"backend": backend})

    def backends(self) -> list[Json]:
        """BackendView each: where jobs can run."""
        return self._list("GET", "/backends")

    def images(self, backend: str = "local") -> list[Json]:
        """``{name, kind, description, ready}`` each: what can be named as an image."""
        return self._list("GET", "/images", query={"backend": backend})

    def slots(self, backend: str = "local") -> Json:
        """``{slots: {name: {total, used}}, devices, default_image, mode}``."""
        return self._ask("GET", "/slots", query={"backend": backend})

    def secrets(self) -> list[Json]:
        """``{name, pipeline}`` each; never a value."""
        return self._list("GET", "/secrets")

    def set_secret(self, name: str, value: str, pipeline: str | None = None) -> None:
        """Keep a secret for the home, or for one pipeline."""
        self._read("PUT", f"/secrets/{quoted(name)}", {"value": value}, query={"pipeline": pipeline})

    def remove_secret(self, name: str, pipeline: str | None = None) -> None:
        """Forget a secret. Raises NotFound."""
        self._read("DELETE", f"/secrets/{quoted(name)}", query={"pipeline": pipeline})

    def gc(self, *, keep_jobs: int = 10, older_than_days: float = 30.0, dry_run: bool = True) -> Json:
        """Remove what old jobs left, or say what that would be: GcView."""
        request = {"keep_jobs": keep_jobs, "older_than_days": older_than_days, "dry_run": dry_run}
        return self._ask("POST", "/gc", request, timeout=max(self._timeout, 600.0))

    def doctor(self) -> list[Json]:
        """``{check, ok, found, remedy}`` each: what this machine can do."""
        return self._list("GET", "/doctor", timeout=max(self._timeout, 120.0))

    def openapi(self) -> Json:
        """The API described: an OpenAPI 3.1 document."""
        return self._ask("GET", "/openapi.json")

    def shutdown(self, *, when_idle: bool = False) -> bool:
        """Ask the engine to stop in order (sessions go on); whether it will. None there: as good as stopped."""
        running = starter.listening(self.home, self._timeout)
        if running is None:
            return True
        self._keep(running)
        try:
            return bool(self._ask("POST", "/shutdown", {"when_idle": when_idle}, tries=1)["stopping"])
        finally:
            self.close()


def _job(job: str) -> str:
    return f"/jobs/{quoted(job)}"


def _task(job: str, path: str) -> str:
    return f"{_job(job)}/tasks/{quoted(path)}"


def _with_key(request: Mapping[str, Any]) -> Json:
    """A job request that may be asked twice: the second time the same job comes back."""
    return {**request, "key": request.get("key") or os.urandom(16).hex()}
