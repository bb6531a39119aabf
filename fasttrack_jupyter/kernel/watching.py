"""Waiting for a job with a line per change: for notebooks that are run by a program, and for plain terminals."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.states import PREPARING, WAITING, icon, state_of
from fasttrack_jupyter.api.words import between, clean, clock_time, last_lines, now
from fasttrack_jupyter.errors import Conflict, FastTrackError
from fasttrack_jupyter.kernel.told import job_line

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job

Json = dict[str, Any]

_LAST_LINES, _LAST_BYTES = 20, 1 << 16
_LOOK_SECONDS = 0.5


def watch(job: Job, say: Callable[[str], None]) -> None:
    """Wait for the job's end and ``say`` a line per change of a task.

    Raises:
        Conflict: it did not end well; the words name the task, and what it wrote last was said.
        KeyboardInterrupt: see :meth:`.jobs.Job.wait`.
    """
    news: SimpleQueue[Json] = SimpleQueue()
    stop = job.subscribe(news.put)
    shown: dict[str, str] = {}
    try:
        say(job_line(job.view))
        _say_changes(job.view, shown, say)
        while not job.wait(_LOOK_SECONDS if news.empty() else 0).is_ended:
            _say_all(news, shown, say)
        _say_changes(job.view, shown, say)
    finally:
        stop()
    say(job_line(job.view))
    check(job, say)


def check(job: Job, say: Callable[[str], None]) -> None:
    """Raise Conflict unless the ended job has succeeded; what its first failed task wrote last is said before."""
    if job.result == "SUCCESS":
        return
    failed = sorted((task for task in job.view["tasks"] if task["result"] == "FAILURE"), key=lambda t: t["ended_at"])
    if not failed:
        raise Conflict(f"{job_line(job.view)}", hint=f"%fasttrack rerun --job {job.name} starts it again.")
    name = failed[0]["path"]
    for line in _last_lines(job, name):
        say(f"  │ {line}")
    raise Conflict(
        f"{job.name} failed: {name}: {clean(failed[0]['reason'] or 'it ended badly')}",
        hint=f"%fasttrack logs {name} shows all that it wrote; mend the cell, run it, and "
        "%fasttrack rerun --from-failed --edited goes on from there.",
    )


def _last_lines(job: Job, name: str) -> list[str]:
    try:
        return last_lines(job.tasks[name].tail(_LAST_BYTES), _LAST_LINES)
    except FastTrackError:
        return []  # it never started: its reason says it all


def _say_all(news: SimpleQueue[Json], shown: dict[str, str], say: Callable[[str], None]) -> None:
    try:
        while True:
            _say_changes(news.get_nowait(), shown, say)
    except Empty:
        return


def _say_changes(view: Json, shown: dict[str, str], say: Callable[[str], None]) -> None:
    for task in view["tasks"]:
        state = state_of(task["status"], task["result"], task["reason"])
        if state in (WAITING, PREPARING) or shown.get(task["path"]) == state.name:
            continue
        shown[task["path"]] = state.name
        took = between(task["started_at"], task["ended_at"]) if state.is_ended else ""
        why = clean(task["reason"] or "").replace("\n", " ") if state.is_ended else ""
        words = (icon(state) + " " + task["path"], state.word, took, why)
        say("  ".join([clock_time(now().isoformat()), *(word for word in words if word)]))
