"""From rows to views: what the store and the runner know, as the faces show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal

from fasttrack_jupyter.engine.demands import GivenSlots
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.machine import RETRYING
from fasttrack_jupyter.engine.plan import expected_seconds
from fasttrack_jupyter.engine.ports import FileEntry, FolderInfo
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.staging import Parsed
from fasttrack_jupyter.engine.storing import NewestJob, PipelineRecord
from fasttrack_jupyter.engine.views import (
    AttemptView,
    EventView,
    FileView,
    FolderView,
    JobSummary,
    JobView,
    LastJob,
    PipelineView,
    ProgressView,
    TaskInstanceView,
)
from fasttrack_jupyter.engine.whereabouts import backend_of, backends_of
from fasttrack_jupyter.model.job import Attempt, JobEvent, PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, JOB_ENDED, Status
from fasttrack_jupyter.model.pipeline import Task
from fasttrack_jupyter.model.resources import ResourceSlots

_AT_ONCE = 500


def moment(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def present_job(job: PipelineJob, paused: str | None = None) -> JobSummary:
    """A job without its tasks."""
    return JobSummary(**_summary(job, paused))


def _summary(job: PipelineJob, paused: str | None) -> dict[str, Any]:
    return {
        "id": job.id, "index": job.index, "pipeline": job.pipeline, "status": job.status, "result": job.result,
        "reason": job.reason, "created_at": moment(job.created_at), "started_at": moment(job.started_at),
        "ended_at": moment(job.ended_at), "name": job.name, "tags": job.tags, "note": job.note,
        "priority": job.priority, "backend": job.backend, "rerun_of": job.rerun_of, "paused": paused,
    }  # fmt: skip


class JobPresenter:
    """Shows one job with its task instances. ``places`` says where its folder is on this machine, by backend."""

    def __init__(
        self,
        job: PipelineJob,
        parsed: Parsed,
        default_slots: Callable[[str], ResourceSlots],
        places: Callable[[str], str | None],
    ) -> None:
        self._job, self._parsed = job, parsed
        self._given = GivenSlots(job, parsed.pipeline, default_slots)
        self._places = {name: places(name) for name in backends_of(job)}
        self._record: Mapping[str, Any] = job.options.get("plan", {})
        rest = {path for path, entry in self._record.items() if "decision" in entry}
        self._seconds = {path: seconds for path, seconds in parsed.known_seconds.items() if path not in rest}
        """Of the tasks that run, where that is known."""
        self._expected = expected_seconds(parsed.graph, set(parsed.graph.names) - rest, self._seconds)

    def view(
        self,
        rows: list[TaskInstance],
        waits: Mapping[str, str],
        paused: str | None,
        seq: int,
        progress: Callable[[str, int], Mapping[str, Any] | None] = lambda path, attempt: None,
    ) -> JobView:
        """The whole job; ``waits`` gives the reason of each waiting instance, by path; ``seq``: see JobView.

        ``progress`` tells how far an attempt is.
        """
        roll = Roll.of_rows(self._parsed.pipeline, self._parsed.graph, rows)
        tasks = tuple(self._instance(roll, row, waits, progress) for row in rows)
        return JobView(
            **_summary(self._job, paused),
            params=dict(self._job.params),
            folder=self._job.folder,
            folder_path=self._places[self._job.backend],
            source=self._job.source,
            tasks=tasks,
            outputs={task.path: task.outputs for task in tasks if task.outputs},
            expected_seconds=self._expected,
            seq=seq,
        )

    def _instance(
        self,
        roll: Roll,
        row: TaskInstance,
        waits: Mapping[str, str],
        progress: Callable[[str, int], Mapping[str, Any] | None],
    ) -> TaskInstanceView:
        said = progress(row.path, row.attempts) if row.status is Status.RUNNING else None
        index, task = row.ordinal, roll.tasks[row.ordinal]
        entry = self._record.get(row.path, {})
        backend = backend_of(self._job, roll.names[roll.top(index)])
        parent = roll.parent(index)
        outputs_dir = self._place(row.outputs_dir, self._places[backend])
        return TaskInstanceView(
            path=row.path,
            task=row.task,
            status=row.status,
            result=row.result,
            reason=row.reason or waits.get(row.path, ""),
            attempts=row.attempts,
            exit_code=row.exit_code,
            started_at=moment(row.started_at),
            ended_at=moment(row.ended_at),
            outputs=_outputs(task, row, outputs_dir, self._places[backend]),
            outputs_dir=outputs_dir,
            resources={} if task.is_container else self._slots(roll, index).written(),
            backend=backend,
            mode=row.data.get("mode"),
            usage=row.data.get("usage", {}),
            notes=(*entry.get("notes", ()), *row.data.get("notes", ())),
            dependencies=tuple(roll.names[i] for i in roll.upstream[index] if roll.parent(i) == parent),
            expected_seconds=self._seconds.get(row.task),
            parent=None if parent is None else roll.names[parent],
            kind=_kind(roll, index),
            item=roll.frame(index).item,
            progress=None if said is None else ProgressView.model_validate(said),
        )

    @staticmethod
    def _place(outputs_dir: str | None, folder: str | None) -> str | None:
        if outputs_dir is None or folder is None:
            return outputs_dir
        return str(PurePath(folder, outputs_dir))

    def _slots(self, roll: Roll, index: int) -> ResourceSlots:
        if roll.parent(index) is not None:
            return self._given.of_inside(roll, index)
        return self._given.of(roll.names[index], roll.tasks[index])


def _kind(roll: Roll, index: int) -> Literal["task", "loop", "group"]:
    task = roll.tasks[index]
    return "loop" if task.for_each is not None else "group" if task.is_container else "task"


def _outputs(task: Task, row: TaskInstance, outputs_dir: str | None, folder: str | None) -> dict[str, Any]:
    """Declared outputs; an artifact's path is made a whole one where there is a folder on this machine."""
    outputs: dict[str, Any] = dict(row.data.get("outputs", {}))
    if task.is_container:
        return {name: _collected(value, folder) for name, value in outputs.items()}
    for name, spec in task.products.items():
        if name in outputs and not spec.is_value and outputs_dir is not None:
            outputs[name] = {**outputs[name], "path": str(PurePath(outputs_dir, outputs[name]["path"]))}
    return outputs


