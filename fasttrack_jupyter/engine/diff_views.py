"""What faces see of the difference between two pipelines, each of a job or of a file."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import model_validator

from fasttrack_jupyter.engine.views import View


class How(StrEnum):
    """What became of something, from the one side to the other."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


class DiffSide(View):
    """One side: a job, or the pipeline in a ``source`` file of this machine; with ``text`` that counts for the file's,
    and ``source`` says where its code lies."""

    job: str | None = None
    text: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> DiffSide:
        if (self.job is None) == (self.text is None and self.source is None):
            raise ValueError("name a job, or a pipeline by its text or file")
        return self


class DiffRequest(View):
    """What is different in ``other``, seen from ``one``."""

    one: DiffSide
    other: DiffSide
    code: bool = False
    """Whether changed text files are shown line by line."""


class Edit(View):
    """One thing that is not the same, as text; null on the side that has none of it."""

    what: str
    """``command``, ``environment LR``, ``input model``, ``parameter lr`` …"""
    one: str | None = None
    other: str | None = None


class ValueEdit(View):
    """A parameter that two jobs were given different values of; null where one knows none of that name."""

    name: str
    one: Any = None
    other: Any = None


class TaskDiff(View):
    """A task that is not the same on both sides."""

    name: str
    """On the other side; of one that was removed, on the one."""
    how: How
    was: str | None = None
    """Its name before it was renamed."""
    words: tuple[str, ...] = ()
    """In short: ``command changed``, ``train.py changed`` …"""
    edits: tuple[Edit, ...] = ()


class CodeDiff(View):
    """A file of the code that is not the same on both sides."""

    path: str
    how: How
    lines: tuple[str, ...] | None = None
    """A unified diff; null where it was not asked for, or where that is no text or too long."""


class PipelineDiff(View):
    """All that is different, from ``one`` to ``other``; what is the same is absent."""

    one: str
    """What is compared: ``digits#11``, or a file's name."""
    other: str
    same: bool
    pipeline: tuple[Edit, ...]
    """Of the pipeline as a whole: its name, its declared parameters …"""
    values: tuple[ValueEdit, ...]
    """Of two jobs."""
    tasks: tuple[TaskDiff, ...]
    files: tuple[CodeDiff, ...]
    code_unknown: str = ""
    """Why the files could not be compared, if so."""
