"""A walk through all cells of a notebook as one program: what each name means before each cell, and who gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.names import CellNames, names_of, parse
from fasttrack_jupyter.notebook.names_heap import Kind, Node, Variable, holders_of, reach
from fasttrack_jupyter.notebook.names_record import Change, Record, Site
from fasttrack_jupyter.notebook.names_walk import Interpreter

_MOST_HELD = 1_000_000
"""Objects that are noted for all variables before all cells together."""


@dataclass(slots=True)
class Seen:
    """One cell that has been walked through."""

    index: int
    cell: Cell
    record: Record
    start: dict[str, Variable]
    """What names mean before it."""
    held: dict[str, frozenset[Node]]
    """The objects that each variable reaches before it."""
    changed: dict[str, Change] = field(default_factory=dict)
    """Variables whose objects it changes in place, by whatever name."""
    end: dict[str, Variable] = field(default_factory=dict)

    @property
    def task(self) -> str | None:
        """The task that the cell belongs to."""
        return self.cell.task if self.cell.kind is CellKind.TASK else None

    def writes(self, name: str) -> bool:
        """Whether it binds the name, or changes what it names."""
        return name in self.record.writes or name in self.changed or name in self.record.deletes

    def line_of(self, name: str) -> int:
        """Where it does that."""
        if name in self.record.writes:
            return self.record.writes[name]
        return self.changed[name].line if name in self.changed else self.record.deletes.get(name, 1)

    def at(self, line: int) -> str:
        """The place, as people say it."""
        return f"{self.cell.label}, line {line}"


@dataclass(slots=True)
class Walk:
    """All cells, walked through."""

    notebook: Notebook
    cells: dict[int, Seen]
    """By position among the notebook's code cells; those of tasks, parameters and common ones alone."""
    plain: dict[int, tuple[Cell, CellNames]]
    """The cells that belong to nothing, and those left out."""
    sites: list[Site]
    problems: dict[tuple[object, ...], Problem]
    by_task: dict[str, list[Seen]] = field(default_factory=dict)
    """The cells of each Python task, in order; tasks in the order of their first cells."""
    held: int = 0
    """How many objects :attr:`Seen.held` has in all."""

    @property
    def tasks(self) -> list[str]:
        """The names of the Python tasks, in order."""
        return list(self.by_task)

    def add(self, seen: Seen) -> None:
        """One more cell."""
        self.cells[seen.index] = seen
        self.held += sum(map(len, seen.held.values()))
        if seen.task:
            self.by_task.setdefault(seen.task, []).append(seen)

    def cells_of(self, task: str) -> list[Seen]:
        """A task's cells, in order."""
        return self.by_task.get(task, [])

    def commons(self) -> Iterator[Seen]:
        """The common cells, in order."""
        return (seen for seen in self.cells.values() if seen.cell.kind is CellKind.COMMON)

    def task_of(self, index: int) -> str | None:
        """The task of the cell at this position."""
        return self.cells[index].task if index in self.cells else None

    def kind_of(self, index: int) -> CellKind | None:
        """The kind of the cell at this position."""
        return self.cells[index].cell.kind if index in self.cells else None

    def after(self, task: str) -> tuple[str, ...]:
        """What ``--after`` says."""
        return tuple(dict.fromkeys(one for seen in self.cells_of(task) for one in seen.cell.options.after))

    def assigned(self, task: str, has: Iterable[str]) -> list[str]:
        """The variables that a task assigns, or changes and ``has``: no imports, no definitions, nothing deleted."""
        found: dict[str, None] = {}
        cells, has = self.cells_of(task), set(has)
        for seen in cells:
            found.update(
                dict.fromkeys(name for name in seen.record.writes if name not in seen.record.kept or name in has)
            )
            found.update(dict.fromkeys(name for name in seen.changed if name in has))
        end = cells[-1].end
        return [name for name in found if not name.startswith("_") and name in end and is_data(end[name])]

    def writers(self, name: str, before: int) -> list[Seen]:
        """The cells of tasks that give a name a new value, before this position."""
        return [seen for seen in self.cells.values() if seen.task and seen.index < before and seen.writes(name)]

    def say(
        self, code: str, seen: Seen, line: int, message: str, hint: str, severity: Severity = Severity.ERROR
    ) -> None:
        """Report a problem, once."""
        text = f"{seen.at(line)}: {message}"
        self.problems.setdefault(
            (code, text),
            Problem(code=code, message=text, hint=hint, severity=severity, path=("cells", seen.cell.key, line)),
        )


