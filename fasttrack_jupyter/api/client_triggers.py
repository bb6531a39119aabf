"""The client's calls about jobs that other jobs start, shaped as in :mod:`fasttrack_jupyter.engine.triggering`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrack_jupyter.api.caller import Caller, Json


class TriggerCalls(Caller):
    """A trigger starts a job of a file when a job of a pipeline has ended."""

    def triggers(self) -> list[Json]:
        """TriggerView each, the oldest first."""
        return self._list("GET", "/triggers")

    def add_trigger(
        self, source: str, of: str, *, result: str = "success", backend: str = "local",
        params: Mapping[str, Any] | None = None,
    ) -> Json:  # fmt: skip
        """A new one: TriggerView. Raises InvalidPipeline, NotFound, Conflict; BadRequest for a circle."""
        body = {"source": source, "of": of, "result": result, "backend": backend, "params": dict(params or {})}
        return self._ask("POST", "/triggers", body)

    def remove_trigger(self, number: int) -> None:
        """Raises NotFound."""
        self._read("DELETE", f"/triggers/{number}")
