"""The namespaces and objects that the analysis keeps while it walks through the cells."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from fasttrack_jupyter.notebook.names_heap import (
    NOTHING,
    Frame,
    Kind,
    Node,
    Value,
    Variable,
    reach,
)
from fasttrack_jupyter.notebook.names_record import Change, Finding, Record, Site
from fasttrack_jupyter.notebook.names_record import Read as ReadOf
from fasttrack_jupyter.notebook.names_state import state_of, state_of_object
from fasttrack_jupyter.notebook.names_tables import IPYTHON_NAMES

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__doc__", "__file__", "__builtins__", "__debug__"}
_OF_COLUMNS = re.compile(
    r"""(del )?[\w.]+\[f?('[^']*'|"[^"]*")\]( = …)?"""
    r"|\.(append|pop|insert|drop|dropna|rename|sort_values|sort_index|set_index|reset_index)\(…\)"
)
"""Changes that leave the memory of a frame's columns as it is."""
MOST_CALLS = 1000
"""Calls that are followed in one cell; beyond that they are taken for a library's."""
MOST_STEPS = 15_000
"""Statements that are walked through in a notebook, those of calls and of second rounds counted anew."""
_MODULES = {"frame": "pandas", "ndarray": "numpy", "figure": "matplotlib", "tensor": "torch"}
Saved = list[tuple[Frame, dict[str, Variable]]]


