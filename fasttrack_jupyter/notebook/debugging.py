"""A failed task as a notebook: the pipeline whose task serves a kernel instead, and the notebook to open with it.

A session for debugging is a job of its own: a rerun in which the task's command is :mod:`.travel.debug_session`, and
nothing else of it is different. So image, code, parameters, inputs, mounts, variables, secrets and resources are those
of the task because they are made in the same way, and its outputs are nobody's.

The notebook is made of what the task left: ``cells.ipynb`` (or the executed copy of a whole notebook), which holds the
cells and where they failed. What a task printed may hold secrets; the log is read masked, so of a traceback
only those lines are taken that stand in the log as well.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.model import document, writing
from fasttrack_jupyter.model.graph import needed
from fasttrack_jupyter.model.notebooks import RUNTIME, command_of, notebook_path
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf, Task, TaskType
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.cells_json import text_of
from fasttrack_jupyter.notebook.travel.record import RUN

Json = dict[str, Any]

KERNEL = "fasttrack-debug"
"""The name of the kernelspec with which such a notebook opens."""
MARK = "fasttrack_debug"
"""Key of a cell's metadata: where it came from."""
_COMMAND = re.compile(r"python3 (?:'(?P<quoted>[^']*)'|(?P<plain>[^\s']+)) (?P<rest>.*)", re.DOTALL)
_PARAM = re.compile(r"--param ([^\W\d]\w*)=")
_PADDING = re.compile(r"# from [^\n]*(\n+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NOT_OURS = ("command", "type", "notebook", "parameters", "timeout", "retry", "skip", "run_on", "run-on", "when",
             "cache")  # fmt: skip
_MASKED = "[this line is not shown: the log has it otherwise, so it may hold a secret]"


@dataclass(frozen=True, slots=True)
class Failed:
    """What is known of a task that is to be debugged."""

    job: str
    """The job's id."""
    job_name: str
    """``digits#3``."""
    task: str
    reason: str
    params: Mapping[str, Any]
    log: str = ""
    """The end of the task's log, masked."""
    command: str = ""
    """What its session ran, masked."""
    record: Json | None = None
    """The notebook that it left; see :func:`record_of`."""
    origin: str | None = None
    """The notebook that the cells are from, relative to the folder where the new one will lie."""


def task_of(text: str, name: str) -> tuple[Pipeline, Task]:
    """The pipeline and its task.

    Raises:
        InvalidPipeline: the text of an older version that cannot be read any more.
        NotFound: it has no such task.
        BadRequest: the task runs nothing.
    """
    pipeline = read_or_raise(text).pipeline
    assert pipeline is not None
    task = pipeline.by_name.get(name)
    if task is None:
        raise NotFound(f"the pipeline has no task {name!r}", hint=f"Its tasks: {', '.join(pipeline.by_name)}.")
    if task.type is TaskType.DEPLOYMENT:
        raise BadRequest(f"the task {name!r} is a deployment: it runs no code that could be debugged")
    return pipeline, task


def debug_files() -> dict[str, str]:
    """The files that the session needs, to be laid over the job's code."""
    return {f"{RUNTIME}/{path}": content.decode() for path, content in travel_files().items()}


def debug_pipeline(text: str, name: str) -> str:
    """The pipeline with a task that serves a kernel. Raises as :func:`task_of`."""
    pipeline, task = task_of(text, name)
    image = pipeline.image_of(task)
    data = document.load(text).data
    tasks = [
        _serving(found, task, image) if str(found.get("name")) == name else found
        for found in data["tasks"]
    ]  # fmt: skip
    return writing.block({**data, "tasks": tasks}, 0) + "\n"


def _serving(found: Json, task: Task, image: str | None) -> Json:
    made = {key: value for key, value in found.items() if key not in _NOT_OURS}
    if task.type not in (TaskType.NOTEBOOK, TaskType.CUSTOM):
        made["type"] = found["type"]
    made["command"] = serving_command(task)
    if "run_if" in found:
        made["run_if"] = str(RunIf.ALL_DONE)  # it runs now, and may still ask how those before it came out
    if task.when is not None:  # what that mentions stays among its inputs, at its place
        made["dependencies"] = list(dict.fromkeys(needed(task)))
    if image is not None and image.startswith("uv:"):
        made["environment"] = {**(found.get("environment") or {}), "image": f"{image} ipykernel"}
    return made


