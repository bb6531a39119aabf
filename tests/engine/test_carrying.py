"""What is carried: an index that does not outgrow what backends list, and trees that are told from one another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from fasttrack_jupyter.engine.carrying import Carriage, Carrier
from fasttrack_jupyter.engine.ports import FileEntry
from fasttrack_jupyter.errors import BackendError
from fasttrack_jupyter.testing.fakes import FakeBackend


@pytest.mark.parametrize("limit", [0, 2])
def test_an_index_of_many_trees_is_swept_as_far_as_it_is_listed(limit: int) -> None:
    """It lies in parts; one that is longer than the backend lists is left alone, the others are not."""

    class Listing(FakeBackend):
        async def files(self, folder: str, path: str) -> list[FileEntry]:
            found = await super().files(folder, path)
            is_short = path.count("/") == 2 and len(found) <= limit
            if path.startswith(".carried/.index") and limit and not is_short:
                raise BackendError("more entries than the cluster lists")
            return found

    async def story() -> None:
        target = Listing()
        await target.make_folder("f", "data")
        digests = [f"{number:02x}" + "0" * 38 for number in (1, 2)] + ["02" + "1" * 38]
        for digest in digests:
            for name in (".whole", ".gone"):
                await target.put_file("f", f".carried/.index/{digest[:2]}/{digest}{name}", b"jobs/1/gone")
            await target.put_file("f", f".carried/{digest}/made", b"made")

        async def kept() -> set[str]:
            return set()

        carrier = Carrier(lambda name: target, Path("/nowhere"))
        swept, _ = await carrier.sweep("b", "f", kept, dry_run=False)
        assert sorted(swept) == sorted(f".carried/{digest}" for digest in (digests[:1] if limit else digests))

    asyncio.run(story())


def test_outputs_of_a_cluster_that_were_changed_are_others() -> None:
    """Also where their sizes are as before: by when they were changed, or by what is in them."""

    class Cluster(FakeBackend):
        at, content = 0.0, b"one"

        async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
            return set()

        async def files(self, folder: str, path: str) -> list[FileEntry]:
            return [FileEntry("made", False, 3, self.at)]

        async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
            return self.content[start : start + limit]

    async def story() -> None:
        cluster = Cluster()
        carrier = Carrier(lambda name: cluster, Path("/nowhere"))
        wanted = Carriage("f", "jobs/1/a", "cluster", "local", "a")

        async def digest(**more: Any) -> str:
            for name, value in more.items():
                setattr(cluster, name, value)
            carrier._trees.clear()
            return (await carrier._tree(cast(Any, cluster), wanted)).digest

        first = await digest()
        assert await digest() == first
        assert await digest(content=b"two") != first
        dated = await digest(at=5.0)
        assert await digest(content=b"one") == dated
        assert await digest(at=6.0) != dated

    asyncio.run(story())
