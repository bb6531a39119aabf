"""A Python function as source that runs elsewhere: the function itself, and everything of ours that it uses.

What travels is text, never a pickle of code: the function's own lines, and for each global name that it (or a function
nested in it) mentions

- a module: an import of it,
- a function or class of another module (a package, a file beside the notebook): an import of its name,
- a function or class of the notebook, or of the very file: its source, and in turn what that needs,
- a plain constant (numbers, text, tuples, dicts of these …): an assignment of it.

Anything else (a data frame, an open file, a model) belongs into an argument, and is an error that says so. So what a
task runs can be read, and does not depend on the state of the process that made the pipeline.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from fasttrack_jupyter.errors import BadRequest

_DEEPEST = 50
_LONGEST = 100_000
"""Characters of a literal: a larger one is data, and belongs into a file or a task."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Source of one function or class, to be run before it is used."""

    name: str
    source: str
    """Without decorators of ours, and with so many empty lines before it that its lines have their own numbers."""
    label: str
    """Where it was written, as a traceback shall say it: ``train() in pipeline.py``."""


@dataclass(slots=True)
class Needs:
    """All that a function needs, in the order in which it is to be run."""

    imports: dict[str, str] = field(default_factory=dict)
    """Statement by the name that it binds."""
    constants: dict[str, str] = field(default_factory=dict)
    """Python literal by name."""
    pieces: dict[str, Piece] = field(default_factory=dict)

    def header(self) -> str:
        """Imports and constants as statements."""
        lines = [*sorted(set(self.imports.values())), *(f"{name} = {text}" for name, text in self.constants.items())]
        return "".join(f"{line}\n" for line in lines)


def needs_of(function: Callable[..., Any], unwrap: Callable[[Any], Any] = lambda found: found) -> Needs:
    """What ``function`` needs to run in a process of its own; its own source is the last piece.

    ``unwrap`` turns what the authoring API made of a function (a task) back into the function.

    Raises:
        BadRequest: its source cannot be had, or it uses something that cannot travel as text.
    """
    needs = Needs()
    _Collector(function, needs, unwrap).take(function, ())
    return needs


class _Collector:
    def __init__(self, function: Callable[..., Any], needs: Needs, unwrap: Callable[[Any], Any]) -> None:
        self.task, self.home, self.needs, self.unwrap = function.__name__, function.__module__, needs, unwrap
        self.begun: set[str] = set()

    def take(self, found: Any, through: tuple[str, ...]) -> None:
        """The source of a function or class, after the sources of what it mentions."""
        name = found.__name__
        if name in self.begun:
            return
        self.begun.add(name)
        if len(through) > _DEEPEST:
            raise BadRequest(f"task {self.task!r} uses functions more than {_DEEPEST} deep")
        piece = _piece_of(found, self.task)
        values = _globals_of(found)
        for mentioned in mentioned_globals(piece.source):
            if mentioned != name and mentioned in values:
                self._bring(mentioned, values[mentioned], (*through, name))
        self.needs.pieces[name] = piece

    def _bring(self, name: str, value: Any, through: tuple[str, ...]) -> None:
        value = self.unwrap(value)
        if isinstance(value, ModuleType):
            self.needs.imports[name] = _import_of(value, name)
        elif _is_importable(value, self.home):
            self.needs.imports[name] = _from_import(value, name)
        elif isinstance(value, (FunctionType, type)) and value.__name__ == name:
            self.take(value, through)
        elif callable(value) and (module := _found_in(value, name)):
            self.needs.imports[name] = f"from {module} import {name}"
        else:
            self.needs.constants[name] = self._constant(name, value, through)

    def _constant(self, name: str, value: Any, through: tuple[str, ...]) -> str:
        if (text := literal_of(value)) is not None:
            return text
        kind = type(value)
        raise BadRequest(
            f"task {self.task!r} uses {name!r} (in {through[-1]}), a {kind.__module__}.{kind.__qualname__} of the "
            "process that makes the pipeline; it is not there when the task runs",
            hint=f"Make {name} an argument, the result of another task, or make it inside the function.",
        )


