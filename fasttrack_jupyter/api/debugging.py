"""What every face does to debug a task: gather what is known of it, and start the session that serves its kernel."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, NotFound

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client
    from fasttrack_jupyter.model.pipeline import Task

Json = dict[str, Any]

TAG = "debug"
_LOG_BYTES = 1 << 18
_LARGEST_RECORD = 64 << 20


@dataclass(frozen=True, slots=True)
class DebugNotebook:
    """A notebook that can be written, and where it belongs."""

    name: str
    folder: Path | None
    """The folder of the job's source, where that is still there."""
    job_name: str
    task: str
    content: bytes


def debug_notebook_of(
    client: Client, job: str, path: str | None, folder: Path | None = None, *, within: Path | None = None
) -> DebugNotebook:
    """The debug notebook of a task instance (None: of the one that failed).

    ``folder`` is where it will lie: by default beside the job's source, if that is ``within``, and else right there.

    Raises:
        NotFound: there is no such job, or it has no such task.
        Conflict: the task never ran in it, or has not ended.
        BadRequest: the task runs nothing; or no task was named, and not exactly one failed.
    """
    from fasttrack_jupyter.notebook.debugging import Failed, debug_notebook, file_name, record_of, task_of

    view = client.job(job)
    path = path or _failed_one(view)
    row = _row(view, path)
    _, task = task_of(client.job_text(view["id"]), row["task"])
    beside = _folder(view)
    if beside is not None and within is not None and not beside.is_relative_to(within):
        beside = None
    where = folder or beside or within or Path.cwd()
    named = record_of(task)
    record = _record(client, view, path, named) if named else None
    failed = Failed(
        job=view["id"],
        job_name=job_word(view),
        task=row["task"],
        reason=row["reason"] or ("it succeeded" if row["result"] == "SUCCESS" else ""),
        params=view["params"],
        log=client.logs(view["id"], path, after=-_LOG_BYTES, limit=_LOG_BYTES)["data"],
        command=client.session(view["id"], path).get("command") or "",
        record=record,
        origin=_origin(view, task, record, where),
    )
    return DebugNotebook(file_name(failed), beside, failed.job_name, path, debug_notebook(failed, task))


def write_new(folder: Path, name: str, content: bytes) -> Path:
    """Write a file of that name, or of that name and a number: nothing is ever overwritten; its path comes back.

    Raises:
        BadRequest: the folder cannot be written to.
    """
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        try:
            with path.open("xb") as file:
                file.write(content)
            return path
        except FileExistsError:
            number += 1
        except OSError as error:
            hint = "Name a file in a folder of yours: -o FILE.ipynb."
            raise BadRequest(f"{path} cannot be written: {error.strerror}", hint=hint) from error


def begin(client: Client, about: Mapping[str, Any]) -> Json:
    """Start the session of a debug notebook (``about`` is what it says of itself); the job's JobSummary.

    Raises:
        NotFound: there is no such job in this home.
        Refused, InvalidPipeline: it cannot start; the reasons are told.
    """
    from fasttrack_jupyter.notebook.debugging import debug_files, debug_pipeline

    old = client.job(about["job"])
    request = {
        "text": debug_pipeline(client.job_text(old["id"]), about["task"]),
        "files": debug_files(),
        "keep_code": True,
        "selection": {"only": [about["task"]]},
    }
    made = client.rerun(old["id"], request)
    name = f"debug {about['task']} of {job_word(old)}"[:200]
    return client.annotate(made["id"], name=name, tags=[TAG])


def _failed_one(view: Json) -> str:
    failed = [str(row["path"]) for row in view["tasks"] if row["result"] == "FAILURE"]
    if len(failed) != 1:
        name = job_word(view)
        many = f"{len(failed)} tasks of {name} failed: {', '.join(failed[:20])}"
        raise BadRequest(many if failed else f"no task of {name} failed", hint="Name the task that is to be debugged.")
    return failed[0]


def _row(view: Json, path: str) -> Json:
    row: Json | None = next((row for row in view["tasks"] if row["path"] == path), None)
    name = job_word(view)
    if row is None:
        names = ", ".join(row["path"] for row in view["tasks"][:20])
        raise NotFound(f"{name} has no task {path!r}", hint=f"Its tasks: {names}.")
    if not row["attempts"]:
        raise Conflict(f"the task {path!r} did not run in {name}", hint="Name a job in which it ran, and failed.")
    if row["ended_at"] is None:
        raise Conflict(f"the task {path!r} of {name} has not ended", hint="fasttrack shell looks into one that runs.")
    return row


def _folder(view: Json) -> Path | None:
    folder = Path(view["source"]).parent if view["source"] else None
    return folder if folder is not None and folder.is_dir() else None


def _record(client: Client, view: Json, path: str, name: str) -> Json | None:
    """The executed cells that the task left; None where it left none, or none that can be read."""
    try:
        data = bytearray()
        for part in client.read_output(view["id"], path, name):
            data += part
            if len(data) > _LARGEST_RECORD:
                return None
        found = json.loads(data)
    except (FastTrackError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _is_notebook(found) else None


def _is_notebook(record: Json) -> bool:
    """Whether what we look at is where a notebook has it: a task writes what it likes."""
    cells = record.get("cells")
    return isinstance(record.get("metadata", {}), dict) and isinstance(cells, list) and all(map(_is_cell, cells))


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict):
        return False
    metadata, outputs, source = cell.get("metadata", {}), cell.get("outputs", []), cell.get("source", "")
    return (
        (isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source)))
        and isinstance(metadata, dict)
        and isinstance(metadata.get("tags") or [], list)
        and isinstance(outputs, list)
        and all(isinstance(output, dict) and isinstance(output.get("traceback", []), list) for output in outputs)
    )


def _origin(view: Json, task: Task, record: Json | None, where: Path) -> str | None:
    """The notebook that the cells came from, relative to ``where``; None where there is none (any more)."""
    if not view["source"]:
        return None
    from fasttrack_jupyter.notebook.travel.record import RUN

    source = Path(view["source"])
    about = (record or {}).get("metadata", {}).get(RUN)
    beside = Path(str(about.get("notebook") or "")).name if isinstance(about, dict) else ""
    name = task.notebook or (source.name if source.suffix == ".ipynb" else beside)
    path = source.parent / name if name else None
    return os.path.relpath(path, where) if path is not None and path.is_file() else None
