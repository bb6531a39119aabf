"""Before a job: where each task would run, what is there, and what each backend says about its tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fasttrack_jupyter.engine.asked import Asked, what_exceeds
from fasttrack_jupyter.engine.definitions import look_at, needs_definition
from fasttrack_jupyter.engine.outlining import told_of, whole_roll
from fasttrack_jupyter.engine.plan import Ground, Question, as_asked
from fasttrack_jupyter.engine.ports import Fitting, ServiceSpec, SessionSpec
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.roster import HOW_TO_ADD, Roster
from fasttrack_jupyter.engine.serving import Remarking, Serving
from fasttrack_jupyter.engine.sessions import SessionBuilder, service_of
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.engine.whereabouts import top_of
from fasttrack_jupyter.errors import FastTrackError, NotFound
from fasttrack_jupyter.model.job import PipelineJob, new_job_id
from fasttrack_jupyter.model.lifecycle import JobStatus, Result
from fasttrack_jupyter.model.pipeline import Pipeline, Task, TaskType
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.registry import LATEST, ModelRef, is_version, parse_model_ref
from fasttrack_jupyter.model.resources import ResourceSlots

Found = dict[str, list[Problem]]
"""Problems by path."""


FindModel = Callable[[str, ModelRef], Awaitable[str]]
"""The vfolder of a registered model's version on a backend. Raises NotFound, BackendUnreachable."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """What to ask each backend about, the tasks that each of it stands for, and what is known without asking."""

    roll: Roll
    specs: Mapping[str, Sequence[SessionSpec]]
    alike: Mapping[str, Sequence[str]]
    known: Found


class Preflight:
    """Asks the backends of one home."""

    def __init__(self, roster: Roster, find_model: FindModel) -> None:
        self._roster, self._find_model = roster, find_model

    def grounds(self, names: Sequence[str]) -> dict[str, Ground]:
        """What a plan must know of the backends ``names``, as far as they are here."""
        return {name: self._ground(name) for name in dict.fromkeys(names) if self._is_open(name)}

    def outlines(self, question: Question, request: JobRequest, code: str | None) -> Outlines:
        """What the backends are asked about. Tasks that differ in nothing that matters are asked about once."""
        pipeline, roll, asked = question.pipeline, whole_roll(question.pipeline, question.graph), Asked(question)
        slots = [asked.inside(roll, index) for index in range(len(roll))]
        builder = SessionBuilder(_draft(request, pipeline, code), roll, slots, lambda name: None)
        alike: dict[Any, list[int]] = {}
        found: Found = {}
        for index, task in enumerate(roll.tasks):
            name = question.backend(roll.top(index))
            if task.skip or task.type is TaskType.APPROVAL or (task.is_container and index >= roll.first):
                continue
            if name not in question.grounds:
                found[roll.names[index]] = [self._not_here(name)]
            elif task.type is TaskType.DEPLOYMENT and not isinstance(self._roster.opened(name), Serving):
                found[roll.names[index]] = [_not_served(task.name, name)]
            elif not task.is_container:
                alike.setdefault((name, *_what_matters(pipeline, task), slots[index]), []).append(index)
                found |= self._never_fits(question, roll, index, slots[index])
        specs: dict[str, list[SessionSpec]] = {}
        for key, indices in alike.items():
            specs.setdefault(key[0], []).append(builder.outline(indices[0]))
        names = roll.names
        return Outlines(roll, specs, {names[same[0]]: [names[i] for i in same] for same in alike.values()}, found)

    @staticmethod
    def _never_fits(question: Question, roll: Roll, index: int, slots: ResourceSlots) -> Found:
        """Of what is inside of others; a plan tells of the rest itself."""
        ground, size = question.ground(roll.top(index)), roll.tasks[index].containers
        if index < roll.first or ground.capacity is None:
            return {}
        too_much = slots.times(size).exceeding(ground.capacity)
        told = {"code": "never_fits_inside"}
        problems = [problem.model_copy(update=told) for problem in what_exceeds(size, too_much)]
        return {roll.names[index]: problems} if problems else {}

    async def check(self, question: Question, outlines: Outlines) -> Found:
        """The backends' findings about what is outlined, by task of the pipeline; see :meth:`outlines`."""
        known = {path: list(problems) for path, problems in outlines.known.items()}
        answers = await asyncio.gather(
            *(self._roster.opened(name).check(of_one) for name, of_one in outlines.specs.items()),
            *(self._definitions(question, name, of_one) for name, of_one in outlines.specs.items()),
        )
        for path, problem in (each for answer in answers for each in answer):
            problem = await self._elsewhere(problem, question.backend(question.graph.index[top_of(path)]))
            for name in outlines.alike[path]:
                known.setdefault(name, []).append(problem)
        found: Found = {}
        for path, problems in known.items():
            told = (told_of(outlines.roll, path, problem) for problem in problems)
            found.setdefault(top_of(path), []).extend(told)
        return found

    async def _definitions(
        self, question: Question, name: str, specs: Sequence[SessionSpec]
    ) -> list[tuple[str, Problem]]:
        """What is wrong with the model definitions that are there before the job starts, on one backend."""
        found: list[tuple[str, Problem]] = []
        for spec in specs:
            if spec.service is not None and needs_definition(spec.service):
                problems = await self._definition(question, name, spec.path, spec.service)
                found += [(spec.path, problem) for problem in problems]
        return found

    async def _definition(self, question: Question, backend: str, path: str, service: ServiceSpec) -> list[Problem]:
        try:
            if is_version(service.model):
                ref = parse_model_ref(service.model)
                if ref.word == LATEST and _is_registered(question, ref.model):
                    return []  # the version is still to be made
                service = replace(service, model=await self._find_model(backend, ref))
            opened = self._roster.opened(backend)
            definition, problems = await look_at(opened, service)
            is_wrong = any(problem.severity is Severity.ERROR for problem in problems)
            if isinstance(opened, Remarking) and definition is not None and not is_wrong:
                problems += await opened.remarks(service, definition)
        except (ValueError, NotFound) as error:
            return [] if _is_registered(question, service.model.partition("@")[0]) else [_no_model(service, error)]
        except FastTrackError as error:  # the backend's own check tells more
            return [_not_looked_at(service, error)]
        if _is_filled_before(question, path, service.model):
            return [problem.model_copy(update={"severity": Severity.NOTICE}) for problem in problems]
        return problems

    def _ground(self, name: str) -> Ground:
        backend = self._roster.opened(name)
        fit = backend.fit if isinstance(backend, Fitting) else as_asked
        return Ground(backend.capacity(), self._roster.default_slots(name), fit)

    def _is_open(self, name: str) -> bool:
        return name in self._roster and self._roster.why_closed(name) is None

    def _not_here(self, name: str) -> Problem:
        try:
            self._roster.opened(name)
        except NotFound as error:
            return Problem(
                code="no-backend", message=error.message, path=("backend",), hint=error.hint or HOW_TO_ADD, value=name
            )
        raise AssertionError(name)

    async def _elsewhere(self, problem: Problem, backend: str) -> Problem:
        """A problem with a folder that is not there, with the backend that has it."""
        folder = str(problem.value).partition("/")[0].partition(":")[0]
        if problem.path[:1] != ("mounts",) or not folder:
            return problem
        for name in self._roster:
            if name != backend and await self._has_folder(name, folder):
                message = f"{problem.message}: the folder {folder} is on {name}"
                hint = f"run the task there (backend: {name}), or make the folder here and copy what it needs"
                return problem.model_copy(update={"message": message, "hint": hint})
        return problem

    async def _has_folder(self, name: str, folder: str) -> bool:
        try:
            return any(info.name == folder for info in await self._roster.opened(name).folders())
        except FastTrackError:  # it only would have been a hint
            return False


