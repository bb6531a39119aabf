"""What a session needs is there, also where somebody removed the pipeline's vfolder meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.model.resources import ResourceSlots


class FakeManager:
    """Keeps vfolders by their ids, with the folders that were made in each."""

    profile = Profile("default", "https://cluster")

    def __init__(self) -> None:
        self.folders: dict[str, tuple[str, set[str]]] = {}
        self.made = 0

    async def release(self) -> Release:
        return Release(26, 9)

    async def graphql(self, query: str) -> dict[str, Any]:
        return {"groups": [{"id": "g", "name": "default"}]}

    async def call(self, method: str, path: str, *, body: Any = None, query: Any = None, **more: Any) -> Any:
        parts = path.split("/")[1:]
        if parts == ["folders"] and method == "POST":
            self.made += 1
            self.folders[f"id{self.made}"] = (body["name"], set())
            return None
        if parts == ["folders"]:
            return [{"id": each, "name": name, "is_owner": True} for each, (name, _) in self.folders.items()]
        if parts[1] not in self.folders:
            raise NotFound("no such vfolder")
        return self._inside(parts[2], self.folders[parts[1]][1], body or query)

    def _inside(self, what: str, there: set[str], asked: Mapping[str, Any]) -> Any:
        if what == "mkdir":
            there.update(asked["path"])
            return None
        if asked["path"] not in there:
            raise BadRequest("no such folder")
        return {"items": []}


def test_a_vfolder_that_was_removed_meanwhile_is_made_and_filled_anew(tmp_path: Path) -> None:
    """By somebody in the cluster's web pages, say: the next session gets its places and its code again."""
    manager, snapshots = FakeManager(), Snapshots(tmp_path / "code")
    digest = snapshots.put({"train.py": b"print()"})
    spec = SessionSpec(
        attempt_id="j-0-1", job_id="j", job_index=1, pipeline="p", folder="p-1", path="t", number=1, command="true",
        image="image", slots=ResourceSlots(), environ={}, outputs="jobs/1/t", code=digest,
    )  # fmt: skip
    put: list[str] = []

    class FakeUploads:
        async def put(self, folder: str, path: str, content: object, **more: Any) -> None:
            put.append(path)

    async def go() -> None:
        vfolders = Vfolders(cast(Cluster, manager), snapshots=snapshots)
        assert vfolders._code is not None
        vfolders._code._uploads = cast(Any, FakeUploads())
        await vfolders.prepare(spec, lambda fraction, text: None)
        await vfolders.prepare(spec, lambda fraction, text: None)
        assert len(put) == 2
        manager.folders.clear()
        await vfolders.prepare(spec, lambda fraction, text: None)

    asyncio.run(go())
    ((name, there),) = manager.folders.values()
    assert name == "p-1"
    assert "jobs/1/t" in there
    assert put == [f".code/{digest}/train.py", f".code/{digest}.whole"] * 2
