"""Containers whose client is gone: what their engine knows of their end counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.local import attempts, contained
from fasttrack_jupyter.backends.local.attempts import BOOT
from fasttrack_jupyter.backends.local.containers import ContainerEngine
from fasttrack_jupyter.backends.local.outcomes import LOST, outcome_of


class FakeEngine:
    """Has one container, which ended with ``code`` (None: it still runs, until it is ended)."""

    def __init__(self, code: int | None) -> None:
        self.code, self.removed = code, False

    def is_running(self, name: str) -> bool:
        return self.code is None and not self.removed

    def exit_code(self, name: str) -> int | None:
        return self.code

    def kill(self, name: str) -> None:
        self.removed = True

    def remove(self, name: str) -> None:
        self.removed = True


@pytest.mark.parametrize(
    ("code", "boot", "kill", "expected"),
    [
        (0, BOOT, "", (0, "")),
        (3, BOOT, "", (3, "exit 3")),
        (None, BOOT, "", LOST[2:4]),
        (0, "another-boot", "", LOST[2:4]),
        (137, BOOT, "timeout\ntimeout 1h\n", (None, "timeout 1h")),
    ],
)
def test_a_container_that_outlived_its_client_tells_how_it_ended(
    tmp_path: Path, code: int | None, boot: str, kill: str, expected: tuple[Any, ...]
) -> None:
    """Only of this boot, and never above a killer's word; it is removed in any case."""
    (tmp_path / "pid").write_text(f"1 0 {boot} .\n")
    if kill:
        (tmp_path / "killed").write_text(kill)
    engine = FakeEngine(code)
    assert contained.end(cast(ContainerEngine, engine), "ft-x", str(tmp_path))
    assert engine.removed
    outcome = outcome_of(str(tmp_path), str(tmp_path / "outputs"))
    assert (outcome.exit_code, outcome.reason) == expected
    assert attempts.killed(str(tmp_path)) is None or kill
