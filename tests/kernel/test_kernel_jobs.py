"""Jobs in hand, against a real engine."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from typing import Any

import pytest

import fasttrack_jupyter as ft
from fasttrack_jupyter.api.folding import fold
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.kernel.jobs import Job

Json = dict[str, Any]


def test_wait_comes_back_when_the_job_has_ended(bench: Any) -> None:
    """``wait`` waits, and the view is the engine's own."""
    job = bench.chain(first="echo hello", second="true").wait(30)
    assert (job.status, job.result) == ("TERMINATED", "SUCCESS")
    assert job.view == bench.feed.client.job(job.id)
    assert job.tasks["first"].log() == "hello\n"


def test_wait_gives_up_after_its_timeout(bench: Any) -> None:
    """The job itself comes back either way."""
    job = bench.chain(long="sleep 30")
    assert not job.wait(0.1).is_ended
    assert job.cancel().wait(30).status == "CANCELLED"


def test_who_has_subscribed_hears_of_the_end_before_a_wait_is_over(bench: Any) -> None:
    """However slow it is and whenever the waiting begins: what it draws is there when the next cell runs."""
    job, drawn, hearing = bench.chain(only="sleep 0.2"), [], threading.Event()

    def draw(view: Json) -> None:
        if view["ended_at"] is not None:
            hearing.set()
            bench.until(lambda: waiting.is_set())
            threading.Event().wait(0.3)
            drawn.append(view["result"])

    waiting = threading.Event()
    job.subscribe(draw)
    assert hearing.wait(30)
    waiting.set()
    job.wait(30)
    assert drawn == ["SUCCESS"]


def test_await_lets_others_run(bench: Any) -> None:
    """While ``await job`` waits, the loop does other things."""

    async def story() -> tuple[Job, int]:
        job, ticks = bench.chain(only="sleep 0.3"), 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        beside = asyncio.create_task(tick())
        done = await job
        beside.cancel()
        return done, ticks

    job, ticks = asyncio.run(story())
    assert job.result == "SUCCESS"
    assert ticks > 5


def test_ctrl_c_ends_the_waiting_and_not_the_job(bench: Any) -> None:
    """The words say that the job goes on."""
    job = bench.chain(long="sleep 30")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background were told to ignore it
    try:
        threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()
        with pytest.raises(KeyboardInterrupt, match="chain#1 goes on"):
            job.wait(20)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not job.refresh().is_ended


def test_subscribers_hear_every_change_until_they_leave(bench: Any) -> None:
    """Each gets the new view; one that left hears nothing more; one that fails disturbs nobody."""
    job, seen = bench.chain(only="true", after="true"), []

    def fails(view: Json) -> None:
        raise ValueError(view["id"])

    job.subscribe(fails)
    stop = job.subscribe(lambda view: seen.append(view["status"]))
    job.wait(30)
    bench.until(lambda: seen and seen[-1] == "TERMINATED")
    stop()
    count = len(seen)
    job.refresh()
    assert len(seen) == count


def test_a_killed_engine_is_replaced_and_the_job_ends(bench: Any) -> None:
    """kill -9 in the middle: another engine takes the job over, and waiting goes on."""
    job = bench.chain(first="sleep 1", second="true")
    bench.until(lambda: job.tasks["first"].status == "RUNNING")
    killed = bench.pid()
    bench.kill_engine()
    assert job.wait(60).result == "SUCCESS"
    assert bench.pid() not in (None, killed)


def test_a_job_is_found_again_by_its_name(bench: Any) -> None:
    """As after a kernel's restart: ``ft.job("chain#1")``; while one is in hand it is the same object."""
    job = bench.chain(only="true")
    assert ft.job("chain#1") is job
    assert ft.job() is job
    job_id = job.id
    job.wait(30)
    del job
    gc.collect()
    assert ft.job("chain#1").id == job_id


def test_a_job_that_is_not_there_is_said_so(bench: Any) -> None:
    """A wrong name is an error in words, as is a wrong task."""
    with pytest.raises(NotFound, match="nothing#1"):
        ft.job("nothing#1")
    job = bench.chain(only="true")
    with pytest.raises(NotFound, match="chain#1 has no task 'other'") as error:
        job.tasks["other"]
    assert "only" in error.value.hint
    assert job.tasks.get("other") is None


def test_the_feed_ends_when_every_job_has(bench: Any) -> None:
    """An engine that somebody listens to would never be idle; with the next job the feed begins again."""
    bench.chain(only="true").wait(30)
    bench.until(lambda: bench.feed._thread is None)
    assert bench.chain(only="true").wait(30).result == "SUCCESS"


def test_a_deleted_job_keeps_nobody_waiting(bench: Any) -> None:
    """What is known of it stays, and that it is deleted is said."""
    job = bench.chain(only="true").wait(30)
    bench.feed.client.delete([job.id])
    with pytest.raises(NotFound):
        job.refresh()
    assert job.is_deleted
    with pytest.raises(NotFound, match="was deleted"):
        job.wait(1)


def test_rerun_makes_a_new_job(bench: Any) -> None:
    """``from_failed`` reuses what succeeded."""
    job = bench.chain(first="true", second="false").wait(30)
    again = job.rerun(from_failed=True).wait(30)
    assert (again.name, again.result) == ("chain#2", "FAILURE")
    assert again.tasks["first"].reason.startswith("reused")
    assert "command" in again.yaml()


def test_folded_views_are_the_engine_s(bench: Any) -> None:
    """Snapshot and events give the view that is fetched in the end, but for why something waits."""
    made = bench.feed.client.run(
        {
            "text": "name: folds\ntasks:\n- {name: a, command: 'echo 1 > /pipeline/outputs/x; mkdir"
            " /pipeline/outputs/.values; echo 3 > /pipeline/outputs/.values/y', outputs: {x: {type: Dataset},"
            " y: {type: int}}}\n- {name: b, command: 'false', dependencies: [a]}\n"
            "- {name: c, command: 'true', dependencies: [b]}"
        }
    )
    before = bench.feed.client.job(made["id"])
    ended: Json = {}

    def has_ended() -> bool:
        nonlocal ended
        ended = bench.feed.client.job(made["id"])
        return ended["ended_at"] is not None

    bench.until(has_ended)
    events = bench.feed.client.events(before["seq"])["events"]
    assert {**fold(before, events).view, "seq": 0} == {**ended, "seq": 0}  # a view may show more than its seq says


def test_text_tells_a_job(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The plain form has the job's line and a row per task."""
    job = bench.chain(first="true", second="false").wait(30)
    job._ipython_display_()
    text = capsys.readouterr().out
    assert text.startswith("chain#1 failed in ")
    assert "✓ first" in text
    assert "✕ second" in text
    assert "exit 1" in text
    assert repr(job.tasks["second"]).startswith("<second failed")
