"""Filling values into a ``/bin/sh`` command, one word each.

Outside of quotes any value may stand: it is quoted as ``shlex.quote`` does. Anywhere else (inside
``'…'`` or ``"…"``, in a here-document, in backquotes, in ``${…}`` or ``$((…))``) only a value of harmless
characters may, because there is no way to quote it that holds in all of these; what has none is
refused, and the remedy is an environment variable. In a comment a value only must not end it.

So we must know where we are. This is no parser of the shell but a scanner of its quoting: a stack
of contexts, fed with every character that the shell will see. Where it cannot be sure (``$'…\\'``,
which dash and bash read differently; ``case`` inside ``$(…)``, whose ``)`` closes nothing; a here-document
with a computed delimiter) it says so, and from there on treats everything as quoted.
POSIX.1-2017, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.7.4 (here-documents).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from fasttrack_jupyter.model.expressions.errors import ExpressionError

_HARMLESS = re.compile(r"[a-zA-Z0-9@%+=:,./_-]*")
_HEREDOC = re.compile(r"<<(-?)[ \t]*((?:[^\s'\"\\;&|<>()$`]|'[^'\n]*'|\"[^\"\n]*\"|\\[^\n])+)(?=[\s;&|<>()])")
_ORDINARY = re.compile(r"[\w./=:,@%+-]+")
_WORD_ENDS = " \t\n;&|()<>"
_COMMENT = "a comment"
_PLACES = {
    "'": "single quotes", "$'": "single quotes", '"': "double quotes", "`": "backquotes", "${": "${…}",
    "((": "((…))", "$((": "$((…))", "(…": "$((…))", "<<": "a here-document", "#": _COMMENT,
}  # fmt: skip
_ARITHMETIC = ("((", "$((", "(…")
_STRICT = ("`", "${", *_ARITHMETIC)
"""Contexts in which nothing below them is sure to be quoted as usual."""
_CLOSING = {'"': '"', "`": "`", "${": "}", "(": ")", "$(": ")", "((": ")", "$((": ")", "(…": ")"}


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document that was announced: the line that ends it."""

    delimiter: str
    strips_tabs: bool

    def is_end(self, line: str) -> bool:
        """Whether ``line`` ends it."""
        return (line.lstrip("\t") if self.strips_tabs else line) == self.delimiter


