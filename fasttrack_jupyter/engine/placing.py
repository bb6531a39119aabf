"""What a plan found about tasks, at its place in the text.

Problems of a preflight name their place within a task (``("resources", "cpu")``). What a task does not say
itself comes from the pipeline's defaults, so that is where it is looked for next; and what stands
nowhere (a default of the backend, say) is said of the task's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fasttrack_jupyter.engine.plan import PlannedTask
from fasttrack_jupyter.model.document import Document
from fasttrack_jupyter.model.problems import Problem

Path = tuple[str | int, ...]
MOST = 1_000
"""Problems that are placed; a plan says the rest in its tasks' reasons."""


def placed(tasks: Iterable[PlannedTask], document: Document) -> tuple[Problem, ...]:
    """The problems of all ``tasks`` (in the pipeline's order), each once, in the order of the text."""
    found = []
    for index, problem in _problems(tasks):
        found.append(problem.model_copy(update={"path": _path(index, problem, document.data)}))
        if len(found) == MOST:
            break
    document.locate([problem.path for problem in found])
    told = {}
    for problem in found:
        line, column = document.position(problem.path)
        told[problem.code, line, column, problem.message] = problem.model_copy(update={"line": line, "column": column})
    return tuple(sorted(told.values(), key=lambda problem: (problem.line, problem.column)))


def _problems(tasks: Iterable[PlannedTask]) -> Iterator[tuple[int, Problem]]:
    for index, task in enumerate(tasks):
        for problem in task.problems:
            yield index, problem


def _path(index: int, problem: Problem, data: Any) -> Path:
    """Where in ``data`` that is which ``problem`` is about."""
    bases: tuple[Path, ...] = (("tasks", index), ())
    for base in bases if problem.path else ():
        where = _find((*base, *problem.path), data)
        if where is not None:
            return _item(where, problem.value, data)
    return ("tasks", index, "name")


def _find(path: Path, data: Any) -> Path | None:
    """``path`` if it leads to something; memory may stand under its old name."""
    value = data
    for key in path:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return _find((*path[:-1], "memory"), data) if path[-1] == "mem" else None
    return path if value is not None else None


def _item(path: Path, wanted: Any, data: Any) -> Path:
    """Within a list of mounts, the one of the folder that is ``wanted``; else ``path`` itself."""
    value = data
    for key in path:
        value = value[key]
    if isinstance(value, list):
        return next(((*path, i) for i, item in enumerate(value) if str(item).partition(":")[0] == wanted), path)
    return path