def serving_command(task: Task) -> str:
    """What the session runs: expressions in the parameters of cells stay as they are."""
    program = f"python3 /pipeline/code/{RUNTIME}/debug_session.py"
    cells = _cells_of(task)
    return program if cells is None else f"{program} --cells {shlex.quote(cells[0])} {cells[1]}"


def _cells_of(task: Task) -> tuple[str, str] | None:
    """The folder of the cells that the task runs, and what follows; None where it runs something else."""
    match = _COMMAND.match(task.command or "")
    if match is None or task.type is TaskType.NOTEBOOK:
        return None
    folder, _, program = (match["quoted"] or match["plain"] or "").rpartition("/")
    return (folder, match["rest"]) if program == "execute.py" and folder.endswith(".cells") else None


def record_of(task: Task) -> str | None:
    """The output in which the task left its cells; None where it has none."""
    if task.type is TaskType.NOTEBOOK:
        return posixpath.splitext(posixpath.basename(notebook_path(task)))[0] + ".ipynb"
    return "cells.ipynb" if _cells_of(task) else None


def file_name(failed: Failed) -> str:
    """What the notebook is called: ``debug-digits-3-train.ipynb``."""
    words = f"debug-{failed.job_name.replace('#', '-')}-{failed.task}"
    return re.sub(r"[^\w.-]+", "_", words)[:150] + ".ipynb"


# ---------------------------------------------------------------- the notebook


