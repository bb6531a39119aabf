"""The three ways in which a notebook becomes a pipeline."""

from __future__ import annotations

import re
from enum import StrEnum

from fasttrack_jupyter.model.pipeline import TaskType
from fasttrack_jupyter.model.reading import read_pipeline

_SPLIT = re.compile(r"cell-\d+")
"""Names of tasks that were made of every cell."""


class Way(StrEnum):
    """How a notebook becomes a pipeline."""

    MARKED = "marked"
    """By the marks on its cells."""
    SPLIT = "split"
    """Every code cell is a task."""
    WHOLE = "whole"
    """All of it is one task."""


def task_of(number: int) -> str:
    """What the task of the ``number``-th cell of a notebook is called where every cell is one."""
    return f"cell-{number}"


def way_of(text: str) -> Way:
    """The way in which a notebook became the pipeline ``text``."""
    pipeline = read_pipeline(text).pipeline
    tasks = pipeline.tasks if pipeline is not None else ()
    if len(tasks) == 1 and tasks[0].type is TaskType.NOTEBOOK:
        return Way.WHOLE
    return Way.SPLIT if tasks and all(_SPLIT.fullmatch(task.name) for task in tasks) else Way.MARKED
