"""What is different between two pipelines, by meaning and not by lines. Pure.

A task is taken apart into *facets*, each a name and a text (``command``, ``environment LR``, ``input model`` …), with
the pipeline's defaults filled in: moving an image from every task to the pipeline's head changes no facet. Two tasks
differ in the facets that do. A task that is gone, and a new one with the same facets but for what comes from others,
are one that was renamed; who refers to it by its new name has not changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fasttrack_jupyter.engine.diff_views import Edit, How, TaskDiff, ValueEdit
from fasttrack_jupyter.model.notebooks import command_of
from fasttrack_jupyter.model.pipeline import Pipeline, Task

Facets = Mapping[str, str]

_PLAIN = (
    "description", "backend", "notebook", "skip", "when", "run_if", "final", "continue_on_failure", "timeout", "cache",
    "files", "side_effects", "cluster_size", "cluster_mode", "run_on",
)  # fmt: skip
"""Keys of a task that are facets as they are."""
_KINDS = {"environment": "environment", "input": "inputs", "output": "outputs", "resource": "resources"}


def facets_of(pipeline: Pipeline, task: Task, renamed: Mapping[str, str] | None = None) -> dict[str, str]:
    """A task, taken apart; ``renamed`` gives other tasks the names under which they are meant."""
    names = renamed or {}
    fresh = Task(name=task.name)
    found = {"command": command_of(task), "type": str(task.type), "source": task.module_uri or ""}
    found |= {key: _said(getattr(task, key)) for key in _PLAIN if getattr(task, key) != getattr(fresh, key)}
    found["image"] = pipeline.image_of(task) or ""
    found["dependencies"] = ", ".join(names.get(name, name) for name in task.dependencies)
    found["mounts"] = ", ".join(mount.written for mount in pipeline.mounts_of(task))
    found["shmem"] = _said(pipeline.shmem_of(task))
    found["resource group"] = task.environment.scaling_group or pipeline.environment.scaling_group or ""
    found |= {f"environment {name}": value for name, value in pipeline.envs_of(task).items()}
    found |= {f"resource {slot}": amount for slot, amount in pipeline.slots_of(task).written().items()}
    found |= {f"input {name}": _renamed(given.source, names) for name, given in task.inputs.items()}
    found |= {f"output {name}": _short(spec.model_dump(by_alias=True)) for name, spec in task.outputs.items()}
    found |= {f"parameter {name}": _said(value) for name, value in task.parameters.items()}
    for key in ("retry", "service", "approval", "launcher"):
        if (part := getattr(task, key)) != getattr(fresh, key):
            found[key] = _short(part.model_dump(by_alias=True))
    return {name: _with(text, names) for name, text in found.items() if text}


def diff_tasks(one: Pipeline, other: Pipeline, files: Collection[str] = ()) -> list[TaskDiff]:
    """Tasks that are not the same, in the order of ``other``, those that are gone after them.

    ``files`` are paths of the code that have changed: a task that names one in its command has changed with it.
    """
    renamed = _renamings(one, other)
    was = {new: old for old, new in renamed.items()}
    found = []
    for task in other.tasks:
        before = one.by_name.get(was.get(task.name, task.name))
        if before is None:
            found.append(TaskDiff(name=task.name, how=How.ADDED))
            continue
        edits = tuple(edits_between(facets_of(one, before, renamed), facets_of(other, task)))
        named = [f"{path} changed" for path in files if path in command_of(task)]
        words = (*dict.fromkeys(f"{_kind(edit.what)} changed" for edit in edits), *named)
        if task.name in was:
            found.append(TaskDiff(name=task.name, how=How.RENAMED, was=before.name, words=words, edits=edits))
        elif words:
            found.append(TaskDiff(name=task.name, how=How.CHANGED, words=words, edits=edits))
    gone = [task.name for task in one.tasks if task.name not in other.by_name and task.name not in renamed]
    return [*found, *(TaskDiff(name=name, how=How.REMOVED) for name in gone)]


def diff_heads(one: Pipeline, other: Pipeline) -> list[Edit]:
    """What is different of the pipelines as a whole; their defaults count where tasks take them."""
    return list(edits_between(_head(one), _head(other)))


def diff_values(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[ValueEdit]:
    """Parameters with different values."""
    names = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    return [ValueEdit(name=name, one=one.get(name), other=other.get(name)) for name in names]


def edits_between(one: Facets, other: Facets) -> Iterator[Edit]:
    """The facets that are not the same."""
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Edit(what=name, one=one.get(name), other=other.get(name))


def _head(pipeline: Pipeline) -> Facets:
    found = {"name": pipeline.name, "description": pipeline.description or "", "cache": _said(pipeline.cache)}
    found["files"] = ", ".join(pipeline.files or ())
    found |= {f"parameter {param.name}": _short(param.model_dump(exclude={"name"})) for param in pipeline.params}
    return {name: text for name, text in found.items() if text}


def _renamings(one: Pipeline, other: Pipeline) -> dict[str, str]:
    """By old name, the new one of tasks that have another name and the same content."""
    gone = [task for task in one.tasks if task.name not in other.by_name]
    new: dict[Facets, list[str]] = {}
    for task in other.tasks:
        if task.name not in one.by_name:
            new.setdefault(_content(other, task), []).append(task.name)
    found = {}
    for task in gone:
        if candidates := new.get(_content(one, task)):
            found[task.name] = candidates.pop(0)
    return found


def _content(pipeline: Pipeline, task: Task) -> Any:
    """What stays of a task when it, or another one, is renamed."""
    facets = facets_of(pipeline, task)
    return tuple((name, text) for name, text in facets.items() if name != "dependencies" and name[:6] != "input ")


def _kind(what: str) -> str:
    """``environment LR`` in a word."""
    kind, _, name = what.partition(" ")
    return _KINDS.get(kind, what) if name else what


def _renamed(source: str, names: Mapping[str, str]) -> str:
    """The text of an input with the names under which tasks are meant."""
    if not names:
        return source
    parts = (part.strip().partition(".") for part in source.split("|"))
    return " | ".join(names.get(task, task) + dot + output for task, dot, output in parts)


def _with(text: str, names: Mapping[str, str]) -> str:
    """A text whose expressions mention tasks, with the names under which these are meant."""
    for old, new in names.items():
        text = re.sub(rf"\btasks\.{re.escape(old)}\b", f"tasks.{new}", text)
    return text


def _said(value: Any) -> str:
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _short(found: Mapping[str, Any]) -> str:
    """What is said in a mapping, as ``type=float default=0.1``."""
    return " ".join(f"{key}={_said(value)}" for key, value in found.items() if value not in (None, "", {}, (), False))
