"""Plain data as YAML text that every reader takes the same way, be it of YAML 1.1 or 1.2.

A text is written plain only if it is a plain word in both: ``on`` and ``12:30`` get quotes. Numbers with an
exponent get the dot that YAML 1.1 wants.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"(?:\d+[dhmskgt])+|[A-Za-z_/][\w./@+-]*(?:[: ][\w./@+-]+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})
_LINE_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[^\t\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]")


def entry(key: str, value: Any, indent: int) -> str:
    """``key: value`` in block style, its later lines indented for a key that stands in column ``indent``."""
    return _text(key) + tail(value, indent)


def tail(value: Any, indent: int) -> str:
    """What follows a key in column ``indent``: the colon and the value."""
    return _after(":", value, indent, indent)


def item(value: Any, indent: int) -> str:
    """``- value`` in block style, the dash standing in column ``indent``."""
    if isinstance(value, Mapping) and value:
        return "- " + block(value, indent + 2)
    return _after("-", value, indent, indent + 2)


def block(value: Mapping[str, Any] | Sequence[Any], indent: int) -> str:
    """A mapping or a list, not empty, that begins in column ``indent``."""
    if isinstance(value, Mapping):
        parts = [entry(str(key), child, indent) for key, child in value.items()]
    else:
        parts = [item(child, indent) for child in value]
    return ("\n" + " " * indent).join(parts)


def inline(value: Any) -> str:
    """Any value on one line, in flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {inline(child)}" for key, child in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _number(value) if isinstance(value, (int, float)) else _text(str(value))


def literal(text: str, indent: int) -> str | None:
    """``|`` and the lines of ``text`` in column ``indent``; None where it is not of that kind."""
    lines = text.removesuffix("\n").split("\n")
    if "\n" not in text or not lines[0].strip() or lines[0][0] in " \t" or not lines[-1].strip():
        return None
    if _LINE_BREAKS.search(text) or _UNPRINTABLE.search(text):
        return None
    body = "".join("\n" + (" " * indent + line if line else "") for line in lines)
    return ("|" if text.endswith("\n") else "|-") + body


def _after(head: str, value: Any, indent: int, list_indent: int) -> str:
    if isinstance(value, Mapping) and value:
        return f"{head}\n{' ' * (indent + 2)}{block(value, indent + 2)}"
    if isinstance(value, (list, tuple)) and value:
        return f"{head}\n{' ' * list_indent}{block(value, list_indent)}"
    long = literal(value, indent + 2) if isinstance(value, str) else None
    return f"{head} {long or inline(value)}"


def _number(value: int | float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = float.__repr__(value) if isinstance(value, float) else int.__repr__(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _UNPRINTABLE.search(text) or "\n" in text:
        escaped = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")
        return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
    return "'" + text.replace("'", "''") + "'"
