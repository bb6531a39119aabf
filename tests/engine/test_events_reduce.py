"""A job's view follows from its events, by the rules that EventView states; recorded for the reduce in TypeScript.

``RECORD_FIXTURES=1 pytest tests/engine/test_events_reduce.py`` writes the recordings anew.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, RerunRequest, Selection

FIXTURES = Path(__file__).resolve().parents[2] / "labextension" / "src" / "jobs" / "fixtures"
REPLACED = {"id": "01hk2g9qxw4m8t7z", "home": "/home/user/.local/share/fasttrack"}
ANNOTATED = ("priority", "name", "tags", "note")
TOLD = ("status", "result", "reason", "attempts", "exit_code", "started_at", "ended_at", "progress", *ANNOTATED)

Json = dict[str, Any]
Story = Callable[[FastTrack, Path], Awaitable[tuple[Json, Json]]]


def reduce(view: Json, event: Json) -> None:
    """One event, by the rules of EventView's docstring."""
    if event["path"] is None:
        view |= {key: event["data"].get(key, view[key]) for key in ANNOTATED}
        _move(view, event)
        return
    task = next(task for task in view["tasks"] if task["path"] == event["path"])
    if event["attempt"] > task["attempts"]:
        task |= {"reason": "", "exit_code": None, "attempts": event["attempt"]}
    if event["exit_code"] is not None:
        task["exit_code"] = event["exit_code"]
    task["progress"] = event["data"].get("progress", task["progress"]) if event["status"] == "RUNNING" else None
    _move(task, event)


def _move(shown: Json, event: Json) -> None:
    shown["status"] = event["status"]
    for key in ("result", "reason"):
        if event[key] is not None:
            shown[key] = event[key]
    for key in ("started_at", "ended_at"):
        if shown[key] is None:
            shown[key] = event[key]


def told(view: Json) -> Json:
    """What the rules are about."""
    tasks = {task["path"]: {key: task[key] for key in TOLD if key in task} for task in view["tasks"]}
    return {"job": {key: view[key] for key in TOLD if key in view}, "tasks": tasks}


def reduced(recording: Json) -> Json:
    """What the recording's ``before`` has become by its events."""
    view: Json = json.loads(json.dumps(recording["before"]))
    for event in recording["events"]:
        reduce(view, event)
    return view


# ---------------------------------------------------------------- stories


def request(*tasks: str, selection: Selection | None = None) -> JobRequest:
    """A pipeline of tasks in flow style."""
    text = "name: digits\ntasks:\n" + "".join(f"- {{{task}}}\n" for task in tasks)
    return JobRequest(text=text, selection=selection or Selection())


async def view_of(fasttrack: FastTrack, job: str) -> Json:
    return (await fasttrack.job(job)).model_dump(mode="json")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def to_end(fasttrack: FastTrack, job: str) -> Json:
    async def ended() -> bool:
        return (await fasttrack.job(job)).ended_at is not None

    await until(ended)
    return await view_of(fasttrack, job)


async def whole(fasttrack: FastTrack, asked: JobRequest) -> tuple[Json, Json]:
    made = await fasttrack.run(asked)
    return await view_of(fasttrack, made.id), await to_end(fasttrack, made.id)


