"""A job in words: one line, a table, and what a front-end gets to display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.states import SUCCESS, State, icon, state_of
from fasttrack_jupyter.api.words import between, clean, job_word, plural, progress_words

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job

Json = dict[str, Any]

_MOST_ROWS = 60


def job_line(view: Json) -> str:
    """``digits#3: running for 12 s, 2 of 5 tasks ended``."""
    if not view:
        return "of which nothing is known yet"
    state = state_of(view["status"], view["result"])
    took = between(view["started_at"], view["ended_at"])
    ended = sum(_state(task).is_ended for task in view["tasks"])
    so_far = "" if state.is_ended else f", {ended} of {plural(len(view['tasks']), 'task')} ended"
    word = "in" if state.is_ended else "for"
    why = f": {clean(view['reason'])}" if view["reason"] and state is not SUCCESS else ""
    paused = f" (paused: {clean(view['paused'])})" if view.get("paused") else ""
    return f"{job_word(view)} {state.word}{f' {word} {took}' if took else ''}{so_far}{why}{paused}"


def task_line(view: Json) -> str:
    """``train: failed after 3 s: exit 1``."""
    state = _state(view)
    took = between(view["started_at"], view["ended_at"])
    why = f": {clean(view['reason'])}" if view["reason"] else ""
    return f"{view['path']} {state.word}{f' ({took})' if took else ''}{why}"


def _state(task: Json) -> State:
    return state_of(task["status"], task["result"], task["reason"])


def job_table(view: Json) -> str:
    """The job's line, and a row per task: for plain text."""
    tasks = view["tasks"][:_MOST_ROWS]
    rows = [_row(task) for task in tasks]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = ["  ".join([*map(str.ljust, row[:3], widths), row[3]]) for row in rows]
    more = [f"  … {plural(len(view['tasks']) - len(tasks), 'task')} more"] if len(view["tasks"]) > len(tasks) else []
    return "\n".join([job_line(view), *(f"  {line.rstrip()}" for line in lines), *more])


def _row(task: Json) -> tuple[str, str, str, str]:
    state = _state(task)
    said = progress_words(task["progress"]) if not state.is_ended else ""
    why = "; ".join(clean(text).replace("\n", " ") for text in (said, task["reason"] or "") if text)
    return f"{icon(state)} {task['path']}", state.word, between(task["started_at"], task["ended_at"]), why


def can_draw() -> bool:
    """Whether this process's front-end shows more than text: it speaks Jupyter's protocol."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


def display_job(job: Job) -> None:
    """The live picture, or the table where there is no front-end or no widget for it."""
    if can_draw():
        try:
            from fasttrack_jupyter.kernel.show import show

            show(job)._ipython_display_()
            return
        except ImportError as error:  # ipywidgets is not there, or another one than the picture needs
            print(f"(no picture: {error})")
    print(job_table(job.view))
