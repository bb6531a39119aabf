"""Wrong types and missing keys: pydantic's findings in our own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from fasttrack_jupyter.model.checks.findings import Finding, shown
from fasttrack_jupyter.model.resources import asked_quantity
from fasttrack_jupyter.model.yaml_events import Path

_NEEDED = {
    "name": "add name: …", "tasks": "add tasks: with a list below", "model": "add model: the name of a model folder",
    "from": "add from: the task and its output, such as train.model",
    "type": "add type: int, float, str, bool, list, struct, or a name such as Model",
}  # fmt: skip
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nothing"), (bool, "true or false"), ((int, float), "a number"), (str, "text"), (dict, "a mapping"),
    ((list, tuple), "a list"),
)  # fmt: skip
_ALMOST_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgtpKMGTP]?)")


def explain(details: Mapping[str, Any], data: Any) -> Iterator[Finding]:
    """What pydantic found in ``data``, as findings: one for each resource slot where resources are wrong."""
    path: Path = tuple(step for step in details["loc"] if step != "[key]")
    kind: str = details["type"]
    if kind == "missing":
        key = str(path[-1])
        message = f"{_owner(path[:-1], data)} has no {key}"
        yield Finding("missing-key", path[:-1], message, _NEEDED.get(key, f"add {key}: …"))
        return
    owner, value = _owner(path, data), _at(data, path)
    if path[-1:] == ("resources",):
        if isinstance(value, dict):
            yield from _slots(owner, path, value)
            return
        kind = "dict_type"
    message, hint = _reword(kind, details, value, path)
    yield Finding(_CODES.get(kind, "wrong-type"), path, f"{owner}: {message}", hint, _discreet(path, value))


_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")
_CODES = {"value_error": "bad-value", "enum": "bad-value", **dict.fromkeys(_OUT_OF_RANGE, "out-of-range")}


def _owner(path: Path, data: Any) -> str:
    """The task, parameter … that ``path`` leads into, and the key within it."""
    if len(path) > 1 and path[0] in ("tasks", "params") and isinstance(path[1], int):
        what, rest = {"tasks": "task", "params": "parameter"}[str(path[0])], path[2:]
        thing = _at(data, path[:2])
        name = thing.get("name") if isinstance(thing, dict) else None
        who = f"{what} {name!r}" if isinstance(name, str) and name else f"{what} number {path[1] + 1}"
        return f"{who}, {_dotted(rest)}" if rest and path[-1] != "name" else who
    return _dotted(path) if path and path[-1] != "name" else "the pipeline"


def _dotted(path: Path) -> str:
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".")


def _at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _discreet(path: Path, value: Any) -> Any:
    """Values of environment variables may be secrets: they are not repeated."""
    return None if "envs" in path else value


def _kind(value: Any) -> str:
    return next((words for kinds, words in _KINDS if isinstance(value, kinds)), "that")


def _reword(kind: str, details: Mapping[str, Any], value: Any, path: Path) -> tuple[str, str]:
    if kind == "value_error":
        message, hint = said(details["ctx"]["error"])
        return message, (_suggest_size(value) if path[-1] == "shmem" else "") or hint
    if kind == "enum":
        return _enum(value, str(details["ctx"]["expected"]))
    for prefix, words in _LIMITS.items():
        if kind == prefix:
            limit = next(iter(details["ctx"].values()))
            return f"{shown(value)} is {words} {limit:g}", f"write a number {_REMEDIES[prefix]} {limit:g}"
    for start, (expected, remedy) in _EXPECTED.items():
        if kind.startswith(start):
            return f"must be {expected}, not {_kind(value)}", remedy(value)
    return f"{_kind(value)} is not allowed here", "see the description of this key in the JSON Schema"


_LIMITS = {
    "greater_than": "not above", "greater_than_equal": "below", "less_than": "not below", "less_than_equal": "above",
}  # fmt: skip
_REMEDIES = {
    "greater_than": "above", "greater_than_equal": "of at least", "less_than": "below", "less_than_equal": "of at most",
}  # fmt: skip


def _enum(value: Any, expected: str) -> tuple[str, str]:
    names = re.findall(r"'([^']*)'", expected)
    near = get_close_matches(str(value).lower(), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else "write one of " + ", ".join(names)
    return f"{shown(value)!r} is none of " + ", ".join(names), hint


def _text_remedy(value: Any) -> str:
    if value is None:
        return "write a text, or remove the key"
    return "put the text into quotes" if isinstance(value, dict) else "write one text; several lines begin with |"


_EXPECTED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "string": ("text", _text_remedy),
    "bool": ("true or false", lambda _: "write true or false"),
    "int": ("a whole number", lambda _: "write a whole number, such as 2"),
    "float": ("a number", lambda _: "write a number, such as 1.5"),
    "finite": ("a finite number", lambda _: "write a number, such as 1.5"),
    "dict": ("a mapping", lambda _: "write key: value below it, or {key: value}"),
    "model": ("a mapping", lambda _: "write key: value below it, or {key: value}"),
    "tuple": ("a list", lambda value: f"write [{value}]" if isinstance(value, str) else "write - before each item"),
    "list": ("a list", lambda value: f"write [{value}]" if isinstance(value, str) else "write - before each item"),
}


def _slots(owner: str, path: Path, written: Mapping[str, Any]) -> Iterator[Finding]:
    if "mem" in written and "memory" in written:
        place = (*path, "memory")
        message = f"{owner}: mem and its old name memory are both given"
        yield Finding("bad-quantity", place, message, "keep mem", written["memory"], at_key=True)
    for slot, value in written.items():
        try:
            asked_quantity("mem" if slot == "memory" else slot, value)
        except ValueError as error:
            message, hint = said(error)
            near = _suggest_size(value) if slot in ("mem", "memory") else ""
            remedy = near or hint or "write a number above zero"
            yield Finding("bad-quantity", (*path, slot), f"{owner}.{slot}: {message}", remedy, value)


def said(error: object) -> tuple[str, str]:
    """Message and hint of one of our own ValueErrors: ``… is no size: write 16g``, ``… (did you mean 'x'?)``."""
    message, colon, hint = str(error).partition(": write ")
    if colon:
        return message, f"write {hint}"
    if match := re.fullmatch(r"(.*) \(((?:did you mean|write) .*)\)", message, re.DOTALL):
        return match[1], match[2]
    return message, ""


def _suggest_size(value: Any) -> str:
    """``16gg`` was meant to be ``16g``."""
    text = str(value)
    if text.strip().startswith("-"):
        return "a size is not negative"
    match = _ALMOST_SIZE.match(text)
    return f"did you mean {match[1]}{match[2].lower()}?" if match and match[2] and match[0] != text else ""
