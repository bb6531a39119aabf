"""A notebook run twice, in this process: cell after cell, and task by task as a flow says; to compare the two.

Each task has a namespace of its own and gets pickled copies of its inputs, by the same pickles that tasks use.
What a task checks when it runs (``watched``, ``apart``) is checked here as well.
"""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.flow import Flow, TaskFlow, flow_of
from fasttrack_jupyter.notebook.marks import PipelineOptions, TaskOptions
from fasttrack_jupyter.notebook.names import parse
from fasttrack_jupyter.notebook.travel.changes import difference
from fasttrack_jupyter.notebook.travel.home import Home
from fasttrack_jupyter.notebook.travel.pickles import Loader, dump, dump_definitions
from fasttrack_jupyter.notebook.travel.sharing import Contents, common

KINDS = {"common": CellKind.COMMON, "params": CellKind.PARAMS, "plain": CellKind.PLAIN, "skip": CellKind.SKIP}


def notebook_of(*cells: tuple[str, str] | tuple[str, str, TaskOptions]) -> Notebook:
    """Cells as ``("task name" | "common" | "params" | "plain" | "skip", source[, options])``."""
    made = []
    for number, (mark, source, *options) in enumerate(cells, 1):
        kind = KINDS.get(mark, CellKind.TASK)
        task = mark if kind is CellKind.TASK else None
        made.append(
            Cell(f"cell {number}", f"{number:02}", source, kind, task, options[0] if options else TaskOptions())
        )
    return Notebook("test", tuple(made), None, PipelineOptions())


def split(*sources: str) -> Notebook:
    """Each cell a task of its own: t1, t2 …"""
    return notebook_of(*((f"t{number}", source) for number, source in enumerate(sources, 1)))


Kept = tuple[bytes, bytes | None]
"""A value's pickle, and the definitions that it names."""
Stored = dict[tuple[str, str], Kept]


class Noticed(Exception):
    """A task noticed, when it ran, that notebook and pipeline differ."""


@dataclass
class Ran:
    """What came of it: what each cell printed, and the values of each task's variables at the end of its last cell."""

    printed: dict[str, str] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)


def _namespace() -> dict[str, Any]:
    return {"__name__": "__main__", "display": print}


def _run(source: str, names: dict[str, Any]) -> str:
    said = io.StringIO()
    code = compile(parse(source), "<cell>", "exec", dont_inherit=True)
    with contextlib.redirect_stdout(said):
        exec(code, names)
    return said.getvalue()


def in_sequence(notebook: Notebook) -> Ran:
    """As the notebook runs."""
    ran, names = Ran(), _namespace()
    last = {cell.task: cell for cell in notebook.cells if cell.task}
    for cell in notebook.cells:
        if cell.kind in (CellKind.TASK, CellKind.COMMON, CellKind.PARAMS):
            said = _run(cell.source, names)
            if cell.task:
                ran.printed[cell.label] = said
            if cell.task and last[cell.task] is cell:
                for name in [name for name in names if name not in ("__builtins__", "display", "__name__")]:
                    ran.values[cell.task, name] = _copied(names[name], names)
    return ran


def _copied(value: Any, names: dict[str, Any]) -> bytes | None:
    """A pickle, as a way to keep a value; None for what has none."""
    file = io.BytesIO()
    try:
        dump(value, file, Home(names))
    except Exception:
        return None
    return file.getvalue()


def in_tasks(notebook: Notebook, flow: Flow) -> Ran:
    """As the pipeline runs. Raises Noticed."""
    ran, stored = Ran(), Stored()
    for task in _ordered(flow.tasks):
        _run_task(notebook, task, stored, ran)
    return ran


def _ordered(tasks: Sequence[TaskFlow]) -> Iterable[TaskFlow]:
    done: set[str] = set()
    waiting = list(tasks)
    while waiting:
        task = next(task for task in waiting if {*task.inputs.values(), *task.after} <= done)
        waiting.remove(task)
        done.add(task.name)
        yield task


