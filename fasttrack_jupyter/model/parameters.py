"""Typed parameters of a pipeline, and the six types of values that parameters and outputs share."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.expressions import did_you_mean, is_same
from fasttrack_jupyter.model.problems import Problem, Severity


class ValueType(StrEnum):
    """Type of a parameter or of a value that tasks hand on."""

    INT = "int"
    FLOAT = "float"
    STR = "str"
    BOOL = "bool"
    LIST = "list"
    STRUCT = "struct"


FOREIGN_TYPES = {
    "integer": "int", "number": "float", "double": "float", "string": "str", "boolean": "bool", "array": "list",
    "dict": "struct", "object": "struct",
}  # fmt: skip
"""What other languages call our types: for suggestions."""

_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_INTEGER = re.compile(r"[-+]?\d{1,100}")


def suggest_type(name: str) -> str:
    """Which of our types somebody meant who wrote ``name``, as a hint; empty where none comes to mind."""
    ours = FOREIGN_TYPES.get(name.lower(), name.lower())
    return f"did you mean {ours!r}?" if ours in frozenset(ValueType) else ""


def _value_type(value: Any) -> Any:
    if isinstance(value, str) and value not in frozenset(ValueType):
        hint = suggest_type(value) or "write one of " + ", ".join(ValueType)
        raise ValueError(f"unknown type {value!r} ({hint})")
    return value


class Parameter(BaseModel):
    """A declared parameter.

    Without a ``default`` a value must be given, unless ``required: false`` (then it is null).
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    type: Annotated[ValueType, BeforeValidator(_value_type)] = ValueType.STR
    default: Any = None
    required: bool | None = None
    description: str | None = None
    choices: tuple[Any, ...] | None = None
    """The only values allowed."""

    @property
    def has_default(self) -> bool:
        """Whether a default is written (``default: null`` is one)."""
        return "default" in self.model_fields_set

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return not self.has_default if self.required is None else self.required


def check_value(kind: ValueType, value: Any) -> Any:
    """``value`` as the type has it: 3.0 is an int, 3 a float; nothing else is converted.

    Raises:
        ValueError: it is not of that type (or not finite, or holds what JSON cannot carry).
    """
    if _is_number(value):
        value = _as_number(kind, value)
    if not _CHECKS[kind](value):
        raise ValueError(f"{_shown(value)} is not {_ARTICLES[kind]}")
    return _as_json(value) if kind in (ValueType.LIST, ValueType.STRUCT) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_number(kind: ValueType, value: int | float) -> int | float:
    if kind is ValueType.INT and (isinstance(value, int) or value.is_integer()):
        return int(value)
    try:
        return float(value) if kind is ValueType.FLOAT else value
    except OverflowError:
        return math.inf


