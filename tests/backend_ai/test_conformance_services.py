"""A cluster's services keep what the suite for backends that serve asks: an hour (``--backend-ai-services``)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai.backend import BackendAI
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.testing.conformance_serving import ServingConformance

pytestmark = [pytest.mark.since(26, 9), pytest.mark.services, pytest.mark.timeout(1200, func_only=True)]

_UNMOUNTED = 180.0
"""Seconds after a service's end in which its sessions have ended."""


class TestBackendAIServices(ServingConformance):
    """With real containers, and Backend.AI's own app proxy."""

    patience = 600.0

    @pytest.fixture(autouse=True)
    def _on(self, cluster: Cluster, tmp_path: Path) -> Iterator[None]:
        """Model folders are removed in the end, when no replica mounts them any more."""
        self._cluster = cluster
        yield
        asyncio.run(self._remove_folders(tmp_path))

    async def _remove_folders(self, home: Path) -> None:
        backend = self.make_backend(home)
        deadline = time.monotonic() + _UNMOUNTED
        for folder in self.models:
            while True:
                try:
                    await backend.remove_folder(folder)
                    break
                except BadRequest:  # mounted
                    assert time.monotonic() < deadline, f"{folder} is still mounted"
                    await asyncio.sleep(1.0)
        await backend.aclose()

    def make_backend(self, home: Path) -> ExecutionBackend:
        profile = Profile("default", self._cluster.endpoint, folder_host=self._cluster.vfolder_host)
        keys = self._cluster.user
        return BackendAI(profile, Keys(keys.access_key, keys.secret_key), home=home, name=profile.backend)

    def deployment(self, name: str, model: str, *, revision: int = 1, **more: Any) -> SessionSpec:
        spec = super().deployment(name, model, revision=revision, **more)
        return replace(spec, image=self._cluster.image)
