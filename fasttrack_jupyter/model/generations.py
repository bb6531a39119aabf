"""Which of FastTrack's three file formats a pipeline is written in, told from its keys.

``version`` is the release of the cluster that wrote the file, so it decides where it is there.
Otherwise marks do that only one generation has; a file with none of them is of the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.model.pipeline import Generation

_FIRST_OF_264 = 26.0
_FIRST_OF_25 = 24.0


def detect_generation(data: Any) -> Generation:
    """The generation of a pipeline as YAML gave it: plain data, of any shape."""
    if not isinstance(data, Mapping):
        return Generation.G264
    return _from_version(data.get("version")) or next(_marks(data), Generation.G264)


def _from_version(version: Any) -> Generation | None:
    try:
        year = float(".".join(str(version).lstrip("v").split(".")[:2]))
    except ValueError:
        return None
    if year >= _FIRST_OF_264:
        return Generation.G264
    return Generation.G25 if year >= _FIRST_OF_25 else Generation.G2209


def _marks(data: Mapping[str, Any]) -> Iterator[Generation]:
    """The generations that the keys speak for, the surest first."""
    ownership, environment = _mapping(data.get("ownership")), _mapping(data.get("environment"))
    types = set(_task_types(data.get("tasks")))
    if "group_name" in ownership or types & {"Custom Task", "Import from GitHub", "Import from GitLab"} - _typed_25(
        ownership
    ):
        yield Generation.G2209
    if "params" in data or "domain" in ownership or "deployment" in types:
        yield Generation.G264
    if types & {"default", "Custom Task"} or "scope" in ownership:
        yield Generation.G25
    if {"resources", "resource_opts", "mounts"} & data.keys() or {"image", "scaling-group"} & environment.keys():
        yield Generation.G2209


def _typed_25(ownership: Mapping[str, Any]) -> set[str]:
    """25.6 still wrote ``Custom Task``, but knew scopes."""
    return {"Custom Task"} if "scope" in ownership else set()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _task_types(tasks: Any) -> Iterator[str]:
    for task in tasks if isinstance(tasks, list) else ():
        kind = _mapping(task).get("type")
        if isinstance(kind, str):
            yield kind
