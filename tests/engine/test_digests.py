"""What lies in output folders is told by content, and unchanged files are not read again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine import digests as module
from fasttrack_jupyter.engine.digests import Digest, Digests
from fasttrack_jupyter.store.sqlite import SqliteStore

PLACE = ("local", "vf", "jobs/1/a")


class _Here:
    def __init__(self, root: Path) -> None:
        self.root = root

    def place_of(self, folder: str) -> str:
        return str(self.root / folder)

    async def lend(self, folder: str, path: str) -> dict[str, Any]:
        raise NotImplementedError


def tell(root: Path, story: Callable[[Callable[[], Awaitable[Digest | None]]], Awaitable[None]]) -> None:
    """Tell a story about the outputs below ``vf/jobs/1/a``; files count as written long ago."""

    async def told() -> None:
        store = await SqliteStore.open(":memory:")
        here: Any = _Here(root)
        digests = Digests(lambda name: here, store, now_ns=lambda: 1 << 62)

        async def look() -> Digest | None:
            return (await digests.outputs([PLACE]))[PLACE]

        try:
            await story(look)
        finally:
            await store.aclose()

    asyncio.run(told())


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """The output folder, with a file in it."""
    folder = tmp_path / "vf/jobs/1/a"
    folder.mkdir(parents=True)
    (folder / "x").write_text("one")
    return folder


def test_unchanged_files_are_not_read_again(tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two files, the one that was changed is read."""
    (outputs / "y").write_text("two")
    read: list[str] = []
    really = module._sha256
    monkeypatch.setattr(module, "_sha256", lambda place: (read.append(Path(place).name), really(place))[1])

    async def story(look: Callable[[], Awaitable[Digest | None]]) -> None:
        first = await look()
        assert await look() == first
        assert sorted(read) == ["x", "y"]
        (outputs / "y").write_text("zwei")
        assert await look() != first
        assert sorted(read) == ["x", "y", "y"]

    tell(tmp_path, story)


def test_same_size_and_time_do_not_hide_a_change(tmp_path: Path, outputs: Path) -> None:
    """Whoever sets the time back still changes the inode's own."""

    async def story(look: Callable[[], Awaitable[Digest | None]]) -> None:
        first, before = await look(), (outputs / "x").stat()
        (outputs / "x").write_text("eno")
        os.utime(outputs / "x", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert await look() != first

    tell(tmp_path, story)


def test_names_and_executable_bits_count_and_records_do_not(tmp_path: Path, outputs: Path) -> None:
    """What a task noted of itself is no output."""

    async def story(look: Callable[[], Awaitable[Digest | None]]) -> None:
        first = await look()
        (outputs / ".progress.json").write_text("{}")
        (outputs / ".metrics.jsonl").write_text("{}")
        assert await look() == first
        (outputs / "x").chmod(0o755)
        second = await look()
        assert second != first
        (outputs / "x").rename(outputs / "z")
        assert await look() not in (first, second)

    tell(tmp_path, story)


def test_nobody_vouches_for_what_lies_outside(tmp_path: Path, outputs: Path) -> None:
    """A link within the outputs is part of them; one that leads out is none, nor is a folder that is gone."""

    async def story(look: Callable[[], Awaitable[Digest | None]]) -> None:
        (outputs / "link").symlink_to("x")
        assert await look() is not None
        (outputs / "out").symlink_to("/etc/hostname")
        assert await look() is None
        (outputs / "out").unlink()
        assert await look() is not None
        outputs.rename(outputs.with_name("b"))
        assert await look() is None

    tell(tmp_path, story)