def _as_json(value: Any) -> Any:
    """A copy made of JSON's own types; raises ValueError where there is none."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{_shown(value)} holds what JSON cannot carry: {error}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _read_bool(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError
    return text.lower() in _TRUE


_CHECKS: dict[ValueType, Callable[[Any], bool]] = {
    ValueType.INT: lambda value: isinstance(value, int) and not isinstance(value, bool),
    ValueType.FLOAT: lambda value: isinstance(value, float) and math.isfinite(value),
    ValueType.STR: lambda value: isinstance(value, str),
    ValueType.BOOL: lambda value: isinstance(value, bool),
    ValueType.LIST: lambda value: isinstance(value, (list, tuple)),
    ValueType.STRUCT: lambda value: isinstance(value, Mapping),
}
_READERS: dict[ValueType, Callable[[str], Any]] = {
    ValueType.INT: _read_integer,
    ValueType.FLOAT: float,
    ValueType.BOOL: _read_bool,
    ValueType.LIST: json.loads,
    ValueType.STRUCT: json.loads,
}
_ARTICLES = {
    ValueType.INT: "an int", ValueType.FLOAT: "a float", ValueType.STR: "a str", ValueType.BOOL: "a bool",
    ValueType.LIST: "a list", ValueType.STRUCT: "a struct",
}  # fmt: skip
_EXAMPLES = {
    ValueType.INT: "write a whole number such as 3",
    ValueType.FLOAT: "write a finite number such as 0.1 or 1e-3",
    ValueType.STR: "write it in quotes",
    ValueType.BOOL: "write true or false",
    ValueType.LIST: "write JSON such as [1, 2]",
    ValueType.STRUCT: 'write JSON such as {"a": 1}',
}


def read_value(kind: ValueType, text: str) -> Any:
    """The value that somebody typed or a program wrote: numbers, true/false/yes/no/1/0, JSON for lists and structs.

    A text is taken as it is; all others may have space and a line end around them.

    Raises:
        ValueError: it is not of that type; the message says what it should look like.
    """
    if kind is ValueType.STR:
        return text
    try:
        return check_value(kind, _READERS[kind](text.strip()))
    except (ValueError, RecursionError):
        raise ValueError(f"{_shown(text)} is not {_ARTICLES[kind]}: {_EXAMPLES[kind]}") from None


def check_parameters(params: Sequence[Parameter]) -> list[Problem]:
    """Everything that is wrong with the declarations; paths are relative to the ``params`` list."""
    counts = Counter(param.name for param in params)
    problems: list[Problem] = []
    for position, param in enumerate(params):
        if counts[param.name] > 1 and any(other.name == param.name for other in params[:position]):
            problems.append(
                _problem(
                    "duplicate-parameter",
                    position,
                    "name",
                    param.name,
                    f"two parameters are named {param.name!r}",
                    "rename one",
                )
            )
        problems.extend(_declaration_problems(position, param))
    return problems


def _declaration_problems(position: int, param: Parameter) -> Iterator[Problem]:
    if not param.name.isidentifier():
        suggestion = re.sub(r"\W+", "_", param.name).strip("_") or "param"
        suggestion = f"p_{suggestion}" if suggestion[0].isdigit() else suggestion
        yield _problem(
            "bad-parameter-name",
            position,
            "name",
            param.name,
            f"{param.name!r} is not a parameter's name",
            f"letters, digits and _ only, such as {suggestion!r}",
        )
    if param.required and param.has_default:
        yield _problem(
            "required-with-default",
            position,
            "required",
            True,
            f"parameter {param.name} is required, so its default is never used",
            "remove one of them",
            Severity.WARNING,
        )
    if param.has_default and param.default is not None:
        yield from _default_problems(position, param)
    for index, choice in enumerate(param.choices or ()):
        try:
            check_value(param.type, choice)
        except ValueError as error:
            yield _problem(
                "bad-choice",
                position,
                ("choices", index),
                choice,
                f"choice of parameter {param.name}: {error}",
                _EXAMPLES[param.type],
            )


def _default_problems(position: int, param: Parameter) -> Iterator[Problem]:
    try:
        _refuse_unchosen(param, check_value(param.type, param.default))
    except ValueError as error:
        yield _problem(
            "bad-default",
            position,
            "default",
            param.default,
            f"default of parameter {param.name}: {error}",
            _EXAMPLES[param.type],
        )
    if isinstance(param.default, str) and "${{" in param.default:
        yield _problem(
            "expression-in-default",
            position,
            "default",
            param.default,
            f"default of parameter {param.name} is taken as it is: expressions have no meaning there",
            "write the expression where the parameter is used",
            Severity.WARNING,
        )


def _problem(
    code: str, position: int, key: str | tuple[str | int, ...], value: Any, message: str, hint: str,
    severity: Severity = Severity.ERROR,
) -> Problem:  # fmt: skip
    keys = (key,) if isinstance(key, str) else key
    return Problem(code=code, message=message, path=(position, *keys), value=value, hint=hint, severity=severity)


def bind_parameters(params: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every parameter, in order of declaration: what is given, or else its default.

    A string is read as the parameter's type, as from a command line.

    Raises:
        BadRequest: names all that are unknown, missing or of the wrong type, each with its remedy;
            ``details["parameters"]`` maps each name to what is wrong with it.
    """
    declared = {param.name: param for param in params}
    wrong = {
        name: f"unknown parameter {name!r}: {did_you_mean(name, declared)}" for name in given if name not in declared
    }
    bound: dict[str, Any] = {}
    for name, param in declared.items():
        try:
            bound[name] = _bind(param, given)
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise BadRequest(
            "; ".join(wrong.values()),
            hint=_usage(params),
            details={"parameters": wrong},
        )
    return bound


def _usage(params: Sequence[Parameter]) -> str:
    """How to give parameters, and which there are."""
    known = ", ".join(f"{param.name} ({param.type})" for param in params)
    return f"give them as --param name=value; there are {known}" if known else "declare them in the YAML, under params"


def _bind(param: Parameter, given: Mapping[str, Any]) -> Any:
    if param.name not in given:
        if param.is_required:
            raise ValueError(f"parameter {param.name} ({param.type}) needs a value: --param {param.name}=…")
        return param.default if param.default is None else check_value(param.type, param.default)
    value = given[param.name]
    if value is None and not param.is_required and param.default is None:
        return None
    try:
        read = read_value(param.type, value) if isinstance(value, str) else check_value(param.type, value)
        return _refuse_unchosen(param, read)
    except ValueError as error:
        raise ValueError(f"parameter {param.name}: {error}") from None


def _refuse_unchosen(param: Parameter, value: Any) -> Any:
    if param.choices is not None and not any(is_same(value, choice) for choice in param.choices):
        raise ValueError(f"{_shown(value)} is not one of {', '.join(map(_shown, param.choices))}")
    return value
