"""The model registry in jobs: what a task promises to register is a version before its success counts, once, whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine.trained import FILES, PARAMS, TRAIN, Trained, go_on

from fasttrack_jupyter.engine.model_views import RegisterRequest
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.engine.views import RerunRequest, Selection
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.lifecycle import Status


def test_a_success_is_a_version_with_its_metrics_and_lineage(engine: Any) -> None:
    """The artifact's content, the values of its task, and all that went into it; the job says which version it made."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN, head=PARAMS))
            job = await engine.finish(fasttrack)
            (model,) = (await fasttrack.models.models()).models
            (version,) = (await fasttrack.models.model("local", "digits")).versions
        assert (model.name, model.versions, model.latest.version) == ("digits", 1, 1)
        assert version.metrics == {"accuracy": 0.9}
        assert [file.path for file in version.files] == ["code/serve.py", "weights.bin"]
        assert backend.contents["digits-v1"]["weights.bin"] == FILES["model/weights.bin"]
        assert backend.folder_infos["digits-v1"].usage_mode == "model"
        made_by = version.lineage
        assert (made_by.pipeline, made_by.index, made_by.task, made_by.params) == ("demo", 1, "train", {"lr": 0.1})
        assert version.aliases == ("latest",)
        told = {"model": "digits", "version": 1, "folder": "digits-v1", "backend": "local"}
        assert job.tasks[0].outputs["model"]["registered"] == told

    asyncio.run(story())


def test_each_success_is_the_next_version_and_a_rerun_of_what_is_reused_none(engine: Any) -> None:
    """Numbers go up by one; what is reused has its version already."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request(TRAIN, "after: [train]"))
                job = await engine.finish(fasttrack)
            await fasttrack.rerun("last", RerunRequest(selection=Selection(only=("after",))))
            again = await engine.finish(fasttrack)
            versions = (await fasttrack.models.model("local", "digits")).versions
        assert [each.version for each in versions] == [2, 1]
        assert job.tasks[0].outputs["model"]["registered"]["version"] == 2
        assert again.tasks[0].outputs["model"]["registered"]["version"] == 2

    asyncio.run(story())


@pytest.mark.parametrize("step", range(14))
def test_an_engine_that_dies_while_it_registers_makes_one_whole_version(engine: Any, step: int) -> None:
    """Killed before or after any change of a vfolder: the next engine goes on with the same version."""

    async def story() -> None:
        backend, count, stuck = Trained(), 0, asyncio.Event()

        async def at() -> None:
            nonlocal count
            count += 1
            if count > step:
                stuck.set()
                await asyncio.Event().wait()

        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            backend.at = at
            await asyncio.wait_for(stuck.wait(), 10)
            assert (await fasttrack.job("last")).result == "UNDEFINED"
        async with engine.on(later := Trained(backend)) as fasttrack:
            job = await engine.finish(fasttrack)
            (version,) = (await fasttrack.models.model("local", "digits")).versions
        assert job.result == "SUCCESS"
        assert version.version == 1
        assert {"weights.bin", "code/serve.py"} <= later.contents["digits-v1"].keys()
        assert [name for name in later.folder_infos if name.startswith("digits")] == ["digits-v1"]
        assert len(later.started) == 1
        assert not list((engine.folder / "registering").glob("*"))

    asyncio.run(story())


def test_a_half_made_version_is_never_listed(engine: Any) -> None:
    """Before its manifest is there, nobody sees it."""

    async def story() -> None:
        backend, stuck = Trained(), asyncio.Event()
        put = backend.put_file

        async def put_file(folder: str, path: str, *args: Any, **how: Any) -> None:
            if path == ".fasttrack/model.json":
                stuck.set()
                await asyncio.Event().wait()
            await put(folder, path, *args, **how)

        backend.put_file = put_file  # type: ignore[method-assign]
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await asyncio.wait_for(stuck.wait(), 10)
            assert not (await fasttrack.models.models()).models
            assert (await fasttrack.job("last")).tasks[0].result == "UNDEFINED"

    asyncio.run(story())


def test_a_cancelled_job_stops_registering(engine: Any) -> None:
    """It ends at once; there is no version, and ``gc`` removes what was made of one."""

    async def story() -> None:
        backend, stuck = Trained(), asyncio.Event()

        async def at() -> None:
            if "digits-v1" in backend.contents:
                stuck.set()
                await asyncio.Event().wait()

        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            backend.at = at
            await asyncio.wait_for(stuck.wait(), 10)
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
            assert job.tasks[0].status == "CANCELLED"
            assert not (await fasttrack.models.models()).models
            backend.at = go_on
            told = await fasttrack.gc(keep_jobs=5, older_than_days=1, dry_run=False)
            assert told.folders == ("digits-v1",)
            assert "digits-v1" not in backend.folder_infos

    asyncio.run(story())


def test_a_backend_that_does_not_answer_is_asked_again(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task waits, and says why."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.01))

    async def story() -> None:
        backend, tries = Trained(), 0

        async def at() -> None:
            nonlocal tries
            tries += 1
            if tries < 4:
                raise BackendUnreachable("the cluster is away")

        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            backend.at = at
            job = await engine.finish(fasttrack)
            events = (await fasttrack.events(0, 100)).events
        assert job.result == "SUCCESS"
        assert "the cluster is away" in {event.reason for event in events}

    asyncio.run(story())


@pytest.mark.parametrize("says_so", [False, True])
def test_a_long_registration_says_how_far_it_is(engine: Any, says_so: bool) -> None:
    """As the progress of the task; or as its reason, where its session has told already that it is ending."""

    async def story() -> None:
        backend, stuck, go_on = Trained(), asyncio.Event(), asyncio.Event()
        leave, backend._decide = backend._decide, lambda spec: None

        async def at() -> None:
            engine.clock.at += 5
            if "weights.bin" in backend.contents.get("digits-v1", {}):
                stuck.set()
                await go_on.wait()

        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await engine.until(lambda: bool(backend.started))
            (spec,) = backend.started
            leave(spec)
            if says_so:
                backend._set(SessionReport(spec.attempt_id, Status.TERMINATING, 0.0))
            backend.at = at
            backend.end(spec.attempt_id, values=backend.values["train"])
            await asyncio.wait_for(stuck.wait(), 10)

            async def is_told() -> bool:
                task = (await fasttrack.job("last")).tasks[0]
                told = task.reason if says_so else task.progress.text if task.progress else ""
                return told.startswith("registering digits-v1: ")

            await engine.until(is_told)
            go_on.set()
            job = await engine.finish(fasttrack)
        assert (job.result, job.tasks[0].reason) == ("SUCCESS", "")

    asyncio.run(story())


def test_what_cannot_be_registered_fails_its_task(engine: Any) -> None:
    """An empty folder is no model: the task says so, and there is no version."""

    async def story() -> None:
        backend = Trained()
        backend.leaves = {}
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            job = await engine.finish(fasttrack)
            assert not (await fasttrack.models.models()).models
        assert job.result == "FAILURE"
        assert "output model was not registered as digits" in job.tasks[0].reason

    asyncio.run(story())


def test_a_vfolder_of_somebody_else_is_left_alone(engine: Any) -> None:
    """A folder that has the name of the next version already: the number after it is taken."""

    async def story() -> None:
        backend = Trained()
        await backend.make_folder("digits-v1", "model")
        await backend.put_file("digits-v1", "mine.txt", b"mine")
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            (version,) = (await fasttrack.models.model("local", "digits")).versions
        assert version.version == 2
        assert backend.contents["digits-v1"] == {"mine.txt": b"mine"}

    asyncio.run(story())


def test_versions_are_promoted_compared_and_deleted(engine: Any) -> None:
    """An alias leads to one version at a time; what is in use is not deleted; a number is never given away twice."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            models = fasttrack.models
            for accuracy in (0.8, 0.9):
                backend.accuracy, backend.leaves["model/weights.bin"] = accuracy, str(accuracy).encode()
                await fasttrack.run(engine.request(TRAIN, head=PARAMS))
                await engine.finish(fasttrack)
            await models.promote("local", "digits", "production", 1)
            view = await models.promote("local", "digits", "production", 2)
            assert view.aliases == {"production": 2}
            assert view.versions[0].aliases == ("production", "latest")
            found = await models.compare("local", "digits", "1", "production")
            (metric,) = found.metrics
            assert (metric.one, metric.other, round(metric.change, 6)) == (0.8, 0.9, 0.1)
            assert [(file.path, file.change) for file in found.files] == [("weights.bin", "changed")]
            assert [param.name for param in found.params] == ["lr"]
            assert found.same_code
            with pytest.raises(Conflict, match="production"):
                await models.delete("local", "digits", "2")
            await models.drop_alias("local", "digits", "production")
            await models.delete("local", "digits", "2")
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            assert [each.version for each in (await models.model("local", "digits")).versions] == [3, 1]
            assert "digits-v2" not in backend.folder_infos

    asyncio.run(story())


