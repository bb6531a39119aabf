"""Every backend of ours keeps what the suite for backend authors asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.testing.conformance import BackendConformance
from fasttrack_jupyter.testing.fakes import FakeBackend


class TestLocalBackend(BackendConformance):
    """With private mounts, where they work."""

    mode = "auto"

    def make_backend(self, home: Path) -> ExecutionBackend:
        return LocalBackend(LocalSettings(home / "ft", mode=self.mode, grace=2.0))


class TestLocalBackendWithFolders(TestLocalBackend):
    """Without private mounts."""

    mode = "folders"


class TestLocalBackendPlain(TestLocalBackend):
    """Without a supervisor, launcher and engine alive: what dies with them is in test_local_plain."""

    mode = "plain"

    @pytest.mark.skip(reason="a plain session is given up when its launcher ends: that is what plain trades for speed")
    def test_a_session_outlives_the_engine_and_is_adopted(self, tmp_path: Path) -> None:
        """See the reason."""


class TestFakeBackend(BackendConformance):
    """The fake keeps the contract as well."""

    def make_backend(self, home: Path) -> ExecutionBackend:
        sessions = self.__dict__.setdefault("_sessions", {})
        contents = self.__dict__.setdefault("_contents", {})
        return FakeBackend(_decide, sessions=sessions, contents=contents)

    @pytest.mark.skip(reason="the fake runs nothing that could write a log")
    def test_what_a_command_writes_is_its_log(self, tmp_path: Path) -> None:
        """See the reason."""


def _decide(spec: SessionSpec) -> int | None:
    verb, _, word = spec.command.partition(" ")
    return None if verb == "sleep" else int(word) if verb == "exit" else 0
