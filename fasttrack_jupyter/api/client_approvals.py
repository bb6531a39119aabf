"""The client's calls about questions that jobs ask, shaped as in :mod:`fasttrack_jupyter.engine.approvals`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.api.caller import Caller, Json, quoted


class ApprovalCalls(Caller):
    """Raises NotFound; Conflict where nothing is asked (any more)."""

    def questions(self) -> list[Json]:
        """What is asked just now, the oldest first: QuestionView each."""
        found: list[Json] = self._ask("GET", "/questions")["questions"]
        return found

    def answer(
        self,
        job: str,
        path: str,
        answer: str,
        values: Mapping[str, Any] | None = None,
        *,
        comment: str = "",
        by: str = "",
    ) -> None:
        """``approve`` (``values`` are by field, a string is read as the field's type) or ``reject``. Durable on return.

        Raises BadRequest: a field is missing, unknown or of another type.
        """
        body = {"answer": answer, "values": dict(values or {}), "comment": comment, "by": by}
        self._read("POST", f"/jobs/{quoted(job)}/tasks/{quoted(path)}/answer", body)
