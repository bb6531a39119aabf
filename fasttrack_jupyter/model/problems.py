"""A problem found in a pipeline: what, where, and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """An error stops the job from starting; a warning and a notice are only said."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Problem(BaseModel):
    """One finding about a pipeline's text.

    ``path`` leads to the place in the data (``("tasks", 2, "resources", "mem")``); ``line`` and
    ``column`` count from 1 and are 0 where the pipeline has no text (built in Python).
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    line: int = 0
    column: int = 0
    value: Any = None
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.message}" + (f" ({self.hint})" if self.hint else "")
