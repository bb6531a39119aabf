"""Runs the cells of one task: ``python3 execute.py TASK [--param name=value …]``.

Beside this file lie ``tasks.json`` (which cells, inputs, outputs a task has), the cells, and the modules that this
one needs; nothing else is needed in the image. Variables of other tasks are read from ``/pipeline/inputs``
(``$PIPELINE_INPUTS``), those of this one written to ``/pipeline/outputs`` (``$PIPELINE_OUTPUTS``).

A variable is loaded before the first cell that mentions it, not before: so that reading it fails where it is used,
and what is not used is not read. (A namespace that loads on access would have to stand where Python looks for
builtins, and make each ``len`` in a loop slow.) What comes before the task's own cells (definitions, common cells)
loads those alone that it needs while it defines, for a variable may hold objects of a class that is defined a little
further on; what else it mentions is loaded before the first cell of the task.

Exit status: 0; 1 when a cell fails or a variable cannot be handed on; 2 when the task cannot begin; what a cell gave
to ``sys.exit``; 130 and 143 when interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Sequence, Tuple

if not __package__:  # as a script: this folder becomes a package, and no longer a place to import other things from
    __package__ = "fasttrack_travel"
    _package = types.ModuleType(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(_package.__path__[0]):  # Python resolves links
        sys.path[0] = ""

from .cells import Cell, Code
from .failures import leave
from .record import notebook_of
from .refusals import Refused, read_command_line, typed
from .running import HERE, Surroundings

USAGE = "usage: execute.py TASK [--param name=value …]"


class Task(NamedTuple):
    """What ``tasks.json`` says of one task."""

    name: str
    cells: Tuple[Cell, ...]
    params: Mapping[str, str]
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    optional: Tuple[str, ...]
    watched: Mapping[str, str]
    apart: Sequence[Sequence[str]]
    values: Mapping[str, str]
    about: Dict[str, Any]


def read_task(folder: str, name: str) -> Task:
    """The task ``name`` of ``folder/tasks.json``. Raises Refused."""
    try:
        with open(os.path.join(folder, "tasks.json"), encoding="utf-8") as file:
            document = json.load(file)
        if document["format"] != 1:
            raise Refused(f"tasks.json is of format {document['format']}; this execute.py reads format 1")
        if name not in document["tasks"]:
            raise Refused(f"there is no task {name!r}; there are: {', '.join(document['tasks'])}")
        task = document["tasks"][name]
        return Task(
            name,
            tuple(_read_cell(folder, cell) for cell in task["cells"]),
            task.get("params", {}),
            tuple(task.get("inputs", ())),
            tuple(task.get("outputs", ())),
            tuple(task.get("optional", ())),
            task.get("watched", {}),
            task.get("apart", ()),
            task.get("values", {}),
            {"task": name, "pipeline": document.get("pipeline"), "notebook": document.get("notebook")},
        )
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"tasks.json and its cells cannot be read: {type(error).__name__}: {error}") from error


def _read_cell(folder: str, entry: Mapping[str, str]) -> Cell:
    with open(os.path.join(folder, entry["file"]), encoding="utf-8", newline="") as file:
        key = entry["file"].rpartition(".")[0]
        return Cell(entry["label"], key[5:] if key.startswith("cell-") else key, entry["kind"], file.read())


class Execution:
    """One run of one task."""

    def __init__(self, task: Task, params: Dict[str, Any], inputs: str, outputs: str) -> None:
        self._task, self._params, self._inputs, self._outputs = task, params, inputs, outputs
        count = sum(cell.kind == "task" for cell in task.cells)
        notebook, target = notebook_of(task.cells, task.about), os.path.join(outputs, "cells.ipynb")
        title = str(task.about.get("notebook") or task.name)
        self._around = Surroundings(notebook, target, count, title, os.path.join(outputs, "shown"))
        self._names = self._around.runner.names
        self._made: Any = None
        self._mentioned: FrozenSet[str] = frozenset()
        self._before: FrozenSet[str] = frozenset()  # mentioned by definitions and common cells
        self._behind: Dict[str, FrozenSet[str]] = {}

    @property
    def _variables(self) -> Any:
        """Loads and saves; made when a variable is needed."""
        if self._made is None:
            from .variables import Variables

            around = self._around
            self._made = Variables(self._task, self._inputs, self._outputs, around.runner, around.tell, around.hidden)
        return self._made

    def run(self) -> int:
        """Everything; the exit status comes back."""
        return self._around.run(self._run_cells, self._save)

    def _run_cells(self) -> None:
        codes = [self._compile(index, cell) for index, cell in enumerate(self._task.cells)]
        self._mentioned = frozenset(name for code in codes for name in code.names)
        done = 0
        self._names.update(self._params)
        for index, (cell, code) in enumerate(zip(self._task.cells, codes)):
            is_counted = cell.kind == "task"
            done += is_counted
            if not is_counted:
                self._before |= code.names
            self._around.begin(index, cell, done if is_counted else None)
            if self._task.inputs:
                self._load(code, is_first=is_counted and done == 1, is_own=is_counted)
            self._run_cell(cell, code)
            self._behind.update(dict.fromkeys(code.defines, code.names))

    def _compile(self, index: int, cell: Cell) -> Code:
        """All are compiled before the first one runs: a slip in the last one costs no hours."""
        try:
            return self._around.runner.compile(cell)
        except BaseException:
            self._around.begin(index, cell, None)
            raise

    def _load(self, code: Code, is_first: bool, is_own: bool) -> None:
        if is_first:
            self._variables.load_unmentioned(self._mentioned)
            self._variables.load(self._before, is_first=False)
        if is_own:
            self._variables.load(None if code.is_dynamic else code.names, is_first)
        else:
            self._variables.load(self._needed(code), is_first)

    def _needed(self, code: Code) -> FrozenSet[str]:
        """What ``code`` uses while it defines, by the functions too that it may call for that (decorators)."""
        found, waiting = set(code.at_once), list(code.at_once)
        while waiting:
            new = self._behind.get(waiting.pop(), frozenset()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)

    def _run_cell(self, cell: Cell, code: Code) -> None:
        self._around.runner.run(code)
        if cell.kind == "params":
            self._names.update(self._params)
        if cell.kind == "task" and self._task.watched:
            self._variables.check(cell.label)
        self._around.end(cell)

    def _save(self) -> None:
        if self._task.outputs or self._task.optional or self._task.watched or self._task.apart:
            self._around.progress.note("saving")
            self._variables.save()
        if self._task.values:
            from .plain import write_values

            write_values(self._outputs, self._task.values, self._names, self._around.hidden)


def main(argv: Sequence[str]) -> int:
    """Run a task of ``tasks.json`` beside this file; the exit status comes back."""
    inputs, outputs = (
        os.path.abspath(os.environ.get(f"PIPELINE_{place.upper()}", f"/pipeline/{place}"))
        for place in ("inputs", "outputs")
    )
    try:
        name, given = read_command_line(argv, USAGE)
        task = read_task(HERE, name)
        unknown = set(given) - set(task.params)
        if unknown:
            raise Refused(f"the task {name!r} has no parameter {', '.join(sorted(unknown))}")
        params = {key: typed(key, text, task.params[key]) for key, text in given.items()}
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        leave(outputs, str(error))
        return 2
    return Execution(task, params, inputs, outputs).run()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(status)
