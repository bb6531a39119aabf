"""Notebooks and scripts that tasks run, and which of them are not there: said before anything starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.notebooks import notebook_path
from fasttrack_jupyter.model.pipeline import Pipeline, Task, TaskType
from fasttrack_jupyter.model.problems import Problem

_COMPARED = 1_000
"""Files whose names are compared with one that is missing, at most."""
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
    for task in pipeline.tasks:
        key, path = _needed(task)
        if path is None or path in files or task.skip or (only_notebooks and key == "command"):
            continue
        place = f"/home/work/{path}"
        if not any(place.startswith(f"{mount.target.rstrip('/')}/") for mount in pipeline.mounts_of(task)):
            found.setdefault(task.name, []).append(_no_file(key, path, files))


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