class Core:
    """The notebook's namespace, the frames that are being run, the record of the present cell."""

    def __init__(self, *, open_world: bool = False) -> None:
        self.open_world = open_world
        """Whether an unknown name is taken to be a variable of an earlier cell."""
        self.globals = Frame()
        self.chain: tuple[Frame, ...] = ()
        """The frames that the present code sees, the innermost last."""
        self.active: list[Frame] = [self.globals]
        self.members: dict[str, Node] = {}
        self.sites: list[Site] = []
        self.record = Record(-1)
        self.loads: list[dict[str, int]] = []
        self.forgiving = 0
        self.outside: dict[str, Value] = {}
        """In an open world: the values from before the cell."""
        self._touched: dict[tuple[Node, str], Variable | None] = {}
        self._met: dict[str, Variable] = {}
        self.reached: set[Node] = set()
        """Objects that this cell has touched, with all that they hold; anew where it has defined something since."""
        self.steps = 0
        """Statements walked through in all cells, each as often as it was."""
        self.followed = 0
        """Calls followed in this cell."""
        self._is_cut = False

    # --- one cell

    def begin(self, cell: int) -> Record:
        """Start a cell: from here on no name is its own."""
        self.record = Record(cell)
        self._touched, self._met, self.reached = {}, {}, set()
        self.followed, self._is_cut = 0, False
        variables = self.globals.variables
        for name, variable in variables.items():
            if variable.own:
                variables[name] = replace(variable, own=False)
        return self.record

    def is_spent(self, line: int) -> bool:
        """Whether so much has been walked through that calls are followed no more, and loops once; says so."""
        if self.steps < MOST_STEPS and self.followed < MOST_CALLS:
            return False
        if self.steps >= MOST_STEPS:
            self.cut("the notebook has too many loops and calls to follow them all", line)
        else:
            self.cut("the calls in this cell are too many to be followed", line)
        return True

    def cut(self, finding: str, line: int) -> None:
        """Say, once for a cell, that it was not looked at as closely as others."""
        if not self._is_cut:
            self._is_cut = True
            hint = "name what the task changes with --out; move functions to a module"
            self.record.find(Finding("too_deep", finding, line, (), hint))

    # --- objects

    def make(self, kind: Kind = Kind.OPAQUE, type: str = "") -> Node:  # noqa: A002
        """A new object of the present cell."""
        return Node(kind, type, self.record.cell, module=_MODULES.get(type, ""))

    def part(self, node: Node, key: str) -> Node:
        """A part of an object that is not seen into; one and the same each time."""
        if not node.parts.get(key):
            inner = Node(Kind.OPAQUE, "", node.cell, module=node.module)
            if key.startswith("."):
                inner.owner, inner.attribute = frozenset({node}), key[1:]
            node.add(key, {inner})
        return next(iter(node.parts[key]))

    def member(self, path: str) -> Node:
        """A module or something of a module."""
        if path not in self.members:
            self.members[path] = Node(Kind.MEMBER, path)
        return self.members[path]

    def mutate(self, nodes: Iterable[Node], line: int, how: str, *, deep: bool = False, doubtful: bool = False) -> None:
        """These objects change in place; with ``deep`` all that they hold as well."""
        is_of_columns = _OF_COLUMNS.fullmatch(how) is not None
        for node in reach(nodes) if deep else set(nodes):
            if node.kind is Kind.MEMBER:
                state = state_of(node.type, line, "set")
                if state:
                    self.record.states.append(state)
                continue
            if state := state_of_object(node.type, line):
                self.record.states.append(state)
                continue
            if not is_of_columns:
                self.record.rewrites.add(node)
            before = self.record.mutations.get(node)
            if before is None or (before.doubtful and not doubtful):
                self.record.mutations[node] = Change(line, how, doubtful)

    # --- names

    def load(self, name: str, line: int) -> Value:
        """What a name means here."""
        for frame in reversed(self.chain):
            if name in frame.global_:
                break
            if name in frame.variables:
                return frame.variables[name].value
            if frame.local is not None and name in frame.local:
                return NOTHING
        return self.load_global(name, line)

    def load_global(self, name: str, line: int, *, indirect: bool = False) -> Value:
        """What a name means in the notebook's own namespace; notes that the cell uses it."""
        variable = self.globals.variables.get(name)
        if variable is None or variable.deleted:
            return self._load_unknown(name, line, indirect, variable)
        for loads in () if indirect else self.loads:
            loads.setdefault(name, variable.cell)
        if not variable.own:
            self.record.read(name, ReadOf(line, indirect or bool(self.chain), self.forgiving > 0))
        if self._met.get(name) is not variable:  # once: what it holds from before the cell is all there by now
            self._met[name] = variable
            self.touch(variable.value.nodes, line)
        return variable.value

    def _load_unknown(self, name: str, line: int, indirect: bool, deleted: Variable | None) -> Value:
        if name in _BUILTINS or name in IPYTHON_NAMES:
            return Value(frozenset({self.member(f"builtins.{name}")}))
        self.record.read(name, ReadOf(line, indirect or bool(self.chain), self.forgiving > 0))
        if not self.open_world or deleted:
            return NOTHING
        value = Value(frozenset({Node(Kind.OPAQUE, "", -1)}))
        self.globals.variables[name] = Variable(value, -1, own=False)
        self.outside[name] = value
        return value

    def touch(self, nodes: Iterable[Node], line: int) -> None:
        """What functions and classes among (or held by) these objects need is used as well: they may be called."""
        found = reach(nodes, known=self.reached)
        self.reached |= found
        for node in found:
            if module := node.type.partition(".")[0] if node.kind is Kind.MEMBER else node.module:
                self.record.modules.setdefault(module, line)
            klass = node.klass if node.kind in (Kind.INSTANCE, Kind.OPAQUE) else None
            if klass:
                self._touch_named(klass, line)
                self.touch_code(klass, line)
            if node.kind in (Kind.FUNCTION, Kind.CLASS):
                self._touch_named(node, line)
                self.touch_code(node, line)

    def _touch_named(self, node: Node, line: int) -> None:
        """An object carries its class (or a held function) by name: the name must still mean it."""
        if not node.attribute or node in self.record.classes:
            return
        self.record.classes[node] = (node.attribute, line)
        variable = self.globals.variables.get(node.attribute)
        if variable and node in variable.value.nodes and not variable.own:
            self.record.read(node.attribute, ReadOf(line, indirect=True))

    def touch_code(self, node: Node, line: int) -> None:
        """A function or class may run: what it takes from the notebook is used."""
        for inner in (node, *(part for key, parts in node.parts.items() if key == ".bases" for part in parts)):
            if inner is not node:
                self._touch_named(inner, line)
                if (inner, "") not in self._touched:
                    self._touched[inner, ""] = None
                    self.touch_code(inner, line)
            for name, at in inner.code.names.items() if inner.code else ():
                variable = self.globals.variables.get(name)
                if (inner, name) in self._touched and self._touched[inner, name] is variable:
                    continue
                self._touched[inner, name] = variable
                here = inner.code is not None and inner.code.cell == self.record.cell
                self.load_global(name, at if here else line, indirect=True)

    def store(self, name: str, value: Value, line: int) -> None:
        """Bind a name where Python would."""
        for frame in reversed(self.chain):
            if name in frame.global_:
                break
            if frame.local is None or name in frame.local:
                self._bind(frame, name, value, nonlocal_=frame is not self._innermost(), line=line)
                return
        self.store_global(name, value, line)

    def _innermost(self) -> Frame | None:
        return self.chain[-1] if self.chain else None

    def _bind(self, frame: Frame, name: str, value: Value, *, nonlocal_: bool, line: int) -> None:
        frame.variables[name] = Variable(value, self.record.cell)
        frame.node.parts[name] = set(value.nodes)
        if nonlocal_:
            self.mutate({frame.node}, line, f"{name} = …")

    def store_global(self, name: str, value: Value, line: int) -> None:
        """Bind a name of the notebook."""
        self.record.writes.setdefault(name, line)
        self.globals.variables[name] = Variable(value, self.record.cell)

    def delete(self, name: str, line: int) -> None:
        """``del name``."""
        if self.chain and name not in self.chain[-1].global_:
            self.chain[-1].variables.pop(name, None)
            return
        self.load_global(name, line)
        self.record.deletes.setdefault(name, line)
        self.globals.variables[name] = Variable(NOTHING, self.record.cell, deleted=True)

    # --- ways that part and meet

    def save(self) -> Saved:
        """All names as they are now."""
        return [(frame, dict(frame.variables)) for frame in self.active]

    def restore(self, saved: Saved) -> None:
        """All names as they were."""
        for frame, variables in saved:
            frame.variables = dict(variables)

    def meet(self, ways: list[Saved]) -> None:
        """Go on from the place where these ways meet."""
        if not ways:
            return
        self.restore(ways[0])
        for way in ways[1:]:
            for frame, variables in way:
                frame.variables = joined(frame.variables, variables)

    @contextmanager
    def inside(self, *frames: Frame) -> Iterator[None]:
        """Run code that sees exactly these frames."""
        before = self.chain
        self.chain = frames
        if frames:
            self.active.append(frames[-1])
        try:
            yield
        finally:
            self.chain = before
            if frames:
                self.active.pop()

    # --- what the other parts of the interpreter do

    def value(self, node: ast.expr | None) -> Value:
        """What an expression may evaluate to."""
        raise NotImplementedError

    def block(self, statements: list[ast.stmt]) -> bool:
        """Run statements; True where the way ends in them (``return``, ``raise``)."""
        raise NotImplementedError


def joined(one: dict[str, Variable], other: dict[str, Variable]) -> dict[str, Variable]:
    """Names after two ways that meet; a name of one way alone may not exist."""
    result: dict[str, Variable] = {}
    for name in one.keys() | other.keys():
        a, b = one.get(name), other.get(name)
        if a and b:
            result[name] = a if a is b else a.joined(b)
        elif present := a or b:
            result[name] = replace(present, own=False, bound=False)
    return result
