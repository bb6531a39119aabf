"""The client's calls about the model registry, shaped as in :mod:`fasttrack_jupyter.engine.model_views`."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.api.caller import Caller, Json, quoted
from fasttrack_jupyter.errors import EngineUnavailable

_SECONDS = 120.0
"""A cluster that is asked meanwhile may take so long."""


class ModelCalls(Caller):
    """``backend`` is where the versions are. Raises NotFound, BackendUnreachable."""

    def models(self, backend: str | None = None) -> Json:
        """Those of a backend, or of all: ModelsView."""
        return self._ask("GET", "/models", query={"backend": backend}, timeout=_SECONDS)

    def model(self, backend: str, name: str) -> Json:
        """One model with its versions, the newest first: ModelView."""
        return self._ask("GET", _model(backend, name), timeout=_SECONDS)

    def register_model(self, job: str, task: str, output: str, name: str | None = None) -> Iterator[Json]:
        """Register what a task has left: RegisterProgress each, the last one with the ``version``.

        Raises:
            Conflict: the task has not succeeded.
            EngineUnavailable: the engine went away in the middle; asked again, it goes on where it was.
        """
        body = {"job": job, "task": task, "output": output, "name": name}
        for line in self._posted_lines("/models", body):
            yield line
            if line["version"]:
                return
        raise EngineUnavailable(f"registering {output!r} broke off", hint="Ask again: it goes on where it was.")

    def compare_models(self, backend: str, name: str, one: str, other: str) -> Json:
        """Two versions, each a number or an alias: ModelComparison."""
        query = {"one": one, "other": other}
        return self._ask("GET", f"{_model(backend, name)}/compare", query=query, timeout=_SECONDS)

    def promote_model(self, backend: str, name: str, alias: str, version: int) -> Json:
        """Let an alias stand for a version: ModelView."""
        return self._ask("PUT", _alias(backend, name, alias), {"version": version}, timeout=_SECONDS)

    def demote_model(self, backend: str, name: str, alias: str) -> None:
        """Forget an alias."""
        self._read("DELETE", _alias(backend, name, alias), timeout=_SECONDS)

    def delete_model(self, backend: str, name: str, version: int) -> None:
        """Remove a version for good. Raises Conflict while an alias or a service uses it."""
        self._read("DELETE", f"{_model(backend, name)}/versions/{version}", timeout=600.0)


def _model(backend: str, name: str) -> str:
    return f"/models/{quoted(backend)}/{quoted(name)}"


def _alias(backend: str, name: str, alias: str) -> str:
    return f"{_model(backend, name)}/aliases/{quoted(alias)}"
