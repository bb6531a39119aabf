"""Results that are there already stand in for executions that would give them again, and nothing else does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.cache_desk import CachePin, CacheRequest
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView, PlanView, RerunRequest
from fasttrack_jupyter.model.lifecycle import JobStatus, Result

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from disk_backend import DiskBackend

CHAIN = """name: demo
cache: true
params: [{name: lr, type: float, default: 0.1}]
tasks:
- {name: prep, command: lossy prep}
- {name: train, command: 'train ${{ params.lr }}', dependencies: [prep]}
- {name: report, command: report, dependencies: [train]}
"""


class Story:
    """Jobs of one home on a backend with real folders."""

    def __init__(self, engine: Any, fasttrack: FastTrack, backend: DiskBackend) -> None:
        self.engine, self.fasttrack, self.backend = engine, fasttrack, backend

    async def run(self, text: str, **how: object) -> tuple[JobView, list[str]]:
        """A job to its end, and what was executed for it."""
        self.backend.runs()
        made = await self.fasttrack.run(JobRequest(text=text, **how))
        job = await self.engine.finish(self.fasttrack, made.id)
        assert job.status in (JobStatus.TERMINATED, JobStatus.CANCELLED)
        return job, sorted(self.backend.runs())

    async def plan(self, text: str, **how: object) -> dict[str, tuple[str, str]]:
        """By task, the decision and the reason."""
        found: PlanView = await self.fasttrack.plan(JobRequest(text=text, **how))
        return {task.path: (str(task.decision), task.reason) for task in found.tasks}


def tell(engine: Any, story: object, **how: object) -> None:
    """Run ``story(Story)`` on an open engine."""

    async def told() -> None:
        backend = DiskBackend(engine.folder / "vfolders", **how)
        async with engine.on(backend) as fasttrack:
            await story(Story(engine, fasttrack, backend))

    asyncio.run(told())


def test_what_was_done_before_is_not_done_again(engine: Any) -> None:
    """The second job takes everything from the first, and says so."""

    async def story(at: Story) -> None:
        first, ran = await at.run(CHAIN)
        assert ran == ["prep", "report", "train"]
        assert await at.plan(CHAIN) == dict.fromkeys(("prep", "train", "report"), ("reused", "reused from job #1"))
        second, ran = await at.run(CHAIN)
        assert ran == []
        assert second.result is Result.SUCCESS
        assert [task.reason for task in second.tasks] == ["reused from job #1"] * 3
        assert second.tasks[2].outputs_dir == first.tasks[2].outputs_dir

    tell(engine, story)


def test_a_task_without_cache_runs_each_time(engine: Any) -> None:
    """So do tasks with side effects; what they left counts by its content."""
    text = CHAIN.replace("command: lossy prep", "command: lossy prep, cache: false").replace(
        "command: report", "command: report, side_effects: true"
    )

    async def story(at: Story) -> None:
        await at.run(text)
        assert (await at.run(text))[1] == ["prep", "report"]

    tell(engine, story)


def test_a_changed_parameter_is_named_with_both_values(engine: Any) -> None:
    """What the task mentions runs again, what depends on it may."""

    async def story(at: Story) -> None:
        await at.run(CHAIN)
        assert await at.plan(CHAIN, params={"lr": 0.2}) == {
            "prep": ("reused", "reused from job #1"),
            "train": ("will run", "parameter lr changed (0.1 → 0.2) since job #1"),
            "report": ("will run", "what it depends on runs (train); reused if that gives the same outputs"),
        }
        assert (await at.run(CHAIN, params={"lr": 0.2}))[1] == ["report", "train"]
        assert (await at.run(CHAIN, params={"lr": 0.1}))[1] == []

    tell(engine, story)


def test_same_outputs_cut_off_what_depends_on_them(engine: Any) -> None:
    """A task that ran again and gave the same does not make its dependents run."""

    async def story(at: Story) -> None:
        text = CHAIN.replace("command: lossy prep", "command: 'same ${{ params.lr }}'")
        same = lambda spec, outputs, inputs: (outputs / "out").write_text(spec.path) * 0  # noqa: E731
        at.backend.program = same
        await at.run(text)
        assert (await at.run(text.replace("same", "other")))[1] == ["prep"]

    tell(engine, story)


def test_outputs_that_were_altered_are_never_taken(engine: Any) -> None:
    """Nor those that are gone; the plan says which it is."""

    async def story(at: Story) -> None:
        first, _ = await at.run(CHAIN)
        left = at.backend.root / first.folder / first.tasks[1].outputs_dir / "out.txt"
        left.write_text(left.read_text()[::-1])
        assert (await at.plan(CHAIN))["train"] == ("will run", "its outputs of job #1 are not what they were")
        left.unlink()
        left.parent.rmdir()
        told = "its outputs of job #1 are gone, or nobody can vouch for them"
        assert (await at.plan(CHAIN))["train"] == ("will run", told)
        _, ran = await at.run(CHAIN)
        assert ran == ["train"]  # gave the same again: the report stands

    tell(engine, story)


def test_a_failure_is_not_remembered(engine: Any) -> None:
    """What failed runs again."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: fails}]\n"

    async def story(at: Story) -> None:
        assert (await at.run(text))[1] == ["a"]
        assert (await at.run(text))[1] == ["a"]

    tell(engine, story)