def debug_notebook(failed: Failed, task: Task) -> bytes:
    """The notebook's file: its cells stand as they ran, the one that failed is marked, nothing has run."""
    if failed.record is not None:
        cells = list(_recorded(failed, task))
    else:
        cells = [_code("command", f"%%sh\n{failed.command or command_of(task)}", {"kind": "command"})]
    about = {
        "job": failed.job, "job_name": failed.job_name, "task": failed.task,
        "whole": task.type is TaskType.NOTEBOOK, "origin": failed.origin,
    }  # fmt: skip
    metadata = {
        "kernelspec": {"name": KERNEL, "display_name": "FastTrack task", "language": "python"},
        "language_info": {"name": "python"},
        "fasttrack": {"debug": about},
    }
    content = {"cells": [_heading(failed), *cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _heading(failed: Failed) -> Json:
    why = f": {failed.reason}" if failed.reason else ""
    lines = [
        f"# Debug `{failed.task}` of {failed.job_name}",
        "",
        f"What happened{why}. This notebook runs in a session like that of the task: the same image, code, inputs",
        "(read-only), parameters, variables, secrets, mounts and resources, and an empty `/pipeline/outputs` of its",
        "own. The job is not touched. The session is a job too, tagged `debug`; shutting down the kernel ends it.",
        "",
        _after_that(failed),
    ]
    return _text("about", "\n".join(lines))


def _after_that(failed: Failed) -> str:
    if failed.record is None:
        return "The cell below is the task's command; what it reads lies in the working directory, as it did then."
    return (
        "Run the cells from the top; the one that failed is marked. Variables of other tasks are loaded when a cell "
        "mentions them. When it works: `fasttrack fix` on this file (or *Send fix to the pipeline* above) shows what "
        "changed and puts it into the cells that these came from."
    )


def _recorded(failed: Failed, task: Task) -> Iterator[Json]:
    """The task's cells, the values of its parameters behind their defaults, and the mark."""
    assert failed.record is not None
    cells = [cell for cell in failed.record.get("cells", ()) if isinstance(cell, Mapping)]
    is_whole = task.type is TaskType.NOTEBOOK
    given = "" if is_whole else _given(failed, task)
    failing = _failing(cells)
    for number, cell in enumerate(cells):
        source, kind = _source(cell), _kind(cell)
        if cell.get("cell_type") != "code":
            yield _text(str(cell.get("id") or f"text-{number}"), source)
            continue
        if given and kind == "task":
            yield _code("given", given, {"kind": "given"})
            given = ""
        if number == failing:
            yield _text("failed-here", f"**✗ The next cell failed**{_told(cell, failed)}")
        made = _original(cell, number, source, kind)
        made["outputs"] = _errors(cell, failed) if number == failing else []
        yield made


def _given(failed: Failed, task: Task) -> str:
    names = dict.fromkeys(_PARAM.findall(task.command or ""))
    lines = [f"{name} = {failed.params[name]!r}" for name in names if name in failed.params]
    return "\n".join([f"# What {failed.job_name} was given", *lines]) if lines else ""


def _original(cell: Mapping[str, Any], number: int, source: str, kind: str) -> Json:
    line = 1
    if kind == "definition" and (padding := _PADDING.match(source)):
        line, source = len(padding[1]) + 1, source[padding.end() :]
    told = {"kind": kind, "label": _about(cell).get("label", ""), "line": line, "base": source}
    if kind in ("given", "injected"):
        del told["base"]
    return _code(str(cell.get("id") or f"{kind}-{number}"), source, told)


def _failing(cells: Sequence[Mapping[str, Any]]) -> int:
    """Which cell failed: the one with an error; else (the task was killed) the first of the task that has not ended."""
    for number, cell in enumerate(cells):
        if any(output.get("output_type") == "error" for output in cell.get("outputs", ())):
            return number
    open_ = (n for n, cell in enumerate(cells) if cell.get("cell_type") == "code" and not cell.get("execution_count"))
    return next(open_, -1)


def _told(cell: Mapping[str, Any], failed: Failed) -> str:
    error = next(iter(_errors(cell, failed)), None)
    if error is None:
        return f" (or what was behind it did: {failed.reason or 'no error is kept'})"
    return f": `{error['ename']}: {error['evalue']}`".replace("\n", " ")[:300]


def _errors(cell: Mapping[str, Any], failed: Failed) -> list[Json]:
    """The cell's error, with those lines of it that the masked log has as well."""
    log = failed.log
    found = []
    for output in cell.get("outputs", ()):
        if output.get("output_type") == "error":
            text = _COLOURS.sub("", "\n".join(map(str, output.get("traceback", ()))))
            lines = [line if line in log else _MASKED for line in text.split("\n")]
            value = str(output.get("evalue", ""))
            evalue = value if all(line in log for line in value.split("\n")) else _MASKED
            ename = str(output.get("ename", ""))
            found.append({"output_type": "error", "ename": ename, "evalue": evalue, "traceback": lines})
    return found


def _kind(cell: Mapping[str, Any]) -> str:
    if "injected-parameters" in (cell.get("metadata", {}).get("tags") or ()):
        return "injected"
    return str(_about(cell).get("kind", "cell"))


def _about(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """What execute.py says of a cell."""
    found = cell.get("metadata", {}).get(RUN)
    return found if isinstance(found, Mapping) and "label" in found else {}


def _source(cell: Mapping[str, Any]) -> str:
    return text_of(cell.get("source", "")).rstrip("\n")


def _code(name: str, source: str, told: Json) -> Json:
    return {
        "cell_type": "code", "execution_count": None, "id": name, "metadata": {MARK: told}, "outputs": [],
        "source": source,
    }  # fmt: skip


def _text(name: str, source: str) -> Json:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def what_is_debugged(content: Any) -> Json:
    """``{job, task, …}`` of a debug notebook. Raises BadRequest where it is none."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    ours = metadata.get("fasttrack") if isinstance(metadata, Mapping) else None
    about = ours.get("debug") if isinstance(ours, Mapping) else None
    if not isinstance(about, Mapping) or not all(isinstance(about.get(key), str) for key in ("job", "task")):
        raise BadRequest(
            "the notebook is no debug notebook of a task", hint="Make one: fasttrack debug JOB TASK, and open that."
        )
    return dict(about)
