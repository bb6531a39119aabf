"""What is said when a job has ended: why it failed, what it made, where that is, what to do next."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.folding import is_artifact, is_registered, outputs_words
from fasttrack_jupyter.api.states import FAILURE, icon, state_of
from fasttrack_jupyter.api.words import between, clean, command, job_word, last_lines, plural
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import FastTrackError

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client

Json = dict[str, Any]

LAST_LINES = 20
_LOG_BYTES = 16_384
_MOST_VALUES = 12
_MOST_NAMES = 5
_SIGNALLED = 128
"""A shell's exit status of a command that a signal ended is this and the signal's number."""


def report(face: Face, job: Json, *, quiet: bool = False) -> None:
    """Tell how an ended job came out. ``quiet`` tells of a failure only, on stderr."""
    say = face.note if quiet else face.say
    word = job_word(job)
    state = state_of(job["status"], job["result"])
    if quiet and state is not FAILURE:
        return
    failed = _failures(job)
    if failed:
        _tell_failure(face, say, job, failed)
    took = between(job["started_at"] or job["created_at"], job["ended_at"])
    mark = icon(state, face.stream().encoding)
    why = f": {clean(job['reason'])}" if not failed and job["reason"] not in ("", "cancelled") else ""
    say(f"{mark} {word} {state.word} in {took}{why}")
    for line in _values(job):
        say(line)
    if place := outputs_place(job):
        say(f"  outputs: {place}")
    if failed:
        edited = " (with --edited: by the file as it is now)" if job["source"] else ""
        say(f"  again, from what failed: {command('fasttrack', 'rerun', word, '--from-failed')}{edited}")


def _failures(job: Json) -> list[Json]:
    failed = [task for task in job["tasks"] if task["result"] == "FAILURE"]
    return sorted(failed, key=lambda task: task["ended_at"] or "")


def _tell_failure(face: Face, say: Any, job: Json, failed: list[Json]) -> None:
    cause, others = failed[0], failed[1:]
    word = job_word(job)
    attempts = f" (attempt {cause['attempts']})" if cause["attempts"] > 1 else ""
    why, *more = clean(cause["reason"]).splitlines() or [""]
    say(f"\n{icon(FAILURE, face.stream().encoding)} {cause['path']} failed: {why}{_exit_words(cause)}{attempts}")
    for line in more:
        say(f"  {line}")
    lines = last_log_lines(face.client, job["id"], cause["path"])
    for line in lines:
        say(f"  │ {line}")
    if others:
        names = ", ".join(task["path"] for task in others[:_MOST_NAMES])
        rest = f" and {len(others) - _MOST_NAMES:,} more" if len(others) > _MOST_NAMES else ""
        say(f"  also failed: {names}{rest}")
    if stopped := sum(task["reason"].startswith("dependency ") for task in job["tasks"] if task["reason"]):
        say(f"  {plural(stopped, 'task')} cancelled because of that")
    if lines:
        say(f"  the whole log: {command('fasttrack', 'logs', word, cause['path'])}")
    say("")


def _exit_words(task: Json) -> str:
    """What an exit status means by the conventions of shells, where it stands alone as the reason."""
    code = task["exit_code"]
    if code is None or task["reason"] != f"exit {code}":
        return ""
    if code > _SIGNALLED:
        return f", ended by {_signal_name(code - _SIGNALLED)}"
    return {126: ", which means: that is no program", 127: ", which means: command not found"}.get(code, "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_log_lines(client: Client, job_id: str, path: str, count: int = LAST_LINES) -> list[str]:
    """The last lines of a task instance's log, safe for a terminal; none where there is no log to be had."""
    try:
        page = client.logs(job_id, path, after=-_LOG_BYTES, limit=_LOG_BYTES)
    except FastTrackError:
        return []  # a task that never started has no log: its reason says it all
    text: str = page["data"]
    if page["start"] > 0:
        text = text.partition("\n")[2] or text  # the first line lacks its beginning
    return last_lines(text, count)


def _values(job: Json) -> list[str]:
    top = {task["path"] for task in job["tasks"] if task.get("parent") is None}
    found = [
        f"  {path}.{name} = {clean(outputs_words(value))[:200]}"
        for path, outputs in job["outputs"].items()
        if path in top
        for name, value in outputs.items()
        if not is_artifact(value) or is_registered(value)
    ]
    rest = (
        [f"  … {len(found) - _MOST_VALUES:,} more: fasttrack show {job_word(job)}"] if len(found) > _MOST_VALUES else []
    )
    return found[:_MOST_VALUES] + rest


def outputs_place(job: Json) -> str | None:
    """The folder on this machine that holds all that ran in this job left; None where there is none."""
    places = [
        task["outputs_dir"]
        for task in job["tasks"]
        if task["attempts"] and task["outputs_dir"] and Path(task["outputs_dir"]).is_absolute()
    ]
    return os.path.commonpath(places) if places else None
