"""A service's model definition, where its model folder is: read and checked, before a job and when it is deployed."""

from __future__ import annotations

from collections.abc import Collection

from fasttrack_jupyter.engine.ports import ExecutionBackend, ServiceSpec
from fasttrack_jupyter.errors import InvalidPipeline, NotFound, SessionRejected
from fasttrack_jupyter.model.checks.findings import Suggester
from fasttrack_jupyter.model.checks.serving import check_definition
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.serving import CUSTOM, ModelDefinition, read_definition

LARGEST_DEFINITION = 1 << 20
"""Bytes."""


async def load_definition(backend: ExecutionBackend, service: ServiceSpec) -> ModelDefinition:
    """The definition of a service that is about to start, checked: for a backend's ``submit``.

    Raises:
        SessionRejected: there is none, or it is wrong; the message says where and what to do.
        BackendUnreachable: nothing is known.
    """
    definition, problems = await look_at(backend, service)
    wrong = [problem for problem in problems if problem.severity is Severity.ERROR]
    if wrong or definition is None:
        first = wrong[0]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise SessionRejected(f"{first.message}{more}", hint=first.hint)
    return definition


async def look_at(backend: ExecutionBackend, service: ServiceSpec) -> tuple[ModelDefinition | None, list[Problem]]:
    """The definition, None where it cannot be read, and all that is wrong with it.

    Messages name the file, line and column; the ``path`` of a problem leads to the place within the task.
    """
    try:
        files = {entry.path for entry in await backend.files(service.model, "") if not entry.is_dir}
    except NotFound as error:
        return None, [_no_folder(service, error)]
    place = f"{service.model}/{service.definition}"
    if service.definition not in files:
        return None, [_no_definition(service, files)]
    text = await backend.read(service.model, service.definition, 0, LARGEST_DEFINITION + 1)
    if len(text) > LARGEST_DEFINITION:
        message = f"{place} has more than {LARGEST_DEFINITION >> 20} MiB: it is no model definition"
        return None, [_problem("definition-too-large", message, "", service.definition)]
    try:
        definition = read_definition(text, place)
    except InvalidPipeline as error:
        return None, [_of_task(problem) for problem in error.problems]
    return definition, [_of_task(problem) for problem in check_definition(definition, service, files)]


def _of_task(problem: Problem) -> Problem:
    """A problem's line is one of the definition, not of the pipeline: it stays in the words alone."""
    return problem.model_copy(update={"path": ("service", "model_definition_path"), "line": 0, "column": 0})


def _problem(code: str, message: str, hint: str, value: str, key: str = "model_definition_path") -> Problem:
    return Problem(code=code, message=message, path=("service", key), hint=hint, value=value)


def _no_folder(service: ServiceSpec, error: NotFound) -> Problem:
    message = f"the model folder {service.model!r} of service {service.name!r} is not there"
    hint = error.hint or f"make it: fasttrack folders make {service.model} --usage model"
    return _problem("no-model-folder", message, hint, service.model, "model")


def _no_definition(service: ServiceSpec, files: Collection[str]) -> Problem:
    near = Suggester([file for file in files if file.endswith((".yaml", ".yml"))]).near(service.definition)
    hint = f"did you mean model_definition_path: {near}?" if near else "put one there: the README says how it looks"
    message = f"the model folder {service.model!r} has no {service.definition}, which says what service to start"
    return _problem("no-definition", message, hint, service.definition)


def needs_definition(service: ServiceSpec) -> bool:
    """Whether there must be one: runtime variants such as vllm bring what they start."""
    return service.variant == CUSTOM
