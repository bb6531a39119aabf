"""What is wrong with a model definition for a service: found before anything starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from typing import Protocol

from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.serving import ModelDefinition, ModelService, ServedModel, below

RESERVED_PORTS = frozenset({2000, 2001, 2002, 2003, 2200, 7681})
"""Backend.AI's own in every session (``ai.backend.common.service_ports``)."""
LEAST_PORT = 1025
"""Below, only root may listen, and Backend.AI refuses."""
_LARGEST_PORT = 65534
_SCRIPT = re.compile(r".*\.(py|sh|bash|js|mjs|R|jl|pl|rb)")
_INTERPRETER = re.compile(r"(.*/)?(python[\d.]*|bash|sh|node|Rscript|julia|perl|ruby|uv|exec)")


class Asked(Protocol):
    """What is checked of a :class:`~fasttrack_jupyter.engine.ports.ServiceSpec`."""

    @property
    def mount(self) -> str:
        """Where the model folder is."""
        ...


def check_definition(definition: ModelDefinition, spec: Asked, files: Collection[str]) -> list[Problem]:
    """Everything that is wrong; ``files`` are all that are in the model folder, relative to it."""
    return [definition.problem(finding) for finding in _findings(definition, spec, files)]


def _findings(definition: ModelDefinition, spec: Asked, files: Collection[str]) -> Iterator[Finding]:
    ports: dict[int, int] = {}
    for number, model in enumerate(definition.models):
        path = ("models", number)
        yield from _model_path(path, model, spec.mount, files)
        if (service := model.service) is None:
            continue
        at = (*path, "service")
        yield from _port((*at, "port"), model, service)
        if service.port in ports:
            message = f"port {service.port} is another model's already"
            see = ("models", ports[service.port], "service", "port")
            yield Finding("port-twice", (*at, "port"), message, "give each its own", service.port, see=see)
        elif ports:
            first = definition.models[next(iter(ports.values()))].name
            message = f"model {model.name!r} gets no requests: only the first model's service, {first!r}, is served"
            yield Finding("not-first", at, message, "deploy it by itself", model.name, Severity.WARNING)
        ports.setdefault(service.port, number)
        yield from _command((*at, "start_command"), model, service, spec.mount, files)
        yield from _health((*at, "health_check"), service)
        yield from _unknown(at, service)
    if not ports:
        hint = "add service: {start_command: [python, /models/serve.py], port: 8000} to the model"
        yield Finding("no-model-service", ("models",), "no model has a service: nothing would be started", hint)


def _model_path(
    path: tuple[str | int, ...], model: ServedModel, mount: str, files: Collection[str]
) -> Iterator[Finding]:
    at, written = (*path, "model_path"), posixpath.normpath(model.model_path)
    inside = below(mount, written)
    if written == mount or (inside and any(file == inside or file.startswith(f"{inside}/") for file in files)):
        return
    if inside:
        message = f"model_path {model.model_path} is not in the model folder, which is mounted at {mount}"
    else:
        message = f"model_path {model.model_path} is not where the model folder is mounted, which is {mount}"
    hint = f"write model_path: {mount}, or set model_mount_destination of the service"
    yield Finding("wrong-model-path", at, message, hint, model.model_path)


def _port(at: tuple[str | int, ...], model: ServedModel, service: ModelService) -> Iterator[Finding]:
    port, hint = service.port, "write one from 1025 on, such as 8000, that the command listens on"
    if not 1 <= port <= _LARGEST_PORT:
        message = f"port {port} of model {model.name!r} is none: ports are 1 to {_LARGEST_PORT}"
    elif port < LEAST_PORT:
        message = f"port {port} of model {model.name!r} is for root alone: nothing in a session may listen there"
    elif port in RESERVED_PORTS:
        message = f"port {port} of model {model.name!r} is reserved: Backend.AI uses it in every session"
    else:
        return
    yield Finding("wrong-port", at, message, hint, port)


def _command(
    at: tuple[str | int, ...], model: ServedModel, service: ModelService, mount: str, files: Collection[str]
) -> Iterator[Finding]:
    words = service.words(model.model_path)
    if not words:
        hint = f"add start_command: [python, {mount}/serve.py]"
        yield Finding("no-start-command", at, f"model {model.name!r} has no start_command", hint, model.name)
    there, suggester = set(files), Suggester(sorted(files)[:5000])
    for position, word in enumerate(words):
        inside = below(mount, word)
        is_script = position == 0 or (_SCRIPT.fullmatch(word) and _INTERPRETER.fullmatch(words[position - 1]))
        if inside is None and is_script and posixpath.normpath(word) in there:
            message = f"{word} is looked for in /home/work, where a replica begins, not in the model folder"
            hint = f"write {posixpath.join(mount, posixpath.normpath(word))}"
            yield Finding("relative-script", at, message, hint, word, Severity.WARNING)
        elif inside and inside not in there and not any(file.startswith(f"{inside}/") for file in files):
            near = suggester.near(inside)
            hint = f"did you mean {posixpath.join(mount, near)}?" if near else "put it into the model folder"
            severity = Severity.ERROR if is_script or _SCRIPT.fullmatch(word) else Severity.WARNING
            yield Finding("missing-file", at, f"{word} is not in the model folder", hint, word, severity)


def _health(at: tuple[str | int, ...], service: ModelService) -> Iterator[Finding]:
    check = service.health_check
    if check is None:
        message = "without a health_check requests reach a replica as soon as its port answers"
        hint = "add health_check: {enable: true, path: /health}"
        yield Finding("no-health-check", at, message, hint, severity=Severity.NOTICE)
    elif not check.path.startswith("/"):
        yield Finding("wrong-health-path", (*at, "path"), f"{check.path!r} is no path", f"write /{check.path}")
    elif check.enable is None:
        message = "a cluster of release 26 looks at a replica's health only if that is enabled"
        yield Finding("health-not-enabled", at, message, "add enable: true", severity=Severity.NOTICE)


def _unknown(at: tuple[str | int, ...], service: ModelService) -> Iterator[Finding]:
    """Keys that are probably others, written wrong."""
    for path, part in ((at, service), ((*at, "health_check"), service.health_check)):
        known = list(type(part).model_fields) if part is not None else []
        suggester = Suggester(known)
        for key in (part.model_extra or {}) if part is not None else ():
            if near := suggester.near(key):
                message, hint = f"{key} is no key of a model definition", f"did you mean {near!r}?"
                yield Finding("unknown-key", (*path, key), message, hint, key, Severity.WARNING, at_key=True)
