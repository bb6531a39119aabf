"""Runs the cells of one task: ``python3 execute.py TASK [--param name=value …]``.

Beside this file lie ``tasks.json`` (which cells, inputs, outputs a task has), the cells, and the modules that this
one needs; nothing else is needed in the image. Variables of other tasks are read from ``/pipeline/inputs``
(``$PIPELINE_INPUTS``), those of this one written to ``/pipeline/outputs`` (``$PIPELINE_OUTPUTS``).

A variable is loaded before the first cell that mentions it, not before: so that reading it fails where it is used,
and what is not used is not read. (A namespace that loads on access would have to stand where Python looks for
builtins, and make each ``len`` in a loop slow.)

Exit status: 0; 1 when a cell fails or a variable cannot be handed on; 2 when the task cannot begin; what a cell gave
to ``sys.exit``; 130 and 143 when interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import types
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple

if not __package__:  # as a script: this folder becomes a package, and no longer a place to import other things from
    __package__ = "fasttrack_travel"
    _package = types.ModuleType(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package
    sys.path[0] = ""

from . import hooks, progress
from .cells import Cell, Code, Runner
from .record import Record, Stream
from .shown import Display

HERE = os.path.dirname(os.path.abspath(__file__))
USAGE = "usage: execute.py TASK [--param name=value …]"


class Refused(Exception):
    """The task cannot begin; the message says why."""


class Stopped(BaseException):
    """The task was told to end; ``number`` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Task(NamedTuple):
    """What ``tasks.json`` says of one task."""

    name: str
    cells: Tuple[Cell, ...]
    params: Mapping[str, str]
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    optional: Tuple[str, ...]
    watched: Mapping[str, str]
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
            {"task": name, "pipeline": document.get("pipeline"), "notebook": document.get("notebook")},
        )
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"tasks.json and its cells cannot be read: {type(error).__name__}: {error}") from error


def _read_cell(folder: str, entry: Mapping[str, str]) -> Cell:
    with open(os.path.join(folder, entry["file"]), encoding="utf-8", newline="") as file:
        key = entry["file"].rpartition(".")[0]
        return Cell(entry["label"], key[5:] if key.startswith("cell-") else key, entry["kind"], file.read())


def read_arguments(argv: Sequence[str]) -> Tuple[str, Dict[str, str]]:
    """Task and parameters of a command line. Raises Refused."""
    words, given = list(argv), {}
    names = []
    while words:
        word = words.pop(0)
        if word == "--param" or word.startswith("--param="):
            pair = word[8:] if word.startswith("--param=") else words.pop(0) if words else ""
            name, equals, value = pair.partition("=")
            if not equals or not name.isidentifier():
                raise Refused(f"--param {pair!r}: write --param name=value")
            given[name] = value
        elif word.startswith("-"):
            raise Refused(f"unknown option {word}\n{USAGE}")
        else:
            names.append(word)
    if len(names) != 1:
        raise Refused(USAGE)
    return names[0], given


def typed(name: str, text: str, kind: str) -> Any:
    """A parameter's value from its text. Raises Refused."""
    try:
        if kind == "str":
            return text
        if kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.strip().lower()]
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
        return json.loads(text)
    except (ValueError, KeyError):
        raise Refused(f"parameter {name}={text!r} is no {kind}") from None


