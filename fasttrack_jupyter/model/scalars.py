"""What a plain (unquoted) scalar means: the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema).

So ``yes``, ``on``, ``12:30``, ``2024-01-01`` and ``1_000`` are text, ``010`` is ten, ``0o10`` eight, and
``null``, ``~``, ``true``, ``.inf`` are what they look like. ``<<`` is text like any other: merging
is a wish of YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

TAG_PREFIX = "tag:yaml.org,2002:"

Scalar = None | bool | int | float | str


class WrittenInt(int):
    """A whole number written unlike Python does, such as ``010``: where text is wanted, ``written``."""

    written: str


class WrittenFloat(float):
    """A number written unlike Python does, such as ``1.10``: where text is wanted, ``written``."""

    written: str


def as_written(value: bool | int | float) -> str:
    """The text of a number or of true and false, as it stood in the file as far as that is known."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return getattr(value, "written", None) or str(value)


_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
FIRST = frozenset(word[0] for word in _WORDS if word) | frozenset("+-.0123456789")
"""A plain scalar whose first character is none of these is text."""

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
MAX_NUMBER = 1000
"""Characters of a number; Python itself refuses to print integers of more than 4,300 digits."""


@lru_cache(maxsize=8192)
def resolve(text: str) -> Scalar:
    """The value of a plain scalar.

    Raises:
        ValueError: a number of more than :data:`MAX_NUMBER` characters.
    """
    if text in _WORDS:
        return _WORDS[text]
    for pattern, value in _NUMBERS:
        if pattern.fullmatch(text):
            if len(text) > MAX_NUMBER:
                raise ValueError(f"a number of {len(text)} characters")
            return _number(value(text), text)
    return text


def _number(value: int | float, text: str) -> int | float:
    if str(value) == text:
        return value
    number = WrittenInt(value) if isinstance(value, int) else WrittenFloat(value)
    number.written = text
    return number


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (_INT, int),
    (_FLOAT, float),
    (_OCTAL, lambda text: int(text[2:], 8)),
    (_HEX, lambda text: int(text[2:], 16)),
)


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar that carries a tag of the core schema, such as ``!!int "5"``.

    Raises:
        KeyError: the tag is none of the core schema.
        ValueError: the text is no such value.
    """
    if tag in ("!", TAG_PREFIX + "str"):
        return text
    wanted = _TAGGED[tag]
    value = resolve(text)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"{text!r} is no {tag.removeprefix(TAG_PREFIX)}")
    return value


_TAGGED = {TAG_PREFIX + name: kind for name, kind in
           (("null", type(None)), ("bool", bool), ("int", int), ("float", float))}  # fmt: skip