def test_a_job_may_be_asked_to_reuse_nothing(engine: Any) -> None:
    """It runs everything, its rerun too unless that says otherwise; what it gave is remembered."""

    async def story(at: Story) -> None:
        await at.run(CHAIN)
        job, ran = await at.run(CHAIN, cache=False)
        assert ran == ["prep", "report", "train"]
        again = await at.fasttrack.rerun(job.id, RerunRequest())
        await at.engine.finish(at.fasttrack, again.id)
        assert len(at.backend.runs()) == 3
        again = await at.fasttrack.rerun(job.id, RerunRequest(cache=True))
        await at.engine.finish(at.fasttrack, again.id)
        assert at.backend.runs() == []
        assert {entry.job for entry in await at.fasttrack.cache.entries()} == {"demo#3"}

    tell(engine, story)


def test_an_identical_execution_under_way_is_joined(engine: Any) -> None:
    """Two tasks of one key in one job run once; so do two jobs at the same time."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: same}, {name: b, command: same}]\n"

    async def story(at: Story) -> None:
        job, ran = await at.run(text)
        assert len(ran) == 1
        assert sorted(task.reason for task in job.tasks) == ["", "reused from job #1"]
        other = text.replace("same", "other")
        made = [await at.fasttrack.run(JobRequest(text=other)) for _ in range(3)]
        for each in made:
            assert (await at.engine.finish(at.fasttrack, each.id)).result is Result.SUCCESS
        assert len(at.backend.runs()) == 1

    tell(engine, story)


def test_who_joined_a_failure_runs_itself(engine: Any) -> None:
    """The other's failure is not its own."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: same}, {name: b, command: same}]\n"
    results = iter([1, 0])

    async def story(at: Story) -> None:
        at.backend.program = lambda spec, outputs, inputs: next(results)
        job, ran = await at.run(text)
        assert len(ran) == 2
        assert sorted(str(task.result) for task in job.tasks) == ["FAILURE", "SUCCESS"]

    tell(engine, story)


