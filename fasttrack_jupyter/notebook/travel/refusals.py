"""Command lines of execute.py and whole.py, and the errors with which a task does not begin, or ends early."""

from __future__ import annotations

import json
import signal
from typing import Any, Dict, Sequence, Tuple


class Refused(Exception):
    """The task cannot begin; the message says why."""


class Stopped(BaseException):
    """The task was told to end; ``number`` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def read_command_line(argv: Sequence[str], usage: str) -> Tuple[str, Dict[str, str]]:
    """The one word and the parameters (``--param name=value``) of a command line. Raises Refused."""
    rest, given, words = list(argv), {}, []
    while rest:
        word = rest.pop(0)
        if word == "--param" or word.startswith("--param="):
            pair = word[8:] if word.startswith("--param=") else rest.pop(0) if rest else ""
            name, equals, value = pair.partition("=")
            if not equals or not name.isidentifier():
                raise Refused(f"--param {pair!r}: write --param name=value")
            given[name] = value
        elif word.startswith("-"):
            raise Refused(f"unknown option {word}\n{usage}")
        else:
            words.append(word)
    if len(words) != 1:
        raise Refused(usage)
    return words[0], given


def typed(name: str, text: str, kind: str) -> Any:
    """A parameter's value from its text; ``kind`` is int, float, bool, str, list or struct. Raises Refused.

    With a ``?`` behind it may be None too, and the text is a list with the value alone in it: ``[null]``, ``[3]``.
    """
    if kind.endswith("?"):
        return _optional(name, text, kind[:-1])
    try:
        if kind == "str":
            return text
        if kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.strip().lower()]
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
        return json.loads(text)
    except (ValueError, KeyError):
        raise Refused(f"parameter {name}={text!r} is no {kind}") from None


def _optional(name: str, text: str, kind: str) -> Any:
    try:
        (value,) = json.loads(text) if text.startswith("[") else (text,)
    except ValueError:
        value = text
    if value is None or kind == "str":
        return value
    return typed(name, value if isinstance(value, str) else json.dumps(value), kind)
