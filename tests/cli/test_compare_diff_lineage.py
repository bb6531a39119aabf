"""``fasttrack compare``, ``diff`` and ``lineage`` against a real engine."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator

import pytest
from cli.real_command import Run, real_command
from rich.cells import cell_len

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sessions of this machine need POSIX")

PIPELINE = """
name: reader
params: [{name: depth, type: int, default: 1}, {name: seed, type: int, default: 7}]
tasks:
- {name: prepare, cache: true, command: echo data > /pipeline/outputs/data, outputs: {data: Dataset}}
- name: train
  inputs: {clean: prepare.data}
  command: |
    mkdir -p /pipeline/outputs/.values
    echo ${{ params.depth }} > /pipeline/outputs/model
    echo 0.${{ params.depth }} > /pipeline/outputs/.values/accuracy
    cp matrix.json /pipeline/outputs/quality
  outputs: {model: {type: Model, register: digits}, accuracy: float, quality: ClassificationMetrics}
"""
MATRIX = {
    "confusionMatrix": {
        "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}],
        "rows": [{"row": [9, 1]}, {"row": [2, 8]}],
    }
}


@pytest.fixture(scope="module")
def fasttrack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The command in a home that has two jobs."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "reader.fasttrack.yaml").write_text(PIPELINE)
    (folder / "other.fasttrack.yaml").write_text(PIPELINE.replace("echo data", "echo more").replace("default: 7", ""))
    (folder / "matrix.json").write_text(json.dumps(MATRIX))
    with real_command(folder) as run:
        for depth in ("1", "2"):
            run("run", "reader.fasttrack.yaml", "-q", "-p", f"depth={depth}")
        yield run


def test_two_jobs_are_shown_side_by_side_in_eighty_columns(fasttrack: Run) -> None:
    """What differs, with a star at the best; what is the same in a line; without colour in a pipe."""
    shown = fasttrack("compare", "reader#1", "reader#2").stdout
    assert "same parameters: seed=7" in shown
    assert "0.2 *" in shown
    assert "0.1 *" not in shown
    assert "reused from job #1" in shown
    assert "as cat  as dog" in shown
    assert "\x1b" not in shown
    assert max(map(cell_len, shown.splitlines())) <= 80


def test_a_comparison_can_be_had_as_json_and_as_csv(fasttrack: Run) -> None:
    """All of it, for programs; not both at once."""
    found = json.loads(fasttrack("compare", "#1", "#2", "--json").stdout)
    assert [job["index"] for job in found["jobs"]] == [1, 2]
    rows = list(csv.reader(io.StringIO(fasttrack("compare", "#1", "#2", "--csv").stdout)))
    assert rows[0] == ["kind", "task", "name", "reader#1", "reader#2"]
    assert ["output", "train", "accuracy", "0.1", "0.2"] in rows
    fasttrack("compare", "#1", "#2", "--csv", "--json", status=2)


def test_comparing_needs_two_jobs_that_are_there(fasttrack: Run) -> None:
    """Exit status 2, and what to do."""
    assert "name 2 to 20 different jobs" in fasttrack("compare", "#1", status=2).stderr
    assert "no job" in fasttrack("compare", "#1", "#77", status=2).stderr


def test_a_job_and_a_file_are_told_apart(fasttrack: Run) -> None:
    """Lines with a sign each; --exit-code tells a script."""
    shown = fasttrack("diff", "last", "other.fasttrack.yaml").stdout
    assert "~ task prepare: command changed" in shown
    assert "    - command: echo data > /pipeline/outputs/data" in shown
    assert "    + command: echo more > /pipeline/outputs/data" in shown
    fasttrack("diff", "last", "other.fasttrack.yaml", "--exit-code", status=1)
    same = fasttrack("diff", "reader.fasttrack.yaml", "reader.fasttrack.yaml", "--exit-code").stdout
    assert "no differences" in same


def test_values_of_two_jobs_are_part_of_their_difference(fasttrack: Run) -> None:
    """As JSON, with the tasks by name; a file that is not there is no job's name."""
    found = json.loads(fasttrack("diff", "#1", "#2", "--json").stdout)
    assert found["values"] == [{"name": "depth", "one": 1, "other": 2}]
    assert found["tasks"] == []
    assert "there is no file 'nowhere.yaml'" in fasttrack("diff", "#1", "nowhere.yaml", status=2).stderr


def test_lineage_is_a_tree_back_and_forward(fasttrack: Run) -> None:
    """To the job that really made an input; to the models that were made of it."""
    shown = fasttrack("lineage", "last", "train.model").stdout
    assert "made by reader#2 train, attempt 1, SUCCESS" in shown
    assert "└─ reader#1 prepare (data as clean)" in shown
    assert "model digits@2 (model)" in shown
    forward = fasttrack("lineage", "#2", "prepare").stdout
    assert "(reused from reader#1)" in forward
    assert "reader#1 train" in forward
    assert "reader#2 train" in forward


def test_lineage_of_a_file_and_of_a_model(fasttrack: Run) -> None:
    """By path, by version; as JSON, as a graph; alone a job is not enough."""
    outputs = json.loads(fasttrack("show", "#1", "--json").stdout)["outputs"]
    found = json.loads(fasttrack("lineage", outputs["train"]["model"]["path"], "--json").stdout)
    assert (found["output"], found["note"]) == ("model", "")
    dot = fasttrack("lineage", "digits@latest", "--dot").stdout
    assert dot.startswith("digraph lineage {")
    assert '[label="digits@2", shape=cylinder, penwidth=2]' in dot
    assert "does not say whose" in fasttrack("lineage", "last", status=2).stderr
