"""Cells in IPython's language as plain Python, line for line.

A task has no IPython. So what IPython alone understands is replaced where its meaning is clear, and refused
where it is not:

- ``!cmd``, ``%ls``: the shell runs it and its output is shown. A command that fails fails the cell, which IPython
  would not do: ``!cmd || true`` is how to say that failing is fine. ``x = !cmd`` gives a list of lines.
- ``{name}`` and ``$name`` in a command are filled in where the notebook has that variable; the rest is the shell's.
- ``%time f()`` runs ``f()``; ``%matplotlib inline``, ``x?`` and their like do nothing.
- ``%pip install`` is refused: packages are a task's ``--requirements``, installed once and before it starts.

Which line is what cannot be told from a line alone: ``%d items`` may stand inside a text. So a small scanner
knows where statements begin: it follows quotes, brackets and backslashes. Line numbers stay: what was several
lines (backslashes) is padded with empty ones.
IPython: https://ipython.readthedocs.io/en/stable/interactive/reference.html
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fasttrack_jupyter.model.problems import Severity

_QUOTES = re.compile(r"'''|\"\"\"|'|\"")
_ASSIGNED = re.compile(r"(?P<target>[^\s=!%?#'\"][^=!?#'\"]*?)\s*=\s*(?P<sign>[!%])(?!=)(?P<rest>.*)", re.DOTALL)
_HELP = re.compile(r"[\w.,*%=\[\] -]*[\w*\]]\?{1,2}|\?{1,2}[\w.*%\[\] -]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said about one line of a cell, counted from 1."""

    line: int
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    is_mark: bool = False
    """It is about a mark of ours: to be told wherever it stands."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of IPython alone: its first line (from 1), how many it has, its indent, its text on one line."""

    line: int
    count: int
    indent: str
    text: str


def is_text(statement: ast.stmt) -> bool:
    """Whether the statement is a literal alone, such as a docstring: it does nothing."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class NotPython(Exception):
    """The cell is no Python; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse(source: str) -> ast.Module:
    """The syntax tree; ``await`` may stand anywhere.

    Raises:
        NotPython: with the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\\d" and its like are the author's, and said when it runs
            return ast.parse(source)
    except SyntaxError as error:
        raise NotPython(error.msg or "no Python", error.lineno or 1) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise NotPython(f"cannot be read as Python: {error or type(error).__name__}", 1) from None


def is_python(source: str) -> bool:
    """Whether all of it is plain Python."""
    try:
        parse(source)
    except NotPython:
        return False
    return True


def statements(source: str) -> Iterator[Statement]:
    """The statements of IPython alone, in order."""
    if is_python(source):
        return
    lines = source.split("\n")
    scanner, place = _Scanner(), 0
    while place < len(lines):
        found = _statement(lines, place) if scanner.is_at_statement else None
        if found is None:
            scanner.read(lines[place])
            place += 1
        else:
            yield found
            place += found.count


def replaced(source: str, by_line: dict[int, tuple[int, str]]) -> str:
    """``source`` with statements replaced: first line → (how many lines it had, the one line instead)."""
    lines = source.split("\n")
    for line, (count, text) in by_line.items():
        lines[line - 1 : line - 1 + count] = [text, *[""] * (count - 1)]
    return "\n".join(lines)


def _statement(lines: list[str], place: int) -> Statement | None:
    """The statement of IPython that begins in line ``place``, if one does."""
    text = lines[place].strip()
    if not text or text.startswith("#"):
        return None
    if not (text[0] in "%!?" or _ASSIGNED.fullmatch(text) or _HELP.fullmatch(text)):
        return None
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    count = 1
    while text.endswith("\\") and place + count < len(lines):
        text = f"{text[:-1].rstrip()} {lines[place + count].strip()}"
        count += 1
    return Statement(place + 1, count, indent, text)


class _Scanner:
    """Follows Python's quotes, brackets and backslashes from line to line."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        self._is_continued = False

    @property
    def is_at_statement(self) -> bool:
        """Whether the next line begins a statement."""
        return not (self._quote or self._depth or self._is_continued)

    def read(self, line: str) -> None:
        """Go on over one line."""
        self._is_continued, place = False, 0
        while place < len(line):
            place = self._in_text(line, place) if self._quote else self._outside(line, place)
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""  # it was never closed: Python will say so

    def _in_text(self, line: str, place: int) -> int:
        if line[place] == "\\":
            return place + 2
        if line.startswith(self._quote, place):
            end, self._quote = place + len(self._quote), ""
            return end
        return place + 1

    def _outside(self, line: str, place: int) -> int:
        sign = line[place]
        if sign == "#":
            return len(line)
        if quote := _QUOTES.match(line, place):
            self._quote = quote[0]
            return quote.end()
        if sign in "([{":
            self._depth += 1
        elif sign in ")]}":
            self._depth = max(self._depth - 1, 0)
        elif sign == "\\" and place == len(line) - 1:
            self._is_continued = True
        return place + 1


