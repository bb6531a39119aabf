"""What a notebook task must have, and what only it may have."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.notebooks import is_parameter_name, notebook_path
from fasttrack_jupyter.model.pipeline import Task
from fasttrack_jupyter.model.problems import Severity

_BESIDE = "write its path relative to the folder of this file, such as report.ipynb"


def check_notebook(number: int, task: Task) -> Iterator[Finding]:
    """What is wrong with a task of type notebook by itself; whether its file is there, the plan tells."""
    path = ("tasks", number, "notebook")
    if task.notebook is None:
        message = f"task {task.name!r} of type notebook has no notebook"
        yield Finding("no-notebook", path[:-1], message, "add notebook: report.ipynb", task.name)
    elif "${{" not in task.notebook:
        yield from _file(path, task, task.notebook)
    for name in task.parameters:
        if not is_parameter_name(name):
            message = f"no notebook has a variable named {name!r}"
            yield Finding(
                "bad-parameter-name", ("tasks", number, "parameters", name), message,
                "use letters, digits and _, beginning with a letter, and no word of Python's own", name, at_key=True,
            )  # fmt: skip
    if task.command and task.command.strip():
        message = f"the command of task {task.name!r} is never run: its notebook is"
        yield _unused(number, "command", "command-unused", message, "remove it, or set type: custom")


def _file(path: tuple[str | int, ...], task: Task, file: str) -> Iterator[Finding]:
    if not file.lower().endswith(".ipynb"):
        message = f"task {task.name!r}: {file!r} is no .ipynb file"
        yield Finding("bad-notebook", path, message, "name a notebook; a script is run with command: python …", file)
    elif file.startswith(("/", "~")) or notebook_path(task).startswith("..") or not file.isprintable():
        message = f"task {task.name!r}: {file!r} is not a path within the pipeline's folder"
        yield Finding("bad-notebook", path, message, _BESIDE, file)


def unused_notebook(number: int, task: Task) -> Iterator[Finding]:
    """The keys of a notebook task on one of another type."""
    for key in ("notebook", "parameters"):
        if getattr(task, key) and not (key == "parameters" and task.is_group):
            message = f"task {task.name!r} of type {task.type} does not use {key}"
            yield _unused(number, key, "notebook-unused", message, "set type: notebook, or remove it")


def _unused(number: int, key: str, code: str, message: str, hint: str) -> Finding:
    return Finding(code, ("tasks", number, key), message, hint, severity=Severity.WARNING, at_key=True)
