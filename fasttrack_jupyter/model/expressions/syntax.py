"""From the text of an expression to its tree: a hand-written lexer and a Pratt parser.

Precedence, loosest first: ``||`` (``or``), ``&&`` (``and``), ``not``, comparison and ``in``, ``+ -``,
``* / %``, ``!`` and unary ``-``, and last ``.name`` and ``[…]``. Comparisons do not chain.

A hyphen belongs to a name only right after ``tasks.``, because task names have hyphens and
parameters have not: ``tasks.train-a.outputs.x`` is one reference, ``params.a-1`` a subtraction.

In ``'…'`` a doubled quote stands for a quote and nothing else is special; ``"…"`` is a JSON string.

There are no loops and no calls, so work is bounded by the size of the text, which is bounded here:
:data:`MAX_LENGTH` characters, :data:`MAX_NESTING` brackets, :data:`MAX_OPERATORS` operators.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.model.expressions.errors import ExpressionError, did_you_mean

ROOTS = ("params", "secrets", "inputs", "tasks", "item", "loop", "job")
"""What a reference may begin with."""

MAX_LENGTH = 10_000
MAX_NESTING = 40
MAX_OPERATORS = 150
MAX_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Any
    offset: int


@dataclass(frozen=True, slots=True)
class Reference:
    """``params.rate`` or ``tasks['my task'].outputs.x[0]``: a root and the names that lead on from it."""

    root: str
    names: tuple[str | int, ...] = ()
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        words = [self.root]
        for position, name in enumerate(self.names):
            plain = _TASK_NAME if self.root == "tasks" and position == 0 else _NAME
            words.append(f".{name}" if isinstance(name, str) and plain.fullmatch(name) else f"[{name!r}]")
        return "".join(words)


@dataclass(frozen=True, slots=True)
class Index:
    """``base[key]`` where the key is computed."""

    base: Expression
    key: Expression
    offset: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b]``."""

    items: tuple[Expression, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Unary:
    """``!a`` or ``-a``."""

    operator: str
    operand: Expression
    offset: int


@dataclass(frozen=True, slots=True)
class Binary:
    """``a + b``; ``offset`` is the operator's."""

    operator: str
    left: Expression
    right: Expression
    offset: int


Expression = Literal | Reference | Index | ListOf | Unary | Binary


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: ``name``, ``number``, ``string``, ``end``, or the operator itself."""

    kind: str
    text: str
    offset: int
    value: Any = None


_SPACE = re.compile(r"\s*")
_TOKEN = re.compile(
    r"(?P<end>\}\})"
    r"|(?P<number>(?:\d+\.\d+|\d+)(?:[eE][+-]?\d+)?(?!\w))"
    r"|(?P<string>'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||[-<>!+*/%()\[\].,])",
    re.DOTALL,
)
_NAME = re.compile(r"[^\W\d]\w*")
_TASK_NAME = re.compile(r"[\w-]+")
_WORDS = {"and": "&&", "or": "||", "not": "not", "in": "in"}
_CONSTANTS = {"true": True, "false": False, "null": None}
_LOOKALIKES = {"True": "true", "False": "false", "None": "null", "nil": "null", "TRUE": "true", "FALSE": "false"}
_MISTAKES = {"=": "write == to compare", "&": "write &&", "|": "write ||", "`": "write '…' for text"}

_BINDING = {
    "||": 10, "&&": 20, "not": 35, "in": 40, "==": 40, "!=": 40, "<": 40, "<=": 40, ">": 40, ">=": 40,
    "+": 50, "-": 50, "*": 60, "/": 60, "%": 60,
}  # fmt: skip
_COMPARISON = 40
_NOT_WORD = 30
_PREFIX = 70


def tokens(text: str, start: int) -> list[Token]:
    """The tokens of the expression that begins at ``start`` (after ``${{``), the last one being its ``}}``.

    Raises:
        ExpressionError: a character that begins no token, an open string, no ``}}``, or too long.
    """
    found: list[Token] = []
    position = _SPACE.match(text, start).end()  # type: ignore[union-attr]
    while position < len(text) and position - start <= MAX_LENGTH:
        token, position = _next_token(text, position, after_tasks=_is_task_prefix(found))
        found.append(token)
        if token.kind == "end":
            return found
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
    if position < len(text):
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters", start)
    raise ExpressionError("'${{' is never closed", start - 3, hint="close it with }}, or write $${{ for a literal ${{")


def _is_task_prefix(found: list[Token]) -> bool:
    return (
        len(found) >= 2
        and found[-1].kind == "."
        and found[-2].text == "tasks"
        and (len(found) == 2 or found[-3].kind != ".")
    )


def _next_token(text: str, position: int, *, after_tasks: bool) -> tuple[Token, int]:
    if after_tasks and (name := _TASK_NAME.match(text, position)):
        return Token("name", name[0], position), name.end()
    match = _TOKEN.match(text, position)
    if match is None:
        raise _unreadable(text, position)
    kind = match.lastgroup or ""
    return _token(kind, match[0], position), match.end()


def _token(kind: str, text: str, offset: int) -> Token:
    if kind == "number":
        return Token(kind, text, offset, _number(text, offset))
    if kind == "string":
        return Token(kind, text, offset, _string(text, offset))
    if kind == "operator" or text in _WORDS:
        return Token(_WORDS.get(text, text), text, offset)
    return Token(kind, text, offset)


def _unreadable(text: str, position: int) -> ExpressionError:
    character = text[position]
    if character in "'\"":
        return ExpressionError(f"the text that begins with {character} is never closed", position)
    if character.isdigit():
        return ExpressionError(f"{text[position : position + 12]!r} is not a number", position)
    return ExpressionError(
        f"{character!r} has no meaning in an expression", position, hint=_MISTAKES.get(character, "")
    )


def _number(text: str, offset: int) -> int | float:
    if len(text) > MAX_DIGITS:
        raise ExpressionError(f"a number of more than {MAX_DIGITS} digits", offset)
    if text.isdigit():
        return int(text)
    value = float(text)
    if value == float("inf"):
        raise ExpressionError(f"{text} is too large for a number", offset)
    return value


def _string(text: str, offset: int) -> str:
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise ExpressionError(
            f"{text} holds an unknown escape", offset, hint=r'in "…" write \\ for a backslash, or use \'…\''
        ) from None


class Parser:
    """Reads one expression from its tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._nesting = 0
        self._operators = 0
        self.references: list[Reference] = []

    def parse(self) -> Expression:
        """The whole expression.

        Raises:
            ExpressionError: it is none; says what was found and what was expected.
        """
        if self._peek.kind == "end":
            raise ExpressionError("an empty expression", self._peek.offset, hint="write, for example, ${{ params.x }}")
        expression = self._expression(0)
        if self._peek.kind != "end":
            raise self._unexpected("an operator or }}")
        return expression

    @property
    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, kind: str) -> Token:
        if self._peek.kind != kind:
            raise self._unexpected(repr(kind))
        return self._take()

    def _unexpected(self, expected: str) -> ExpressionError:
        token = self._peek
        if token.kind == "(":
            return ExpressionError("expressions have no functions", token.offset)
        found = "the end of the expression" if token.kind == "end" else repr(token.text)
        return ExpressionError(f"expected {expected}, found {found}", token.offset)

    def _count(self, token: Token) -> None:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise ExpressionError(f"more than {MAX_OPERATORS} operators in one expression", token.offset)

    def _expression(self, binding: int) -> Expression:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise ExpressionError(f"brackets nest deeper than {MAX_NESTING}", self._peek.offset)
        left = self._postfix(self._prefix())
        while (power := _BINDING.get(self._peek.kind, -1)) > binding:
            left = self._infix(left, power)
        self._nesting -= 1
        return left

    def _infix(self, left: Expression, power: int) -> Expression:
        token = self._take()
        self._count(token)
        if token.kind == "not":
            self._expect("in")
            power = _COMPARISON
            inside = Binary("in", left, self._expression(power), token.offset)
            result: Expression = Unary("!", inside, token.offset)
        else:
            result = Binary(token.kind, left, self._expression(power), token.offset)
        if power == _COMPARISON and _BINDING.get(self._peek.kind) == _COMPARISON:
            raise ExpressionError("comparisons do not chain", self._peek.offset, hint="write a < b && b < c")
        return result

    def _prefix(self) -> Expression:
        token = self._peek
        match token.kind:
            case "number" | "string":
                return Literal(self._take().value, token.offset)
            case "name":
                return self._name(self._take())
            case "!" | "-" | "not":
                self._count(self._take())
                operand = self._expression(_NOT_WORD if token.kind == "not" else _PREFIX)
                return Unary("-" if token.kind == "-" else "!", operand, token.offset)
            case "(":
                self._take()
                inside = self._expression(0)
                self._expect(")")
                return inside
            case "[":
                return self._list(self._take())
        raise self._unexpected("a value")

    def _list(self, opening: Token) -> Expression:
        items: list[Expression] = []
        while self._peek.kind != "]":
            items.append(self._expression(0))
            if self._peek.kind != "]":
                self._expect(",")
        self._take()
        return ListOf(tuple(items), opening.offset)

    def _name(self, token: Token) -> Expression:
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text], token.offset)
        if self._peek.kind == "(":
            raise ExpressionError(
                f"there is no function {token.text!r}", token.offset, hint="expressions have no functions"
            )
        if token.text not in ROOTS:
            hint = f"write {_LOOKALIKES[token.text]}" if token.text in _LOOKALIKES else did_you_mean(token.text, ROOTS)
            raise ExpressionError(f"unknown name {token.text!r}", token.offset, hint=hint)
        reference = Reference(token.text, self._names(), token.offset)
        self.references.append(reference)
        return reference

    def _names(self) -> tuple[str | int, ...]:
        """The names that are written out; stops before a computed index."""
        names: list[str | int] = []
        while self._peek.kind == "." or self._is_written_index():
            if self._take().kind == ".":
                names.append(self._attribute())
            else:
                names.append(self._take().value)
                self._take()
        return tuple(names)

    def _attribute(self) -> str:
        """The name after a dot; a word such as ``in`` is a name there."""
        if self._peek.kind != "name" and self._peek.text not in _WORDS:
            raise self._unexpected("a name after '.'")
        return self._take().text

    def _is_written_index(self) -> bool:
        if self._peek.kind != "[" or self._at + 2 >= len(self._tokens):
            return False
        key, closing = self._tokens[self._at + 1], self._tokens[self._at + 2]
        return closing.kind == "]" and key.kind in ("string", "number") and isinstance(key.value, (str, int))

    def _postfix(self, base: Expression) -> Expression:
        while self._peek.kind in (".", "["):
            token = self._take()
            self._count(token)
            if token.kind == ".":
                base = Index(base, Literal(self._attribute(), token.offset), token.offset)
            else:
                base = Index(base, self._expression(0), token.offset)
                self._expect("]")
        return base
