"""The client's calls about model services, shaped as in :mod:`fasttrack_jupyter.engine.services`."""

from __future__ import annotations

from fasttrack_jupyter.api.caller import Caller, Json, quoted

_SECONDS = 120.0
"""A cluster that is asked meanwhile may take so long."""


class ServiceCalls(Caller):
    """Raises NotFound, Conflict for a backend that serves no models, BackendUnreachable."""

    def services(self, backend: str | None = None) -> Json:
        """Those of a backend, or of all that serve: ServicesView."""
        return self._ask("GET", "/services", query={"backend": backend}, timeout=_SECONDS)

    def service(self, backend: str, name: str) -> Json:
        """One of them: ServiceView."""
        return self._ask("GET", _service(backend, name), timeout=_SECONDS)

    def scale_service(self, backend: str, name: str, replicas: int) -> Json:
        """From now on so many replicas: ServiceView."""
        return self._ask("PATCH", _service(backend, name), {"replicas": replicas}, timeout=_SECONDS)

    def remove_service(self, backend: str, name: str) -> None:
        """Drain it, and end it."""
        self._read("DELETE", _service(backend, name), timeout=_SECONDS)

    def service_token(self, backend: str, name: str, seconds: float = 3600.0) -> str:
        """For the header ``Authorization: BackendAI <token>``; empty for a public service."""
        found = self._ask("POST", f"{_service(backend, name)}/token", {"seconds": seconds}, timeout=_SECONDS)
        return str(found["token"])

    def service_logs(
        self, backend: str, name: str, *, replica: str | None = None, after: int = 0, limit: int = 65_536
    ) -> Json:
        """Part of what a replica wrote (None: the newest): LogView."""
        query = {"replica": replica, "after": after, "limit": limit}
        return self._ask("GET", f"{_service(backend, name)}/logs", query=query, timeout=_SECONDS)


def _service(backend: str, name: str) -> str:
    return f"/services/{quoted(backend)}/{quoted(name)}"
