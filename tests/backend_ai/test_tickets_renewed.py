"""Tickets for files grow old, and lists of snapshots long: neither keeps anybody from a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai import downloads, places
from fasttrack_jupyter.backends.backend_ai.code import CodeBringer
from fasttrack_jupyter.backends.backend_ai.downloads import Downloads
from fasttrack_jupyter.backends.backend_ai.http import StorageAnswer
from fasttrack_jupyter.backends.backend_ai.listing import MOST, Entry
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, Forbidden

WHOLE = b"0123456789"


class FakeCluster:
    """Gives a ticket for each question; its storage takes those that are ``good``, and fails with ``errors`` first."""

    def __init__(self, *errors: FastTrackError) -> None:
        self.errors, self.tickets, self.good = list(errors), 0, 0

    async def release(self) -> Release:
        return Release(26, 9)

    async def path(self, folder: str) -> str:
        return "/folders/x"

    async def call(self, method: str, path: str, **more: Any) -> dict[str, str]:
        self.tickets += 1
        return {"url": "http://storage", "token": str(self.tickets)}

    async def storage(self, method: str, url: str, **more: Any) -> StorageAnswer:
        if self.errors:
            raise self.errors.pop(0)
        headers = {"Content-Range": f"bytes 0-0/{len(WHOLE)}"}
        return StorageAnswer(206, cast(Any, headers), WHOLE[:1])

    async def storage_stream(self, url: str, query: dict[str, str], headers: dict[str, str]) -> AsyncIterator[bytes]:
        start = int(headers["Range"].removeprefix("bytes=").partition("-")[0])
        if int(query["token"]) < self.good:
            raise Forbidden("the ticket is too old")
        yield WHOLE[start : start + 4]
        if start < 4:
            raise BackendUnreachable("it broke")


def downloads_of(cluster: FakeCluster) -> Downloads:
    """With nothing but that cluster behind it."""
    return Downloads(cast(Any, cluster), cast(Any, cluster), cast(Any, None))


def test_a_stream_goes_on_with_a_new_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a break, and where the old one is refused; after a moment each time."""
    monkeypatch.setattr(downloads, "pause", lambda tried: 0.001 * tried)

    async def go(good: int) -> tuple[bytes, int]:
        cluster = FakeCluster()
        cluster.good = good
        found = downloads_of(cluster)
        return b"".join([piece async for piece in found.stream("f", "x")]), cluster.tickets

    for good in (0, 2):
        whole, tickets = asyncio.run(go(good))
        assert whole == WHOLE
        assert tickets >= 2


def test_a_ticket_that_led_nowhere_is_not_used_again() -> None:
    """The storage proxy may have moved meanwhile."""

    async def go() -> int:
        cluster = FakeCluster(BackendUnreachable("nobody listens"))
        found = downloads_of(cluster)
        with pytest.raises(BackendUnreachable):
            await found.size("f", "x")
        assert await found.size("f", "x") == len(WHOLE)
        return cluster.tickets

    assert asyncio.run(go()) == 2


def test_a_snapshot_is_found_among_more_than_are_listed() -> None:
    """It is not brought a second time."""

    class Long:
        async def entries(self, folder: str, path: str) -> list[Entry] | None:
            names = [f"{number:040x}.whole" for number in range(MOST)]
            return [Entry(name, "FILE", 1, 1.0) for name in names] if path == places.CODE else None

        async def size(self, folder: str, path: str) -> int | None:
            return 20 if path == places.code_marker("f" * 40) else None

    async def go(digest: str) -> tuple[bool, bool]:
        return await CodeBringer(cast(Any, Long()), cast(Any, Long()), cast(Any, None))._standing("f", digest)

    assert asyncio.run(go("f" * 40))[0]
    assert asyncio.run(go("e" * 40)) == (False, False)
