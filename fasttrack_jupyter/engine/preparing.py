"""From a request to a plan: read the text, bind the parameters, look at earlier jobs, ask the backend.

Whatever takes long (parsing a large file, walking a folder) happens in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.cache_plan import Asked, CachePlanner
from fasttrack_jupyter.engine.code import changed_files
from fasttrack_jupyter.engine.overlay import code_of, is_notebook, lay_over
from fasttrack_jupyter.engine.plan import SET_ASIDE, Earlier, Question, changes_between, is_reusable, make_plan
from fasttrack_jupyter.engine.plan_inside import kept_inside
from fasttrack_jupyter.engine.plan_memory import Facts, Missing, PlanMemory, Remembered
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.preflight import FindModel, Found, Preflight, wheres
from fasttrack_jupyter.engine.prepared import Origin, Prepared
from fasttrack_jupyter.engine.readings import Readings, ReadPipeline
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.scripts import find_missing_files, listed_parts
from fasttrack_jupyter.engine.storing import JobStore, PipelineRecord, TaskHistory
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.engine.views import JobRequest, Selection
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, NotFound
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.groups import leaf_tasks
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.notebooks import RUNTIME
from fasttrack_jupyter.model.parameters import bind_parameters
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import Reading
from fasttrack_jupyter.model.yaml_events import Limits

MAX_TEXT = Limits().max_bytes
"""Bytes of a pipeline file."""
_FROM_NOTEBOOK = "run it from the notebook (%fasttrack run), or with: fasttrack run FILE.ipynb"
UNKNOWN_SECONDS = 60.0
"""What a task counts in the critical path when no earlier job tells and none of its siblings does."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a plan is made from, as far as no store and no backend has been asked about tasks."""

    request: JobRequest
    text: str
    found: ReadPipeline
    params: Mapping[str, Any]
    kept: str | None
    """The old job's snapshot, where that is kept; ``files`` are laid over it."""
    files: Mapping[str, str | bytes]
    where: Sequence[str]
    facts: Facts

    @property
    def pipeline(self) -> Pipeline:
        return self.found.pipeline


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
        self._readings, self._memory = Readings(), PlanMemory()

    async def read(self, text: str | None, source: str | None) -> tuple[str, Reading]:
        """The text and what is in it. Raises InvalidPipeline with every problem, NotFound, BadRequest."""
        content, found = await self._read(text, source)
        return content, found.reading

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
        self._roster.opened(request.backend)
        await self._cache.remembered()
        version = self._store.version()
        given = await self._given(request, origin, version)
        if origin is not None or not request.cache:
            return (await self._plan(given, origin))[0]
        name = given.pipeline.name
        known = self._memory.find(name, given.facts)
        if known is not None and await self._is_still_so(known):
            return known.prepared if known.prepared.request == request else replace(known.prepared, request=request)
        prepared, remembered = await self._plan(given, None)
        if remembered is not None:
            self._memory.keep(name, remembered)
        return prepared

    async def earlier_of(self, pipeline: str) -> dict[str, Earlier]:
        """The newest success of each task."""
        found = await self._store.latest_successes(pipeline)
        jobs = {job_id: await self._store.job(job_id) for job_id in {row.job_id for row in found.values()}}
        return {task: _earlier(row, jobs[row.job_id]) for task, row in found.items()}

    async def origin(self, job: PipelineJob, pipeline: Pipeline, *, from_failed: bool, keeps_code: bool) -> Origin:
        """What a rerun of ``job`` may reuse: its own successes, then those of other jobs of its pipeline."""
        rows = await self._store.instances(job.id)
        own = {row.path: _earlier(row, job) for row in rows if is_reusable(row)}
        earlier = {**await self.earlier_of(job.pipeline), **own}
        skipped = frozenset(row.task for row in rows if row.status is Status.SKIPPED and row.reason not in SET_ASIDE)
        opened = {row.path: row.expansion for row in rows if row.expansion is not None}
        return Origin(job, earlier, frozenset(own) if from_failed else None, pipeline, keeps_code, skipped, opened)

    async def durations(self, pipeline: str, graph: TaskGraph) -> tuple[dict[str, float], list[float]]:
        """What earlier jobs taught: the seconds of the tasks that are known, and a guess for every one, in order."""
        return _durations(graph, await self._store.history(pipeline))

    # ------------------------------------------------------------------ parts

    async def _given(self, request: JobRequest, origin: Origin | None, version: int) -> _Given:
        text, found = await self._read(request.text, request.source)
        pipeline = found.pipeline
        inherited = origin.params_for(pipeline) if origin else {}
        params = bind_parameters(pipeline.params, {**inherited, **request.params})
        kept, files = await self._code(request, pipeline, origin)
        code = await self._cache.code_of(request, pipeline, files, kept, origin.job if origin else None)
        where = wheres(pipeline, request.backend)
        grounds = self._preflight.grounds([request.backend, *where])
        facts = Facts(
            request.model_copy(update={"key": None}), found.digest, frozenset(self._secret_names()), code,
            frozenset(files), grounds, version,
        )  # fmt: skip
        return _Given(request, text, found, params, kept, files, where, facts)

    async def _plan(self, given: _Given, origin: Origin | None) -> tuple[Prepared, Remembered | None]:
        """The plan, and what to remember of it if it may be true once more."""
        request, pipeline, graph, files = given.request, given.pipeline, given.found.graph, given.files
        history = await self._store.history(pipeline.name)
        record = await self._store.pipeline(pipeline.name)
        folder = _folder_of(record, pipeline, origin)
        found = dict(origin.earlier) if origin else await self.earlier_of(pipeline.name)
        places = _places_of(found)
        missing = await self._all_missing(folder, places)
        earlier, gone = _split(found, missing)
        question = Question(
            pipeline=pipeline, graph=graph, selection=request.selection, params=given.params, earlier=earlier,
            reusable=origin.reusable - gone.keys() if origin and origin.reusable is not None else None,
            undecided=origin.undecided if origin else frozenset(), gone=gone, where=given.where,
            grounds=given.facts.grounds, shrink=request.shrink, history=history,
        )  # fmt: skip
        edited: list[str] = []
        if origin is not None:
            edited = await self._edited_files(origin, files, self._roster.opened(request.backend))
            changed = await asyncio.to_thread(_changes, origin, pipeline, given.params, edited, files)
            question = replace(question, changed=changed)
        outlines = await asyncio.to_thread(self._preflight.outlines, question, request, given.kept)
        answers = await self._preflight.check(question, outlines)
        question = replace(question, preflight=await asyncio.to_thread(_with_missing_files, given, answers))
        known, seconds = await asyncio.to_thread(_durations, graph, history)
        planned = await asyncio.to_thread(make_plan, question)
        cached = await self._cache.plan(question, planned, Asked(request, record, given.params, given.facts.code))
        notices = _notices(record, request.source)
        reading = given.found.reading
        assert reading.document is not None
        prepared = Prepared(
            request, given.text, pipeline, graph, given.params, cached.tasks,
            (*reading.problems, *notices, *_code_notice(origin, edited)), reading.document,
            seconds, known, files, given.kept, given.facts.grounds, cached,
            kept_inside(question, cached.tasks, origin.expansions) if origin else {},
        )  # fmt: skip
        if cached.trace is None or any(task.service for _, task in leaf_tasks(pipeline)):
            return prepared, None
        return prepared, Remembered(
            given.facts, question, outlines, answers, record, folder, places, missing, notices, cached.trace, prepared
        )

    async def _is_still_so(self, plan: Remembered) -> bool:
        """Whether all that a plan met with is what it was."""
        if _notices(plan.record, plan.facts.request.source) != plan.notices:
            return False
        if await self._preflight.check(plan.question, plan.outlines) != plan.answers:
            return False
        if not await self._cache.still_holds(plan.trace):
            return False
        seen = {place for place, digest in plan.trace.keys.outputs.items() if digest is not None}
        places = {
            name: frozenset(path for path in paths if (name, plan.folder, path) not in seen)
            for name, paths in plan.places.items()
        }
        return await self._all_missing(plan.folder, places) == plan.missing

    async def _read(self, text: str | None, source: str | None) -> tuple[str, ReadPipeline]:
        content = await self.text_of(text, source)
        found = await asyncio.to_thread(self._readings.read, content, self._secret_names())
        return content if isinstance(content, str) else content.decode("utf-8-sig"), found

    async def _all_missing(self, folder: str | None, places: Mapping[str, frozenset[str]]) -> Missing:
        return {name: await self._missing(name, folder, sorted(paths)) for name, paths in places.items()}

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


