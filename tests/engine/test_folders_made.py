"""Vfolders that a person makes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.testing.fakes import FakeBackend


@pytest.mark.parametrize("name", ["a/b", "data:alias"])
def test_a_folder_that_no_task_could_mount_is_refused(engine: Any, name: str) -> None:
    """In ``mounts``, a slash leads to a folder within, and a colon to another name."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            with pytest.raises(BadRequest, match="no task could mount"):
                await fasttrack.make_folder(name, "general")
            assert (await fasttrack.make_folder("my data", "general")).name == "my data"

    asyncio.run(story())
