"""Whole notebooks as tasks (``type: notebook``, its file, its ``parameters``), and the command of every task.

A backend sees a command, never a cell: a notebook is run by a program that travels with the code, in the folder
:data:`RUNTIME`. Each parameter is an argument ``--param NAME=VALUE``, where VALUE is JSON if it can be read as JSON,
and else a text that means itself. So a value keeps its type: the text ``3`` is written ``"3"``, the number ``3``.
"""

from __future__ import annotations

import json
import keyword
import posixpath
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.model.expressions import ExpressionError, as_text, parse_template
from fasttrack_jupyter.model.pipeline import Task, TaskType
from fasttrack_jupyter.model.yaml_events import Path

RUNTIME = ".fasttrack"
"""Folder of the code in which the program is that runs notebooks."""
_OPEN, _ESCAPED = "${{", "$${{"


def command_of(task: Task) -> str:
    """What a session of ``task`` runs, its ``${{ … }}`` not filled in; empty for one that runs nothing."""
    if task.type is not TaskType.NOTEBOOK:
        return task.command or ""
    return _command(task, [f"{name}={_written(value)}" for name, value in task.parameters.items()])


def render_command(task: Task, scope: Mapping[str, Any]) -> str:
    """The same with every expression filled in from ``scope``, quoted for ``/bin/sh``.

    Raises:
        ExpressionError: a secret (anybody can see a command line), or a value that cannot be had or stand there.
    """
    if task.type is not TaskType.NOTEBOOK:
        return parse_template(task.command or "").render_command(scope)
    values = {name: _filled(value, scope) for name, value in task.parameters.items()}
    return _command(task, [shlex.quote(f"{name}={as_text(_argument(value))}") for name, value in values.items()])


def texts_of(task: Task) -> Iterator[tuple[Path, str]]:
    """Every text that may hold ``${{ … }}`` in parameters and in what a loop goes over, with its path in the task."""
    has_parameters = task.type is TaskType.NOTEBOOK or task.is_group
    todo: list[tuple[Path, Any]] = [(("parameters",), task.parameters)] if has_parameters else []
    if task.for_each is not None:
        todo.append((("for_each", "item"), task.for_each.items))
    while todo:
        path, value = todo.pop()
        if isinstance(value, str) and _OPEN in value:
            yield path, value
        elif isinstance(value, (dict, list)):
            items = list(value.items() if isinstance(value, dict) else enumerate(value))
            todo.extend(((*path, key), item) for key, item in reversed(items))


def notebook_path(task: Task) -> str:
    """Where the notebook is, relative to the pipeline's folder, in its plainest words."""
    return posixpath.normpath(task.notebook or "")


def is_parameter_name(name: str) -> bool:
    """Whether a notebook can have a variable of that name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _command(task: Task, arguments: list[str]) -> str:
    path = notebook_path(task)
    words = ["python3", f"{RUNTIME}/whole.py", shlex.quote(f"./{path}" if path.startswith("-") else path)]
    return " ".join([*words, *(word for argument in arguments for word in ("--param", argument))])


def _argument(value: Any) -> str:
    if isinstance(value, str) and not _is_json(value):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=dict)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"a parameter of a notebook that JSON cannot carry: {error}", 0) from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _filled(value: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and _OPEN in value:
        return parse_template(value).evaluate(scope)
    if isinstance(value, dict):
        return {key: _filled(item, scope) for key, item in value.items()}
    return [_filled(item, scope) for item in value] if isinstance(value, list) else value


def _written(value: Any) -> str:
    """A value as one word of a command; its expressions stay, as parts of that word."""
    text = value if isinstance(value, str) and _OPEN in value else _argument(value)
    try:
        parts = parse_template(text).parts
    except ExpressionError:  # validation tells of it
        return shlex.quote(text)
    return "".join(
        shlex.quote(part).replace(_OPEN, _ESCAPED) if isinstance(part, str) else text[part.start : part.end]
        for part in parts
    )
