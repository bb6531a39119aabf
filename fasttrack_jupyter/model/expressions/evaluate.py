"""From the tree of an expression to its value.

Values are what JSON has: null, true, false, numbers, texts, lists, structs. Nothing else of Python
is reachable: a name is looked up in a mapping, an index in a list, never an attribute of an object.

``&&`` and ``||`` give one of their operands and leave the other alone where it does not matter.
Numbers and booleans are never equal to each other; values of different types are unequal, and
comparing their size is an error.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

from fasttrack_jupyter.model.expressions.errors import ExpressionError, did_you_mean
from fasttrack_jupyter.model.expressions.syntax import (
    Binary,
    Expression,
    Index,
    ListOf,
    Literal,
    Reference,
    Unary,
)

MAX_SIZE = 1_000_000
"""Characters of a text, items of a list, that an expression may make."""
_MAX_INTEGER = 1 << 256

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def evaluate(expression: Expression, scope: Mapping[str, Any]) -> Any:
    """The value of ``expression``, with the roots of references taken from ``scope``.

    Raises:
        ExpressionError: an unknown name, or operands that do not go together.
    """
    match expression:
        case Literal(value=value):
            return value
        case Reference():
            return _resolve(expression, scope)
        case Index(base=base, key=key, offset=offset):
            return _look_up(
                evaluate(base, scope), evaluate(key, scope), "the value", offset, shows=isinstance(key, Literal)
            )
        case ListOf(items=items):
            return [evaluate(item, scope) for item in items]
        case Unary(operator="!", operand=operand):
            return not evaluate(operand, scope)
        case Unary(operand=operand, offset=offset):
            return _negated(evaluate(operand, scope), offset)
        case Binary(operator="&&", left=left, right=right):
            return evaluate(left, scope) and evaluate(right, scope)
        case Binary(operator="||", left=left, right=right):
            return evaluate(left, scope) or evaluate(right, scope)
        case Binary(operator=symbol, left=left, right=right, offset=offset):
            return _binary(symbol, evaluate(left, scope), evaluate(right, scope), offset)


def type_name(value: Any) -> str:
    """The word for a value's type, as people write it in a pipeline."""
    if value is None:
        return "null"
    names: dict[Any, str] = {
        bool: "bool",
        int: "int",
        float: "float",
        str: "str",
        (list, tuple): "list",
        Mapping: "struct",
    }
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)


def as_text(value: Any, offset: int = 0) -> str:
    """A value as a program reads it: ``true``, ``0.1``, text as it is, lists and structs as JSON, null as nothing.

    Raises:
        ExpressionError: JSON cannot carry it, or no command line and no environment can (a NUL).
    """
    text = _as_text(value, offset)
    if "\0" in text:
        raise ExpressionError("the value holds a NUL character, which no program can be given", offset)
    return text


def _as_text(value: Any, offset: int) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        if isinstance(value, (int, float)):
            return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"a {type_name(value)} that JSON cannot carry: {error}", offset) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _resolve(reference: Reference, scope: Mapping[str, Any]) -> Any:
    if reference.root not in scope:
        raise ExpressionError(
            f"{reference} has no value here: {reference.root!r} is not known at this place", reference.offset
        )
    value, where = scope[reference.root], reference.root
    for name in reference.names:
        value = _look_up(value, name, where, reference.offset)
        where = f"{where}.{name}" if isinstance(name, str) else f"{where}[{name}]"
    return value


def _look_up(value: Any, key: Any, where: str, offset: int, *, shows: bool = True) -> Any:
    """``value[key]``; an error shows a computed key only where it is a number, because it may be a secret."""
    shown = repr(key) if shows or isinstance(key, int) else "such key"
    if isinstance(value, Mapping) and isinstance(key, str):
        if key not in value:
            raise ExpressionError(f"{where} has no {shown}", offset, hint=did_you_mean(key, value))
        return value[key]
    if isinstance(value, (list, tuple)) and isinstance(key, int) and not isinstance(key, bool):
        if not -len(value) <= key < len(value):
            raise ExpressionError(f"{where} has no item {shown}: it has {len(value)}", offset)
        return value[key]
    raise ExpressionError(f"{where} is of type {type_name(value)} and has no {shown}", offset)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _negated(value: Any, offset: int) -> Any:
    if not _is_number(value):
        raise ExpressionError(f"'-' needs a number, not a {type_name(value)}", offset)
    return -value


def _binary(symbol: str, left: Any, right: Any, offset: int) -> Any:
    if symbol == "in":
        return _contains(left, right, offset)
    if symbol in ("==", "!="):
        return is_same(left, right) == (symbol == "==")
    if symbol in _ORDER:
        return _ordered(symbol, left, right, offset)
    return _calculated(symbol, left, right, offset)


def is_same(left: Any, right: Any) -> bool:
    """Equality as expressions have it: by value, numbers and booleans apart."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    return bool(left == right)


def _contains(item: Any, container: Any, offset: int) -> bool:
    if isinstance(container, (list, tuple)):
        return any(is_same(item, other) for other in container)
    if isinstance(item, str) and isinstance(container, (str, Mapping)):
        return item in container
    raise ExpressionError(f"'in' cannot look for a {type_name(item)} in a {type_name(container)}", offset)


def _ordered(symbol: str, left: Any, right: Any, offset: int) -> bool:
    if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return _ORDER[symbol](left, right)
    raise _mismatch(symbol, left, right, offset)


def _calculated(symbol: str, left: Any, right: Any, offset: int) -> Any:
    joined = symbol == "+" and isinstance(left, (str, list)) and type(left) is type(right)
    if not joined and not (_is_number(left) and _is_number(right)):
        raise _mismatch(symbol, left, right, offset)
    if joined and len(left) + len(right) > MAX_SIZE:
        raise ExpressionError(f"'+' makes a {type_name(left)} longer than {MAX_SIZE}", offset)
    try:
        result = _ARITHMETIC[symbol](left, right)
    except ZeroDivisionError:
        raise ExpressionError(f"{left} {symbol} 0: division by zero", offset) from None
    except OverflowError:
        raise ExpressionError(f"the result of {symbol!r} is too large", offset) from None
    if isinstance(result, int) and abs(result) > _MAX_INTEGER:
        raise ExpressionError(f"the result of {symbol!r} is too large", offset)
    return result


def _mismatch(symbol: str, left: Any, right: Any, offset: int) -> ExpressionError:
    return ExpressionError(f"{symbol!r} does not go between a {type_name(left)} and a {type_name(right)}", offset)