def test_who_joined_an_execution_that_was_cancelled_runs_itself(engine: Any) -> None:
    """Nobody waits for what will not come."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: same}]\n"

    async def story(at: Story) -> None:
        at.backend._decide = lambda spec: None  # runs until it is ended
        first = await at.fasttrack.run(JobRequest(text=text))
        await at.engine.until(lambda: len(at.backend.started) == 1)
        second = await at.fasttrack.run(JobRequest(text=text))

        async def waits() -> bool:
            return "waits for the same execution, a of job #1" in (await at.fasttrack.job(second.id)).tasks[0].reason

        await at.engine.until(waits)
        at.backend._decide = at.backend._run
        await at.fasttrack.cancel(first.id)
        assert (await at.engine.finish(at.fasttrack, second.id)).result is Result.SUCCESS
        assert len(at.backend.runs()) == 2

    tell(engine, story)


def test_secrets_are_in_no_part_of_an_entry(engine: Any) -> None:
    """A changed secret is a changed variable, named without its value."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: a, environment: {envs: {T: '${{ secrets.T }}'}}}]\n"
    engine.secrets.set("T", "hunter2-old")

    async def story(at: Story) -> None:
        await at.run(text)
        assert (await at.run(text))[1] == []
        engine.secrets.set("T", "hunter2-new")
        assert await at.plan(text) == {"a": ("will run", "variable T changed since job #1")}
        await at.run(text)
        for each in await at.fasttrack.cache.entries():
            assert "hunter2" not in (await at.fasttrack.cache.entry(each.entry)).model_dump_json()

    tell(engine, story)
    stored = b"".join(path.read_bytes() for path in engine.folder.glob("fasttrack.db*"))
    assert b"hunter2" not in stored
    assert (engine.folder / "cache.key").stat().st_mode & 0o777 == 0o600


def test_code_counts_and_the_pipelines_own_file_does_not(engine: Any, tmp_path: Path) -> None:
    """A changed file is named; another command of another task in the YAML is no change of code."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("1")
    file = folder / "demo.fasttrack.yaml"
    file.write_text(CHAIN)

    async def story(at: Story) -> None:
        await at.run(CHAIN, source=str(file))
        text = CHAIN.replace("command: report", "command: report more")
        file.write_text(text)
        assert (await at.plan(text, source=str(file))) == {
            "prep": ("reused", "reused from job #1"),
            "train": ("reused", "reused from job #1"),
            "report": ("will run", "command changed since job #1"),
        }
        (folder / "train.py").write_text("2")
        assert (await at.plan(text, source=str(file)))["prep"] == ("will run", "train.py changed since job #1")

    tell(engine, story)


def test_a_command_that_names_its_job_is_never_reused(engine: Any) -> None:
    """No two jobs share an index; the plan says so."""
    text = "name: demo\ncache: true\ntasks: [{name: a, command: 'a ${{ job.index }}'}]\n"

    async def story(at: Story) -> None:
        await at.run(text)
        told = "never reused: it uses job.index, which no two jobs share"
        assert await at.plan(text) == {"a": ("will run", told)}
        assert (await at.run(text))[1] == ["a"]

    tell(engine, story)


def test_gc_drops_entries_with_their_outputs_but_for_pinned_ones(engine: Any) -> None:
    """A pinned entry outlives its job; unpinned, it goes with the next gc."""

    async def story(at: Story) -> None:
        await at.run(CHAIN)
        listed = await at.fasttrack.cache.entries(task="prep")
        await at.fasttrack.cache.pin(CachePin(entries=(listed[0].entry,), pinned=True))
        engine.clock.at += 10 * 86_400
        await at.fasttrack.gc(keep_jobs=0, older_than_days=1, dry_run=False)
        assert [entry.task for entry in await at.fasttrack.cache.entries()] == ["prep"]
        assert (await at.run(CHAIN))[1] == ["report", "train"]
        checks = await at.fasttrack.cache.verify(CacheRequest(pipeline="demo"))
        assert all(check.ok for check in checks)
        await at.fasttrack.cache.pin(CachePin(pipeline="demo", pinned=False))
        engine.clock.at += 10 * 86_400
        await at.fasttrack.gc(keep_jobs=0, older_than_days=1, dry_run=False)
        assert await at.fasttrack.cache.entries() == []
        assert not any((at.backend.root).glob("*/jobs/*/*"))

    tell(engine, story)


def test_an_evicted_entry_is_not_found_again(engine: Any) -> None:
    """The outputs stay as long as a job shows them."""

    async def story(at: Story) -> None:
        job, _ = await at.run(CHAIN)
        gone = await at.fasttrack.cache.evict(CacheRequest(pipeline="demo", task="train"))
        assert [entry.task for entry in gone] == ["train"]
        assert (at.backend.root / job.folder / job.tasks[1].outputs_dir).is_dir()
        assert (await at.plan(CHAIN))["train"] == ("will run", "no result of it is kept")

    tell(engine, story)
