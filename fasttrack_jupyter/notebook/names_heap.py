"""The objects of a notebook, as far as reading its cells tells them.

A variable is a name for objects, and several names may lead to one: ``b = a``, ``c = [a]``, ``d = {"k": a}``,
``model.data = a``, a default, a closure. Who changes the object changes all of them. So the analysis follows
objects: each expression that makes one has a node here, with its parts (elements, keys, attributes) as far as
they are known; a change marks a node, and every variable from which the node can be *reached* has changed.

What a library's function returns may or may not be, or hold, what it was given. Such a link is kept apart
(``maybe``): it raises no error by itself, and asks the task to look when it runs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from enum import StrEnum

ANY = "[]"
"""The part for elements whose place is not known."""


class Kind(StrEnum):
    """What a node is."""

    CONTAINER = "container"
    """A list, tuple, dict or set: its parts are known."""
    OPAQUE = "opaque"
    """Made by code that is not seen."""
    FUNCTION = "function"
    CLASS = "class"
    INSTANCE = "instance"
    """An instance of a class of the notebook."""
    MEMBER = "member"
    """A module, or what a module has."""
    FRAME = "frame"
    """The local variables of a call, for closures."""


@dataclass(eq=False, slots=True)
class Node:
    """One object; equal to itself alone."""

    kind: Kind
    type: str = ""
    """"frame", "ndarray", "list", "iterator", "rng", "figure" … where it is known; of a module's member: its path."""
    cell: int = -1
    """The cell that made it."""
    parts: dict[str, set[Node]] = field(default_factory=dict)
    maybe: set[Node] = field(default_factory=set)
    code: Code | None = None
    klass: Node | None = None
    owner: frozenset[Node] = frozenset()
    """Of an attribute that may be a method: the objects it was taken from."""
    attribute: str = ""
    module: str = ""
    """The library whose object it is, where that is known."""

    def add(self, key: str, nodes: Iterable[Node]) -> None:
        """These may be the part ``key`` from now on, beside what was there."""
        self.parts.setdefault(key, set()).update(nodes)


@dataclass(eq=False, slots=True)
class Code:
    """The code of a function or class, and where it stands."""

    tree: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    enclosing: tuple[Frame, ...]
    """The frames of the functions around it, the outermost first."""
    names: dict[str, int]
    """What it takes from the notebook's namespace when it runs, with lines."""
    cell: int
    kinds: frozenset[str] = frozenset()
    """"staticmethod", "classmethod", "property", "generator", "wrapped" (decorated by something else)."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression may evaluate to: these objects (none: something that cannot change, such as a number)."""

    nodes: frozenset[Node] = frozenset()
    const: str | int | None = None
    """A text or number, where it is known."""
    sure: bool = True
    """False where it may also be something else that cannot change (matters to nobody but augmented assignment)."""

    def __or__(self, other: Value) -> Value:
        const = self.const if self.const == other.const else None
        return Value(self.nodes | other.nodes, const)


NOTHING = Value()


@dataclass(frozen=True, slots=True)
class Variable:
    """A name, at one place of the notebook."""

    value: Value
    cell: int
    """The cell that last bound it, or changed what it names."""
    own: bool = True
    """Bound by the present cell on every way that leads here."""
    bound: bool = True
    """False where it may not exist."""
    definition: int | None = None
    """The statement that defines it by source, where there is exactly one."""
    deleted: bool = False

    def joined(self, other: Variable) -> Variable:
        """After two ways that meet."""
        return Variable(
            self.value | other.value,
            max(self.cell, other.cell),
            self.own and other.own,
            self.bound and other.bound,
            self.definition if self.definition == other.definition else None,
            self.deleted and other.deleted,
        )


@dataclass(eq=False, slots=True)
class Frame:
    """A namespace: the notebook's, a function call's, a class body's or a comprehension's."""

    variables: dict[str, Variable] = field(default_factory=dict)
    local: frozenset[str] | None = None
    """The names that live here; None: whatever is assigned here."""
    global_: frozenset[str] = frozenset()
    node: Node = field(default_factory=lambda: Node(Kind.FRAME))
    is_class: bool = False
    is_function: bool = False


def reach(nodes: Iterable[Node], *, maybe: bool = False, known: Set[Node] = frozenset()) -> set[Node]:
    """The objects that can be reached from these; with ``maybe`` those also that may be reached.

    The way does not go through objects that are ``known``.
    """
    seen: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node in seen or node in known:
            continue
        seen.add(node)
        for part in node.parts.values():
            stack.extend(part - seen)
        if node.klass:
            stack.append(node.klass)
        stack.extend(node.owner if maybe else ())
        stack.extend(node.maybe if maybe else ())
        if node.code:
            stack.extend(frame.node for frame in node.code.enclosing)
    return seen


def holders_of(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """For each object that can be reached from these: those that lead to it, by the links that ``reach`` follows."""
    holders: dict[Node, list[Node]] = {}
    seen: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        linked = {part for parts in node.parts.values() for part in parts}
        linked.update([node.klass] if node.klass else ())
        linked.update(frame.node for frame in (node.code.enclosing if node.code else ()))
        for one in linked:
            holders.setdefault(one, []).append(node)
        stack.extend(linked)
    return holders


def is_open(node: Node) -> bool:
    """Whether a node may have elements that were never seen to be put in."""
    return node.kind in (Kind.OPAQUE, Kind.INSTANCE) or node.type == "defaultdict"


def elements(node: Node, make: Callable[[Node, str], Node]) -> set[Node]:
    """What iterating over a node gives; ``make`` makes an element of an object that is not seen into."""
    found = {part for key, parts in node.parts.items() if not key.startswith(".") for part in parts}
    if is_open(node) and ANY not in node.parts:
        found.add(make(node, ANY))
    return found


def item(node: Node, key: str, make: Callable[[Node, str], Node]) -> set[Node]:
    """What ``node[key]`` gives."""
    if key == ANY:
        return elements(node, make)
    known = node.parts.get(key, set()) | node.parts.get(ANY, set())
    if not known and is_open(node):
        return {make(node, key)}
    return set(known)


def scatter(node: Node) -> None:
    """Forget which element is where: something was inserted or sorted."""
    keyed = [key for key in node.parts if not key.startswith(".") and key != ANY]
    for key in keyed:
        node.add(ANY, node.parts.pop(key))


def copied(value: Value, *, deep: bool, cell: int) -> Value:
    """What ``copy.copy`` and ``copy.deepcopy`` give: functions, classes and modules stay what they are."""
    known: dict[Node, Node] = {}
    return Value(frozenset(_copy(node, known, deep, cell) for node in value.nodes), value.const)


def _copy(node: Node, known: dict[Node, Node], deep: bool, cell: int) -> Node:
    if node in known or node.kind in (Kind.FUNCTION, Kind.CLASS, Kind.MEMBER, Kind.FRAME):
        return known.get(node, node)
    made = known[node] = Node(node.kind, node.type, cell, klass=node.klass)
    for key, parts in node.parts.items():
        if not (key.startswith(".") and node.kind is Kind.OPAQUE):
            made.add(key, {_copy(part, known, deep, cell) if deep else part for part in parts})
    if not deep:
        made.maybe |= node.maybe
    return made
