"""What is in a vfolder, put together from answers about one folder each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.listing import MOST, Lister
from fasttrack_jupyter.errors import BackendError, BadRequest, Forbidden

TIME = "2026-11-22T15:33:18.238871+00:00"


def item(name: str, kind: str = "FILE", size: int = 1) -> dict[str, Any]:
    """One entry as a manager tells it."""
    return {"name": name, "type": kind, "size": size, "mode": 33188, "created": TIME, "modified": TIME}


class FakeManager:
    """Lists the folders of one vfolder; refuses what is none."""

    def __init__(self, folders: Mapping[str, list[dict[str, Any]]], *, is_old: bool = False) -> None:
        self.folders, self.is_old = folders, is_old

    async def path(self, name: str) -> str:
        return "/folders/f"

    async def call(self, method: str, path: str, *, query: Mapping[str, str]) -> dict[str, Any]:
        if (items := self.folders.get(query["path"])) is None:
            raise BadRequest("no such folder")
        if not self.is_old:
            return {"items": items}
        modes = {"FILE": "-rw-r--r--", "DIRECTORY": "drwxr-xr-x", "SYMLINK": "lrwxrwxrwx"}
        files = [{"filename": each["name"], "size": each["size"], "mode": modes[each["type"]], "mtime": 7.0}
                 for each in items]  # fmt: skip
        return {"files": json.dumps(files)}


def lister(folders: Mapping[str, list[dict[str, Any]]], *, is_old: bool = False) -> Lister:
    """Ours, before a fake."""
    fake = FakeManager(folders, is_old=is_old)
    return Lister(cast(Cluster, fake), cast(Catalogue, fake))


TREE = {
    "": [item("jobs", "DIRECTORY", 4096)],
    "jobs": [item("b", "DIRECTORY", 4096), item("a.txt", size=3), item("link", "SYMLINK", 11)],
    "jobs/b": [item("가 나")],
}


@pytest.mark.parametrize("is_old", [False, True])
def test_all_that_is_below_is_listed_sorted(is_old: bool) -> None:
    """Links as themselves; folders count no bytes; in the words of either kind of manager."""
    found = asyncio.run(lister(TREE, is_old=is_old).below("f", "jobs"))
    assert [(entry.path, entry.is_dir, entry.size) for entry in found] == [
        ("a.txt", False, 3), ("b", True, 0), ("b/가 나", False, 1), ("link", False, 11),
    ]  # fmt: skip


def test_a_file_is_listed_alone_and_nothing_as_nothing() -> None:
    """As the local backend does."""
    assert [entry.path for entry in asyncio.run(lister(TREE).below("f", "jobs/a.txt"))] == ["a.txt"]
    assert asyncio.run(lister(TREE).below("f", "jobs/none")) == []


def test_a_link_that_leaves_is_refused() -> None:
    """A manager refuses to list it; the folder around tells why."""
    with pytest.raises(Forbidden):
        asyncio.run(lister(TREE).below("f", "jobs/link"))


def test_a_folder_that_is_cut_is_said() -> None:
    """An error, or word to who wants to go on with what there is."""
    full = lister({"": [item("data", "DIRECTORY")], "data": [item(f"{n}") for n in range(MOST)]})
    with pytest.raises(BackendError, match="1000"):
        asyncio.run(full.below("f", ""))
    cut: list[str] = []
    assert len(asyncio.run(full.below("f", "", cut.append))) == MOST + 1
    assert cut == ["data"]
