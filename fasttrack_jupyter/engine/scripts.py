"""Notebooks and scripts that tasks run, and which of them are not there: said before anything starts."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.groups import leaf_tasks
from fasttrack_jupyter.model.notebooks import notebook_path
from fasttrack_jupyter.model.pipeline import Pipeline, Task, TaskType
from fasttrack_jupyter.model.problems import Problem

_COMPARED = 1_000
"""Files whose names are compared with one that is missing, at most."""
LIST = "tasks.json"
"""Says which files of its folder each task runs without naming them."""
_SCRIPT = re.compile(
    r"\s*(?:exec )?(?:python[\d.]*|bash|sh|Rscript)(?: -[uEsSBO]+)* +([\w./-]+\.(?:py|sh|R|r))(?=\s|$)"
)


def script_of(command: str) -> str | None:
    """The script that ``command`` begins with running (``python train.py …``), relative to where it runs; else None.

    Only what is certain: whatever comes before an interpreter could make the file, or go elsewhere.
    """
    match = _SCRIPT.match(command)
    path = posixpath.normpath(match[1]) if match else ""
    return None if not path or path.startswith(("/", "..")) else path


def find_missing_files(
    pipeline: Pipeline, files: Collection[str], found: dict[str, list[Problem]], *, only_notebooks: bool = False
) -> None:
    """Add to ``found`` the tasks whose notebook, or the script that their command runs, is not there.

    That is: neither code (``files``) nor behind a mount.
    """
    for where, task in leaf_tasks(pipeline):
        key, path = _needed(task)
        if path is None or path in files or task.skip or (only_notebooks and key == "command"):
            continue
        place = f"/home/work/{path}"
        if not any(place.startswith(f"{mount.target.rstrip('/')}/") for mount in pipeline.mounts_of(task)):
            top, _, inner = where.partition("/")
            problem = _no_file(key, path, files)
            found.setdefault(top, []).append(
                problem.model_copy(update={"message": f"{inner}: {problem.message}", "path": ()}) if inner else problem
            )


def listed_parts(pipeline: Pipeline, files: Mapping[str, str | bytes]) -> dict[str, frozenset[str]]:
    """By task: the files that its command runs without naming them, as a list beside its script has it.

    The script of a notebook's tasks is one for all; ``tasks.json`` beside it says which cells each of them has
    (``{"tasks": {NAME: {"cells": [{"file": …}]}}}``). ``files``: relative path → where it is, or its content.
    """
    lists = {posixpath.dirname(path): read_list(files[path]) for path in files if path.endswith(f"/{LIST}")}
    found: dict[str, frozenset[str]] = {}
    for task in pipeline.tasks:
        for folder in folders_of(task.command or "") & lists.keys():
            names = _names(lists[folder].get(task.name))
            found[task.name] = found.get(task.name, frozenset()) | {f"{folder}/{name}" for name in names}
    return found


def folders_of(command: str) -> set[str]:
    """The folders of the files that a command names, as far as its words can be told apart."""
    return {posixpath.normpath(posixpath.dirname(word)) for word in _words(command) if "/" in word}


def words_of(command: str) -> set[str]:
    """The paths that a command may name, relative to where it runs, as far as its words can be told apart."""
    return {posixpath.normpath(word) for word in _words(command) if word}


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def read_list(content: str | bytes) -> Mapping[str, Any]:
    """What ``tasks.json`` says by task; nothing where it is another's, or damaged: its task will say so."""
    try:
        told = json.loads(content if isinstance(content, bytes) else Path(content).read_bytes())
        return dict(told["tasks"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _names(entry: Any) -> list[str]:
    cells = entry.get("cells") if isinstance(entry, dict) else None
    return [str(cell.get("file")) for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _needed(task: Task) -> tuple[str, str | None]:
    """Which key of the task names a file, and the file."""
    if task.type is TaskType.NOTEBOOK:
        return "notebook", notebook_path(task)
    return "command", script_of(task.command or "") if task.type is TaskType.CUSTOM else None


def _no_file(key: str, path: str, files: Collection[str]) -> Problem:
    return Problem(
        code="no_file",
        message=f"{path} is not among the pipeline's files",
        path=(key,),
        value=path,
        hint=did_you_mean(path, files) if 0 < len(files) <= _COMPARED else "put it beside the pipeline's file",
    )
