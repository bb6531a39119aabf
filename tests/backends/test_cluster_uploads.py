"""Uploads over connections that break, to storage proxies that add whatever comes, and to those that look first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai import uploads
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue
from fasttrack_jupyter.backends.backend_ai.downloads import Downloads
from fasttrack_jupyter.backends.backend_ai.http import Cluster, StorageAnswer
from fasttrack_jupyter.backends.backend_ai.uploads import Uploads
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, Forbidden


@dataclass
class FakeStorage:
    """A storage proxy in memory. ``checks``: it refuses a wrong offset, as from 26.4 on; else it adds to the end."""

    checks: bool
    breaks: list[float] = field(default_factory=list)
    """For each part to come: of what share the connection breaks (1: only the answer is lost)."""
    late: bytes = b""
    """Arrives after the next HEAD, from a part whose connection broke."""
    parts: dict[str, bytearray] = field(default_factory=dict)
    sizes: dict[str, tuple[str, int]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusals: int = 0

    async def call(self, method: str, path: str, *, body: Mapping[str, Any], repeat: bool) -> dict[str, str]:
        self.asked.append("ticket")
        if self.refusals:
            self.refusals -= 1
            raise BadRequest("no", details={"type": "https://api.backend.ai/probs/vfolder-operation-failed"})
        token = f"t{len(self.sizes)}"
        self.parts[token], self.sizes[token] = bytearray(), (body["path"], body["size"])
        return {"url": "http://storage/upload", "token": token}

    async def storage(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        data: bytes | AsyncIterable[bytes] = b"",
        timeout: float = 0,
    ) -> StorageAnswer:
        self.asked.append(method)
        token = query["token"]
        if token not in self.parts:
            return StorageAnswer(404, {}, b"")
        if method == "HEAD":
            offset = len(self.parts[token])
            if self.asked[-2] == "HEAD" and self.late:
                self.parts[token] += self.late
                self.late = b""
            return StorageAnswer(200, {"Upload-Offset": str(offset)}, b"")
        content = data if isinstance(data, bytes) else b"".join([piece async for piece in data])
        return self._part(token, int((headers or {})["Upload-Offset"]), content)

    def _part(self, token: str, offset: int, content: bytes) -> StorageAnswer:
        share = self.breaks.pop(0) if self.breaks else None
        if self.checks and offset != len(self.parts[token]):
            return StorageAnswer(409, {}, b"")
        arrived = content if share is None or share == 1 else content[: int(len(content) * share)]
        if not self.checks or share in (None, 1):  # a part of a part counts for nothing there
            self.parts[token] += arrived
        path, size = self.sizes[token]
        if len(self.parts[token]) >= size:
            self.files[path] = bytes(self.parts.pop(token))
        if share is not None:
            raise BackendUnreachable("it broke")
        return StorageAnswer(204, {"Upload-Offset": str(min(size, offset + len(content)))}, b"")


class FakeCatalogue:
    """One vfolder."""

    id = "f1"

    async def get(self, name: str) -> FakeCatalogue:
        return self

    async def path(self, name: str) -> str:
        return "/folders/f1"


@dataclass
class FakeDownloads:
    """Tells sizes."""

    fake: FakeStorage

    async def size(self, folder: str, path: str) -> int | None:
        return len(self.fake.files[path]) if path in self.fake.files else None


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART", 1000)
    monkeypatch.setattr(uploads, "_LARGE", 1000)
    monkeypatch.setattr(uploads, "_SETTLING", 0.0)
    monkeypatch.setattr(uploads, "pause", lambda tried: 0.0)


def uploading(fake: FakeStorage, tickets: Path | None = None) -> Uploads:
    """Ours, before a fake."""
    catalogue = cast(Catalogue, FakeCatalogue())
    return Uploads(cast(Cluster, fake), catalogue, cast(Downloads, FakeDownloads(fake)), tickets=tickets)


def put(fake: FakeStorage, content: bytes | Path, **more: Any) -> None:
    """Upload it."""
    asyncio.run(uploading(fake).put("f", "a/b.bin", content, **more))


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 4500])
def test_any_size_arrives_whole(checks: bool, size: int, tmp_path: Path) -> None:
    """Also nothing, and what fits a part just so; from memory and from a file."""
    fake, content = FakeStorage(checks), os.urandom(size)
    put(fake, content)
    assert fake.files == {"a/b.bin": content}
    (file := tmp_path / "x").write_bytes(content)
    put(fake, file)
    assert fake.files == {"a/b.bin": content}


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize("breaks", [[0.5], [0.0, 0.3, 0.99], [1], [0.5, 1]])
def test_what_broke_is_gone_on_with(checks: bool, breaks: list[float]) -> None:
    """From where it stands, not from the beginning; a lost answer counts as nothing lost."""
    fake, content = FakeStorage(checks, breaks), os.urandom(4500)
    put(fake, content)
    assert fake.files == {"a/b.bin": content}
    assert fake.asked.count("ticket") == 1


def test_a_lost_answer_to_the_last_part_is_no_half_file() -> None:
    """The storage proxy knows the upload no more; it is done once more, to be sure."""
    fake, content = FakeStorage(False, [1]), os.urandom(500)
    put(fake, content)
    assert fake.files == {"a/b.bin": content}


def test_bytes_that_arrive_after_all_are_noticed() -> None:
    """Where a storage proxy adds whatever comes, a file can become too long: then it is done anew."""
    fake, content = FakeStorage(False, [0.5], late=b"late"), os.urandom(4500)
    put(fake, content)
    assert fake.files == {"a/b.bin": content}


def test_giving_up_is_said() -> None:
    """After some breaks with nothing gained."""
    with pytest.raises(BackendUnreachable):
        put(FakeStorage(True, [0.0] * 100), b"x" * 100)


def test_another_process_goes_on_with_a_large_file(tmp_path: Path) -> None:
    """With the ticket that the first one left; it is readable for its owner alone, and gone in the end."""
    fake, content = FakeStorage(False, [0.5] + [0.0] * 6), os.urandom(4500)
    (file := tmp_path / "x").write_bytes(content)
    tickets = tmp_path / "tickets"
    with pytest.raises(BackendUnreachable):
        asyncio.run(uploading(fake, tickets).put("f", "a", file, kept=True))
    assert [each.stat().st_mode & 0o777 for each in tickets.iterdir()] == [0o600]
    asyncio.run(uploading(fake, tickets).put("f", "a", file, kept=True))
    assert fake.files == {"a": content}
    assert fake.asked.count("ticket") == 1
    assert not list(tickets.iterdir())


def test_a_file_that_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    """Nothing is put together from two contents."""
    fake = FakeStorage(False, [0.5] + [0.0] * 6)
    (file := tmp_path / "x").write_bytes(b"a" * 4500)
    with pytest.raises(BackendUnreachable):
        asyncio.run(uploading(fake, tmp_path / "t").put("f", "a", file, kept=True))
    file.write_bytes(b"b" * 4500)
    os.utime(file, (1, 1))
    asyncio.run(uploading(fake, tmp_path / "t").put("f", "a", file, kept=True))
    assert fake.files == {"a": b"b" * 4500}


def test_the_folder_of_parts_may_vanish_under_a_new_ticket() -> None:
    """A storage proxy removes it with its last file; the ticket is asked for again."""
    fake = FakeStorage(False, refusals=2)
    put(fake, b"x")
    assert fake.files == {"a/b.bin": b"x"}


@pytest.mark.parametrize("path", ["../x", "/x", "", "a/../../b"])
def test_a_path_that_leaves_is_refused_before_anything_is_sent(path: str) -> None:
    """Also no name at all."""
    fake = FakeStorage(False)
    with pytest.raises(Forbidden):
        asyncio.run(uploading(fake).put("f", path, b"x"))
    assert not fake.asked
