"""Models that tasks register, and that deployments ask for."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.artifacts import MODEL
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.checks.types import said
from fasttrack_jupyter.model.graph import needed
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.registry import LATEST, is_version, parse_model_ref
from fasttrack_jupyter.model.yaml_events import Path


def check_models(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with ``register`` of outputs, and with the versions that services are to serve."""
    makers: dict[str, list[Task]] = {}
    for number, task in enumerate(pipeline.tasks):
        for name, spec in task.outputs.items():
            if spec.register_as is None:
                continue
            makers.setdefault(spec.register_as, []).append(task)
            if spec.type != MODEL:
                path: Path = ("tasks", number, "outputs", name, "register")
                message = f"output {name!r} of task {task.name!r} is a {spec.type}, and only a Model is registered"
                yield Finding("register-no-model", path, message, f"set type: {MODEL}, or remove register", at_key=True)
    for number, task in enumerate(pipeline.tasks):
        if task.service is not None and is_version(task.service.model):
            yield from _asked(pipeline, task, ("tasks", number, "service", "model"), makers)


def _asked(pipeline: Pipeline, task: Task, path: Path, makers: dict[str, list[Task]]) -> Iterator[Finding]:
    assert task.service is not None
    written = task.service.model
    try:
        ref = parse_model_ref(written)
    except ValueError as error:
        message, hint = said(error)
        yield Finding("bad-model-version", path, f"deployment {task.name!r}: {message}", hint, written)
        return
    unheeded = [maker.name for maker in makers.get(ref.model, ()) if maker.name not in _before(pipeline, task)]
    if ref.word == LATEST and unheeded:
        message = f"deployment {task.name!r} serves {written}, and does not wait for {unheeded[0]!r}, which makes one"
        hint = f"add it to its dependencies: [{', '.join((*task.dependencies, unheeded[0]))}]"
        yield Finding("version-not-awaited", path, message, hint, written, Severity.WARNING)


def _before(pipeline: Pipeline, task: Task) -> set[str]:
    """All that must have ended before ``task`` begins."""
    found: set[str] = set()
    todo = [task]
    while todo:
        for name in needed(todo.pop()):
            if name not in found and name in pipeline.by_name:
                found.add(name)
                todo.append(pipeline.by_name[name])
    return found
