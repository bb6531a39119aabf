"""A notebook as one task of type notebook."""

from __future__ import annotations

import json
from typing import Any

from fasttrack_jupyter.model.pipeline import Pipeline, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.build import Built
from fasttrack_jupyter.notebook.build_whole import build_whole


def notebook_of(*cells: dict[str, Any], **metadata: Any) -> bytes:
    """The file with these code cells."""
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None} | cell for cell in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}).encode()


def pipeline(made: Built) -> Pipeline:
    """What our own reader makes of the text."""
    read = read_or_raise(made.text).pipeline
    assert read is not None
    return read


def test_a_whole_notebook_is_one_task() -> None:
    """Its parameters are those of the tagged cell, what is computed there is none and told."""
    data = notebook_of(
        {"source": "rate = 0.1  # step\nwhen = today()", "metadata": {"tags": ["parameters"]}},
        {"source": "!ls"},
        {"source": "x = = 1"},
        fasttrack={"image": "uv:pandas"},
    )
    made = build_whole(data, "my report.ipynb")
    (task,) = pipeline(made).tasks
    assert (task.type, task.notebook, task.parameters) == (
        TaskType.NOTEBOOK,
        "my report.ipynb",
        {"rate": "${{ params.rate }}"},
    )
    assert pipeline(made).environment.image == "uv:pandas"
    assert made.files == {}
    assert [problem.severity for problem in made.problems] == [Severity.NOTICE]


def test_the_magic_is_laid_over_the_metadata() -> None:
    """As where the cells are tasks: what the one does not say, the other does."""
    cell = {"source": "%fasttrack_pipeline --cpu 2 monthly"}
    made = build_whole(notebook_of(cell, fasttrack={"pipeline": "yearly", "image": "uv:pandas"}), "report.ipynb")
    found = pipeline(made)
    assert (found.name, found.environment.image) == ("monthly", "uv:pandas")


def test_a_whole_notebook_may_be_in_any_language() -> None:
    """A kernel runs it."""
    made = build_whole(notebook_of({"source": "x <- 3"}, kernelspec={"language": "R"}), "r.ipynb")
    assert pipeline(made).tasks[0].notebook == "r.ipynb"
