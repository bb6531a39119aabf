"""A cluster keeps what the suite for backend authors asks, as the local backend does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai.backend import BackendAI
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.testing.conformance import BackendConformance


class TestBackendAI(BackendConformance):
    """With real containers."""

    patience = 120.0

    @pytest.fixture(autouse=True)
    def _on(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def make_backend(self, home: Path) -> ExecutionBackend:
        profile = Profile("default", self._cluster.endpoint, folder_host=self._cluster.vfolder_host)
        keys = self._cluster.user
        return BackendAI(profile, Keys(keys.access_key, keys.secret_key), home=home, name=profile.backend)

    def spec(self, command: str, **more: Any) -> SessionSpec:
        return super().spec(command, image=self._cluster.image, **more)
