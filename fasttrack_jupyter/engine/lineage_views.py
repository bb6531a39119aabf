"""What faces see of lineage: what something was made of, and what was made of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.model.lifecycle import Result


class LineageKind(StrEnum):
    """What a node is."""

    TASK = "task"
    MODEL = "model"
    SERVICE = "service"


class LineageNode(View):
    """An execution of a task, a version of a model, or a service."""

    id: str
    """Within this answer."""
    kind: LineageKind
    name: str
    """``digits#12 train``, ``digits@3``, the service's name."""
    job: str | None = None
    """Id, of a task."""
    task: str | None = None
    """Path of the task instance."""
    attempt: int | None = None
    result: Result | None = None
    ended_at: datetime | None = None
    backend: str
    image: str | None = None
    command: str | None = None
    code: str | None = None
    """Digest of the job's code."""
    commit: str | None = None
    """Of a task whose code comes from Git: what was fetched."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The job's parameters that the task mentions."""
    outputs_dir: str | None = None
    """Within the pipeline folder."""
    reused_by: tuple[str, ...] = ()
    """Jobs that showed its outputs as their own (``digits#14``), the oldest first; the first hundred."""


class LineageEdge(View):
    """``from_`` was used for ``to``."""

    from_: str = Field(alias="from")
    to: str
    output: str | None = None
    """Which output of it; null: all that it left, or an order that handed nothing over."""
    input: str | None = None
    """Under which name."""


class LineageView(View):
    """Where something comes from, and what became of it."""

    subject: str
    """The node that was asked for: of what was reused, the one that made it."""
    asked: str
    """In words, what was asked for: ``digits#14 train.model``."""
    output: str | None = None
    """The output that was asked for."""
    note: str = ""
    """What has to be said: it was reused from another job, that job was deleted …"""
    files: tuple[str, ...] = ()
    """Files of the subject's code, the first hundred."""
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    truncated: bool = False
    """There is more than is shown."""


class LineageQuery(View):
    """What is asked for: a task instance or an output of it, a file in an outputs folder, or a version of a model."""

    job: str | None = Field(default=None, min_length=1)
    task: str | None = Field(default=None, min_length=1)
    """The task, or ``task.output``."""
    file: str | None = Field(default=None, min_length=1)
    """A whole path of the engine's machine."""
    model: str | None = Field(default=None, min_length=1)
    """``digits@3``, ``digits@latest``."""
    backend: str = "local"
    """Where the model is."""

    @model_validator(mode="after")
    def _is_one(self) -> LineageQuery:
        named = [self.job is not None and self.task is not None, self.file is not None, self.model is not None]
        if sum(named) != 1 or (self.job is None) != (self.task is None):
            raise ValueError("name a job and its task, or a file, or a model")
        return self
