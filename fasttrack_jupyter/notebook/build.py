"""A notebook as a pipeline: the text of its YAML, and the files that lie beside it. Nothing is written or executed.

::

    digits.fasttrack.yaml      tasks with plain commands: python3 digits.cells/execute.py train --param lr=…
    digits.cells/              what these commands run
        execute.py …           a program that needs nothing in the image but Python (notebook/travel)
        cloudpickle/           for variables that no plain format can carry
        tasks.json             which cells, variables and parameters each task has
        cell-05.py             a cell, line for line; def-clean.py: a function of another task's cell

A shell cell is its task's command itself; like any script here it ends at the first command that fails (``set -e``).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import PurePath
from typing import Any

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.notebook.build_params import Param, params_of
from fasttrack_jupyter.notebook.build_yaml import TaskText, pipeline_text
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.cells_opening import script_of
from fasttrack_jupyter.notebook.cells_reading import RECORD, fit_name, in_order, invalid
from fasttrack_jupyter.notebook.flow import Definition, Flow, TaskFlow, flow_of
from fasttrack_jupyter.notebook.marks import TaskOptions
from fasttrack_jupyter.notebook.marks_reading import joined

_WAYS = (
    "mark cells with %%fasttrack_task NAME (or in JupyterLab's property inspector); --split makes every cell a task; "
    "--whole makes the notebook one task"
)


@dataclass(frozen=True, slots=True)
class Built:
    """A pipeline out of a notebook."""

    name: str
    text: str
    """Its YAML."""
    files: Mapping[str, bytes]
    """What belongs beside the YAML: relative path → content, UTF-8."""
    problems: tuple[Problem, ...]
    """Warnings and notices."""
    folder: str
    """The one folder in which all of ``files`` are."""
    backend: str | None = None
    """Where the notebook says that its jobs run, if it does."""


def build(notebook: Notebook, *, stem: str | None = None, beside: Callable[[str], bool] | None = None) -> Built:
    """The pipeline of ``notebook``; ``stem`` begins the names of its files (default: the notebook's own).

    ``beside(path)`` says whether there is a file of that path relative to the notebook; None where nobody knows.

    Raises:
        InvalidNotebook: it cannot become one; ``problems`` tell all that is wrong, each with cell and line.
    """
    folder = f"{stem or fit_name(PurePath(notebook.path or notebook.name).stem)}.cells"
    if not notebook.tasks:
        raise invalid(notebook.path or "", [problem := _no_task(notebook)], [problem])
    params, problems = params_of(notebook)
    flow = flow_of(notebook)
    problems = [*notebook.problems, *problems, *flow.problems, *_alike(notebook, flow), *_absent(notebook, beside)]
    problems = in_order(problems, [cell.key for cell in notebook.cells])
    _raise_if_wrong(notebook, problems)
    flows = {task.name: task for task in flow.tasks}
    tasks = [_task_text(notebook, flows[name], folder, params) for name in notebook.tasks]
    text = pipeline_text(notebook.name, _header(notebook, folder), notebook.defaults, list(params.values()), tasks)
    _raise_if_wrong(notebook, [*_misread(text, tasks), *problems])
    files = _files(notebook, flows, folder, params)
    return Built(notebook.name, text, files, tuple(problems), folder, notebook.defaults.backend)


def _no_task(notebook: Notebook) -> Problem:
    message = f"no cell of {notebook.path or 'the notebook'} is a task"
    for record in notebook.problems:
        if record.code == RECORD:
            return Problem(code="no-task", message=f"{message}: {record.message}", hint=record.hint)
    return Problem(code="no-task", message=message, hint=_WAYS)


def _alike(notebook: Notebook, flow: Flow) -> Iterator[Problem]:
    """Variables of one task that would be one folder where names that differ in case only are one name (macOS)."""
    for task in flow.tasks:
        cell = next(cell for cell in notebook.cells if cell.task == task.name)
        for verb, names in (("takes", task.inputs), ("hands on", task.outputs)):
            known: dict[str, str] = {}
            for name in names:
                other = known.setdefault(name.casefold(), name)
                if other != name:
                    message = (
                        f"{cell.label}: the task {task.name!r} {verb} {other!r} and {name!r}, which differ in case "
                        "only: each is kept as a folder, and some file systems would take them for one"
                    )
                    hint = f"rename one of them ({name}_2, say)"
                    yield Problem(code="names-alike", message=message, hint=hint, path=("cells", cell.key, 1))


def _absent(notebook: Notebook, beside: Callable[[str], bool] | None) -> Iterator[Problem]:
    """Files of requirements that are not there, each once."""
    asked: dict[str | None, Cell | None] = {notebook.defaults.requirements_file: None}
    for one in notebook.cells:
        asked.setdefault(one.options.requirements_file, one)
    for name, cell in asked.items():
        if name and beside is not None and not beside(name):
            message = f"--requirements-file {name}: there is no such file beside the notebook"
            hint = "write the file, or name another one relative to the notebook's folder"
            place = ("cells", cell.key, 1) if cell is not None else ()
            message = f"{cell.label}: {message}" if cell is not None else message
            yield Problem(code="no-requirements-file", message=message, hint=hint, path=place)


def _raise_if_wrong(notebook: Notebook, problems: Sequence[Problem]) -> None:
    if errors := [problem for problem in problems if problem.severity is Severity.ERROR]:
        raise invalid(notebook.path or "", errors, problems)


def _misread(text: str, tasks: Sequence[TaskText]) -> Iterator[Problem]:
    """What the reader of pipelines has against the text: unknown parameters in a shell cell, cycles."""
    for problem in read_pipeline(text).errors:
        where = ""
        if problem.path[:1] == ("tasks",) and len(problem.path) > 1 and isinstance(problem.path[1], int):
            where = ", ".join(tasks[problem.path[1]].cells) + ": "
        update = {"message": where + problem.message, "line": 0, "column": 0, "path": ()}
        yield problem.model_copy(update=update)


def _header(notebook: Notebook, folder: str) -> list[str]:
    origin = notebook.path or "a notebook"
    return [
        f"Made from {fit_line(origin)} by FastTrack for Jupyter. The notebook is the original:",
        f"what is changed here is lost when it is made anew. The tasks' cells are in {folder}/.",
    ]


def fit_line(text: str) -> str:
    """``text`` without what would end a line or cannot be written."""
    return "".join(sign if sign.isprintable() else "_" for sign in text)


def _task_text(notebook: Notebook, flow: TaskFlow, folder: str, params: Mapping[str, Param]) -> TaskText:
    cells = [cell for cell in notebook.cells if cell.task == flow.name]
    options = options_of(notebook, flow.name)
    options = replace(options, after=flow.after or options.after)
    inputs = {name: f"{task}.{name}" for name, task in flow.inputs.items()}
    plain = {name: {"type": kind} for name, kind in options.value}
    labels = tuple(cell.label for cell in cells)
    if cells[0].kind is CellKind.SHELL:
        outputs: dict[str, Mapping[str, str]] = {name: {"type": "File"} for name in options.outputs or ()}
        outputs |= plain
        return TaskText(flow.name, labels, _script(cells), options, inputs, outputs)
    outputs = {name: {"type": "Variable", "path": f"variables/{name}"} for name in flow.outputs}
    outputs |= plain
    words = ["python3", shlex.quote(f"{folder}/execute.py"), shlex.quote(flow.name)]
    words += [params[name].option() for name in flow.params if name in params]
    words += [f"--param {name}=${{{{ inputs.{name} }}}}" for name in _plain_inputs(notebook, flow)]
    return TaskText(flow.name, labels, " ".join(words), options, inputs, outputs)


def _plain_inputs(notebook: Notebook, flow: TaskFlow) -> dict[str, str]:
    """Those of a task's inputs that their task hands on as plain values, each with its type."""
    plain = {task: dict(options_of(notebook, task).value) for task in set(flow.inputs.values())}
    return {name: plain[task][name] for name, task in flow.inputs.items() if name in plain[task]}


def options_of(notebook: Notebook, name: str) -> TaskOptions:
    """The options of a task: those of all its cells together."""
    options, label = TaskOptions(), ""
    for cell in notebook.cells:
        if cell.task == name:
            try:
                options = joined(name, options, cell.options, (label, cell.label))
            except BadRequest as error:
                problem = Problem(code="bad-cell", message=error.message, hint=error.hint)
                raise invalid(notebook.path or "", [problem], [problem]) from error
            label = cell.label
    return options


def _script(cells: Sequence[Cell]) -> str:
    """The cells as one script, which ends where a command fails."""
    texts = ["\n".join(_without_mark(script_of(cell.source).split("\n"))) for cell in cells]
    return "\n".join(["set -e", *texts]).rstrip() + "\n"


def _without_mark(lines: list[str]) -> list[str]:
    return [line for number, line in enumerate(lines) if number or not line.startswith("# %%")]


def _files(
    notebook: Notebook, flows: Mapping[str, TaskFlow], folder: str, params: Mapping[str, Param]
) -> dict[str, bytes]:
    """Everything that the commands run; nothing where all tasks are shell scripts."""
    tasks: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in notebook.tasks:
        if all(cell.kind is not CellKind.SHELL for cell in notebook.cells if cell.task == name):
            tasks[name] = _entry(notebook, flows[name], params, sources)
    if not tasks:
        return {}
    document = {"format": 1, "pipeline": notebook.name, "notebook": notebook.path, "tasks": tasks}
    files = {path: text.encode() for path, text in sources.items()}
    files["tasks.json"] = (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()
    return {f"{folder}/{path}": content for path, content in sorted({**travel_files(), **files}.items())}


def _entry(notebook: Notebook, flow: TaskFlow, params: Mapping[str, Param], sources: dict[str, str]) -> dict[str, Any]:
    """A task's entry in tasks.json; the files that it names are added to ``sources``."""
    wanted = {params[name].cell for name in flow.params if name in params}
    taken, given = _plain_inputs(notebook, flow), dict(options_of(notebook, flow.name).value)
    cells: dict[str, list[dict[str, str]]] = {"common": [], "definition": [], "params": [], "task": []}
    for cell in notebook.cells:
        kind = _kind(cell, flow, wanted)
        if kind:
            path = f"cell-{cell.key}.py"
            sources[path] = cell.source + "\n"
            cells[kind].append({"file": path, "label": cell.label, "kind": kind})
    for definition in flow.definitions:
        entry = {"file": _keep(definition, sources), "label": definition.label, "kind": "definition"}
        cells["definition"].append(entry)
    return {
        "cells": [entry for entries in cells.values() for entry in entries],
        "params": {name: params[name].kind() for name in flow.params if name in params} | taken,
        "inputs": [name for name in flow.inputs if name not in taken],
        "outputs": [name for name in flow.outputs if name not in given],
        "optional": list(flow.optional),
        "watched": {name: why for name, why in flow.watched.items() if name not in taken},
        **({"values": given} if given else {}),
        **({"apart": [list(pair) for pair in flow.apart]} if flow.apart else {}),
    }


def _kind(cell: Cell, flow: TaskFlow, params: set[str]) -> str:
    """What the cell is to the task; empty where it is nothing."""
    if cell.task == flow.name:
        return "task"
    if cell.kind is CellKind.PARAMS and cell.key in params:
        return "params"
    return "common" if cell.kind is CellKind.COMMON and cell.key in flow.common else ""


def _keep(definition: Definition, sources: dict[str, str]) -> str:
    """Where a definition lies, its lines numbered as in its cell; one of another text gets a number.

    So does one whose name differs in case alone: some file systems do not tell them apart.
    """
    padding = f"# from {definition.label}" + "\n" * (definition.line - 1) if definition.line > 1 else ""
    text = f"{padding}{definition.source}\n"
    taken = {path.lower() for path in sources}
    paths = (f"def-{definition.name}{f'-{number}' if number > 1 else ''}.py" for number in count(1))
    path = next(path for path in paths if sources.get(path) == text or path.lower() not in taken)
    sources[path] = text
    return path