def assigned(text: str) -> tuple[str, str, str] | None:
    """``(target, "!" or "%", the rest)`` of ``x = !cmd``; None for any other statement."""
    match = _ASSIGNED.fullmatch(text)
    return (match["target"], match["sign"], match["rest"].strip()) if match else None


def command_parts(text: str, known: Collection[str]) -> tuple[str, list[str]]:
    """A command as arguments of Python, and the names in braces that the notebook does not have.

    ``ls {folder}/$name`` with a known ``folder`` is ``'ls ', folder, '/$name'``.
    """
    parts: list[str] = []
    unknown: list[str] = []
    literal, place = "", 0
    while place < len(text):
        taken, expression = _filled(text, place, known)
        if expression is None:
            literal += taken[1]
            if len(taken[0]) > 2 and taken[0][0] == "{" and taken[0][1:-1].isidentifier():
                unknown.append(taken[0][1:-1])
        else:
            parts += [repr(literal)] * bool(literal) + [expression]
            literal = ""
        place += len(taken[0])
    parts += [repr(literal)] * bool(literal or not parts)
    return ", ".join(parts), unknown


def _filled(text: str, place: int, known: Collection[str]) -> tuple[tuple[str, str], str | None]:
    """What stands at ``place``: its text, what of it is literal, and the expression that it is, if it is one."""
    for double, single in (("{{", "{"), ("}}", "}"), ("$$", "$")):
        if text.startswith(double, place):
            return (double, single if double != "$$" else double), None
    if text.startswith("${", place):
        end = text.find("}", place)
        return (text[place : end + 1 or len(text)],) * 2, None
    if match := re.compile(r"\$([^\W\d]\w*)").match(text, place):
        return (match[0], match[0]), match[1] if match[1] in known else None
    if text[place] == "{" and (end := text.find("}", place)) > 0:
        whole = text[place : end + 1]
        return (whole, whole), _expression(whole, known)
    return (text[place], text[place]), None


def _expression(braces: str, known: Collection[str]) -> str | None:
    """The expression in ``{…}``, as of a formatted string; None where it is none of this notebook's."""
    try:
        tree = ast.parse(f"f'''{braces}'''", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not (isinstance(tree, ast.JoinedStr) and len(tree.values) == 1):
        return None
    field = tree.values[0]
    if not isinstance(field, ast.FormattedValue) or isinstance(field.value, ast.Tuple):
        return None
    names = [part.id for part in ast.walk(field) if isinstance(part, ast.Name)]
    if not any(name in known for name in names):
        return None
    plain = field.conversion == -1 and field.format_spec is None
    try:
        return ast.unparse(field.value) if plain else ast.unparse(tree)
    except RecursionError:
        return None


def bound_names(tree: ast.Module) -> set[str]:
    """Every name that a cell binds anywhere: assigned, imported, defined."""
    names: set[str] = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.arg):
            names.add(part.arg)
    return names