async def success(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """A diamond with a value and an artifact."""
    return await whole(
        fasttrack,
        request(
            "name: prepare, command: 'echo 1 > /pipeline/outputs/clean', outputs: {clean: {type: Dataset}}",
            "name: train, command: 'mkdir /pipeline/outputs/.values && echo 0.93 > /pipeline/outputs/.values/accuracy',"
            " dependencies: [prepare], outputs: {accuracy: {type: float}}",
            "name: describe, command: 'true', dependencies: [prepare]",
            "name: report, command: 'true', dependencies: [train, describe]",
        ),
    )


async def retry(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """The second attempt succeeds; another task fails twice."""
    flag = folder / "flag"
    twice = "retry: {max_attempts: 2, delay: 0}"
    return await whole(
        fasttrack,
        request(
            f"name: train, command: 'test -e {flag} || {{ touch {flag}; exit 3; }}', {twice}",
            f"name: evaluate, command: 'exit 4', dependencies: [train], {twice}, continue_on_failure: true",
            "name: report, command: 'true', dependencies: [evaluate]",
        ),
    )


async def failure(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """A failure takes along what depends on it, and nothing else."""
    return await whole(
        fasttrack,
        request(
            "name: prepare, command: 'true'",
            "name: train, command: 'exit 3', dependencies: [prepare]",
            "name: evaluate, command: 'true', dependencies: [train]",
            "name: report, command: 'true', dependencies: [evaluate]",
            "name: describe, command: 'true', dependencies: [prepare]",
        ),
    )


async def cancel(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """A job is annotated while one task runs, then cancelled; seen from the middle of the job."""
    made = await fasttrack.run(
        request("name: train, command: sleep 60", "name: report, command: 'true', dependencies: [train]")
    )

    async def runs() -> bool:
        return (await fasttrack.job(made.id)).tasks[0].status == "RUNNING"

    await until(runs)
    before = await view_of(fasttrack, made.id)
    await fasttrack.annotate(made.id, name="그만", tags=["a", "b"], note="too slow")
    await fasttrack.annotate(made.id, name=None, tags=["b"], note=None)
    await fasttrack.set_priority(made.id, 7)
    await fasttrack.cancel(made.id)
    return before, await to_end(fasttrack, made.id)


async def cancel_task(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """One task is cancelled while another goes on: the job is cancelled in the end, and says by which."""
    flag = folder / "go"
    waits = f"while ! test -e {flag}; do sleep 0.02; done"
    made = await fasttrack.run(
        request(
            "name: train, command: sleep 60, resources: {cpu: 0.5}",
            "name: report, command: 'true', dependencies: [train]",
            f"name: other, command: '{waits}', resources: {{cpu: 0.5}}",
        )
    )

    async def both_run() -> bool:
        statuses = {task.path: task.status for task in (await fasttrack.job(made.id)).tasks}
        return statuses["train"] == statuses["other"] == "RUNNING"

    await until(both_run)
    before = await view_of(fasttrack, made.id)
    await fasttrack.cancel(made.id, "train")
    flag.touch()
    return before, await to_end(fasttrack, made.id)


async def reuse(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """Rerun from failed: what succeeded is reused."""
    flag = folder / "flag"
    _, first = await whole(
        fasttrack,
        request(
            "name: prepare, command: 'echo 1 > /pipeline/outputs/clean', outputs: {clean: {type: Dataset}}",
            f"name: train, command: 'test -e {flag} || {{ touch {flag}; exit 3; }}', dependencies: [prepare]",
        ),
    )
    made = await fasttrack.rerun(first["id"], RerunRequest(from_failed=True))
    return await view_of(fasttrack, made.id), await to_end(fasttrack, made.id)


async def skip(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """Only part of the pipeline runs, and one task is skipped by itself."""
    return await whole(
        fasttrack,
        request(
            "name: prepare, command: 'true', skip: true",
            "name: train, command: 'true', dependencies: [prepare]",
            "name: report, command: 'true', dependencies: [train]",
            selection=Selection(until=("train",)),
        ),
    )


async def progress(fasttrack: FastTrack, folder: Path) -> tuple[Json, Json]:
    """A task says how far it is; seen from the middle of it, and to the end of one that says no more."""
    flags = {name: folder / name for name in ("more", "end")}
    says = 'echo \'{"fraction": %s, "text": "epoch %s of 4"}\' > /pipeline/outputs/.progress.json'
    waits = "while ! test -e %s; do sleep 0.02; done"
    command = "; ".join([says % (0.25, 1), waits % flags["more"], says % (0.5, 2), waits % flags["end"]])
    text = f"name: digits\ntasks:\n- name: train\n  command: |\n    {command}\n"
    made = await fasttrack.run(JobRequest(text=text))

    async def says_so(fraction: float) -> Json:
        async def holds() -> bool:
            said = (await fasttrack.job(made.id)).tasks[0].progress
            return said is not None and said.fraction == fraction

        await until(holds)
        return await view_of(fasttrack, made.id)

    before = await says_so(0.25)
    flags["more"].touch()
    await says_so(0.5)
    flags["end"].touch()
    return before, await to_end(fasttrack, made.id)


STORIES: dict[str, Story] = {
    "success": success, "retry": retry, "failure": failure, "cancel": cancel, "cancel-task": cancel_task,
    "reuse": reuse, "skip": skip,
    "progress": progress,
}  # fmt: skip


def record(engine: Any, story: Story, folder: Path) -> Json:
    """``{before, events, after}`` of a story's job."""

    async def go() -> Json:
        engine.clock = SystemClock()
        backend = LocalBackend(LocalSettings(folder / "home", mode="folders", grace=0.2, watch_interval=0.2))
        async with engine.on(backend) as fasttrack:
            before, after = await story(fasttrack, folder)
            page = await fasttrack.events(before["seq"], 10_000, job=before["id"])
        events = [event.model_dump(mode="json") for event in page.events]
        text = json.dumps({"before": before, "events": events, "after": after})
        text = text.replace(before["id"], REPLACED["id"]).replace(str(folder / "home"), REPLACED["home"])
        found: Json = json.loads(text.replace(str(folder), "/home/user"))
        return found

    return asyncio.run(go())


@pytest.mark.parametrize("name", STORIES)
def test_a_view_follows_from_its_events(engine: Any, tmp_path: Path, name: str) -> None:
    """Status, result, reason, attempts, exit code and times of the job and of every instance."""
    recording = record(engine, STORIES[name], tmp_path)
    assert told(reduced(recording)) == told(recording["after"])
    if os.environ.get("RECORD_FIXTURES"):
        FIXTURES.mkdir(parents=True, exist_ok=True)
        (FIXTURES / f"{name}.json").write_text(json.dumps(recording, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", STORIES)
def test_the_recordings_follow_the_same_rules(name: str) -> None:
    """Those that the reduce in TypeScript is checked against."""
    recording = json.loads((FIXTURES / f"{name}.json").read_text())
    assert told(reduced(recording)) == told(recording["after"])
    assert recording["before"]["ended_at"] is None
    assert recording["after"]["ended_at"] is not None
