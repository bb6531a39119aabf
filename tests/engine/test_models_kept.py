"""What others share, what is broken, what is being made: versions stay what they are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from engine.trained import TRAIN, Trained

from fasttrack_jupyter.engine import model_shelf
from fasttrack_jupyter.engine.clusters import ClusterFolder, NewFolder
from fasttrack_jupyter.engine.model_views import RegisterRequest
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.registry import parse_model_ref


class Sharing(Trained):
    """A cluster where others share vfolders with its user: those in ``shared``."""

    shared: tuple[str, ...] = ()

    def browser(self) -> Any:
        return self

    async def folders(self) -> Any:
        mine = {"id": "", "host": "", "created_at": None, "permission": "rw", "owner": None, "project": None}
        return [
            ClusterFolder(name=each.name, usage_mode=each.usage_mode, is_owner=each.name not in self.shared, **mine)
            for each in await super().folders()
        ]

    async def make_folder(self, name: Any, usage_mode: str = "", pipeline: str | None = None) -> Any:
        if not isinstance(name, NewFolder):
            return await super().make_folder(name, usage_mode, pipeline)
        if name.name in self.folder_infos:
            raise Conflict("there is one")
        return await super().make_folder(name.name, name.usage_mode, None)


def test_what_others_share_is_no_version_of_ours(engine: Any) -> None:
    """Somebody's ``digits-v999`` must not be what ``digits@latest`` deploys, nor count as a number."""

    async def story() -> None:
        backend = Sharing()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            theirs = json.loads(backend.contents["digits-v1"][".fasttrack/model.json"]) | {"version": 999}
            backend.shared = ("digits-v999", "digits-v2")
            for name in backend.shared:
                await Trained.make_folder(backend, name, "model")
                await backend.put_file(name, ".fasttrack/model.json", json.dumps(theirs).encode())
            assert await fasttrack.models.resolve("local", parse_model_ref("digits@latest")) == "digits-v1"
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            assert [each.version for each in (await fasttrack.models.model("local", "digits")).versions] == [3, 1]

    asyncio.run(story())


@pytest.mark.parametrize("change", [{"lineage": {}}, {"size": "much"}, {"files": [{}]}, {"digest": None}])
def test_a_manifest_that_is_none_breaks_nothing(engine: Any, change: dict[str, Any]) -> None:
    """It is skipped; as nobody knows what it was, nothing of it is removed."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request(TRAIN))
                await engine.finish(fasttrack)
            manifest = json.loads(backend.contents["digits-v2"][".fasttrack/model.json"]) | change
            backend.contents["digits-v2"][".fasttrack/model.json"] = json.dumps(manifest).encode()
        async with engine.on(backend) as fasttrack:
            (model,) = (await fasttrack.models.models()).models
            assert (model.versions, model.latest.version) == (1, 1)
            assert (await fasttrack.gc(keep_jobs=9, older_than_days=9, dry_run=False)).models == 1
            assert "digits-v2" in backend.folder_infos

    asyncio.run(story())


def test_a_manifest_that_is_no_json_is_told_and_its_version_is_never_removed(engine: Any) -> None:
    """It may be whole: who cannot read it does not know; the doctor says so."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            backend.contents["digits-v1"][".fasttrack/model.json"] = b'{"model": "dig'
        async with engine.on(backend) as fasttrack:
            found = await fasttrack.gc(keep_jobs=0, older_than_days=0, dry_run=False)
            assert ("digits-v1" in backend.folder_infos, "digits-v1" in found.folders) == (True, False)
            (line,) = [line for line in await fasttrack.doctor() if line["check"] == "model"]
            assert (line["ok"], "vfolder digits-v1 on local" in line["found"]) == (False, True)
            assert "it is no JSON" in line["found"]
            assert line["remedy"]

    asyncio.run(story())


def test_a_model_of_too_many_files_is_refused(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manifest could not be read again."""
    monkeypatch.setattr(model_shelf, "_LONGEST", 400)

    async def story() -> None:
        async with engine.on(Trained()) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            job = await engine.finish(fasttrack)
            assert (job.result, "has 2 files, too many" in job.tasks[0].reason) == ("FAILURE", True)
            assert (await fasttrack.models.models()).models == ()

    asyncio.run(story())


def test_what_is_being_registered_by_hand_is_not_swept_away(engine: Any) -> None:
    """Its job has ended, and yet somebody goes on with it."""

    async def story() -> None:
        backend, stuck, go = Trained(), asyncio.Event(), asyncio.Event()

        async def at() -> None:
            if ".fasttrack/claim.json" in backend.contents.get("digits-v1", {}):
                stuck.set()
                await go.wait()

        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN.replace(", register: digits", "")))
            await engine.finish(fasttrack)
            models, backend.at = fasttrack.models, at
            origin = await models.origin(RegisterRequest(job="last", task="train", output="model", name="digits"))
            making = asyncio.create_task(models.register(origin, lambda name, done, of: None))
            await asyncio.wait_for(stuck.wait(), 10)
            assert await models.sweep(dry_run=False) == ([], 0)
            go.set()
            assert (await making)["version"] == 1

    asyncio.run(story())
