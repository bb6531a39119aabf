"""From a request to a plan: read the text, bind the parameters, look at earlier jobs, ask the backend.

Whatever takes long (parsing a large file, walking a folder) happens in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.cache_plan import Asked, CachedPlan, CachePlanner
from fasttrack_jupyter.engine.code import changed_files
from fasttrack_jupyter.engine.demands import Demands
from fasttrack_jupyter.engine.live import plan_record
from fasttrack_jupyter.engine.overlay import code_of, is_notebook, lay_over
from fasttrack_jupyter.engine.placing import placed
from fasttrack_jupyter.engine.plan import (
    SET_ASIDE,
    Earlier,
    Ground,
    PlannedTask,
    Question,
    changes_between,
    expected_seconds,
    is_reusable,
    make_plan,
)
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.preflight import FindModel, Preflight, wheres
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.scripts import find_missing_files, listed_parts
from fasttrack_jupyter.engine.storing import JobStore, PipelineRecord, TaskHistory
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.engine.views import Decision, JobRequest, PlanView, Selection, TaskPlan
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, NotFound
from fasttrack_jupyter.model.document import Document
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.notebooks import RUNTIME
from fasttrack_jupyter.model.parameters import bind_parameters
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import Reading, read_or_raise
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.yaml_events import Limits

MAX_TEXT = Limits().max_bytes
"""Bytes of a pipeline file."""
_FROM_NOTEBOOK = "run it from the notebook (%fasttrack run), or with: fasttrack run FILE.ipynb"
UNKNOWN_SECONDS = 60.0
"""What a task counts in the critical path when no earlier job tells and none of its siblings does."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The job that a new one is a rerun of, and how much of it is kept."""

    job: PipelineJob
    earlier: Mapping[str, Earlier]
    reusable: frozenset[str] | None
    """The tasks that succeeded in it, if the new job is to run the others only."""
    pipeline: Pipeline
    keeps_code: bool
    """With the old job's own code (a plain rerun), not with the files as they are now."""
    undecided: frozenset[str] = frozenset()
    """The tasks that it skipped for a condition."""

    def params_for(self, pipeline: Pipeline) -> dict[str, Any]:
        """What the old job was given, of what ``pipeline`` still declares; an old default is not one of these."""
        defaults = {param.name: param.default for param in self.pipeline.params}
        declared = {param.name for param in pipeline.params}
        given = self.job.params.items()
        return {name: value for name, value in given if name in declared and value != defaults.get(name)}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is needed to make the job, or to show its plan."""

    request: JobRequest
    text: str
    pipeline: Pipeline
    graph: TaskGraph
    params: Mapping[str, Any]
    tasks: Sequence[PlannedTask]
    problems: tuple[Problem, ...]
    document: Document
    seconds: Sequence[float]
    known_seconds: Mapping[str, float]
    files: Mapping[str, str | bytes]
    """Of a new snapshot; see :meth:`ExecutionBackend.put_code`."""
    code: str | None
    """The old job's snapshot, where that is kept; ``files`` are laid over it."""
    grounds: Mapping[str, Ground]
    """By name, the backends that are here and that its tasks run on."""
    cached: CachedPlan
    """What is reused because it was done before."""

    @property
    def refused(self) -> dict[str, str]:
        """Reason by path of each refused task."""
        return {task.path: task.reason for task in self.tasks if task.decision is Decision.REFUSE}

    def view(self) -> PlanView:
        """The plan, for people."""
        names = self.graph.names
        return PlanView(
            pipeline=self.pipeline.name,
            backend=self.request.backend,
            problems=_in_order((*self.problems, *placed(self.tasks, self.document))),
            expected_seconds=self._expected(),
            tasks=tuple(
                TaskPlan(
                    path=task.path,
                    task=task.path,
                    decision=task.decision,
                    reason=task.reason,
                    notes=(*task.terms, *task.notes),
                    dependencies=tuple(names[i] for i in self.graph.upstream[index]),
                    expected_seconds=self.known_seconds.get(task.path) if task.decision is Decision.RUN else None,
                    resources=task.slots.written(),
                    backend=task.backend,
                )
                for index, task in enumerate(self.tasks)
            ),
        )

    def options(self) -> dict[str, Any]:
        """What the job must remember of how it was asked for, beside its text."""
        demands = {name: Demands(self.pipeline, ground.default_slots) for name, ground in self.grounds.items()}
        none = Demands(self.pipeline, ResourceSlots())

        def default(planned: PlannedTask) -> ResourceSlots:
            return demands.get(planned.backend, none).of(self.pipeline.by_name[planned.path])

        record = plan_record(self.tasks, default, self.request.backend)
        options: dict[str, Any] = {"plan": record} if record else {}
        if self.request.selection != Selection():
            options["selection"] = self.request.selection.model_dump(mode="json", by_alias=True)
        if self.request.shrink:
            options["shrink"] = True
        if self.request.key:
            options["key"] = self.request.key
        return options | dict(self.cached.options)

    def _expected(self) -> float | None:
        """Length of the critical path of what will run; None where some of it never ran before."""
        runs = {task.path for task in self.tasks if task.decision is Decision.RUN}
        return expected_seconds(self.graph, runs, self.known_seconds)