class ShellText:
    """A command under construction, and what the shell is in the middle of at its end."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._quoting = Quoting()
        self._ends_with_number = False

    @property
    def text(self) -> str:
        """The command so far."""
        return "".join(self._pieces)

    @property
    def place(self) -> str:
        """Where the next character stands, in words; empty where a word of the command may."""
        return self._quoting.place

    def add(self, text: str) -> None:
        """Append what the author wrote."""
        if self._ends_with_number and text[0] in "<>":
            self._pieces[-1] = f"'{self._pieces[-1]}'"  # a word, not the number of a descriptor as in 2>file
        self._append(text)
        self._ends_with_number = False

    def insert(self, value: str, offset: int, source: str) -> None:
        """Append a value; ``source`` is its expression, at ``offset``, for the error.

        Raises:
            ExpressionError: it cannot stand here.
        """
        place = self._quoting.place
        if not place:
            self._append(shlex.quote(value))
        elif _HARMLESS.fullmatch(value) or (place == _COMMENT and "\n" not in value):
            self._append(value)
        else:
            raise ExpressionError(
                f"{source} stands inside {place}, where its value would need quoting",
                offset,
                hint='take it out of there, or put it into an env and write "$NAME"',
            )
        self._ends_with_number = not place and value.isdigit()

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self._quoting.read(text)


class Quoting:
    """The scanner: read text, ask for the place."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._escaped = False
        self._word_start = True
        self._announced: list[Heredoc] = []
        self._line = ""
        self._is_unsure = False

    @property
    def place(self) -> str:
        """Where we are, in words; empty where a word of the command may stand."""
        top = self._stack[-1] if self._stack else ""
        if self._is_unsure:
            return "something whose quoting cannot be told for sure"
        if self._escaped:
            return "the reach of a backslash"
        if top in _PLACES:
            return _PLACES[top]
        return next((_PLACES[context] for context in self._stack if context in _STRICT), "")

    def read(self, text: str) -> None:
        """Go on to the end of ``text``."""
        position = 0
        while position < len(text):
            position = self._advance(text, position)

    def _advance(self, text: str, at: int) -> int:
        top = self._stack[-1] if self._stack else ""
        if top == "<<":
            return self._in_heredoc(text, at)
        if top == "#":
            return self._in_comment(text, at)
        if self._escaped:
            self._escaped = False
            self._word_start = self._word_start and text[at] == "\n"
            return at + 1
        if top in ("'", "$'"):
            return self._in_single_quotes(text, at)
        return self._anywhere(text, at, top)

    def _in_heredoc(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        if end < 0:
            self._line += text[at:]
            return len(text)
        line, self._line = self._line + text[at:end], ""
        self._is_unsure = self._is_unsure or line.endswith("\\")  # joins the next line, unless the delimiter is quoted
        if self._announced[0].is_end(line):
            self._announced.pop(0)
            if not self._announced:
                self._stack.pop()
                self._word_start = True
        return end + 1

    def _in_comment(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        self._stack.pop()
        return end

    def _in_single_quotes(self, text: str, at: int) -> int:
        if text[at] == "'":
            self._stack.pop()
            self._word_start = False
        elif text[at] == "\\" and self._stack[-1] == "$'":
            self._is_unsure = True
        return at + 1

    def _anywhere(self, text: str, at: int, top: str) -> int:
        """What is special both in a command and in double quotes, ``${…}`` and ``$((…))``."""
        if word := _ORDINARY.match(text, at):
            self._is_unsure = self._is_unsure or (self._word_start and word[0][:4] == "case" and "$(" in self._stack)
            self._word_start = False
            return word.end()
        character = text[at]
        if character == "\\":
            self._escaped = True
        elif character == "$":
            return self._dollar(text, at, top)
        elif character == _CLOSING.get(top):
            return self._close(text, at, top)
        elif character == "`" or (character == '"' and top != '"') or (character == "'" and top != '"'):
            self._open_quotes(character, top)
        elif top == '"' or top == "${":
            pass
        elif top in _ARITHMETIC:
            return self._in_arithmetic(text, at)
        else:
            return self._in_command(text, at)
        return at + 1

    def _open_quotes(self, character: str, top: str) -> None:
        nested = (character == "`" and "`" in self._stack) or (top == "${" and '"' in self._stack)
        self._is_unsure = self._is_unsure or nested
        self._stack.append(character)
        self._word_start = character == "`"

    def _dollar(self, text: str, at: int, top: str) -> int:
        for opening in ("$((", "$(", "${", "$'"):
            if text.startswith(opening, at) and not (opening == "$'" and top == '"'):
                self._stack.append(opening)
                self._word_start = opening == "$("
                return at + len(opening)
        self._word_start = False
        return at + 1

    def _close(self, text: str, at: int, top: str) -> int:
        self._stack.pop()
        self._word_start = top == "("
        if top not in ("((", "$(("):
            return at + 1
        self._is_unsure = self._is_unsure or not text.startswith("))", at)
        return at + 2

    def _in_arithmetic(self, text: str, at: int) -> int:
        if text[at] == "(":
            self._stack.append("(…")
        self._is_unsure = self._is_unsure or text.startswith(
            "<<", at
        )  # a shift, or a here-document of nested subshells
        return at + 1

    def _in_command(self, text: str, at: int) -> int:
        character = text[at]
        if text.startswith("<<", at):
            return self._announce(text, at)
        if character == "(":
            return self._open_subshell(text, at)
        if character == "#" and self._word_start:
            self._stack.append("#")
            self._is_unsure = self._is_unsure or "`" in self._stack
            return at + 1
        if character == "\n" and self._announced:
            self._stack.append("<<")
        self._word_start = character in _WORD_ENDS
        return at + 1

    def _announce(self, text: str, at: int) -> int:
        if text.startswith("<<<", at):
            self._word_start = True
            return at + 3
        match = _HEREDOC.match(text, at)
        if match is None:
            self._is_unsure = True
            return at + 2
        delimiter = re.sub(r"['\"]|\\(.)", r"\1", match[2])
        self._announced.append(Heredoc(delimiter, strips_tabs=bool(match[1])))
        self._word_start = False
        return match.end()

    def _open_subshell(self, text: str, at: int) -> int:
        is_double = text.startswith("((", at)
        self._stack.append("((" if is_double else "(")
        self._word_start = True
        return at + (2 if is_double else 1)
