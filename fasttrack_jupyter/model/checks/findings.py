"""What a check finds, before it has a line and column; and suggestions that stay cheap."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.yaml_events import Path

MAX_SHOWN = 120
"""Characters of an offending value."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at ``path``; the reading makes a Problem of it."""

    code: str
    path: Path
    message: str
    hint: str = ""
    value: Any = None
    severity: Severity = Severity.ERROR
    at_key: bool = False
    """The place is the key at the end of ``path``, not its value."""
    offset: int | None = None
    """Characters into the text at ``path``."""
    see: Path | None = None
    """Another place that the message ends with: ``… (first in line 7)``."""

    def problem(self, line: int, column: int, *, first: int = 0) -> Problem:
        """The problem at ``line`` and ``column``; ``first`` is the line of ``see``."""
        return Problem(
            code=self.code, message=self.message + (f" (first in line {first})" if first else ""), path=self.path,
            line=line, column=column, value=shown(self.value), hint=self.hint, severity=self.severity,
        )  # fmt: skip


def shown(value: Any) -> Any:
    """``value`` as something small that JSON can carry."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 1 << 53:
        return int(value)
    text = value if isinstance(value, str) else "{…}" if isinstance(value, dict) and value else repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


class Suggester:
    """``did you mean 'train'?`` for one set of names.

    Spelling differences are looked up; only a few are searched for with difflib, whose cost grows
    with the number of names: a file with 100,000 wrong names must not take hours.
    """

    _COMPARISONS = 60_000

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._spellings: dict[str, str] | None = None
        self._searches = max(3, self._COMPARISONS // (len(names) + 1))

    def near(self, word: str) -> str | None:
        """The name that was probably meant."""
        if self._spellings is None:
            self._spellings = {_plain(name): name for name in self._names}
        if (found := self._spellings.get(_plain(word))) is not None:
            return found
        if self._searches <= 0 or len(word) > MAX_SHOWN:
            return None
        self._searches -= 1
        return next(iter(get_close_matches(word, self._names, n=1, cutoff=0.6)), None)

    def hint(self, word: str, what: str) -> str:
        """``did you mean 'train'?``, or what there is to choose from (``what``: "tasks", "parameters")."""
        near = self.near(word)
        if near is not None:
            return f"did you mean {near!r}?"
        return _choice(self._names, what)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def _choice(names: Iterable[str], what: str) -> str:
    first = [name for name, _ in zip(names, range(7), strict=False)]
    more = ", …" if len(first) > 6 else ""
    return f"{what} here: {', '.join(first[:6])}{more}" if first else f"there are no {what} here"