class Preparer:
    """Prepares jobs of one home."""

    def __init__(
        self,
        store: JobStore,
        roster: Roster,
        secrets: SecretStore,
        carried: Callable[[], Mapping[str, bytes]],
        find_model: FindModel,
        cache: CachePlanner,
    ) -> None:
        self._cache = cache
        self._store, self._roster, self._secrets, self._carried = store, roster, secrets, carried
        self._preflight = Preflight(roster, find_model)

    async def read(self, text: str | None, source: str | None) -> tuple[str, Reading]:
        """The text and what is in it. Raises InvalidPipeline with every problem, NotFound, BadRequest."""
        content = await self.text_of(text, source)
        reading = await asyncio.to_thread(read_or_raise, content, secrets=self._secret_names())
        return content if isinstance(content, str) else content.decode("utf-8-sig"), reading

    async def text_of(self, text: str | None, source: str | None) -> str | bytes:
        """The given text, or else the bytes of the file. Raises NotFound, BadRequest."""
        if text is not None:
            return text
        if source is None:
            raise BadRequest("no pipeline was given", hint="send its text, or the path of its file")
        if is_notebook(source):
            raise BadRequest(f"{Path(source).name} is a notebook, and no pipeline's file", hint=_FROM_NOTEBOOK)
        return await asyncio.to_thread(_read_file, Path(source))

    async def prepare(self, request: JobRequest, origin: Origin | None = None) -> Prepared:
        """Everything up to the plan; nothing is made or changed. Raises InvalidPipeline, BadRequest, NotFound."""
        backend = self._roster.opened(request.backend)
        text, reading = await self.read(request.text, request.source)
        pipeline, document = reading.pipeline, reading.document
        assert pipeline is not None
        assert document is not None
        graph = await asyncio.to_thread(build_graph, pipeline)
        inherited = origin.params_for(pipeline) if origin else {}
        params = bind_parameters(pipeline.params, {**inherited, **request.params})
        code, files = await self._code(request, pipeline, origin)
        history = await self._store.history(pipeline.name)
        record = await self._store.pipeline(pipeline.name)
        earlier, gone = await self._earlier(pipeline.name, record, origin)
        where = wheres(pipeline, request.backend)
        grounds = self._preflight.grounds([request.backend, *where])
        question = Question(
            pipeline=pipeline,
            graph=graph,
            selection=request.selection,
            params=params,
            earlier=earlier,
            reusable=origin.reusable - gone.keys() if origin and origin.reusable is not None else None,
            undecided=origin.undecided if origin else frozenset(),
            gone=gone,
            where=where,
            grounds=grounds,
            shrink=request.shrink,
            history=history,
        )
        edited: list[str] = []
        if origin is not None:
            edited = await self._edited_files(origin, files, backend)
            changed = await asyncio.to_thread(_changes, origin, pipeline, params, edited, files)
            question = replace(question, changed=changed)
        preflight = await self._preflight.check(question, request, code)
        if code is None:
            has_code = request.source is not None or bool(request.files)
            await asyncio.to_thread(find_missing_files, pipeline, files, preflight, only_notebooks=not has_code)
        question = replace(question, preflight=preflight)
        known, seconds = await asyncio.to_thread(_durations, graph, history)
        planned = await asyncio.to_thread(make_plan, question)
        kept = origin.job if origin else None
        cached = await self._cache.plan(question, planned, Asked(request, record, params, code, files, kept))
        return Prepared(
            request, text, pipeline, graph, params, cached.tasks,
            tuple(reading.problems) + _notices(record, request.source) + _code_notice(origin, edited), document,
            seconds, known, files, code, grounds, cached,
        )  # fmt: skip

    async def earlier_of(self, pipeline: str) -> dict[str, Earlier]:
        """The newest success of each task."""
        found = await self._store.latest_successes(pipeline)
        jobs = {job_id: await self._store.job(job_id) for job_id in {row.job_id for row in found.values()}}
        return {task: _earlier(row, jobs[row.job_id]) for task, row in found.items()}

    async def origin(self, job: PipelineJob, pipeline: Pipeline, *, from_failed: bool, keeps_code: bool) -> Origin:
        """What a rerun of ``job`` may reuse: its own successes, then those of other jobs of its pipeline."""
        rows = await self._store.instances(job.id)
        own = {row.task: _earlier(row, job) for row in rows if is_reusable(row)}
        earlier = {**await self.earlier_of(job.pipeline), **own}
        skipped = frozenset(row.task for row in rows if row.status is Status.SKIPPED and row.reason not in SET_ASIDE)
        return Origin(job, earlier, frozenset(own) if from_failed else None, pipeline, keeps_code, skipped)

    async def durations(self, pipeline: str, graph: TaskGraph) -> tuple[dict[str, float], list[float]]:
        """What earlier jobs taught: the seconds of the tasks that are known, and a guess for every one, in order."""
        return _durations(graph, await self._store.history(pipeline))

    # ------------------------------------------------------------------ parts

    async def _earlier(
        self, pipeline: str, record: PipelineRecord | None, origin: Origin | None
    ) -> tuple[dict[str, Earlier], dict[str, str]]:
        """What is there of earlier jobs, by task; and what is not to be had any more, in words."""
        found = dict(origin.earlier) if origin else await self.earlier_of(pipeline)
        # A renamed pipeline has another folder.
        folder = record.folder if record and not (origin and origin.job.pipeline != pipeline) else None
        places: dict[str, set[str]] = {}
        for row in found.values():
            places.setdefault(row.backend, set()).add(row.instance.outputs_dir or "")
        missing = {name: await self._missing(name, folder, sorted(paths)) for name, paths in places.items()}
        gone = {
            task: f"its outputs of job #{row.job_index} are {missing[row.backend][row.instance.outputs_dir or '']}"
            for task, row in found.items()
            if (row.instance.outputs_dir or "") in missing[row.backend]
        }
        return {task: row for task, row in found.items() if task not in gone}, gone

    async def _missing(self, backend: str, folder: str | None, paths: Sequence[str]) -> dict[str, str]:
        """Which of ``paths`` in a pipeline folder cannot be had from a backend, and why."""
        try:
            missing = set(paths) if folder is None else await self._roster.opened(backend).missing(folder, paths)
        except (NotFound, BackendUnreachable) as error:
            return dict.fromkeys(paths, f"on {backend}: {error.message}")
        return dict.fromkeys(missing, "gone")

    async def _code(
        self, request: JobRequest, pipeline: Pipeline, origin: Origin | None
    ) -> tuple[str | None, Mapping[str, str | bytes]]:
        if origin is not None and origin.keeps_code:
            return origin.job.code, lay_over({}, request.files)
        return None, await asyncio.to_thread(code_of, request, pipeline, self._carried)

    async def _edited_files(
        self, origin: Origin, files: Mapping[str, str | bytes], backend: ExecutionBackend
    ) -> list[str]:
        """Files of the code that are not as they were in the old job."""
        if origin.keeps_code:
            return []
        then = await backend.code_manifest(origin.job.code) if origin.job.code else {}
        now = await backend.code_manifest(await backend.put_code(files)) if files else {}
        return [path for path in changed_files(then, now) if not path.startswith(f"{RUNTIME}/")]

    def _secret_names(self) -> set[str]:
        return {name for name, _ in self._secrets.names()}


