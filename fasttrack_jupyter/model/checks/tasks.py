"""What each type of task must have and must not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.checks.approvals import check_approval, unused_approval
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.checks.names import is_backend_name
from fasttrack_jupyter.model.checks.notebooks import check_notebook, unused_notebook
from fasttrack_jupyter.model.module_uri import parse_module_uri
from fasttrack_jupyter.model.pipeline import ENDPOINT, Pipeline, RunOn, Task, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.resources import ClusterMode
from fasttrack_jupyter.model.service import DEFAULT_DEFINITION, DEFAULT_MOUNT, Service

_GIT = (TaskType.GIT, TaskType.GITHUB, TaskType.GITLAB)
MAX_SERVICE_NAME = 24


def check_tasks(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with each task by itself."""
    if not pipeline.tasks:
        yield Finding(
            "no-tasks", ("tasks",), "the pipeline has no tasks",
            "add one below tasks: - {name: hello, command: echo hello}", [],
        )  # fmt: skip
    services: dict[str, int] = {}
    for number, task in enumerate(pipeline.tasks):
        if task.type is TaskType.DEPLOYMENT:
            yield from _deployment(number, task, services)
        elif task.type is TaskType.APPROVAL:
            yield from check_approval(number, task)
        elif task.type is TaskType.NOTEBOOK:
            yield from check_notebook(number, task)
            yield from _unserved(number, task)
        else:
            yield from _command(number, task)
        if task.type is not TaskType.NOTEBOOK:
            yield from unused_notebook(number, task)
        if task.type is not TaskType.APPROVAL and task.approval is not None:
            yield unused_approval(number, task)
        if task.type in _GIT or task.module_uri:
            yield from _module(number, task)
        if task.cluster_size == 1:
            yield from _cluster_of_one(number, task)
        if task.backend is not None and not is_backend_name(task.backend):
            yield _unnamable(number, task.name, task.backend)


def _unnamable(number: int, name: str, backend: str) -> Finding:
    message = f"{backend!r} cannot name the backend of task {name!r}"
    hint = "write local, backend.ai, or backend.ai:<profile>; leave it out to run where the job does"
    return Finding("bad-backend-name", ("tasks", number, "backend"), message, hint, backend)


def _command(number: int, task: Task) -> Iterator[Finding]:
    if task.is_group:
        pass
    elif task.command is None:
        other = "deployment, for its service" if task.service else "notebook" if task.notebook else ""
        other = "approval" if task.approval else other
        hint = "add command: python train.py" + (f"; or type: {other}" if other else "")
        yield Finding("no-command", ("tasks", number), f"task {task.name!r} has no command", hint, task.name)
    elif not task.command.strip():
        path = ("tasks", number, "command")
        yield Finding("no-command", path, f"the command of task {task.name!r} is empty", "write one", task.command)
    yield from _unserved(number, task)


def _unserved(number: int, task: Task) -> Iterator[Finding]:
    if task.service is not None:
        message = f"task {task.name!r} has a service, which only a task of type deployment serves"
        hint = "set type: deployment, or remove the service"
        yield _key(("tasks", number, "service"), "service-unused", message, hint)


def _deployment(number: int, task: Task, services: dict[str, int]) -> Iterator[Finding]:
    if task.service is None:
        hint = "add service: {name: my-api, model: my-model-folder}"
        yield Finding("no-service", ("tasks", number), f"deployment {task.name!r} has no service", hint, task.name)
        return
    path = ("tasks", number, "service", "name")
    name = task.service.name
    if len(name) > MAX_SERVICE_NAME:
        message = f"the service name {name!r} has {len(name)} characters; a cluster allows {MAX_SERVICE_NAME}"
        yield Finding("long-service-name", path, message, "shorten it", name, Severity.WARNING)
    if name in services:
        message = f"two deployments serve under the name {name!r}"
        see = ("tasks", services[name], "service", "name")
        yield Finding("duplicate-service", path, message, "give each its own name", name, see=see)
    services.setdefault(name, number)
    yield from _served(("tasks", number), task, task.service)
    if task.command and task.command.strip():
        message = f"the command of deployment {task.name!r} is never run: its model definition says what to start"
        yield _key(("tasks", number, "command"), "command-unused", message, "remove it, or set type: custom")


def _served(path: tuple[str | int, ...], task: Task, service: Service) -> Iterator[Finding]:
    """What is wrong with a service by itself."""
    written, at = service.model_definition_path or "", (*path, "service", "model_definition_path")
    if written.startswith("/") or ".." in PurePosixPath(written).parts:
        message = f"the definition of service {service.name!r}, {written}, is not a path within its model folder"
        inside = written.removeprefix((service.model_mount_destination or DEFAULT_MOUNT).rstrip("/") + "/")
        hint = f"write {DEFAULT_DEFINITION if inside == written else inside}: it is relative to the folder"
        yield Finding("definition-not-inside", at, message, hint, written)
    if service.max_surge == 0 and service.max_unavailable == 0:
        message = f"service {service.name!r} can never be updated: no replica may be added and none may be missing"
        at = (*path, "service", "max_surge")
        yield Finding("no-room-to-roll", at, message, "set max_surge: 1, or max_unavailable: 1", 0)
    if task.cluster_size > 1:
        message = f"deployment {task.name!r} has a cluster_size, but each replica is one container"
        at = (*path, "cluster_size")
        yield Finding("cluster-of-replicas", at, message, "remove it; replicas: says how many serve", task.cluster_size)
    for name, spec in task.outputs.items():
        if name != ENDPOINT or spec.type != "str":
            message = f"deployment {task.name!r} cannot hand on {name!r} ({spec.type}), only its {ENDPOINT} (str)"
            yield Finding("deployment-output", (*path, "outputs", name), message, "remove it", name, at_key=True)


def _module(number: int, task: Task) -> Iterator[Finding]:
    path, uri = ("tasks", number, "module_uri"), (task.module_uri or "").strip()
    if task.type not in _GIT:
        message = f"task {task.name!r} of type {task.type} does not use its module_uri"
        yield _key(path, "module-unused", message, "set type: git, or remove it")
    elif not uri:
        hint = "add module_uri: https://host/group/project.git@main#folder"
        place = path if task.module_uri is not None else path[:-1]
        yield Finding("no-module-uri", place, f"task {task.name!r} of type {task.type} has no module_uri", hint)
    else:
        try:
            parse_module_uri(uri)
        except BadRequest as error:
            yield Finding("bad-module-uri", path, f"task {task.name!r}: {error.message}", error.hint)


def _cluster_of_one(number: int, task: Task) -> Iterator[Finding]:
    if task.cluster_mode is ClusterMode.MULTI_NODE:
        message = f"task {task.name!r} is multi-node with a cluster_size of 1: one container on one machine"
        path, hint = ("tasks", number, "cluster_mode"), "set cluster_size, or leave cluster_mode out"
        yield Finding("cluster-of-one", path, message, hint, "multi-node", Severity.NOTICE)
    if task.run_on is RunOn.ALL:
        message = f"task {task.name!r} has run_on: all with a cluster_size of 1: there is only main1"
        path, hint = ("tasks", number, "run_on"), "set cluster_size, or leave run_on out"
        yield Finding("cluster-of-one", path, message, hint, "all", Severity.NOTICE)


def _key(path: tuple[str | int, ...], code: str, message: str, hint: str) -> Finding:
    return Finding(code, path, message, hint, severity=Severity.WARNING, at_key=True)
