"""A job's view and the events after it: folded into the view that the engine would answer now.

By the rules that :class:`fasttrack_jupyter.engine.views.EventView` states, for every face that keeps a whole view
up to date; the browser's twin is ``labextension/src/jobs/reduce.ts``. Pure: a view that was handed out never
changes, each fold makes a new one that shares what stayed as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

Json = dict[str, Any]

_ARTIFACT = frozenset({"type", "path", "metadata"})
_REGISTERED, _PLACE = "registered", "place"
_REPLACED = ("mode", "usage", "resources")
_ANNOTATED = ("priority", "name", "tags", "note")


@dataclass(frozen=True, slots=True)
class Folded:
    """A job after some events. ``is_stale``: they say more than can be folded, fetch it; ``is_deleted``: it is gone."""

    view: Json
    is_stale: bool = False
    is_deleted: bool = False


def fold(view: Json, events: Iterable[Json]) -> Folded:
    """``view`` (a JobView) after ``events``; those of other jobs, and those that it shows already, are passed over."""
    news = [event for event in events if event["job_id"] == view["id"] and event["seq"] > view["seq"]]
    if not news:
        return Folded(view)
    summary, tasks = dict(view), list(view["tasks"])
    places = {task["path"]: place for place, task in enumerate(tasks)}
    is_stale = is_deleted = False
    for event in news:
        place = places.get(event["path"])
        if event["path"] is None:
            is_deleted = is_deleted or event["type"] == "JobDeleted"
            is_stale = is_stale or event["type"] == "JobCreated"
            _fold_job(summary, event)
        elif place is None:
            is_stale = True
        else:
            tasks[place] = _folded_task(tasks[place], event, view["folder_path"])
    outputs = {task["path"]: task["outputs"] for task in tasks if task["outputs"]}
    summary |= {"tasks": tasks, "outputs": outputs, "seq": news[-1]["seq"]}
    return Folded(summary, is_stale, is_deleted)


def _fold_job(view: Json, event: Json) -> None:
    data = event["data"]
    view |= {key: data[key] for key in _ANNOTATED if data.get(key) is not None}
    _move(view, event)


def _folded_task(before: Json, event: Json, folder: str | None) -> Json:
    task = dict(before)
    if event["attempt"] > task["attempts"]:
        task |= {"reason": "", "exit_code": None, "attempts": event["attempt"]}
    if event["exit_code"] is not None:
        task["exit_code"] = event["exit_code"]
    _move(task, event)
    data = event["data"]
    task |= {key: data[key] for key in _REPLACED if data.get(key) is not None}
    task["progress"] = (data.get("progress") or before.get("progress")) if event["status"] == "RUNNING" else None
    if data.get("outputs_dir") is not None:
        task["outputs_dir"] = _within(folder, data["outputs_dir"])
    if data.get("outputs") is not None:
        task["outputs"] = {name: _placed(value, task["outputs_dir"], folder) for name, value in data["outputs"].items()}
    if data.get("notes"):
        task["notes"] = list(dict.fromkeys([*task["notes"], *data["notes"]]))
    return task


def _move(shown: Json, event: Json) -> None:
    shown["status"] = event["status"]
    for key in ("result", "reason"):
        if event[key] is not None:
            shown[key] = event[key]
    for key in ("started_at", "ended_at"):
        if shown[key] is None:
            shown[key] = event[key]


def _within(folder: str | None, place: str) -> str:
    return place if folder is None else str(PurePath(folder, place))


def is_artifact(output: object) -> bool:
    """Whether an output is a file or a folder, ``{type, path, metadata}`` (perhaps ``registered``), and no value."""
    return isinstance(output, Mapping) and set(output) - {_REGISTERED} == _ARTIFACT


def is_registered(artifact: Mapping[str, Any]) -> bool:
    """Whether it is a version of a model as well."""
    return _REGISTERED in artifact


def artifact_words(output: Mapping[str, Any]) -> str:
    """An artifact's place, and as which version of a model it is registered."""
    made = output.get(_REGISTERED)
    return f"{output['path']} ({made['model']}@{made['version']})" if made else str(output["path"])


def outputs_words(output: Any) -> str:
    """An output in words: a value, an artifact's place, how many artifacts the iterations of a loop made."""
    if is_artifact(output):
        return artifact_words(output)
    made = [each for each in output if is_artifact(each)] if isinstance(output, list) else []
    return f"{len(made)} × {made[0]['type']}" if made else str(output)


def _placed(output: Any, outputs_dir: str | None, folder: str | None) -> Any:
    """An artifact with its whole path, where its folder is on this machine; all else as it is.

    What a loop or a group hands on has its ``place`` in the pipeline folder.
    """
    if isinstance(output, list):
        return [_placed(each, outputs_dir, folder) for each in output]
    if isinstance(output, Mapping) and set(output) - {_REGISTERED} == _ARTIFACT | {_PLACE}:
        return {**{key: output[key] for key in output if key != _PLACE}, "path": _within(folder, output[_PLACE])}
    if not is_artifact(output) or outputs_dir is None:
        return output
    return {**output, "path": str(PurePath(outputs_dir, output["path"]))}
