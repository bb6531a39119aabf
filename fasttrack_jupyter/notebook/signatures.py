"""What a function's signature says of a task: its arguments, and the names and types of what it returns."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.parameters import ValueType

RESULT = "result"
"""What the one output of a task is called that says nothing else."""

_TYPES: Mapping[Any, ValueType] = {
    int: ValueType.INT, float: ValueType.FLOAT, str: ValueType.STR, bool: ValueType.BOOL,
    list: ValueType.LIST, dict: ValueType.STRUCT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a task's function."""

    name: str
    type: ValueType | None
    """None: any object; it travels as an artifact."""
    is_path: bool
    """Whether the function wants the place of its input (annotated ``Path``), not what is in it."""
    has_default: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A task's function from outside."""

    arguments: Mapping[str, Argument]
    outputs: Mapping[str, ValueType | None]
    """By name, in the order of what is returned; a type where it is one number or text (None: an artifact)."""
    is_many: bool
    """Whether the function returns a tuple with one item for each output."""


def value_type(annotation: Any) -> ValueType | None:
    """The type of value that an annotation means (``int``, ``list[str]``, ``float | None``); None for any object."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        others = [each for each in typing.get_args(annotation) if each is not type(None)]
        return value_type(others[0]) if len(others) == 1 else None
    return _TYPES.get(origin or annotation)


def type_of(value: Any) -> ValueType | None:
    """The type of a literal; None where it is no plain value."""
    return _TYPES.get(type(value))


def signature_of(function: Callable[..., Any], outputs: str | Sequence[str] | None) -> Signature:
    """Read the signature. ``outputs`` names what is returned, where the annotation does not.

    Raises:
        BadRequest: an argument that cannot be given by name, or names that do not fit what is returned.
    """
    hints = _hints(function)
    arguments = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise BadRequest(
                f"task {function.__name__!r} has the argument {parameter!s}, which cannot be given by name",
                hint="Name each argument of a task, without *, ** and /.",
            )
        hint = hints.get(name)
        if hint is None and parameter.default is not parameter.empty:
            hint = type(parameter.default)
        has_default = parameter.default is not parameter.empty
        arguments[name] = Argument(
            name, value_type(hint), _is_path(hint), has_default, parameter.default if has_default else None
        )
    returned, is_many = _returned(function.__name__, hints.get("return", typing.Any), outputs)
    return Signature(arguments, returned, is_many)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:  # names that only a type checker knows: such annotations say nothing
        return {name: hint for name, hint in getattr(function, "__annotations__", {}).items() if type(hint) is not str}


def _is_path(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, PurePath)


def _returned(task: str, hint: Any, outputs: str | Sequence[str] | None) -> tuple[dict[str, ValueType | None], bool]:
    fields = _fields(hint)
    if outputs is None:
        if hint is type(None):
            return {}, False
        return (fields, True) if fields is not None else ({RESULT: _scalar(hint)}, False)
    if isinstance(outputs, str):
        return {_output(task, outputs): _scalar(hint)}, False
    if len(outputs) == 1 and fields is None and typing.get_origin(hint) is not tuple:
        return {_output(task, outputs[0]): _scalar(hint)}, False
    names = [_output(task, name) for name in outputs]
    kinds = list(fields.values()) if fields is not None else _items(hint, len(names))
    if len(kinds) != len(names) or len(set(names)) != len(names):
        raise BadRequest(
            f"task {task!r} names {len(names)} outputs ({', '.join(names)}) and returns {len(kinds)}",
            hint="Name each item of the tuple that is returned, once.",
        )
    return dict(zip(names, kinds, strict=True)), True


def _fields(hint: Any) -> dict[str, ValueType | None] | None:
    """Outputs by the fields of a NamedTuple; None for anything else."""
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        kinds = _hints(hint)
        return {name: _scalar(kinds.get(name)) for name in hint._fields}
    return None


def _items(hint: Any, count: int) -> list[ValueType | None]:
    items = typing.get_args(hint) if typing.get_origin(hint) is tuple else ()
    if len(items) == 2 and items[1] is Ellipsis:
        items = (items[0],) * count
    return [_scalar(item) for item in items] if items else [None] * count


def _scalar(hint: Any) -> ValueType | None:
    """The type of what is small whatever it holds; lists and dicts may be large, and are artifacts."""
    kind = value_type(hint)
    return None if kind in (ValueType.LIST, ValueType.STRUCT) else kind


def _output(task: str, name: str) -> str:
    if not name.isidentifier():
        raise BadRequest(f"task {task!r} has an output {name!r}, which is no name", hint="Write a Python name.")
    return name
