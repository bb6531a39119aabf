"""Keys that nobody here knows (kept, but said), and merges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.pipeline import Environment, Pipeline, ResourceOptions, Retry, Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.service import Service
from fasttrack_jupyter.model.yaml_events import Path

_MAX_PLACES = 3
"""The same unknown key is told of at so many places; then only how many more there are."""


def check_keys(pipeline: Pipeline) -> Iterator[Finding]:
    """Unknown keys of every object of the model, once for each few."""
    places: dict[tuple[type[BaseModel], str], list[Path]] = {}
    for thing, path in _objects(pipeline):
        for key in thing.model_extra or {}:
            if key != "<<" and not key.startswith(("x-", ".")):
                places.setdefault((type(thing), key), []).append((*path, key))
    known = {kind: Suggester(_keys_of(kind)) for kind, _ in places}
    for (kind, key), paths in places.items():
        yield from _unknown(key, kind, paths, known[kind])


def _objects(pipeline: Pipeline) -> Iterator[tuple[BaseModel, Path]]:
    """Everything that may have keys of its own, with its path."""
    yield from _parts(pipeline, ())
    for number, param in enumerate(pipeline.params):
        yield param, ("params", number)
    for number, after in enumerate(pipeline.after):
        yield after, ("after", number)
    for number, task in enumerate(pipeline.tasks):
        yield from _parts(task, ("tasks", number))
        for name, output in task.outputs.items():
            yield output, ("tasks", number, "outputs", name)


def _parts(whole: Pipeline | Task, path: Path) -> Iterator[tuple[BaseModel, Path]]:
    yield whole, path
    for key in ("ownership", "environment", "resource_opts", "retry", "service", "approval", "launcher", "for_each"):
        if key in whole.model_fields_set and (part := getattr(whole, key, None)) is not None:
            yield part, (*path, key)


def _keys_of(kind: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]


_HOMES: tuple[tuple[type[BaseModel], str], ...] = (
    (Environment, "below environment:"), (ResourceOptions, "below resource_opts:"), (Retry, "below retry:"),
    (Service, "below service:"), (Task, "to a task: indent it"), (Pipeline, "to the pipeline, at the left margin"),
)  # fmt: skip


_ELSEWHERE: Mapping[type[BaseModel], Mapping[str, str]] = {
    Task: {
        "needs": "dependencies", "depends": "dependencies", "depends_on": "dependencies", "after": "dependencies",
        "cmd": "command", "run": "command", "script": "command", "volumes": "mounts",
    },
    Pipeline: {"parameters": "params", "jobs": "tasks", "steps": "tasks"},
    Environment: {"env": "envs", "variables": "envs"},
}  # fmt: skip
"""What other tools call our keys."""
_VARIABLES = ("env", "variables")


def _home_of(key: str, kind: type[BaseModel]) -> str | None:
    """Where ``key`` would be understood, if it is only in the wrong place."""
    if key in ("cpu", "mem", "memory", "cuda.device", "cuda.shares"):
        return "below resources:"
    if key in _VARIABLES:
        return "below environment:, as envs:"
    return next((place for home, place in _HOMES if home is not kind and key in _keys_of(home)), None)


def _unknown(key: str, kind: type[BaseModel], paths: list[Path], known: Suggester) -> Iterator[Finding]:
    near = _ELSEWHERE.get(kind, {}).get(key) or known.near(key)
    home = None if near else _home_of(key, kind)
    hint = f"did you mean {near!r}?" if near else "remove it, unless another program reads it"
    for place, path in enumerate(paths[:_MAX_PLACES], start=1):
        more = f", here and in {len(paths) - place} more places" if place == _MAX_PLACES < len(paths) else ""
        where = f" in {path[-2]}" if len(path) > 1 and isinstance(path[-2], str) else ""
        yield Finding(
            "unknown-key", path, f"the key {key!r}{where} is not known{more}: it is kept, and nothing reads it",
            f"it belongs {home}" if home else hint,
            severity=Severity.WARNING if near or home else Severity.NOTICE, at_key=True,
        )  # fmt: skip


def check_merges(data: Any, text: bytes) -> Iterator[Finding]:
    """``<<`` keys: YAML 1.1 merged mappings by them; the core schema of 1.2 has no such thing."""
    if b"<<" not in text:
        return
    todo: list[tuple[Any, Path]] = [(data, ())]
    seen: set[int] = set()
    while todo:
        value, path = todo.pop()
        if id(value) in seen or not isinstance(value, (dict, list)):
            continue
        seen.add(id(value))
        if isinstance(value, dict) and isinstance(value.get("<<"), (dict, list)):
            yield Finding(
                "merge-key", (*path, "<<"), "'<<' merges nothing: merge keys left YAML with version 1.2",
                "write the keys out, or use an alias for the whole mapping (environment: *common)", at_key=True,
            )  # fmt: skip
        items = value.items() if isinstance(value, dict) else enumerate(value)
        todo.extend((item, (*path, key)) for key, item in items)