def wheres(pipeline: Pipeline, default: str) -> list[str]:
    """The backend of each task: its own, or else ``default``."""
    return [task.backend or default for task in pipeline.tasks]


def _what_matters(pipeline: Pipeline, task: Task) -> tuple[Any, ...]:
    """Of a task, beside its backend and its slots: what may keep its session from starting."""
    of_all = pipeline.environment
    return (
        pipeline.image_of(task), pipeline.mounts_of(task), task.module_uri, task.cluster_size, task.cluster_mode,
        pipeline.shmem_of(task), task.timeout, task.environment.project or of_all.project,
        task.environment.scaling_group or of_all.scaling_group, service_of(task),
    )  # fmt: skip


def _is_filled_before(question: Question, path: str, folder: str) -> bool:
    """Whether a task that comes before mounts the folder, and so may put the definition there."""
    graph = question.graph
    todo, seen = list(graph.upstream[graph.index[path]]), set[int]()
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        todo += graph.upstream[index]
        task = question.pipeline.tasks[index]
        if not task.skip and any(mount.folder == folder for mount in question.pipeline.mounts_of(task)):
            return True
    return False


def _is_registered(question: Question, model: str) -> bool:
    """Whether a task makes a version of the model."""
    tasks = (task for task in question.pipeline.tasks if not task.skip)
    return any(spec.register_as == model for task in tasks for spec in task.outputs.values())


def _no_model(service: ServiceSpec, error: Exception) -> Problem:
    hint = error.hint if isinstance(error, FastTrackError) else ""
    return Problem(code="no-model", message=str(error), path=("service", "model"), hint=hint, value=service.model)


def _not_looked_at(service: ServiceSpec, error: FastTrackError) -> Problem:
    return Problem(
        code="definition-not-seen",
        message=f"the model definition of service {service.name!r} could not be looked at: {error.message}",
        path=("service", "model"),
        hint=error.hint,
        severity=Severity.WARNING,
    )


def _not_served(name: str, backend: str) -> Problem:
    return Problem(
        code="not-served",
        message=f"is a deployment, and the backend {backend} serves no models",
        path=("type",),
        hint="run it on a backend that does (backend: local), set skip: true on it, or leave it out with --until",
        value=name,
    )


def _draft(request: JobRequest, pipeline: Pipeline, code: str | None) -> PipelineJob:
    """A job that does not exist: what the preflight's outlines are made for."""
    return PipelineJob(
        id=new_job_id(0.0), index=0, pipeline=pipeline.name, folder="", text="", source=request.source,
        backend=request.backend, params={}, status=JobStatus.PENDING, result=Result.UNDEFINED, reason="",
        created_at=0.0, started_at=None, ended_at=None, code=code,
    )  # fmt: skip
