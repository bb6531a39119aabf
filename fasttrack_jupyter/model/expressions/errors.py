"""The one error of expressions."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from fasttrack_jupyter.errors import BadRequest


class ExpressionError(BadRequest):
    """An expression that cannot be read, evaluated or inserted; ``offset`` counts characters of the whole text."""

    code = "bad_expression"

    def __init__(self, message: str, offset: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, details={"offset": offset})
        self.offset = offset


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """``did you mean 'learning_rate'?``, or else what there is to choose from."""
    names = [str(name) for name in known]
    if near := get_close_matches(str(word), names, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"there is {shown}" if names else "there is none"
