"""Tasks of one job on several backends: where each runs, and its inputs carried there, once, whatever dies."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import FileEntry, LentFile, SessionSpec
from fasttrack_jupyter.engine.views import RerunRequest
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, Refused
from fasttrack_jupyter.testing.fakes import FakeBackend

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from two_backends import PREP, REPORT, TRAIN, Pair, tree_of


def test_each_task_runs_where_it_says_and_finds_its_inputs_there(engine: Any) -> None:
    """The outputs are carried to the cluster before the session is asked for; the job says where each task is."""

    async def story() -> None:
        pair = Pair()
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert {task.path: task.backend for task in job.tasks} == {"prep": "local", "train": "cluster"}
        assert [spec.path for spec in pair.local.started] == ["prep"]
        (spec,) = pair.cluster.started
        assert spec.inputs[0].startswith(".carried/")
        assert tree_of(pair.cluster, spec.inputs[0]) == pair.leaves

    asyncio.run(story())


def test_the_plan_says_where_and_what_is_carried(engine: Any) -> None:
    """By task; the job's own backend is the others'."""

    async def story() -> None:
        pair = Pair()
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            plan = await fasttrack.plan(engine.request(PREP, TRAIN, REPORT))
        assert [task.backend for task in plan.tasks] == ["local", "cluster", "local"]
        assert plan.tasks[1].notes == ("its input prep is carried over from local",)
        assert plan.tasks[2].notes == ("its input train is carried over from cluster",)

    asyncio.run(story())


def test_outputs_come_back_and_their_logs_are_read_where_they_are(engine: Any) -> None:
    """From the cluster to this machine, through a file that is on its way in the home."""

    async def story() -> None:
        pair = Pair()

        def learn(spec: SessionSpec) -> int:
            files = pair.cluster.contents.setdefault(spec.folder, {})
            files |= {f"{spec.outputs}/": b"", f"{spec.outputs}/model.pkl": b"m" * 50}
            return 0

        pair.cluster = FakeBackend(learn)
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN, REPORT))
            await engine.finish(fasttrack)
            outputs = await fasttrack.outputs("last", "train")
            model = await fasttrack.read_output("last", "train", "model.pkl", 0, 100)
        assert [file.path for file in outputs] == ["model.pkl"]
        assert model == b"m" * 50
        report = pair.local.started[-1]
        assert tree_of(pair.local, report.inputs[0]) == {"model.pkl": b"m" * 50}
        assert not list((engine.folder / "carrying").glob("*/*"))

    asyncio.run(story())


def test_an_unknown_backend_of_a_task_is_refused_at_its_place(engine: Any) -> None:
    """The others are fine; the problem has a line, and says which there are."""

    async def story() -> None:
        async with engine.on(FakeBackend()) as fasttrack:
            plan = await fasttrack.plan(engine.request(PREP, TRAIN))
            assert [task.decision for task in plan.tasks] == ["will run", "refused"]
            (problem,) = (problem for problem in plan.problems if problem.code == "no-backend")
            assert problem.line == 4
            assert "the backends here are local" in problem.message
            assert "fasttrack login" in problem.hint
            with pytest.raises(Refused, match="train"):
                await fasttrack.run(engine.request(PREP, TRAIN))

    asyncio.run(story())


class Here(FakeBackend):
    """A backend whose folders lie on this machine, below ``root``."""

    root: Path

    def place_of(self, folder: str) -> str | None:
        """Below ``root``."""
        return str(self.root / folder)

    async def lend(self, folder: str, path: str) -> dict[str, LentFile]:
        """As files, each named by its content."""
        found = {}
        for name, data in self._below(folder, path).items():
            digest = hashlib.sha256(data).hexdigest()
            if not name.endswith("/"):
                (self.root / digest).write_bytes(data)
                found[name] = LentFile(self.root / digest, len(data), digest)
        return found


def test_what_is_there_already_is_not_sent_again(engine: Any, tmp_path: Path) -> None:
    """Neither for a second task, nor for a new job whose outputs are the same."""

    async def story() -> None:
        pair = Pair()
        pair.local = Here(pair.decide)
        pair.local.root = tmp_path
        other = "{name: other, command: x, dependencies: [prep], backend: cluster}"
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request(PREP, TRAIN, other))
                job = await engine.finish(fasttrack)
                assert job.result == "SUCCESS"
        assert [task.outputs_dir for task in job.tasks][:2] == [f"{tmp_path}/{job.folder}/jobs/2/prep", "jobs/2/train"]
        assert len(pair.cluster.started) == 4
        assert len({spec.inputs for spec in pair.cluster.started}) == 1
        assert len(sent_to(pair.cluster)) == 2

    asyncio.run(story())


def test_what_was_carried_goes_with_the_last_job_that_needs_it(engine: Any, tmp_path: Path) -> None:
    """Two jobs share a tree; it is removed from the cluster with the second of them."""

    async def story() -> None:
        pair = Pair()
        pair.local = Here(pair.decide)
        pair.local.root = tmp_path
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request(PREP, TRAIN))
                await engine.finish(fasttrack)
            place = pair.cluster.started[0].inputs[0]
            await fasttrack.delete(["demo#1"])
            assert tree_of(pair.cluster, place) == pair.leaves
            await fasttrack.delete(["demo#2"])
        (files,) = pair.cluster.contents.values()
        assert [name for name, data in files.items() if data] == []

    asyncio.run(story())


def test_a_job_is_not_deleted_while_its_cluster_does_not_answer(engine: Any) -> None:
    """What it left there could not be removed; gc leaves it for another time, the rest goes."""

    async def story() -> None:
        pair = Pair()

        async def folders() -> Any:
            raise BackendUnreachable("the manager does not answer")

        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            await engine.finish(fasttrack)
            await fasttrack.run(engine.request(PREP))
            await engine.finish(fasttrack)
            pair.cluster.folders = folders
            with pytest.raises(BackendUnreachable):
                await fasttrack.delete(["demo#1"])
            engine.clock.at += 86_400 * 10
            removed = await fasttrack.gc(keep_jobs=0, older_than_days=1, dry_run=False)
            assert removed.jobs == ("demo#2",)
            assert (await fasttrack.job("demo#1")).result == "SUCCESS"

    asyncio.run(story())


def sent_to(backend: FakeBackend) -> list[str]:
    """The files that were carried to a backend."""
    return [name for name in backend.sent if ".index" not in name]


def test_reused_outputs_are_carried_from_where_they_are(engine: Any) -> None:
    """A job whose first task ran here is run again on the cluster, from the failed task on."""

    async def story() -> None:
        pair = Pair()
        fails = "{name: train, command: learn, dependencies: [prep]}"
        pair.local._decide = lambda spec: pair.decide(spec) if spec.path == "prep" else 1
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, fails))
            await engine.finish(fasttrack)
            request = RerunRequest(from_failed=True, backend="cluster")
            plan = await fasttrack.plan_rerun("last", request)
            assert [(task.decision, task.backend) for task in plan.tasks] == [
                ("reused", "local"), ("will run", "cluster"),
            ]  # fmt: skip
            assert plan.tasks[1].notes == ("its input prep is carried over from local",)
            await fasttrack.rerun("last", request)
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert tree_of(pair.cluster, pair.cluster.started[0].inputs[0]) == pair.leaves

    asyncio.run(story())


class Brief(FakeBackend):
    """A backend that lists one file of a folder of its index or of a tree, and refuses when there are more."""

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        found = await super().files(folder, path)
        if path.startswith(".carried/") and len(found) > 1:
            raise BackendError("more entries than the cluster lists")
        return found


def test_what_a_backend_does_not_list_is_carried_all_the_same(engine: Any) -> None:
    """Neither an index nor a tree that has grown too long keeps a task from its inputs; what is whole stays."""

    async def story() -> None:
        pair, cluster = Pair(), Brief(lambda spec: 0)
        async with engine.on(pair.local, cluster=cluster) as fasttrack:
            for _ in range(2):
                await fasttrack.run(engine.request(PREP, TRAIN))
                assert (await engine.finish(fasttrack)).result == "SUCCESS"
        assert tree_of(cluster, cluster.started[0].inputs[0]) == pair.leaves

    asyncio.run(story())


class Dying(BaseException):
    """The engine is killed here."""


class Mortal(FakeBackend):
    """A backend during whose ``after``-th call that changes a folder the engine dies; before it, or just after."""

    after, is_done, dead = 0, False, asyncio.Event()

    async def put_file(
        self, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        await self._step(super().put_file(folder, path, source, progress))

    async def make_dirs(self, folder: str, paths: Sequence[str]) -> None:
        await self._step(super().make_dirs(folder, paths))

    async def _step(self, work: Any) -> None:
        self.after -= 1
        if self.after == 0 and not self.is_done:
            work.close()
        else:
            await work
        if self.after <= 0:
            self.dead.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("step", range(1, 7))
def test_an_engine_that_dies_while_it_carries_costs_nothing(engine: Any, step: int, is_done: bool) -> None:
    """Whichever call it dies in: the next engine sends the rest, the session starts once and sees all of it."""

    async def story() -> None:
        pair = Pair()
        mortal = Mortal()
        mortal.after, mortal.is_done, mortal.dead = step, is_done, asyncio.Event()
        async with engine.on(pair.local, cluster=mortal) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            await asyncio.wait(
                [asyncio.ensure_future(mortal.dead.wait()), asyncio.ensure_future(engine.finish(fasttrack))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        after = len(sent_to(mortal))
        cluster = Pair.again(mortal, lambda spec: 0)
        async with engine.on(Pair.again(pair.local, pair.decide), cluster=cluster) as fasttrack:
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        (spec,) = cluster.started
        assert tree_of(cluster, spec.inputs[0]) == pair.leaves
        assert after <= 2
        assert len(sent_to(cluster)) == 2

    asyncio.run(story())


def test_a_carriage_waits_for_a_cluster_that_does_not_answer(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told; when it answers, it goes on."""
    monkeypatch.setattr("fasttrack_jupyter.engine.acts.UNREACHABLE_PAUSE", (0.01, 0.02))

    async def story() -> None:
        pair = Pair()
        put, is_down = pair.cluster.put_file, True

        async def put_file(*args: Any) -> None:
            if is_down:
                raise BackendUnreachable("the storage does not answer")
            await put(*args)

        pair.cluster.put_file = put_file
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            await engine.until(lambda: waits(fasttrack))
            is_down = False
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert job.tasks[1].reason == ""

    async def waits(fasttrack: Any) -> bool:
        return (await fasttrack.job("last")).tasks[1].reason == "the storage does not answer"

    asyncio.run(story())