def is_data(variable: Variable) -> bool:
    """Whether a variable is a value, and not a module or what travels as source."""
    modules = variable.value.nodes and all(node.kind is Kind.MEMBER for node in variable.value.nodes)
    return variable.definition is None and not modules and not variable.deleted


def walk(notebook: Notebook) -> Walk:
    """Walk through the notebook; what cannot be read is among the problems."""
    interpreter = Interpreter()
    walked = Walk(notebook, {}, {}, interpreter.sites, {})
    for index, cell in enumerate(notebook.cells):
        if cell.kind in (CellKind.TASK, CellKind.COMMON, CellKind.PARAMS):
            _walk_cell(walked, interpreter, index, cell)
        elif cell.kind in (CellKind.PLAIN, CellKind.SKIP):
            _look_at(walked, index, cell)
    return walked


def _look_at(walked: Walk, index: int, cell: Cell) -> None:
    """A cell outside of the pipeline matters only where it gives a name that a task uses."""
    try:
        walked.plain[index] = (cell, names_of(cell.source))
    except (SyntaxError, RecursionError, ValueError):
        return  # it does not run, here or anywhere


def _walk_cell(walked: Walk, interpreter: Interpreter, index: int, cell: Cell) -> None:
    start = dict(interpreter.globals.variables)
    held = _held(start, _MOST_HELD - walked.held)
    seen = Seen(index, cell, Record(index), start, held or {})
    walked.add(seen)
    if held is None:
        finding = "the objects that variables hold are too many to see which of them two variables share"
        walked.say("too_deep", seen, 1, finding, "have fewer variables that hold each other", Severity.WARNING)
    try:
        tree = parse(cell.source)
        seen.record = interpreter.cell(index, tree)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        walked.say("syntax", seen, line, f"this is no Python: {getattr(error, 'msg', error)}", "correct the cell")
        interpreter.restore([(interpreter.globals, start)])
    except RecursionError:
        walked.say("syntax", seen, 1, "the cell is nested too deeply to be read", "take it apart")
        interpreter.restore([(interpreter.globals, start)])
    _note_changes(seen, interpreter)
    seen.end = dict(interpreter.globals.variables)


def _held(variables: dict[str, Variable], room: int) -> dict[str, frozenset[Node]] | None:
    """The objects that each variable reaches; None: there are more than ``room``."""
    held: dict[str, frozenset[Node]] = {}
    for name, variable in variables.items():
        held[name] = frozenset(reach(variable.value.nodes))
        room -= len(held[name])
        if room < 0:
            return None
    return held


def _note_changes(seen: Seen, interpreter: Interpreter) -> None:
    """Every variable that reaches a changed object has a new version."""
    changes = {node: change for node, change in seen.record.mutations.items() if not change.doubtful}
    if not changes:
        return
    variables = interpreter.globals.variables
    first = _first_changes(changes, holders_of(node for one in variables.values() for node in one.value.nodes))
    for name, variable in variables.items():
        hits = [first[node] for node in variable.value.nodes if node in first]
        if hits and not variable.own:
            seen.changed[name] = min(hits, key=lambda change: change.line)
            variables[name] = replace(variable, cell=seen.index)


def _first_changes(changes: dict[Node, Change], holders: dict[Node, list[Node]]) -> dict[Node, Change]:
    """The change that stands first, of all that can be reached from an object; for the objects from which one can."""
    first: dict[Node, Change] = {}
    for node, change in sorted(changes.items(), key=lambda item: item[1].line):
        stack = [node]
        while stack:
            one = stack.pop()
            if one not in first:
                first[one] = change
                stack.extend(holders.get(one, ()))
    return first
