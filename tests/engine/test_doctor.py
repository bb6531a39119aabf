"""What doctor adds to what the backends find."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.testing.fakes import FakeBackend


def doctor_of(engine: Any) -> list[dict[str, Any]]:
    """The rows."""

    async def story() -> list[dict[str, Any]]:
        async with engine.on(FakeBackend()) as fasttrack:
            return list(await fasttrack.doctor())

    return asyncio.run(story())


def test_doctor_tells_where_secrets_are(engine: Any) -> None:
    """In a row of its own, and never a value."""
    engine.secrets.set("TOKEN", "hunter2")
    [row] = doctor_of(engine)
    assert row == {"check": "secrets", "ok": True, "found": "a dict", "remedy": ""}


def test_a_keyring_that_fails_is_told_with_a_remedy(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is somebody else's code: whatever it raises, doctor goes on."""

    def kept_in() -> tuple[str, str]:
        raise RuntimeError("no bus")

    monkeypatch.setattr(engine.secrets, "kept_in", kept_in)
    [row] = doctor_of(engine)
    assert not row["ok"]
    assert "no bus" in row["found"]
    assert "FASTTRACK_SECRETS=file" in row["remedy"]
