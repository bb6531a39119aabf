"""The keys of one task in those of another generation."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fasttrack_jupyter.interchange.conditions import drop_conditions
from fasttrack_jupyter.interchange.losses import Losses, Path
from fasttrack_jupyter.interchange.substitution import Substitution
from fasttrack_jupyter.model.notebooks import RUNTIME, command_of, notebook_path
from fasttrack_jupyter.model.pipeline import Generation, Pipeline, RunOn, Task, TaskType
from fasttrack_jupyter.model.quantities import format_duration
from fasttrack_jupyter.model.registry import folder_of, is_version
from fasttrack_jupyter.model.resources import format_size, parse_size

_TYPES: dict[Generation, dict[TaskType, str]] = {
    Generation.G2209: {
        TaskType.CUSTOM: "Custom Task",
        TaskType.GITHUB: "Import from GitHub",
        TaskType.GITLAB: "Import from GitLab",
    },
    Generation.G25: {TaskType.CUSTOM: "default", TaskType.DEPLOYMENT: "serving"},
    Generation.G264: {TaskType.CUSTOM: "custom", TaskType.DEPLOYMENT: "deployment"},
}
_ALSO_KNOWN = {
    Generation.G2209: {"custom", "github", "gitlab"},
    Generation.G25: {"Custom Task"},
    Generation.G264: {"serving"},
}
_SERVICE_OF_264 = ("model_definition_path", "max_surge", "max_unavailable")
_SIZE = re.compile(r"\d+(?:\.\d+)?[kmgtpKMGTP]?")
_SECRET_NAME = re.compile(
    r"(?:.*_)?(?:TOKEN|PASSWORD|PASSWD|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)", re.IGNORECASE
)
_NO_SECRET = re.compile(r"[\d.+-]*|true|false|yes|no|none|null|[/~].*|.*\$.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class TaskConversion:
    """One task of an export. ``order`` are all tasks it waits for, in the order of its inputs."""

    task: Task
    order: tuple[str, ...]
    position: int
    origin: Generation
    to: Generation
    losses: Losses
    pipeline: Pipeline
    params: Mapping[str, Any]

    def convert(self, written: dict[str, Any]) -> None:
        """Change ``written``, the task's data, into the words of the target."""
        hide_secrets(written.get("environment"), self._path("environment"), self.losses)
        self._notebook(written)
        self._approval(written)
        self._expressions(written)
        drop_conditions(self.task, written, self._path(), self.params, self.losses)
        self._data_flow(written)
        self._failure(written)
        self._type(written)
        self._resources(written)
        self._service(written)

    def complete(self, written: dict[str, Any]) -> None:
        """Fill in what every task of a FastTrack file has."""
        if "type" not in written:
            insert_after(written, "type", _TYPES[self.to].get(self.task.type, "custom"), ("description", "name"))
        if "cluster_mode" not in written:
            insert_after(written, "cluster_mode", self.task.cluster_mode.value, ("type",))
        if "cluster_size" not in written:
            insert_after(written, "cluster_size", self.task.cluster_size, ("cluster_mode",))

    def _path(self, *keys: str | int) -> Path:
        return ("tasks", self.position, *keys)

    def _lose(self, key: str, message: str, hint: str = "") -> None:
        self.losses.lose(self._path(key), f"task {self.task.name}: {message}", hint)

    def _notebook(self, written: dict[str, Any]) -> None:
        if self.task.type is not TaskType.NOTEBOOK:
            for key in ("notebook", "parameters"):
                written.pop(key, None)
            return
        for key in ("notebook", "parameters", "command"):
            written.pop(key, None)
        insert_after(
            written, "command", command_of(self.task), ("module_uri", "cluster_size", "type", "description", "name")
        )
        self._lose(
            "notebook",
            f"FastTrack runs no notebooks: the command that runs {notebook_path(self.task)} is written out",
            f"put the notebook, and as the folder {RUNTIME} what lies in fasttrack_jupyter/notebook/travel, "
            "into a vfolder, and work there",
        )

    def _approval(self, written: dict[str, Any]) -> None:
        if written.pop("approval", None) is None or self.task.type is not TaskType.APPROVAL:
            return
        asked = shlex.quote(f"nobody is asked here: {self.task.question}".replace("${{", "$ {{"))
        insert_after(written, "command", f"echo {asked} >&2; exit 1", ("cluster_size", "type", "description", "name"))
        self._lose(
            "approval",
            "approval: FastTrack asks nobody; the task fails there, so that nothing behind it starts unasked",
            "remove the task there once it may go on, and write what was filled in where it is used",
        )

    def _expressions(self, written: dict[str, Any]) -> None:
        substitution = Substitution(self.pipeline, self.task, self.order, self.params)
        command = written.get("command")
        if isinstance(command, str):
            written["command"] = substitution.command(command, partial(self.losses.leave, self._path("command")))
        write_out_envs(substitution, written.get("environment"), self._path("environment"), self.losses)
        for path, task in substitution.values.items():
            self._lose(
                "command", f"the value is read from {path}", f"task {task} must write that file, not outputs.json"
            )

    def _data_flow(self, written: dict[str, Any]) -> None:
        explicit = list(self.task.dependencies)
        implied = [name for name in self.order if name not in explicit]
        if implied:
            written["dependencies"] = explicit + implied
            names = ", ".join(implied)
            self.losses.adapt(self._path(), f"task {self.task.name}: its dependencies on {names} are written out")
        if written.pop("inputs", None):
            self._lose(
                "inputs", "inputs: FastTrack has only /pipeline/input1, input2 …; what the command names is rewritten"
            )
        if written.pop("outputs", None):
            self._registered()
            self._lose("outputs", "outputs: FastTrack knows no declared outputs; the files stay in /pipeline/outputs")

    def _registered(self) -> None:
        for name, spec in self.task.outputs.items():
            if spec.register_as is not None:
                self.losses.lose(
                    self._path("outputs", name, "register"),
                    f"task {self.task.name}: register {spec.register_as}: FastTrack has no model registry",
                    "copy the output into a model folder by hand",
                )

    def _failure(self, written: dict[str, Any]) -> None:
        if written.pop("timeout", None) is not None and self.task.timeout is not None:
            self._lose("timeout", f"timeout {format_duration(self.task.timeout)}: FastTrack has none")
        if written.pop("run_on", None) is not None and self.task.run_on is RunOn.ALL:
            self._lose("run_on", "run_on: FastTrack runs the command on main1 only")
        if written.pop("launcher", None) is not None:
            self._lose("launcher", "launcher: FastTrack has none, and runs the command once, on main1 only")
        if written.pop("backend", None) is not None and self.task.backend is not None:
            self._lose("backend", f"backend {self.task.backend}: FastTrack runs all tasks on its own cluster")
        if self.to is Generation.G264:
            self._retry(written)
            return
        if written.pop("retry", None) is not None and self.task.retry.max_attempts > 1:
            self._lose("retry", f"retry: FastTrack {self.to} has none; one failure is final")
        if written.pop("continue_on_failure", False) and self.task.continue_on_failure:
            self._lose(
                "continue_on_failure",
                f"continue_on_failure: FastTrack {self.to} has none; a failure stops its dependents",
            )

    def _retry(self, written: dict[str, Any]) -> None:
        retry = written.get("retry")
        if not isinstance(retry, dict):
            return
        if retry.pop("backoff", 1) != 1:
            self._lose(
                "retry", f"backoff: FastTrack waits {format_duration(self.task.retry.delay)} before every attempt"
            )
        if isinstance(retry.get("delay"), (str, float)):
            retry["delay"] = math.ceil(self.task.retry.delay)

    def _type(self, written: dict[str, Any]) -> None:
        value = written.get("type")
        is_known = value in _TYPES[self.to].values() or value in _ALSO_KNOWN[self.to]
        if self.task.type is TaskType.DEPLOYMENT and self.to is Generation.G2209:
            if self.origin is self.to:
                return
            self._lose("type", "FastTrack 22.09 serves no models; the task is written as later ones have it")
            written["type"] = _TYPES[Generation.G25][TaskType.DEPLOYMENT]
        elif self.task.type is TaskType.APPROVAL:
            written["type"] = _TYPES[self.to][TaskType.CUSTOM]
        elif self.task.type not in _TYPES[self.to]:
            self._lose(
                "type",
                f"type {value}: FastTrack {self.to} has no such task; it is written as a custom one",
                "" if self.task.type is TaskType.NOTEBOOK else "clone the repository in the command",
            )
            written["type"] = _TYPES[self.to][TaskType.CUSTOM]
        elif value is not None and (not is_known or self.origin is not self.to):
            written["type"] = _TYPES[self.to][self.task.type]

    def _resources(self, written: dict[str, Any]) -> None:
        resources = written.get("resources")
        if isinstance(resources, dict):
            written["resources"] = {
                self._slot_name(name): self._amount(name, value) for name, value in resources.items()
            }
        options = written.get("resource_opts")
        if isinstance(options, dict) and "shmem" in options:
            options["shmem"] = _size(options["shmem"])

    def _slot_name(self, name: str) -> str:
        if self.origin is self.to or canonical_slot(name) != "mem":
            return name
        return "memory" if self.to is Generation.G2209 else "mem"

    def _amount(self, name: str, value: Any) -> Any:
        if canonical_slot(name) == "mem":
            return _size(value)
        if name == "cpu" and float(value) != int(float(value)):
            rounded = math.ceil(float(value))
            self.losses.adapt(
                self._path("resources", "cpu"), f"task {self.task.name}: cpu {value} is rounded up to {rounded}", value
            )
            return str(rounded) if isinstance(value, str) else rounded
        is_number = isinstance(value, float) or (isinstance(value, int) and self.origin is not self.to)
        return str(value) if name != "cpu" and is_number else value

    def _service(self, written: dict[str, Any]) -> None:
        service = written.get("service")
        if not isinstance(service, dict):
            return
        if isinstance(service.get("model"), str) and is_version(service["model"]):
            service["model"] = self._folder(service["model"])
        if self.to is not Generation.G25:
            return
        for key in _SERVICE_OF_264:
            if service.pop(key, None) is not None:
                self.losses.lose(
                    self._path("service", key), f"task {self.task.name}: service {key}: FastTrack 25.15 has none"
                )

    def _folder(self, written: str) -> str:
        """The model folder that a version is in; what only the registry knows (an alias) stays as it is."""
        path, what = self._path("service", "model"), f"task {self.task.name}: service model {written}"
        model, _, word = written.partition("@")
        if word.isdigit():
            folder = folder_of(model, int(word))
            self.losses.adapt(path, f"{what} is written as its folder {folder}", written)
            return folder
        hint = f"write the folder of the version that is meant: {folder_of(model, 1)}"
        self.losses.lose(path, f"{what}: FastTrack has no model registry to look it up in", hint, written)
        return written


