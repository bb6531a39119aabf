"""A pipeline out of data that is partly wrong, so that everything else about it can be checked too.

What pydantic refuses is taken out of a copy of the data, and the rest is tried again; what is then
missing is taken out with it, until something is left that is a pipeline. Only the first round is
told of, because everything later is a consequence. A task without a usable name gets one that no
task can have, and nothing is said about it: it is there so that its siblings keep their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.checks.types import explain
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.yaml_events import Path

_ROUNDS = 6
_MAX_WRONG = 20_000
"""Data with more wrong values than this is not worth repairing."""
_DANGLING = {
    "no-command": "command", "no-service": "service", "no-module-uri": "module_uri", "no-tasks": "tasks",
    "bad-pipeline-name": "name", "no-notebook": "notebook",
}  # fmt: skip
"""Findings that may only be there because the value of that key was taken out."""
_MENTIONS = ("unknown-output", "unknown-input", "unknown-parameter")
_NAMELESS = "\0"


class Repair:
    """Validates ``data``; ``findings`` is what was wrong, ``pipeline`` what is left (None: too little)."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.findings: list[Finding] = []
        self.pipeline: Pipeline | None = None
        self._data: Any = data
        self._own: dict[int, Any] = {}
        """Containers that are copies of ours, by identity."""
        self._origins: dict[int, list[int]] = {}
        """Lists out of which items were taken: the original number of each item that is left."""
        self._removed: set[Path] = set()
        self._lost: set[str] = set()
        """Names of the parameters, inputs and outputs that were taken out."""
        self._silent: set[int] = set()
        for number in range(_ROUNDS):
            try:
                self.pipeline = Pipeline.model_validate(self._data)
                break
            except ValidationError as error:
                wrong = error.errors(include_url=False, include_input=False)
                if number == 0:
                    told = wrong[:_MAX_WRONG]
                    self.findings = [finding for details in told for finding in explain(details, data)]
                if len(wrong) > _MAX_WRONG:
                    break
                self._take_out(wrong)

    def is_consequence(self, finding: Finding) -> bool:
        """Whether ``finding``, about what is left, is due to what was taken out."""
        if finding.path[:1] == ("tasks",) and len(finding.path) > 1 and finding.path[1] in self._silent:
            return True
        if finding.code in _MENTIONS:
            return str(finding.value).rpartition(".")[2] in self._lost
        if finding.code in ("bad-default", "bad-choice"):
            return (*finding.path[:2], "type") in self._removed
        key = _DANGLING.get(finding.code)
        return key is not None and bool({(*finding.path, key), finding.path} & self._removed)

    def moved(self, finding: Finding) -> Finding:
        """``finding`` at its place in the original data."""
        see = finding.see and self._original_path(finding.see)
        return replace(finding, path=self._original_path(finding.path), see=see)

    def _original_path(self, path: Path) -> Path:
        if not self._origins:
            return path
        steps: list[str | int] = []
        value = self._data
        for step in path:
            origins = self._origins.get(id(value))
            inside = isinstance(step, int) and origins is not None and step < len(origins)
            steps.append(origins[step] if inside else step)  # type: ignore[index]
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
        return tuple(steps)

    def _take_out(self, wrong: list[Any]) -> None:
        items: dict[int, tuple[Any, set[int]]] = {}
        for details in wrong:
            path = tuple(step for step in details["loc"] if step != "[key]")
            self._removed.add(path)
            self._lost.update(_names_lost(path, self._data))
            if details["type"] == "missing":
                self._removed.add(path[:-1])
                self._miss(path)
                continue
            container = self._copied(path[:-1])
            if isinstance(container, dict):
                container.pop(path[-1], None)
            elif isinstance(container, list) and path[:-1] == ("tasks",):
                self._silence(container, int(path[-1]))
            elif isinstance(container, list):
                items.setdefault(id(container), (container, set()))[1].add(int(path[-1]))
        for container, numbers in items.values():
            self._drop(container, numbers)

    def _miss(self, path: Path) -> None:
        """Something necessary is missing at ``path``: what it belongs to goes, or gets a stand-in."""
        if len(path) == 1:
            self._copied(())[path[0]] = "unnamed" if path[0] == "name" else []
        elif path[0] == "tasks" and len(path) == 3:
            self._silence(self._copied(("tasks",)), int(path[1]))
        else:
            container = self._copied(path[:-2])
            if isinstance(container, dict):
                container.pop(path[-2], None)
            elif isinstance(container, list):
                self._drop(container, {int(path[-2])})

    def _silence(self, tasks: list[Any], number: int) -> None:
        self._silent.add(number)
        tasks[number] = {"name": f"{_NAMELESS}{number}", "command": "true"}

    def _drop(self, container: list[Any], numbers: set[int]) -> None:
        origins = self._origins.get(id(container), list(range(len(container))))
        left = [number for number in range(len(container)) if number not in numbers]
        self._origins[id(container)] = [origins[number] for number in left]
        container[:] = [container[number] for number in left]

    def _copied(self, path: Path) -> Any:
        """The container at ``path``, and all around it, as copies of our own; None where there is none."""
        parent: Any = None
        value: Any = self._data
        for step in (None, *path):
            if step is not None:
                parent, value = value, _get(value, step)
            if isinstance(value, (dict, list)) and id(value) not in self._own:
                value = value.copy()
                self._own[id(value)] = value
                if parent is None:
                    self._data = value
                else:
                    parent[step] = value
        return value


def _get(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step))
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def _names_lost(path: Path, data: Any) -> list[str]:
    """What nobody can mention any more once the thing at ``path`` is gone."""
    depth = 2 if path[0] == "params" else 4 if path[2:3] in (("inputs",), ("outputs",)) else 0
    thing: Any = data
    for step in path[:depth]:
        thing = _get(thing, step)
    if depth == 2:
        return [str(thing.get("name"))] if isinstance(thing, dict) else []
    if depth == 4 and len(path) < depth:
        return [str(name) for name in thing] if isinstance(thing, (dict, list)) else []
    return [str(path[3])] if depth == 4 else []
