"""Scripts that commands run, and which of them are not there: said before anything starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.pipeline import Pipeline, TaskType
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


def find_missing_scripts(pipeline: Pipeline, files: Collection[str], found: dict[str, list[Problem]]) -> None:
    """Add to ``found`` the tasks whose command runs a script that is neither code (``files``) nor behind a mount."""
    for task in pipeline.tasks:
        script = script_of(task.command or "") if task.type is TaskType.CUSTOM and not task.skip else None
        if script is None or script in files:
            continue
        place = f"/home/work/{script}"
        if not any(place.startswith(f"{mount.target.rstrip('/')}/") for mount in pipeline.mounts_of(task)):
            found.setdefault(task.name, []).append(_no_file(script, files))


def _no_file(script: str, files: Collection[str]) -> Problem:
    return Problem(
        code="no_file",
        message=f"{script} is not among the pipeline's files",
        path=("command",),
        value=script,
        hint=did_you_mean(script, files) if 0 < len(files) <= _COMPARED else "put it beside the pipeline's file",
    )