def canonical_slot(name: str) -> str:
    """``memory`` is an old name of ``mem``."""
    return "mem" if name == "memory" else name


def _size(value: Any) -> Any:
    """``16GiB`` as FastTrack writes it, ``16g``."""
    return value if not isinstance(value, str) or _SIZE.fullmatch(value.strip()) else format_size(parse_size(value))


def insert_after(data: dict[str, Any], key: str, value: Any, previous: tuple[str, ...]) -> None:
    """Put ``key`` behind the first of ``previous`` that is there, or else in front of all."""
    entries = list(data.items())
    place = next((index + 1 for name in previous for index, (old, _) in enumerate(entries) if old == name), 0)
    data.clear()
    data.update([*entries[:place], (key, value), *entries[place:]])


def write_out_envs(substitution: Substitution, environment: Any, path: Path, losses: Losses) -> None:
    """Write out the expressions in the envs of ``environment``, which stands at ``path``."""
    envs = (environment or {}).get("envs") or {}
    for name, value in envs.items():
        if isinstance(value, str):
            envs[name] = substitution.env(value, partial(losses.leave, (*path, "envs", name)))


def hide_secrets(environment: Any, path: Path, losses: Losses) -> None:
    """A file that goes elsewhere carries no secret: one that somebody typed in becomes a reference to it."""
    envs = (environment or {}).get("envs") or {}
    for name, value in envs.items():
        if isinstance(value, str) and _SECRET_NAME.fullmatch(name) and not _NO_SECRET.fullmatch(value):
            envs[name] = f"${{{{ secrets.{re.sub(r'[^0-9A-Za-z_]', '_', name)} }}}}"
            losses.lose(
                (*path, "envs", name),
                f"env {name} looks like a secret: its value is not exported",
                f"store it on the cluster as the secret {name}",
            )


def unshared(value: Any) -> Any:
    """A deep copy in which what an alias shared is no longer shared."""
    if isinstance(value, dict):
        return {key: unshared(child) for key, child in value.items()}
    return [unshared(child) for child in value] if isinstance(value, list) else value