def _run_task(notebook: Notebook, task: TaskFlow, stored: Stored, ran: Ran) -> None:
    names = _namespace()
    loaded: dict[str, Any] = {}

    def fetch(name: str) -> None:
        if name in task.inputs and name not in loaded:
            kept = stored.get((task.inputs[name], name))
            if kept is None:
                raise Noticed(f"{task.inputs[name]} has no {name}")
            loaded[name] = names[name] = Loader(io.BytesIO(kept[0]), Home(names, fetch=fetch), lambda: kept[1]).load()

    before = [
        cell for cell in notebook.cells if cell.key in task.common or (cell.kind is CellKind.PARAMS and task.params)
    ]
    for cell in before:
        _run(cell.source, names)
    needed = {name for one in task.definitions for name in _mentioned(one.source)}
    for name in [name for name in task.inputs if name in needed]:
        fetch(name)
    for definition in task.definitions:
        _run("\n" * (definition.line - 1) + definition.source, names)
    for name in task.inputs:
        fetch(name)
    names.update(loaded)
    old = {name: stored[task.inputs[name], name][0] for name in task.watched}
    for cell in notebook.cells:
        if cell.task == task.name:
            ran.printed[cell.label] = _run(cell.source, names)
    for name, data in old.items():
        if _copied(loaded[name], names) != _again(data, names) and difference(loaded[name], _fresh(data, names), name):
            raise Noticed(f"{name} changed in {task.name}")
    for one, other, _, how in task.apart:
        if one in names and other in names and _shared(names[one], names[other], how):
            raise Noticed(f"{one} and {other} share an object in {task.name}")
    _keep(task, names, stored, ran)


def _keep(task: TaskFlow, names: dict[str, Any], stored: Stored, ran: Ran) -> None:
    for name in (*task.outputs, *task.optional):
        if name in names:
            data = _copied(names[name], names)
            ran.values[task.name, name] = data
            if data is not None:
                home = Home(names)
                stored[task.name, name] = data, dump_definitions(dump(names[name], io.BytesIO(), home), home)
            elif name in task.outputs:
                raise Noticed(f"{name} of {task.name} cannot be pickled")


def _fresh(data: bytes, names: dict[str, Any]) -> Any:
    return Loader(io.BytesIO(data), Home(names), lambda: None).load()


def _again(data: bytes, names: dict[str, Any]) -> bytes | None:
    return _copied(_fresh(data, names), names)


def _mentioned(source: str) -> set[str]:
    code = compile(source, "<definition>", "exec", dont_inherit=True)
    found, stack = set[str](), [code]
    while stack:
        one = stack.pop()
        found.update(one.co_names)
        stack.extend(const for const in one.co_consts if hasattr(const, "co_names"))
    return found


def _shared(one: Any, other: Any, how: str) -> bool:
    return common(Contents(one), Contents(other), by_columns=how == "columns") is not None


@dataclass(frozen=True)
class Compared:
    """The outcome: differences between both ways, and what was said about it."""

    differences: tuple[str, ...]
    flow: Flow
    noticed: str = ""

    @property
    def is_said(self) -> bool:
        """Whether anything was said, before or when it ran."""
        return bool(self.noticed or self.flow.problems)


def compared(notebook: Notebook) -> Compared:
    """Both ways, side by side; a flow with an error is not run."""
    flow = flow_of(notebook)
    if any(problem.severity is Severity.ERROR for problem in flow.problems):
        return Compared((), flow)
    try:
        tasks = in_tasks(notebook, flow)
    except Noticed as noticed:
        return Compared((), flow, str(noticed))
    except (NameError, KeyError, pickle.UnpicklingError) as error:
        return Compared((f"the tasks failed: {type(error).__name__}: {error}",), flow)
    whole = in_sequence(notebook)
    found = [
        f"{label} printed {tasks.printed.get(label)!r}, not {said!r}"
        for label, said in whole.printed.items()
        if tasks.printed.get(label) != said
    ]
    torn = _torn(notebook)
    for key, data in tasks.values.items():
        if key in whole.values and key[0] not in torn and not _equal(data, whole.values[key]):
            found.append(f"{key[1]} of {key[0]} differs: {_value(data)!r}, not {_value(whole.values[key])!r}")
    return Compared(tuple(found), flow)


def _torn(notebook: Notebook) -> set[str]:
    """Tasks that others come in between of: at their end the notebook has values of those as well."""
    names = [cell.task or "" for cell in notebook.cells if cell.task or cell.kind is CellKind.COMMON]
    starts = [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]
    return {name for name in starts if starts.count(name) > 1}


def _value(data: bytes | None) -> Any:
    return None if data is None else Loader(io.BytesIO(data), Home({}), lambda: None).load()


def _equal(one: bytes | None, other: bytes | None) -> bool:
    if one == other or one is None or other is None:
        return True
    try:
        a, b = _value(one), _value(other)
        return repr(a) == repr(b) or " at 0x" in repr(a)
    except Exception:
        return True
