"""Plain values that cells hand on: what conditions see, and what cells of later tasks still use as variables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.conditions import parse_condition
from fasttrack_jupyter.model.expressions import parse_template
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.build import Built, build
from fasttrack_jupyter.notebook.cells import read_notebook


def built(*cells: str) -> Built:
    """The pipeline of a notebook with these cells."""
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell} for cell in cells
    ]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}).encode()
    return build(read_notebook(notebook, "digits.ipynb"))


def pipeline(made: Built) -> Pipeline:
    """What our own reader makes of the text."""
    read = read_or_raise(made.text).pipeline
    assert read is not None
    return read


def test_a_value_can_be_seen_by_conditions_and_is_still_a_variable_of_later_cells(tmp_path: Path) -> None:
    """What ``--value`` hands on is a plain value; whoever uses the variable is given it on the command line."""
    made = built(
        "%%fasttrack_task check --value accuracy=float --value names=list\naccuracy, names = 0.1 + 0.2, ['it\\'s', 1]",
        "%%fasttrack_task use --when 'tasks.check.outputs.accuracy > 0.25'\nprint(accuracy == 0.1 + 0.2, names)",
    )
    check, use = pipeline(made).tasks
    assert {name: spec.type for name, spec in check.outputs.items()} == {"accuracy": "float", "names": "list"}
    assert {name: given.source for name, given in use.inputs.items()} == {
        "accuracy": "check.accuracy", "names": "check.names",
    }  # fmt: skip
    for path, content in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    environ = {"PIPELINE_INPUTS": str(tmp_path / "none"), "PIPELINE_OUTPUTS": str(tmp_path / "out")}
    shown = ""
    for task in (check, use):
        written = {path.name: json.loads(path.read_text()) for path in (tmp_path / "out" / ".values").glob("*")}
        command = parse_template(task.command or "").render_command({"inputs": written})
        command = command.replace("python3", sys.executable, 1)
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shown += done.stdout
    assert 'True ["it\'s", 1]' in shown
    assert parse_condition(use.when or "").evaluate({"tasks": {"check": {"outputs": written}}}) is True


def test_a_promised_value_that_no_cell_gives_is_told() -> None:
    """When the pipeline is built."""
    with pytest.raises(InvalidNotebook) as caught:
        built("%%fasttrack_task a --value acuracy=float\naccuracy = 1.0")
    assert "--value names 'acuracy'" in str(caught.value.problems[0])
