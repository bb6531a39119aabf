"""Serving a model: how a service is, and Backend.AI's model definition, which says what a replica starts.

The definition is a YAML file in the model folder. Its form is Backend.AI's own (``ai.backend.common.config``), with the
keys of all its releases: ``start_command`` is a list of words (23.09) or one text for a shell (26.x, also called
``command``); keys may be written with ``-`` for ``_``. Where releases differ in a default the newest counts here, but
for one: a ``health_check`` that is written down is meant (26.x wants ``enable: true`` as well, so that is told of).
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.checks.types import explain
from fasttrack_jupyter.model.document import Document, parse
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.service import DEFAULT_DEFINITION


class ServiceStatus(StrEnum):
    """Where a service is."""

    PROVISIONING = "PROVISIONING"
    """No replica was ever healthy, or it has none (scaled to 0)."""
    HEALTHY = "HEALTHY"
    """As many replicas as wanted are healthy."""
    DEGRADED = "DEGRADED"
    """Some are."""
    UNHEALTHY = "UNHEALTHY"
    """None is any more."""
    DESTROYING = "DESTROYING"
    DESTROYED = "DESTROYED"


CUSTOM = "custom"
"""The runtime variant that needs a model definition; others bring their own."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="allow", populate_by_name=True, loc_by_alias=False,
        alias_generator=lambda name: name.replace("_", "-"),
    )  # fmt: skip


class HealthCheck(_Part):
    """How a replica is asked whether it can serve: ``GET path``, times in seconds."""

    enable: bool | None = None
    path: str = "/health"
    interval: float = Field(default=10.0, gt=0)
    max_retries: int = Field(default=10, ge=1)
    """Failures in a row that make it unhealthy."""
    max_wait_time: float = Field(default=15.0, gt=0)
    """For one answer."""
    expected_status_code: int = Field(default=200, ge=100, le=599)
    initial_delay: float = Field(default=60.0, ge=0)
    """Within so long after its start the first answer must come; it is asked from the start."""


class PreStartAction(_Part):
    """Something that Backend.AI's kernel runner does before the start (``run_command``, ``write_file``, ``mkdir``)."""

    action: str
    args: dict[str, Any] = Field(default_factory=dict)


class ModelService(_Part):
    """What a replica starts, and the port that it answers on."""

    port: int
    start_command: list[str] | str | None = Field(
        default=None, validation_alias=AliasChoices("command", "start_command", "start-command")
    )
    shell: str | None = "/bin/bash"
    pre_start_actions: list[PreStartAction] | None = None
    health_check: HealthCheck | None = None

    @property
    def checked(self) -> HealthCheck | None:
        """The health check, unless there is none or it is switched off; then a replica counts once its port answers."""
        return None if self.health_check is None or self.health_check.enable is False else self.health_check

    def argv(self, model_path: str) -> list[str]:
        """What to start, with ``{model_path}`` filled in; a text is for the shell, where there is one."""
        if isinstance(self.start_command, list):
            return [word.replace("{model_path}", model_path) for word in self.start_command]
        text = (self.start_command or "").replace("{model_path}", model_path)
        return [self.shell, "-c", text] if self.shell else shlex.split(text)

    def words(self, model_path: str) -> list[str]:
        """The words of the command as far as they can be told apart."""
        if isinstance(self.start_command, list):
            return self.argv(model_path)
        text = (self.start_command or "").replace("{model_path}", model_path)
        try:
            return shlex.split(text)
        except ValueError:
            return text.split()


class ServedModel(_Part):
    """One model of a definition."""

    name: str
    model_path: str
    service: ModelService | None = None


class ModelDefinition(_Part):
    """A model definition; ``place`` is its file's name, for people."""

    models: list[ServedModel] = Field(min_length=1)
    _document: Document | None = PrivateAttr(default=None)
    _place: str = PrivateAttr(default=DEFAULT_DEFINITION)

    @property
    def place(self) -> str:
        """The file that it was read from, as :func:`read_definition` was told."""
        return self._place

    @property
    def served(self) -> tuple[ServedModel, ModelService]:
        """The model that is served: the first with a service. Raises ValueError where none has (see the check)."""
        for model in self.models:
            if model.service is not None:
                return model, model.service
        raise ValueError(f"{self._place} has no model with a service")

    def problem(self, finding: Finding) -> Problem:
        """A finding, with its line and column in the file, which its message names."""
        return _placed(finding, self._document, self._place)


def read_definition(text: str | bytes, place: str) -> ModelDefinition:
    """The definition in ``text``; ``place`` names its file (``digits-model/model-definition.yaml``).

    Raises:
        InvalidPipeline: it is none; its problems have line and column, and say what to do.
    """
    try:
        document = parse(text)
    except InvalidPipeline as error:
        raise _refusal(_named(problem, place) for problem in error.problems) from error
    if document.problems:
        raise _refusal(_named(problem, place) for problem in document.problems)
    try:
        definition = ModelDefinition.model_validate(document.data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        findings = _told(wrong, document.data)
        raise _refusal(_placed(finding, document, place) for finding in findings) from error
    definition._document, definition._place = document, place
    return definition


def _told(wrong: Iterable[Any], data: Any) -> list[Finding]:
    """What pydantic refused, in words; of each place once (a command may be a list or a text: it failed as both)."""
    found: dict[tuple[str | int, ...], Finding] = {}
    for details in wrong:
        loc = tuple(step for step in details["loc"] if step not in ("str", "list[str]"))
        if "start_command" in loc:
            at = loc[: loc.index("start_command") + 1]
            message = f"models[{at[1]}].service.start_command must be a list of words, or one text"
            finding = Finding("wrong-type", at, message, "write start_command: [python, /models/serve.py]")
            found.setdefault(at, finding)
            continue
        if details["type"] == "too_short":
            found[loc] = Finding("no-models", loc, "it names no model")
            continue
        for finding in explain(details, data):
            told = replace(finding, message=finding.message.replace("the pipeline", "the model definition"))
            found.setdefault(finding.path, told)
    return list(found.values())


_EXAMPLE = (
    "write models: [{name: digits, model_path: /models, service: {start_command: [python, /models/serve.py], "
    "port: 8000, health_check: {enable: true, path: /health}}}]"
)


def _placed(finding: Finding, document: Document | None, place: str) -> Problem:
    line, column = document.position(finding.path) if document is not None else (0, 0)
    return _named(finding.problem(line, column), place)


def _named(problem: Problem, place: str) -> Problem:
    where = f"{place}, line {problem.line}, column {problem.column}" if problem.line else place
    hint = _EXAMPLE if problem.code in ("empty", "no-models") else problem.hint
    return problem.model_copy(update={"message": f"{where}: {problem.message}", "hint": hint})


def _refusal(problems: Iterable[Problem]) -> InvalidPipeline:
    found = tuple(problems)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidPipeline(f"The model definition cannot be used: {found[0].message}{more}", found, hint=found[0].hint)


def below(mount: str, path: str) -> str | None:
    """``path`` relative to ``mount``, if it lies below it."""
    path = posixpath.normpath(path)
    return posixpath.relpath(path, mount) if path.startswith(mount.rstrip("/") + "/") else None