def test_a_task_is_cancelled_while_its_inputs_are_carried(engine: Any) -> None:
    """At once, and no session was ever asked for."""

    async def story() -> None:
        pair, reached = Pair(), asyncio.Event()

        async def put_file(*args: Any) -> None:
            reached.set()
            await asyncio.Event().wait()

        pair.cluster.put_file = put_file
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            await reached.wait()
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
        assert (job.status, job.tasks[1].status, job.tasks[1].reason) == ("CANCELLED", "CANCELLED", "cancelled")
        assert pair.cluster.started == []

    asyncio.run(story())


def test_outputs_that_are_gone_fail_the_task_that_needs_them(engine: Any) -> None:
    """It says which, and what to do."""

    async def story() -> None:
        pair = Pair()
        pair.local.gone.add("jobs/1/prep")
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN))
            job = await engine.finish(fasttrack)
        assert job.result == "FAILURE"
        assert job.tasks[1].reason == "the outputs of prep (jobs/1/prep) are not on local any more (run prep again)"

    asyncio.run(story())


def test_a_job_waits_for_each_of_its_backends(engine: Any) -> None:
    """One that is gone keeps it from going on; what ran elsewhere is adopted when it is back."""

    async def story() -> None:
        pair = Pair()
        pair.cluster._decide = lambda spec: None
        async with engine.on(pair.local, cluster=pair.cluster) as fasttrack:
            await fasttrack.run(engine.request(PREP, TRAIN, REPORT))
            await engine.until(lambda: len(pair.cluster.running()) == 1)
        local = Pair.again(pair.local, lambda spec: 0)
        async with engine.on(local) as fasttrack:
            assert "'cluster' is not here" in (await fasttrack.job("last")).paused
            cluster = Pair.again(pair.cluster, lambda spec: 0)
            await fasttrack.add_backend("cluster", cluster)
            cluster.end(cluster.running()[0])
            job = await engine.finish(fasttrack)
        assert job.result == "SUCCESS"
        assert [spec.path for spec in local.started + cluster.started] == ["prep", "report", "train"]

    asyncio.run(story())
