"""The kernel of a session for debugging: ``python3 debug_shell.py CONNECTION [--cells FOLDER TASK [--param n=v …]]``.

An ordinary ipykernel that finds what the task's cells found: the working directory, what can be imported, the
parameters. Variables of other tasks are loaded before the first cell that mentions them, as in execute.py; a cell
that was edited, or is new, counts as any other. ``FOLDER`` is that of the cells, beside the folder of this file.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any, Dict, List, Optional

if not __package__:  # as a script: see execute.py
    __package__ = "fasttrack_travel"
    _package = types.ModuleType(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(_package.__path__[0]):  # Python resolves links
        sys.path[0] = ""

from . import execute, hooks
from .cells import Cell, Code, Runner
from .refusals import Refused, read_command_line, typed
from .running import HERE
from .variables import Variables


class Inputs:
    """Brings the variables of other tasks into a shell, each before the first cell that mentions it."""

    def __init__(self, shell: Any, task: execute.Task, inputs: str, outputs: str) -> None:
        self._shell, self._task = shell, task
        self._runner = Runner(lambda value: None)
        self._runner.main, self._runner.names = shell.user_module, shell.user_ns
        self._variables = Variables(task, inputs, outputs, self._runner, lambda text: None)
        self._sources = {cell.source.strip() for cell in task.cells if cell.kind == "task"}
        self._is_first = True

    def before(self, info: Any) -> None:
        """IPython's ``pre_run_cell``."""
        code = self._code(Cell("<cell>", "now", "task", self._shell.transform_cell(info.raw_cell)))
        if code is None:
            return  # it fails with its own words
        is_first = self._is_first and self._is_the_task_s(info)
        self._is_first = self._is_first and not is_first
        try:
            if is_first:
                self._variables.load_unmentioned(self._mentioned())
            self._variables.load(None if code.is_dynamic else code.names, is_first)
        except Exception as error:
            sys.stderr.write(f"fasttrack: {type(error).__name__}: {error}\n")

    def _is_the_task_s(self, info: Any) -> bool:
        """Whether it is a cell of the task itself, and none that comes before."""
        return str(getattr(info, "cell_id", "") or "").startswith("task-") or info.raw_cell.strip() in self._sources

    def _mentioned(self) -> Any:
        codes = [self._code(cell) for cell in self._task.cells]
        return frozenset(name for code in codes if code is not None for name in code.names)

    def _code(self, cell: Cell) -> Optional[Code]:
        try:
            return self._runner.compile(cell)
        except (SyntaxError, ValueError):
            return None


def prepare(shell: Any, words: List[str]) -> None:
    """Give the shell what the cells of a task find. Raises Refused."""
    folder = os.path.join(os.path.dirname(HERE), words[1])
    name, given = read_command_line(words[2:], "usage: debug_shell.py CONNECTION --cells FOLDER TASK …")
    task = execute.read_task(folder, name)
    params: Dict[str, Any] = {key: typed(key, text, task.params[key]) for key, text in given.items()}
    shell.user_ns.update(params)
    places = [os.environ.get(f"PIPELINE_{it.upper()}", f"/pipeline/{it}") for it in ("inputs", "outputs")]
    shell.events.register("pre_run_cell", Inputs(shell, task, *map(os.path.abspath, places)).before)


def main(argv: List[str]) -> int:
    """Serve a kernel until it is told to end; the exit status comes back."""
    from ipykernel.kernelapp import IPKernelApp

    sys.meta_path.insert(0, hooks.Carried(HERE, ["cloudpickle"]))
    app: Any = IPKernelApp.instance()
    app.initialize(["-f", argv[0], "--HistoryManager.hist_file=:memory:"])
    if argv[1:2] == ["--cells"]:
        try:
            prepare(app.shell, argv[1:])
        except Refused as error:
            os.write(2, f"fasttrack: {error}\n".encode("utf-8", "replace"))  # sys.stderr goes to the notebook by now
            return 2
    app.start()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
