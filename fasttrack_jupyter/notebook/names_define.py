"""Imports, functions and classes; and which statements do nothing but define, so that they can travel as source."""

from __future__ import annotations

import ast
import importlib

from fasttrack_jupyter.notebook.names_heap import NOTHING, Code, Frame, Kind, Node, Value
from fasttrack_jupyter.notebook.names_scope import global_names, imported_as, scope_of
from fasttrack_jupyter.notebook.names_tables import words
from fasttrack_jupyter.notebook.names_values import Expressions

_KINDS = {"staticmethod": "staticmethod", "classmethod": "classmethod", "property": "property",
          "cached_property": "property", "lru_cache": "cached", "cache": "cached"}  # fmt: skip
_FACTORIES = words("namedtuple NamedTuple TypedDict make_dataclass TypeVar NewType ParamSpec Enum IntEnum StrEnum Flag")
_KNOWN_STARS = words(
    "math cmath itertools functools collections random statistics typing string datetime time decimal fractions "
    "operator os.path pathlib json re textwrap dataclasses enum abc heapq bisect"
)
"""Modules of the standard library whose names can be asked for without harm."""


def defined_by(statement: ast.stmt) -> list[str]:
    """The names that a statement defines, if defining is all it does; else none.

    Definitions are functions, classes, imports, ``name = lambda …``, ``P = namedtuple(…)``; and an ``if`` or
    ``try`` of imports, definitions and constants alone.
    """
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import() | ast.ImportFrom():
            names = [imported_as(alias, statement) for alias in statement.names]
            return star_names(getattr(statement, "module", None) or "") or [] if "*" in names else names
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_definition(value):
            return [name]
        case ast.Try() | ast.If():
            return _defined_by_ways(statement)
    return []


def star_names(module: str) -> list[str] | None:
    """What ``from module import *`` binds, where that can be asked for without harm; else None."""
    if module not in _KNOWN_STARS:
        return None
    known = importlib.import_module(module)
    return list(getattr(known, "__all__", [name for name in dir(known) if not name.startswith("_")]))


def _is_definition(value: ast.expr) -> bool:
    if isinstance(value, ast.Lambda):
        return True
    if not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return name in _FACTORIES


def _defined_by_ways(statement: ast.Try | ast.If) -> list[str]:
    blocks = [statement.body, statement.orelse]
    if isinstance(statement, ast.Try):
        blocks += [statement.finalbody, *(handler.body for handler in statement.handlers)]
    inner = [one for block in blocks for one in block if not isinstance(one, ast.Pass)]
    defines = False
    for one in inner:
        defines = defines or bool(defined_by(one))
        if not (defined_by(one) or _is_constant(one) or _is_print(one)):
            return []
    return sorted(scope_of([statement]).bound) if defines else []


def _is_constant(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, (ast.Constant, ast.Name))
        and all(isinstance(target, ast.Name) for target in statement.targets)
    )


def _is_print(statement: ast.stmt) -> bool:
    """A text, or ``print(…)`` of texts: running it again does no harm."""
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=arguments)):
            return all(isinstance(one, ast.Constant) for one in arguments)
    return False


