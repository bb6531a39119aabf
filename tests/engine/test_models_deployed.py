"""Deployments of registered versions: which one is meant is settled once, and what is served is not deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.testing.fakes import FakeBackend, Outcome
from fasttrack_jupyter.testing.serving import FakeServingBackend, model_files

TRAIN = "{name: train, command: learn, outputs: {model: {type: Model, path: model, register: digits}}}"
SERVE = "{name: serve, type: deployment, dependencies: [%s], service: {name: digits, model: %s}}"


class Served(FakeServingBackend):
    """``train`` leaves a model with its definition; a deployment goes on until it is told, where it is ``slow``."""

    def __init__(self, earlier: Served | None = None, *, slow: bool = False) -> None:
        kept: dict[str, Any] = {"sessions": earlier.sessions, "contents": earlier.contents} if earlier else {}
        super().__init__(self._leave, services=earlier.services_kept if earlier else None, **kept)
        self.folder_infos = earlier.folder_infos if earlier else {}
        self.slow = slow
        self.asked: list[str] = []
        """The model folders of deployments, each time that one is asked for."""

    async def submit(self, spec: SessionSpec) -> None:
        if spec.service is not None:
            self.asked.append(spec.service.model)
        await super().submit(spec)

    def _leave(self, spec: SessionSpec) -> Outcome:
        if spec.service is not None:
            return None if self.slow else 0
        files = self.contents.setdefault(spec.folder, {})
        files |= {f"{spec.outputs}/": b"", f"{spec.outputs}/model/": b""}
        files |= {f"{spec.outputs}/model/{name}": data for name, data in dict(model_files()).items()}
        return 0


async def _run(engine: Any, fasttrack: FastTrack, *tasks: str) -> Any:
    await fasttrack.run(engine.request(*tasks))
    job = await engine.finish(fasttrack)
    assert job.result == "SUCCESS", [task.reason for task in job.tasks]
    return job


def test_latest_is_the_version_that_the_job_itself_has_made(engine: Any) -> None:
    """Else the highest; aliases and numbers mean what the registry says. What was settled goes with the job."""

    async def story() -> None:
        backend = Served()
        async with engine.on(backend) as fasttrack:
            await _run(engine, fasttrack, TRAIN, SERVE % ("train", "digits@latest"))
            await _run(engine, fasttrack, TRAIN)
            await fasttrack.models.promote("local", "digits", "production", 1)
            for word in ("latest", "production", "2"):
                await _run(engine, fasttrack, SERVE % ("", f"digits@{word}"))
            notes = engine.folder / "deploying"
            assert len(list(notes.iterdir())) == 4
            await backend.remove_service("digits")
            engine.clock.at += 1
            await fasttrack.gc(keep_jobs=0, older_than_days=0, dry_run=False)
            assert not list(notes.iterdir())
        assert backend.asked == ["digits-v1", "digits-v2", "digits-v1", "digits-v2"]

    asyncio.run(story())


def test_an_engine_that_dies_asks_again_for_the_same_version(engine: Any) -> None:
    """Although there is a later one by then."""

    async def story() -> None:
        backend = Served()
        async with engine.on(backend) as fasttrack:
            await _run(engine, fasttrack, TRAIN)
            backend.slow = True
            await fasttrack.run(engine.request(SERVE % ("", "digits@latest"), name="deploy"))
            await engine.until(lambda: backend.asked == ["digits-v1"])
            await fasttrack.run(engine.request(TRAIN))
            await engine.until(lambda: "digits-v2" in backend.folder_infos)
        async with engine.on(later := Served(backend, slow=True)) as fasttrack:
            await engine.until(lambda: bool(later.asked))
            later.become_healthy("digits")
            await engine.finish(fasttrack)
        assert set(later.asked) == {"digits-v1"}

    asyncio.run(story())


def test_a_version_that_is_served_is_not_deleted(engine: Any) -> None:
    """The model says which services use it; once they are gone it can go."""

    async def story() -> None:
        backend = Served()
        async with engine.on(backend) as fasttrack:
            await _run(engine, fasttrack, TRAIN, SERVE % ("train", "digits@latest"))
            (version,) = (await fasttrack.models.model("local", "digits")).versions
            assert version.services == ("digits",)
            with pytest.raises(Conflict, match="is served by digits"):
                await fasttrack.models.delete("local", "digits", "1")
            await backend.remove_service("digits")
            await fasttrack.models.delete("local", "digits", "1")
        assert "digits-v1" not in backend.folder_infos

    asyncio.run(story())


def test_a_version_that_a_rollout_would_go_back_to_is_not_deleted(engine: Any) -> None:
    """Until the rollout has succeeded, the service needs both."""

    async def story() -> None:
        backend = Served()
        async with engine.on(backend) as fasttrack:
            await _run(engine, fasttrack, TRAIN, SERVE % ("train", "digits@latest"))
            await _run(engine, fasttrack, TRAIN)
            backend.slow = True
            await fasttrack.run(engine.request(SERVE % ("", "digits@2"), name="deploy"))
            await engine.until(lambda: backend.asked[1:] == ["digits-v2"])
            for version in ("1", "2"):
                with pytest.raises(Conflict, match="is served by digits"):
                    await fasttrack.models.delete("local", "digits", version)
            backend.become_healthy("digits")
            await engine.finish(fasttrack)
            await fasttrack.models.delete("local", "digits", "1")

    asyncio.run(story())


def test_a_backend_without_services_has_models_all_the_same(engine: Any) -> None:
    """Nothing is served there."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            assert (await fasttrack.models.models()).models == ()

    asyncio.run(story())