def _earlier(row: TaskInstance, job: PipelineJob) -> Earlier:
    return Earlier(row, job.index, backend_of(job, row.path))


def _changes(
    origin: Origin, pipeline: Pipeline, params: Mapping[str, Any], edited: list[str], files: Mapping[str, str | bytes]
) -> dict[str, str]:
    """What of each task is not as it was in the old job, in words."""
    old = origin.job.params
    changed = [name for name in {*old, *params} if old.get(name) != params.get(name)]
    parts = listed_parts(pipeline, files) if edited else {}
    return changes_between(origin.pipeline, pipeline, files=edited, params=changed, parts=parts)


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """What has a place in the text, in its order; then the rest."""
    return tuple(sorted(problems, key=lambda problem: (problem.line == 0, problem.line, problem.column)))


def _code_notice(origin: Origin | None, edited: list[str]) -> tuple[Problem, ...]:
    """Which edited files a rerun from failed looks past where a task's command does not name them."""
    if origin is None or origin.reusable is None or not edited:
        return ()
    more = f" and {len(edited) - 5} more" if len(edited) > 5 else ""
    return (
        Problem(
            code="code-changed",
            message=f"edited since job #{origin.job.index}: {', '.join(edited[:5])}{more}",
            hint="a task that succeeded runs again only if its command names one of them; add --from TASK for others",
            severity=Severity.NOTICE,
        ),
    )


