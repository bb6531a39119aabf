"""What an export could not carry over, or carried over in other words."""

from __future__ import annotations

from typing import Any

from fasttrack_jupyter.model.document import Document
from fasttrack_jupyter.model.problems import Problem, Severity

Path = tuple[str | int, ...]


class Losses:
    """Collects what is lost (warnings) and what was rewritten (notices)."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def lose(self, path: Path, message: str, hint: str = "", value: Any = None) -> None:
        """Something has no counterpart."""
        self._problems.append(
            Problem(code="export-lost", path=path, message=message, hint=hint, value=value, severity=Severity.WARNING)
        )

    def adapt(self, path: Path, message: str, value: Any = None) -> None:
        """Something was said in other words, with the same meaning or nearly so."""
        self._problems.append(
            Problem(code="export-adapted", path=path, message=message, value=value, severity=Severity.NOTICE)
        )

    def leave(self, path: Path, message: str) -> None:
        """An expression stays in the text, which FastTrack will not understand."""
        self._problems.append(
            Problem(code="export-left", path=path, message=message, severity=Severity.WARNING,
                    hint="write it by hand in the export, or give the parameter a default")
        )  # fmt: skip

    @property
    def has_leftovers(self) -> bool:
        """Whether expressions stay in the text."""
        return any(problem.code == "export-left" for problem in self._problems)

    def located(self, document: Document) -> tuple[Problem, ...]:
        """All of them, in the order of the text, each with its line and column."""
        document.locate([problem.path for problem in self._problems])
        placed = []
        for problem in self._problems:
            line, column = document.key_position(problem.path)
            placed.append(problem.model_copy(update={"line": line, "column": column}))
        return tuple(sorted(placed, key=lambda problem: (problem.line, problem.column)))
