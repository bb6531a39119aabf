"""Parameters of a pipeline out of a cell that assigns them: one literal each.

The type is that of the literal, or what the annotation says (``rate: float = 1``); ``n: int`` alone is a parameter
that must be given. ``n: int | None = None`` need not be given, and is None then; without an annotation it is a text,
with a warning. The comment behind the assignment, or the lines of comment right above it, are its description.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.model.parameters import ValueType, check_value
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.cells_reading import problem_of
from fasttrack_jupyter.notebook.ipython_syntax import Finding, is_text, parse

_TYPES = {"int": "int", "float": "float", "str": "str", "bool": "bool", "list": "list", "dict": "struct",
          "List": "list", "Dict": "struct"}  # fmt: skip
_BY_LITERAL: tuple[tuple[type, ValueType], ...] = (
    (bool, ValueType.BOOL), (int, ValueType.INT), (float, ValueType.FLOAT), (str, ValueType.STR),
    (list, ValueType.LIST), (dict, ValueType.STRUCT),
)  # fmt: skip
_LITERAL = (
    "write a number, a text, True or False, a list or a dict; what is computed belongs into a task or common cell"
)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter, as the YAML will have it."""

    name: str
    type: ValueType
    cell: str
    """The key of the cell that assigns it."""
    place: str
    """Where that is, for people: "cell 2, line 3"."""
    default: Any = None
    has_default: bool = True
    description: str = ""

    @property
    def may_be_none(self) -> bool:
        """Whether it is None where it is not given."""
        return self.has_default and self.default is None

    def option(self) -> str:
        """As a word of a task's command. In brackets None (``[null]``) is not the empty text that it would be."""
        value = f"[params.{self.name}]" if self.may_be_none else f"params.{self.name}"
        return f"--param {self.name}=${{{{ {value} }}}}"

    def kind(self) -> str:
        """As ``tasks.json`` tells its type."""
        return f"{self.type}?" if self.may_be_none else str(self.type)

    def written(self) -> dict[str, Any]:
        """As an item of ``params``."""
        item: dict[str, Any] = {"name": self.name, "type": str(self.type)}
        if self.has_default:
            item["default"] = self.default
        return item | ({"description": self.description} if self.description else {})


class _Wrong(Exception):
    """What is wrong with an assignment, and what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def params_of(notebook: Notebook) -> tuple[dict[str, Param], list[Problem]]:
    """The parameters of all cells that assign them, in order, and what is wrong there."""
    params: dict[str, Param] = {}
    problems: list[Problem] = []
    for cell in notebook.cells:
        if cell.kind is not CellKind.PARAMS:
            continue
        comments = _comments(cell.source)
        for statement in parse(cell.source).body:
            try:
                for param in _params(statement, cell, comments):
                    if param.may_be_none and not isinstance(statement, ast.AnnAssign):
                        problems.append(problem_of(cell, _untyped(statement.lineno, param.name)))
                    if param.name in params:
                        message = (
                            f"parameter {param.name} is assigned twice; the first is in {params[param.name].place}"
                        )
                        raise _Wrong(message, "keep one of them")
                    params[param.name] = param
            except _Wrong as error:
                problems.append(problem_of(cell, Finding(statement.lineno, str(error), error.hint)))
    return params, problems


def _params(statement: ast.stmt, cell: Cell, comments: Mapping[int, str]) -> Iterator[Param]:
    """What one statement says."""
    if isinstance(statement, ast.Pass) or is_text(statement):
        return
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        targets: list[ast.expr] = [statement.target]
        kind, value = _annotated(statement.annotation), statement.value
    elif isinstance(statement, ast.Assign):
        targets, kind, value = statement.targets, None, statement.value
    else:
        raise _Wrong(f"{_shown(statement)} is no assignment of a parameter", _LITERAL)
    place = f"{cell.label}, line {statement.lineno}"
    description = _description(statement, comments)
    for target in targets:
        if not isinstance(target, ast.Name):
            raise _Wrong(f"{_shown(statement)} assigns several things at once", "write one parameter on each line")
        if value is None:
            assert kind is not None
            yield Param(target.id, kind, cell.key, place, has_default=False, description=description)
            continue
        default = _literal(target.id, value)
        found = kind or _type_of(target.id, default)
        yield Param(target.id, found, cell.key, place, _checked(target.id, found, default), True, description)


def _untyped(line: int, name: str) -> Finding:
    message = f"parameter {name} is None, which has no type: what is given for it will be a text"
    return Finding(line, message, f"write the type if it is another one: {name}: int | None = None", Severity.WARNING)


def _annotated(annotation: ast.expr) -> ValueType:
    match annotation:
        case ast.Constant(value=str(text)):
            with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                annotation = ast.parse(text, mode="eval").body
    match annotation:
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
            annotation = inner
        case ast.BinOp(left=inner, op=ast.BitOr(), right=ast.Constant(value=None)):
            annotation = inner
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=inner):
            annotation = inner
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    name = base.id if isinstance(base, ast.Name) else base.value if isinstance(base, ast.Constant) else None
    if not isinstance(name, str) or name not in _TYPES:
        raise _Wrong(
            f"{ast.unparse(annotation)} is no type of a parameter", "write int, float, str, bool, list or dict"
        )
    return ValueType(_TYPES[name])


def _literal(name: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _Wrong(f"parameter {name} is no literal: {_shown(value)}", _LITERAL) from None


def _type_of(name: str, value: Any) -> ValueType:
    for kind, found in _BY_LITERAL:
        if isinstance(value, kind):
            return found
    if value is None:
        return ValueType.STR
    hint = "write a list: [1, 2]" if isinstance(value, (tuple, set)) else _LITERAL
    raise _Wrong(f"parameter {name} is a {type(value).__name__}, which no parameter can be", hint)


def _checked(name: str, kind: ValueType, value: Any) -> Any:
    """``value``, if the type and JSON can have it; None any type can."""
    if value is None:
        return None
    if _has_other_keys(value):
        raise _Wrong(f"parameter {name} holds what JSON cannot carry", "use texts as keys, lists instead of tuples")
    try:
        return check_value(kind, value)
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"parameter {name}: {error}", f"it is annotated or used as {kind}: change one of them") from None


def _has_other_keys(value: Any) -> bool:
    """Whether JSON would silently change it: numbers as keys, tuples."""
    if isinstance(value, dict):
        return any(not isinstance(key, str) or _has_other_keys(item) for key, item in value.items())
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(_has_other_keys, value)))


def _comments(source: str) -> dict[int, str]:
    """Text of each comment by its line; those that stand alone are marked with a leading newline."""
    lines = source.split("\n")
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                alone = "" if lines[token.start[0] - 1][: token.start[1]].strip() else "\n"
                found[token.start[0]] = alone + token.string.lstrip("#").strip()
    except (tokenize.TokenError, SyntaxError):  # nothing depends on comments
        return found
    return found


def _description(statement: ast.stmt, comments: Mapping[int, str]) -> str:
    behind = comments.get(statement.end_lineno or statement.lineno, "")
    if behind and not behind.startswith("\n"):
        return behind
    above: list[str] = []
    line = statement.lineno - 1
    while comments.get(line, "").startswith("\n") and not comments[line].startswith("\n%%"):
        above.insert(0, comments[line].strip())
        line -= 1
    return " ".join(part for part in above if part)


def _shown(part: ast.AST) -> str:
    text = ast.unparse(part).split("\n")[0]
    return text if len(text) <= 60 else text[:57] + "…"