def _folder_of(record: PipelineRecord | None, pipeline: Pipeline, origin: Origin | None) -> str | None:
    """Where earlier outputs are; a renamed pipeline has another folder."""
    return record.folder if record and not (origin and origin.job.pipeline != pipeline.name) else None


def _places_of(earlier: Mapping[str, Earlier]) -> dict[str, frozenset[str]]:
    """By backend, where earlier outputs are."""
    places: dict[str, set[str]] = {}
    for row in earlier.values():
        places.setdefault(row.backend, set()).add(row.instance.outputs_dir or "")
    return {name: frozenset(paths) for name, paths in places.items()}


def _split(found: Mapping[str, Earlier], missing: Missing) -> tuple[dict[str, Earlier], dict[str, str]]:
    """What is there of earlier jobs, by task; and what is not to be had any more, in words."""
    gone = {
        task: f"its outputs of job #{row.job_index} are {missing[row.backend][row.instance.outputs_dir or '']}"
        for task, row in found.items()
        if (row.instance.outputs_dir or "") in missing[row.backend]
    }
    return {task: row for task, row in found.items() if task not in gone}, gone


def _with_missing_files(given: _Given, answers: Found) -> Found:
    """The preflight's answers, and which scripts and notebooks are not there."""
    if given.kept is not None:
        return answers
    found = {path: list(problems) for path, problems in answers.items()}
    has_code = given.request.source is not None or bool(given.request.files)
    find_missing_files(given.pipeline, given.files, found, only_notebooks=not has_code)
    return found


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
