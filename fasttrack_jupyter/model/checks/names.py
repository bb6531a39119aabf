"""Names of the pipeline and of its tasks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.pipeline import Pipeline

MAX_TASK_NAME = 64
MAX_PIPELINE_NAME = 128
TASK_NAME_PATTERN = r"^[^\u0000-\u001f!-,./:-@\[-\^`{-\u007f]{1,64}$"
"""For JSON Schema, whose dialects of regular expressions know no classes of letters: all of Unicode beyond ASCII."""

BACKEND_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(:[A-Za-z0-9._-]{1,64})?$"
"""``local``, or the kind of a backend and perhaps which one of that kind: ``backend.ai:work``."""

_SIMPLE = re.compile(r"[\w -]{1,64}")


def is_backend_name(name: str) -> bool:
    """Whether a backend may be called so."""
    return re.fullmatch(BACKEND_NAME_PATTERN[1:-1], name) is not None


def is_task_name(name: str) -> bool:
    """Whether a task may have it: 1–64 letters of any script, digits, spaces, ``_``, ``-``; no space at either end."""
    if not name or len(name) > MAX_TASK_NAME or name[0] == " " or name[-1] == " ":
        return False
    return _SIMPLE.fullmatch(name) is not None or all(map(_is_fit, name))


def _is_fit(letter: str) -> bool:
    """Letters, the marks that combine with them (half of what is written in Devanagari), digits, ``_ -`` and space."""
    return letter in " _-" or unicodedata.category(letter)[0] in "LMN"


def suggest_task_name(name: str) -> str:
    """The nearest name that a task may have; ``task`` where nothing is left."""
    fit = "".join(letter if _is_fit(letter) else "-" for letter in unicodedata.normalize("NFC", name))
    return re.sub(r"-{2,}", "-", fit)[:MAX_TASK_NAME].strip(" -") or "task"


def check_names(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with the names of ``pipeline`` and its tasks."""
    yield from _pipeline_name(pipeline.name)
    first: dict[str, int] = {}
    for number, task in enumerate(pipeline.tasks):
        path = ("tasks", number, "name")
        if not is_task_name(task.name):
            yield _bad_task_name(task.name, path)
        if task.name in first:
            yield Finding(
                "duplicate-task", path, f"two tasks are named {task.name!r}",
                "give each its own name: dependencies could mean either", task.name,
                see=("tasks", first[task.name], "name"),
            )  # fmt: skip
        first.setdefault(task.name, number)


def _bad_task_name(name: str, path: tuple[str | int, ...]) -> Finding:
    if not name.strip():
        return Finding("bad-task-name", path, "a task's name is empty", "write a name, such as train", name)
    if len(name) > MAX_TASK_NAME:  # no suggestion: names cut short are often the same
        message = f"a task's name has {len(name)} characters; {MAX_TASK_NAME} are allowed"
        return Finding("bad-task-name", path, message, f"shorten it by {len(name) - MAX_TASK_NAME}", name)
    if name.strip(" ") != name:
        message = f"the task's name {name!r} begins or ends with a space"
    else:
        bad = next(letter for letter in name if not _is_fit(letter))
        message = f"the task's name {name!r} holds {bad!r}: only letters, digits, space, _ and - are allowed"
    return Finding("bad-task-name", path, message, f"call it {suggest_task_name(name)!r}", name)


def _pipeline_name(name: str) -> Iterator[Finding]:
    if not name.strip():
        yield Finding("bad-pipeline-name", ("name",), "the pipeline's name is empty", "write a name, such as digits")
    elif len(name) > MAX_PIPELINE_NAME:
        message = f"the pipeline's name has {len(name)} characters; {MAX_PIPELINE_NAME} are allowed"
        yield Finding("bad-pipeline-name", ("name",), message, "shorten it; description is for the rest", name)
    elif not name.isprintable() or "#" in name:
        message = f"the pipeline's name {name!r} holds a line break, a control character or #"
        yield Finding(
            "bad-pipeline-name", ("name",), message, "leave it out: 'name#12' means job 12 of a pipeline", name
        )
