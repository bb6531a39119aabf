"""Every backend of ours that serves models keeps what the suite for backend authors asks."""

from __future__ import annotations

import urllib.error
from email.message import Message
from pathlib import Path

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.testing.conformance_serving import ServingConformance
from fasttrack_jupyter.testing.serving import FakeServingBackend


class TestFakeServing(ServingConformance):
    """The fake keeps the contract as well; its answers are what lies in the model folder."""

    def make_backend(self, home: Path) -> ExecutionBackend:
        kept = {name: self.__dict__.setdefault(f"_{name}", {}) for name in ("sessions", "contents", "services")}
        self.__dict__["_backend"] = backend = FakeServingBackend(lambda spec: _decide(backend, spec), **kept)
        backend.service_log = b"serving\n"
        return backend

    def ask(self, endpoint: str, token: str) -> str:
        backend: FakeServingBackend = self.__dict__["_backend"]
        service = backend.services_kept[endpoint.rpartition("/")[2]]
        if not service.is_public and token != f"token-of-{service.name}-for-600":
            raise urllib.error.HTTPError(endpoint, 401, "no", Message(), None)
        return backend.contents[service.model]["answer.txt"].decode()


def _decide(backend: FakeServingBackend, spec: SessionSpec) -> int | None:
    assert spec.service is not None
    return None if b"sleep" in backend.contents[spec.service.model]["model-definition.yaml"] else 0


class TestLocalServing(ServingConformance):
    """Real replicas behind the real gateway."""

    patience = 30.0

    def make_backend(self, home: Path) -> ExecutionBackend:
        return LocalBackend(LocalSettings(home / "ft", grace=2.0))