def _collected(output: Any, folder: str | None) -> Any:
    """What a container hands on, artifacts with their place as their path."""
    if isinstance(output, list):
        return [_collected(each, folder) for each in output]
    if not isinstance(output, dict) or "place" not in output:
        return output
    rest = {key: value for key, value in output.items() if key != "place"}
    return {**rest, "path": str(PurePath(folder or "", output["place"]))}


async def waiting_reasons(
    live: LiveJob, why: Callable[[LiveJob, str], str], rows: list[TaskInstance]
) -> dict[str, str]:
    """For each instance that does not run yet, what it waits for. Lets others in between: there may be thousands."""
    found = {}
    for number, row in enumerate(rows):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        if row.status in (Status.WAITING, Status.PENDING) and not row.reason:
            found[row.path] = why(live, row.path)
    return found


def present_attempt(attempt: Attempt) -> AttemptView:
    """One attempt."""
    return AttemptView(
        id=attempt.id, path=attempt.path, number=attempt.number, status=attempt.status, result=attempt.result,
        reason=attempt.reason, exit_code=attempt.exit_code,
        created_at=datetime.fromtimestamp(attempt.created_at, UTC),
        started_at=moment(attempt.started_at), ended_at=moment(attempt.ended_at), data=dict(attempt.data),
    )  # fmt: skip


def present_event(event: JobEvent) -> EventView:
    """One event. The store dates beginnings and ends of what it is about by the same rules."""
    at = datetime.fromtimestamp(event.at, UTC)
    has_ended = event.status in (ENDED if event.path is not None else JOB_ENDED)
    was_tried = event.attempt > 0 and (has_ended or event.type == RETRYING)
    return EventView(
        seq=event.seq, at=at, job_id=event.job_id, path=event.path, type=event.type, attempt=event.attempt,
        status=event.status, result=event.result, reason=event.reason, exit_code=event.exit_code,
        started_at=at if event.status == Status.RUNNING or was_tried else None,
        ended_at=at if has_ended else None, data=dict(event.data),
    )  # fmt: skip


def present_file(entry: FileEntry) -> FileView:
    """One output file."""
    modified_at = datetime.fromtimestamp(entry.modified_at, UTC)
    return FileView(path=entry.path, is_dir=entry.is_dir, size=entry.size, modified_at=modified_at)


def present_folder(folder: FolderInfo) -> FolderView:
    """One vfolder."""
    return FolderView(
        name=folder.name, usage_mode=folder.usage_mode, created_at=datetime.fromtimestamp(folder.created_at, UTC),
        host_path=folder.host_path, pipeline=folder.pipeline,
    )  # fmt: skip


def present_pipeline(record: PipelineRecord) -> PipelineView:
    """One pipeline."""
    last = record.last_job
    return PipelineView(
        name=record.name, folder=record.folder, source=record.source,
        created_at=datetime.fromtimestamp(record.created_at, UTC), jobs=record.jobs,
        last_job=last.id if last else None, last=_last_job(last) if last else None,
    )  # fmt: skip


def _last_job(job: NewestJob) -> LastJob:
    return LastJob(
        id=job.id, index=job.index, status=job.status, result=job.result,
        created_at=datetime.fromtimestamp(job.created_at, UTC), started_at=moment(job.started_at),
        ended_at=moment(job.ended_at),
    )  # fmt: skip