def test_by_hand_the_same_output_is_registered_once(engine: Any) -> None:
    """An artifact that nobody promised to register; asked twice, it is one version. What is wrong is said."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(
                engine.request("{name: train, command: learn, outputs: {file: {type: Model, path: model/weights.bin}}}")
            )
            await engine.finish(fasttrack)
            models = fasttrack.models
            wanted = RegisterRequest(job="last", task="train", output="file", name="weights")
            for _ in range(2):
                made = await models.register(await models.origin(wanted), lambda name, done, of: None)
                assert (made["model"], made["version"]) == ("weights", 1)
            assert [file["path"] for file in made["files"]] == ["weights.bin"]
            for change, error in (
                ({"task": "trian"}, NotFound),
                ({"output": "x"}, NotFound),
                ({"name": "a b"}, BadRequest),
            ):
                with pytest.raises(error):
                    await models.origin(wanted.model_copy(update=change))

    asyncio.run(story())


def test_deleting_jobs_keeps_what_was_registered(engine: Any) -> None:
    """A version is a folder of its own, whatever becomes of the job; ``gc`` tells how much versions hold."""

    async def story() -> None:
        backend = Trained()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(TRAIN))
            await engine.finish(fasttrack)
            await fasttrack.delete(["last"])
            told = await fasttrack.gc(keep_jobs=0, older_than_days=0, dry_run=False)
            (version,) = (await fasttrack.models.model("local", "digits")).versions
        assert version.size == sum(map(len, FILES.values())) == told.model_bytes
        assert told.models == 1

    asyncio.run(story())