class Definitions(Expressions):
    """Runs ``import``, ``def`` and ``class``."""

    def _do_import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.partition(".")[0]
            self._imported(imported_as(alias, node), path, node.lineno)

    def _do_importfrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._star(module, node.lineno)
            elif module != "__future__":
                self._imported(imported_as(alias, node), f"{module}.{alias.name}", node.lineno)

    def _imported(self, name: str, path: str, line: int) -> None:
        self.record.imports[name] = path
        self.record.modules.setdefault(path.partition(".")[0], line)
        self.store(name, Value(frozenset({self.member(path)})), line)

    def _star(self, module: str, line: int) -> None:
        names = star_names(module)
        if names is None:
            self.record.stars.setdefault(module, line)
        for name in names or ():
            self._imported(name, f"{module}.{name}", line)

    def _do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        made = self.function(node)
        for annotation in (*(arg.annotation for arg in ast.walk(node.args) if isinstance(arg, ast.arg)), node.returns):
            self.value(annotation)
        kinds = {_KINDS[name] for name in _decorators(node) if name in _KINDS}
        if any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in _own_nodes(node)):
            kinds.add("generator")
        for function in made.nodes:
            if function.code:
                function.code.kinds = frozenset(kinds)
            if not self.chain:
                function.attribute = node.name
        if any(isinstance(one, ast.Attribute) and one.attr == "setter" for one in node.decorator_list):
            self.chain[-1].node.add(f"{node.name}=", made.nodes) if self.chain else None
            return
        self.store(node.name, self._decorated(node.decorator_list, made, node.lineno), node.lineno)

    _do_asyncfunctiondef = _do_functiondef

    def _decorated(self, decorators: list[ast.expr], made: Value, line: int) -> Value:
        for decorator in reversed(decorators):
            by = self.value(decorator)
            for node in by.nodes:
                registers = node.attribute == "register"  # of functools.singledispatch
                if node.kind is Kind.OPAQUE and node.owner and (registers or not self._is_module_part(node)):
                    self.mutate(node.owner, line, f"@{ast.unparse(decorator)}")
            functions = frozenset(node for node in by.nodes if node.kind is Kind.FUNCTION)
            if functions:
                result = self.invoke_all(Value(functions), [made], {}, line)
                if result.nodes and result.nodes != made.nodes:
                    for inner in made.nodes:
                        inner.attribute = ""  # the name means what the decorator made of it
                    made = result
        return made

    @staticmethod
    def _is_module_part(node: Node) -> bool:
        return any(owner.kind in (Kind.MEMBER, Kind.FUNCTION, Kind.CLASS) for owner in node.owner)

    def _do_classdef(self, node: ast.ClassDef) -> None:
        made = self.make(Kind.CLASS)
        made.attribute = node.name if not self.chain else ""
        bases = [self.value(base) for base in node.bases]
        meta = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}.get("metaclass", NOTHING)
        made.add(".meta", meta.nodes)
        made.add(".bases", (one for base in bases for one in base.nodes))
        enclosing = tuple(frame for frame in self.chain if not frame.is_class)
        made.code = Code(node, enclosing, global_names(node), self.record.cell)
        self.reached = set()
        frame = Frame(
            is_class=True, node=Node(Kind.FRAME, "", self.record.cell), global_=frozenset(scope_of(node.body).global_)
        )
        with self.inside(*self.chain, frame):
            self.block(node.body)
        fields = _fields(node)
        for name, variable in frame.variables.items():
            if name not in fields:
                made.add(f".{name}", variable.value.nodes)
        for name, nodes in frame.node.parts.items():
            if name.endswith("="):
                made.add(f".{name}", nodes)
        for function in (one for parts in made.parts.values() for one in parts if one.kind is Kind.FUNCTION):
            function.attribute = function.attribute or "<method>"
        self._subclassed(made, bases, node.lineno)
        self.store(node.name, self._decorated_class(node, made), node.lineno)

    def _subclassed(self, made: Node, bases: list[Value], line: int) -> None:
        for meta in _metaclasses(made):
            for name in ("__new__", "__init__"):
                first = Value(frozenset({meta if name == "__new__" else made}))
                for hook in self.class_attribute(meta, name):
                    self.invoke_all(Value(frozenset({hook})), [first, NOTHING, NOTHING, NOTHING], {}, line)
        for base in (one for value in bases for one in value.nodes if one.kind is Kind.CLASS):
            for hook in self.class_attribute(base, "__init_subclass__"):
                self.invoke(self.bound(hook, made), [], {}, line)

    def _decorated_class(self, node: ast.ClassDef, made: Node) -> Value:
        return self._decorated(node.decorator_list, Value(frozenset({made})), node.lineno)


def _metaclasses(klass: Node) -> set[Node]:
    """The classes of the notebook that make this class, by itself or by its bases."""
    found = {one for one in klass.parts.get(".meta", ()) if one.kind is Kind.CLASS}
    for base in klass.parts.get(".bases", ()):
        found |= _metaclasses(base)
    return found


def _fields(node: ast.ClassDef) -> frozenset[str]:
    """The fields of a dataclass (or attrs class): each instance has its own."""
    names = {_last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
    if not names & {"dataclass", "define", "mutable", "frozen", "attrs", "s"}:
        return frozenset()
    annotated = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
    return frozenset(target.id for target in annotated if isinstance(target, ast.Name))


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [_last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]


def _own_nodes(node: ast.AST) -> list[ast.AST]:
    """The nodes of a function's own body, without those of functions inside it."""
    found: list[ast.AST] = []
    stack = list(ast.iter_child_nodes(node))
    while stack:
        one = stack.pop()
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        found.append(one)
        stack.extend(ast.iter_child_nodes(one))
    return found