class Execution:
    """One run of one task."""

    def __init__(self, task: Task, params: Dict[str, Any], inputs: str, outputs: str) -> None:
        self.task, self._params, self._outputs = task, params, outputs
        self.record = Record(os.path.join(outputs, "cells.ipynb"), task.cells, task.about)
        self._log_out, self._log_err = sys.stdout, sys.stderr
        self.display = Display(self.record, os.path.join(outputs, "shown"), self._say)
        self.runner = Runner(self.display.result)
        self.runner.names["__builtins__"] = hooks.Builtins(self.display).make()
        self._counted = [n for n, cell in enumerate(task.cells) if cell.kind == "task"]
        self._progress = progress.Progress(outputs, len(self._counted))
        self._inputs_folder = inputs
        self._variables: Any = None
        self._mentioned: FrozenSet[str] = frozenset()

    @property
    def variables(self) -> Any:
        """Loads and saves; made when a variable is needed."""
        if self._variables is None:
            from .variables import Variables

            self._variables = Variables(self.task, self._inputs_folder, self._outputs, self.runner, self._tell)
        return self._variables

    def _say(self, text: str) -> None:
        """To the log only."""
        self._log_out.write(text)
        self._log_out.flush()

    def _tell(self, text: str) -> None:
        """A note of ours, to the log and the record."""
        sys.stderr.write(f"fasttrack: {text}\n")

    def run(self) -> int:
        """Everything; the exit status comes back."""
        os.makedirs(self._outputs, exist_ok=True)
        self._begin()
        try:
            return self._guarded()
        finally:
            sys.stdout, sys.stderr = self._log_out, self._log_err
            self.record.write()

    def _begin(self) -> None:
        hooks.use_agg()
        for log in (sys.stdout, sys.stderr):
            if hasattr(log, "reconfigure"):
                log.reconfigure(errors="backslashreplace")
        sys.stdout = Stream("stdout", self._log_out, self.record.stream)
        sys.stderr = Stream("stderr", self._log_err, self.record.stream)
        changes = progress.hooks(self._progress)
        changes["matplotlib.pyplot"] = hooks.pyplot_show(self.display.close_figures)
        changes["IPython.display"] = hooks.ipython_display(self.display)
        sys.meta_path.insert(0, hooks.Carried(HERE, ["cloudpickle"]))
        hooks.AfterImport(changes).install()
        self.runner.take_over()
        sys.argv = [str(self.task.about.get("notebook") or self.task.name)]
        signal.signal(signal.SIGTERM, _stop)

    def _guarded(self) -> int:
        try:
            self._progress.begin_cell(0)
            try:
                self._run_cells()
            except SystemExit as end:
                if end.code not in (None, 0):
                    return self._exited(end.code)
                self._tell("a cell called sys.exit(): the cells after it are not run")
            self.runner.close()
            if self.task.outputs or self.task.optional:
                self._progress.note("saving")
                self.variables.save()
            self._progress.finish()
            return 0
        except (KeyboardInterrupt, Stopped) as stop:
            self._failed(stop)
            return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)
        except BaseException as error:
            self._failed(error)
            return 1

    def _run_cells(self) -> None:
        codes: List[Code] = []
        for index, cell in enumerate(self.task.cells):
            try:
                codes.append(self.runner.compile(cell))
            except BaseException:
                self.record.begin(index)
                raise
        self._mentioned = frozenset(name for code in codes for name in code.names)
        done = 0
        self.runner.names.update(self._params)
        for index, (cell, code) in enumerate(zip(self.task.cells, codes)):
            if cell.kind == "task":
                done += 1
                self._progress.begin_cell(done)
            self._run_cell(index, cell, code, is_first=cell.kind == "task" and done == 1)

    def _run_cell(self, index: int, cell: Cell, code: Code, is_first: bool) -> None:
        self.record.begin(index)
        self.display.begin(cell.key)
        if self.task.inputs:
            if is_first:
                self.variables.load_unmentioned(self._mentioned)
            self.variables.load(None if code.is_dynamic else code.names, is_first)
        self.runner.run(code)
        if cell.kind == "params":
            self.runner.names.update(self._params)
        self.display.close_figures()
        if cell.kind == "task" and self.task.watched:
            self.variables.check(cell.label)
        self.record.write()

    def _exited(self, code: Any) -> int:
        if isinstance(code, int):
            self._tell(f"a cell called sys.exit({code})")
            return code & 0xFF
        sys.stderr.write(f"{code}\n")
        return 1

    def _failed(self, error: BaseException) -> None:
        from .tracebacks import traceback_lines

        lines = traceback_lines(error, {cell.label for cell in self.task.cells})
        if type(error).__module__.startswith(str(__package__)):
            lines = [f"{error}\n"]
        self.record.error(type(error).__name__, str(error), lines)
        self._log_out.flush()
        self._log_err.write("".join(lines))
        self._log_err.flush()


def _stop(number: int, _: Optional[types.FrameType]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # who insists ends it at once
    raise Stopped(number)


def main(argv: Sequence[str]) -> int:
    """Run a task of ``tasks.json`` beside this file; the exit status comes back."""
    try:
        name, given = read_arguments(argv)
        task = read_task(HERE, name)
        unknown = set(given) - set(task.params)
        if unknown:
            raise Refused(f"the task {name!r} has no parameter {', '.join(sorted(unknown))}")
        params = {key: typed(key, text, task.params[key]) for key, text in given.items()}
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 2
    inputs, outputs = (
        os.environ.get(f"PIPELINE_{place.upper()}", f"/pipeline/{place}") for place in ("inputs", "outputs")
    )
    return Execution(task, params, os.path.abspath(inputs), os.path.abspath(outputs)).run()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(status)
