"""Which names a piece of code binds, and which it takes from the notebook's own namespace.

Python's rule: a name that a function binds anywhere is local to all of it, unless ``global`` or ``nonlocal``
says otherwise; a class body binds in a scope that its methods do not see; a comprehension has a scope of its
own for its targets, yet a walrus in it binds outside. Names arrive here normalized (NFKC) by :mod:`ast`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Scope:
    """What one function, or one class body, declares."""

    bound: set[str] = field(default_factory=set)
    global_: set[str] = field(default_factory=set)
    nonlocal_: set[str] = field(default_factory=set)

    @property
    def local(self) -> set[str]:
        """The names that live in this scope."""
        return self.bound - self.global_ - self.nonlocal_


def parameters_of(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, ``*`` and ``**`` too, in the order in which positions fill them."""
    plain = [*arguments.posonlyargs, *arguments.args]
    stars = [arg for arg in (arguments.vararg, arguments.kwarg) if arg]
    return [*plain, *arguments.kwonlyargs, *stars]


def body_of(function: Function) -> list[ast.stmt]:
    """A function's statements; a lambda's are one ``return``."""
    if isinstance(function, ast.Lambda):
        return [ast.copy_location(ast.Return(value=function.body), function.body)]
    return function.body


def scope_of(statements: Iterable[ast.AST], arguments: ast.arguments | None = None) -> Scope:
    """What these statements bind in their own scope."""
    scope = Scope()
    if arguments:
        scope.bound.update(arg.arg for arg in parameters_of(arguments))
    for statement in statements:
        _collect(statement, scope, in_comprehension=False)
    return scope


def function_scope(function: Function) -> Scope:
    """A function's own scope."""
    return scope_of(body_of(function), function.args)


def _collect(node: ast.AST, scope: Scope, *, in_comprehension: bool) -> None:
    scope.bound.update(_bound_by(node, in_comprehension))
    match node:
        case ast.Global():
            scope.global_.update(node.names)
        case ast.Nonlocal():
            scope.nonlocal_.update(node.names)
    inside = in_comprehension or isinstance(node, _COMPREHENSIONS)
    for child in _same_scope(node):
        _collect(child, scope, in_comprehension=inside)


def _bound_by(node: ast.AST, in_comprehension: bool) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if not in_comprehension:
            return [name]
        case ast.NamedExpr(target=ast.Name(id=name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import() | ast.ImportFrom():
            return [imported_as(alias, node) for alias in node.names if alias.name != "*"]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def imported_as(alias: ast.alias, statement: ast.Import | ast.ImportFrom) -> str:
    """The name that an import binds: ``os`` for ``import os.path``."""
    if alias.asname:
        return alias.asname
    return alias.name.partition(".")[0] if isinstance(statement, ast.Import) else alias.name


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The children whose names belong to the same scope as ``node``."""
    if isinstance(node, _FUNCTIONS):
        yield from _evaluated_outside(node)
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords))
    else:
        yield from ast.iter_child_nodes(node)


def _evaluated_outside(function: Function) -> Iterator[ast.expr]:
    """Decorators, defaults and annotations: evaluated where the function is defined."""
    if not isinstance(function, ast.Lambda):
        yield from function.decorator_list
        yield from (arg.annotation for arg in parameters_of(function.args) if arg.annotation)
        if function.returns:
            yield function.returns
    yield from function.args.defaults
    yield from (default for default in function.args.kw_defaults if default)


def global_names(code: ast.AST) -> dict[str, int]:
    """The names that a function, class or expression takes from the notebook when it runs, each with a line.

    Only what its inner code reads: for a function, without its decorators and defaults, since these are
    evaluated once, where it is defined.
    """
    found: dict[str, int] = {}
    if isinstance(code, _FUNCTIONS):
        _function_reads(code, frozenset(), found)
    elif isinstance(code, ast.ClassDef):
        _class_reads(code, frozenset(), found)
    else:
        _reads(code, frozenset(), found)
    return found


def _function_reads(function: Function, enclosing: frozenset[str], found: dict[str, int]) -> None:
    scope = function_scope(function)
    inside = (enclosing | scope.local) - scope.global_
    for statement in body_of(function):
        _reads(statement, inside, found)


def _class_reads(node: ast.ClassDef, enclosing: frozenset[str], found: dict[str, int]) -> None:
    scope = scope_of(node.body)
    for statement in node.body:
        for child in _with_inner(statement):
            if isinstance(child, _FUNCTIONS):
                _function_reads(child, enclosing, found)
            else:
                _reads(child, enclosing | scope.local, found)


def _with_inner(statement: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield from _evaluated_outside(statement)
    yield statement


def _reads(node: ast.AST, local: frozenset[str], found: dict[str, int]) -> None:
    match node:
        case ast.Name(id=name):
            if name not in local:
                found.setdefault(name, node.lineno)
            return
        case ast.Global(names=names):
            for name in names:
                found.setdefault(name, node.lineno)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            for outer in _evaluated_outside(node):
                _reads(outer, local, found)
            _function_reads(node, local, found)
            return
        case ast.ClassDef():
            for outer in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
                _reads(outer, local, found)
            _class_reads(node, local, found)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            local = local | comprehension_targets(node)
    for child in ast.iter_child_nodes(node):
        _reads(child, local, found)


def comprehension_targets(node: Comprehension) -> frozenset[str]:
    """The names that a comprehension binds in its own scope."""
    targets = (name for generator in node.generators for name in ast.walk(generator.target))
    return frozenset(name.id for name in targets if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store))