def literal_of(value: Any) -> str | None:
    """``value`` as a Python literal; None where it is none, or too large for one."""
    text = repr(value)
    try:
        return text if len(text) <= _LONGEST and ast.literal_eval(text) == value else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def mentioned_globals(source: str) -> list[str]:
    """Global names that the source mentions anywhere, builtins aside, in order of their text."""
    found: dict[str, None] = {}

    def visit(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if symbol.is_referenced() and symbol.is_global() and not hasattr(builtins, name):
                found.setdefault(name)
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(source, "<task>", "exec"))
    return sorted(found)


def _globals_of(found: Any) -> dict[str, Any]:
    """The values of names that a function or class can see: its module's, and those of functions around it."""
    if isinstance(found, type):
        module = sys.modules.get(found.__module__)
        closures = [_closure(member) for member in vars(found).values() if isinstance(member, FunctionType)]
        return {**(vars(module) if module else {}), **{key: value for each in closures for key, value in each.items()}}
    return {**found.__globals__, **_closure(found)}


def _closure(function: FunctionType) -> dict[str, Any]:
    code: CodeType = function.__code__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return dict(_contents(cells))


def _contents(cells: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, cell in cells:
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet: the function will say so itself when it runs
            continue


def _piece_of(found: Any, task: str) -> Piece:
    try:
        lines, first = inspect.getsourcelines(found)
    except (OSError, TypeError) as error:
        raise BadRequest(
            f"the source of {found.__name__!r}, which task {task!r} needs, cannot be read: {error}",
            hint="Write it in a file or in a notebook cell; a task is carried as text.",
        ) from None
    source, above = _without_decorators(textwrap.dedent("".join(lines)))
    where = inspect.getsourcefile(found) or "<unknown>"
    file = where.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "this notebook" if file.startswith("<") or "ipykernel" in where else file
    return Piece(found.__name__, "\n" * (first - 1 + above) + source, f"{found.__name__}() in {shown}")


def _without_decorators(source: str) -> tuple[str, int]:
    """The definition without the decorators above it that make tasks, and how many lines went with them.

    Others stay: they are part of what the function is.
    """
    node = ast.parse(source).body[0]
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    kept = [one for one in node.decorator_list if not _makes_task(one)]
    if len(kept) == len(node.decorator_list):
        return source, 0
    lines = source.splitlines(keepends=True)
    for one in node.decorator_list:
        if _makes_task(one):
            lines[one.lineno - 1 : one.end_lineno] = ["\n"] * ((one.end_lineno or one.lineno) - one.lineno + 1)
    text = "".join(lines)
    stripped = text.lstrip("\n")
    return stripped, len(text) - len(stripped)


def _makes_task(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Attribute) and called.attr == "task") or (
        isinstance(called, ast.Name) and called.id == "task"
    )


def _import_of(module: ModuleType, name: str) -> str:
    return f"import {name}" if module.__name__ == name else f"import {module.__name__} as {name}"


def _from_import(value: Any, name: str) -> str:
    own = value.__name__
    return f"from {value.__module__} import {own}" + ("" if own == name else f" as {name}")


def _is_importable(value: Any, home: str) -> bool:
    """Whether ``from module import name`` gives this very thing elsewhere; ``home`` is the module of the task itself,
    which builds the pipeline when it is imported, and is carried as source instead."""
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module in ("__main__", home):
        return False
    return getattr(sys.modules.get(module), name, None) is value


def _found_in(value: Any, name: str) -> str | None:
    """The module that offers ``value`` under ``name``, for things that do not know where they are from (ufuncs)."""
    known = [key for key, module in list(sys.modules.items()) if getattr(module, "__dict__", {}).get(name) is value]
    public = [key for key in known if key != "__main__" and not any(part.startswith("_") for part in key.split("."))]
    return min(public, key=len, default=None)
