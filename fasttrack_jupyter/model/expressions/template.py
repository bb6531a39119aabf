"""A text with ``${{ … }}`` in it: literal parts and expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fasttrack_jupyter.model.expressions.errors import ExpressionError
from fasttrack_jupyter.model.expressions.evaluate import as_text, evaluate
from fasttrack_jupyter.model.expressions.shell import ShellText
from fasttrack_jupyter.model.expressions.syntax import Expression, Parser, Reference, tokens

_OPEN = "${{"


@dataclass(frozen=True, slots=True)
class Slot:
    """One ``${{ … }}`` of a template, at ``[start, end)`` of its text."""

    expression: Expression
    references: tuple[Reference, ...]
    start: int
    end: int

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value of the expression. Raises ExpressionError."""
        return _value(self, scope)


@dataclass(frozen=True, slots=True)
class Template:
    """A text and its expressions; made by :func:`parse_template`."""

    text: str
    parts: tuple[str | Slot, ...]

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to evaluate."""
        return not any(isinstance(part, Slot) for part in self.parts)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in order of appearance, each as far as its names are written out."""
        return tuple(ref for part in self.parts if isinstance(part, Slot) for ref in part.references)

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value: of its own type where the text is exactly one expression, else a text.

        Raises:
            ExpressionError: see :func:`fasttrack_jupyter.model.expressions.evaluate.evaluate`.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Slot):
            return _value(self.parts[0], scope)
        return "".join(_text(part, scope) for part in self.parts)

    def render_env(self, scope: Mapping[str, Any]) -> str:
        """The text of an environment variable: true/false, JSON for lists and structs, null as nothing.

        Raises:
            ExpressionError: a value that cannot be had, or that no environment can carry.
        """
        return "".join(_text(part, scope) for part in self.parts)

    def render_command(self, scope: Mapping[str, Any]) -> str:
        """The text of a ``/bin/sh`` command: each value is one word (or a part of one), quoted where it must be.

        Raises:
            ExpressionError: a secret (anybody can see a command line), a value that stands inside
                quotes and would need some itself, or one that cannot be had.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        shell = ShellText()
        for part in self.parts:
            if isinstance(part, str):
                shell.add(part)
            else:
                _refuse_secrets(part)
                shell.insert(_text(part, scope), part.start, self.text[part.start : part.end])
        return shell.text


def parse_template(text: str) -> Template:
    """Read ``text``; ``$${{`` in it is a literal ``${{``.

    Raises:
        ExpressionError: an expression that cannot be read.
    """
    return Template(text, (text,)) if _OPEN not in text else _parse(text)


@lru_cache(maxsize=2048)
def _parse(text: str) -> Template:
    parts: list[str | Slot] = []
    literal, position = "", 0
    while (start := text.find(_OPEN, position)) >= 0:
        if start > position and text[start - 1] == "$":
            literal += text[position : start - 1] + _OPEN
            position = start + len(_OPEN)
            continue
        literal += text[position:start]
        slot = _slot(text, start)
        parts += [literal, slot] if literal else [slot]
        literal, position = "", slot.end
    literal += text[position:]
    return Template(text, (*parts, literal) if literal else tuple(parts))


def _slot(text: str, start: int) -> Slot:
    found = tokens(text, start + len(_OPEN))
    parser = Parser(found)
    expression = parser.parse()
    return Slot(expression, tuple(parser.references), start, found[-1].offset + 2)


def _value(slot: Slot, scope: Mapping[str, Any]) -> Any:
    try:
        return evaluate(slot.expression, scope)
    except RecursionError:
        raise ExpressionError("a value that is nested too deeply", slot.start) from None


def _text(part: str | Slot, scope: Mapping[str, Any]) -> str:
    return part if isinstance(part, str) else as_text(_value(part, scope), part.start)


def _refuse_secrets(slot: Slot) -> None:
    for reference in slot.references:
        if reference.root == "secrets":
            raise ExpressionError(
                f"{reference} stands in a command, where everybody on the machine can read it",
                reference.offset,
                hint=f'put it into an env, TOKEN: ${{{{ {reference} }}}}, and write "$TOKEN" in the command',
            )