def _notices(record: PipelineRecord | None, source: str | None) -> tuple[Problem, ...]:
    if record is None or record.source is None or source is None or Path(record.source) == Path(source).resolve():
        return ()
    if any(map(_is_unnamed, (record.source, source))):
        return ()
    return (
        Problem(
            code="same-name",
            message=f"the last job of pipeline {record.name!r} came from another file, {record.source}",
            hint="jobs are numbered and kept by the pipeline's name: rename one if they are different pipelines",
            severity=Severity.NOTICE,
        ),
    )


def _is_unnamed(source: str) -> bool:
    """Whether it stands for a notebook whose file nobody could name: run by nbconvert or papermill, say."""
    path = Path(source)
    return path.name == "notebook.ipynb" and not path.exists()


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT + 1)
    except OSError as error:
        raise NotFound(f"cannot read {path}: {error.strerror}", hint="check the path of the pipeline's file") from error
    return content


def _durations(graph: TaskGraph, history: Mapping[str, TaskHistory]) -> tuple[dict[str, float], list[float]]:
    """What is known of each task's seconds, and a guess for every task (the mean of the known ones)."""
    known = {name: history[name].seconds for name in graph.names if name in history}
    guess = sum(known.values()) / len(known) if known else UNKNOWN_SECONDS
    return known, [known.get(name, guess) for name in graph.names]


def selection_of(options: Mapping[str, Any]) -> Selection:
    """The selection that a job was asked for with."""
    return Selection.model_validate(options.get("selection", {}))
