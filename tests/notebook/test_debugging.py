"""A failed task as a notebook: the pipeline that serves its kernel, the cells, and what stays out of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.debugging import (
    MARK,
    Failed,
    debug_files,
    debug_notebook,
    debug_pipeline,
    file_name,
    record_of,
    task_of,
    what_is_debugged,
)

PIPELINE = """\
name: digits
environment: {image: 'uv:pandas'}
params: [{name: rate, type: float, default: 0.5}]
tasks:
  - name: prepare
    command: python3 digits.cells/execute.py prepare
    outputs: {xs: {type: Variable, path: variables/xs}}
  - name: train
    command: python3 digits.cells/execute.py train --param rate=${{ params.rate }}
    inputs: {xs: prepare.xs}
    timeout: 1h
    retry: {max_attempts: 3}
    skip: false
    resources: {cpu: 2, mem: 1g}
    environment: {envs: {TOKEN: '${{ secrets.TOKEN }}'}}
  - {name: say, command: 'echo "a b" | sort', environment: {image: 'docker:python:3.12'}}
  - {name: report, type: notebook, notebook: in/report.ipynb, parameters: {n: 3}}
  - {name: clone, type: git, module_uri: 'https://example.org/a/b.git', command: make}
  - {name: serve, type: deployment, service: {name: s, model: m}}
"""


def debugged(name: str) -> Any:
    """The task as it is in the debug pipeline."""
    pipeline = read_or_raise(debug_pipeline(PIPELINE, name)).pipeline
    assert pipeline is not None
    return pipeline.by_name[name]


def test_the_task_serves_a_kernel_and_is_else_as_it_was() -> None:
    """Expressions stay; time limits and retries go; a ``uv:`` image gets what a kernel needs."""
    task = debugged("train")
    assert task.command == (
        "python3 /pipeline/code/.fasttrack/debug_session.py --cells digits.cells train --param rate=${{ params.rate }}"
    )
    assert (task.timeout, task.retry.max_attempts, task.skip) == (None, 1, False)
    assert task.environment.image == "uv:pandas ipykernel"
    assert task.environment.envs == {"TOKEN": "${{ secrets.TOKEN }}"}
    assert {name: given.source for name, given in task.inputs.items()} == {"xs": "prepare.xs"}
    assert task.resources is not None
    assert task.resources.written() == {"cpu": "2", "mem": "1g"}


def test_a_task_that_had_conditions_runs_without_them_and_with_its_inputs_in_their_order() -> None:
    """It may still ask how those before it came out."""
    text = """name: p
tasks:
  - {name: a, command: x, outputs: {n: int}}
  - {name: b, command: x}
  - name: c
    command: echo ${{ tasks.b.result }}
    when: ${{ tasks.a.outputs.n > 1 }}
    run_if: any_failed
    final: true
    cache: true
"""
    pipeline = read_or_raise(debug_pipeline(text, "c")).pipeline
    assert pipeline is not None
    task = pipeline.by_name["c"]
    assert (task.when, task.run_if, task.cache, task.dependencies) == (None, "all_done", None, ("a", "b"))


def test_the_other_tasks_are_not_touched() -> None:
    """They are reused or skipped, whatever they are."""
    before, after = read_or_raise(PIPELINE).pipeline, read_or_raise(debug_pipeline(PIPELINE, "train")).pipeline
    assert before is not None
    assert after is not None
    assert [task for task in before.tasks if task.name != "train"] == [t for t in after.tasks if t.name != "train"]


@pytest.mark.parametrize(("name", "kind"), [("say", "custom"), ("report", "custom"), ("clone", "git")])
def test_commands_and_whole_notebooks_serve_a_plain_kernel(name: str, kind: str) -> None:
    """Without cells to prepare for; a Git task keeps its code."""
    task = debugged(name)
    assert (task.type, task.command) == (kind, "python3 /pipeline/code/.fasttrack/debug_session.py")


def test_an_image_of_another_kind_stays_as_it_is() -> None:
    """Nobody changes somebody's image: the session says what is missing."""
    assert debugged("say").environment.image == "docker:python:3.12"


def test_what_runs_nothing_and_what_is_not_there_is_said() -> None:
    """By name."""
    with pytest.raises(BadRequest, match="'serve' is a deployment"):
        debug_pipeline(PIPELINE, "serve")
    with pytest.raises(NotFound, match="no task 'trian'"):
        debug_pipeline(PIPELINE, "trian")


def test_the_session_s_files_travel_beside_the_code() -> None:
    """All in one folder, as for whole notebooks."""
    files = debug_files()
    assert {".fasttrack/debug_session.py", ".fasttrack/debug_shell.py", ".fasttrack/values.py"} <= files.keys()
    assert all(path.startswith(".fasttrack/") for path in files)


def cell(kind: str, key: str, source: str, **more: Any) -> dict[str, Any]:
    """A cell as execute.py leaves it."""
    told = {"fasttrack_run": {"label": f"cell {int(key)}", "kind": kind}}
    made = {"cell_type": "code", "id": f"{kind}-{key}", "metadata": told, "source": source + "\n"}
    return {**made, "outputs": [], "execution_count": None, **more}


def error(*lines: str) -> dict[str, Any]:
    """A cell's error."""
    return {"output_type": "error", "ename": "KeyError", "evalue": lines[-1], "traceback": list(lines)}


CELLS = [
    cell("common", "01", "import math", execution_count=1),
    cell("definition", "03", "# from cell 3\n\n\ndef clean(x):\n    return x", execution_count=2),
    cell("params", "02", "# %%fasttrack_params\nrate = 0.5", execution_count=3),
    cell("task", "05", "# %%fasttrack_task train\nfit(xs)", execution_count=4, outputs=[error("Traceback", "s3cret")]),
    cell("task", "06", "last"),
]


def made(task: str = "train", **more: Any) -> dict[str, Any]:
    """The debug notebook of a task."""
    failed: dict[str, Any] = {
        "job": "01abc", "job_name": "digits#3", "task": task, "reason": "exit 1", "params": {"rate": 0.25, "other": 1},
        "log": "Traceback\n******", "record": {"cells": CELLS}, "origin": "digits.ipynb",
    }  # fmt: skip
    _, found = task_of(PIPELINE, task)
    content: dict[str, Any] = json.loads(debug_notebook(Failed(**{**failed, **more}), found))
    return content


def test_the_cells_stand_in_order_with_the_values_of_the_parameters_and_the_mark() -> None:
    """Nothing has run; the values are those that the job was given, of parameters that the task has."""
    cells = made()["cells"]
    assert [each["id"] for each in cells] == [
        "about", "common-01", "definition-03", "params-02", "given", "failed-here", "task-05", "task-06",
    ]  # fmt: skip
    assert cells[4]["source"] == "# What digits#3 was given\nrate = 0.25"
    assert all(each["execution_count"] is None for each in cells if each["cell_type"] == "code")
    assert "KeyError" in cells[5]["source"]


def test_a_cell_knows_where_it_came_from() -> None:
    """A definition stands without the lines that kept its numbers, and knows its own."""
    told = {each["id"]: each["metadata"].get(MARK) for each in made()["cells"]}
    assert told["task-05"]["label"] == "cell 5"
    assert told["definition-03"] == {
        "kind": "definition", "label": "cell 3", "line": 4, "base": "def clean(x):\n    return x",
    }  # fmt: skip


def test_a_secret_in_a_traceback_stays_out() -> None:
    """A line that the masked log does not have is not shown."""
    text = json.dumps(made())
    assert "s3cret" not in text
    assert "Traceback" in text
    assert "s3cret" in json.dumps(made(log="Traceback\ns3cret"))


def test_of_a_task_that_was_killed_the_first_cell_that_did_not_end_is_marked() -> None:
    """There is no error to go by."""
    cells = [*CELLS[:3], cell("task", "05", "fit(xs)"), CELLS[4]]
    found = [each["id"] for each in made(record={"cells": cells}, reason="out of memory")["cells"]]
    assert found[found.index("failed-here") + 1] == "task-05"


def test_a_command_is_one_cell_for_the_shell() -> None:
    """As it ran, its parameters filled in."""
    cells = made("say", record=None, command="echo 'a b' | sort")["cells"]
    assert [each["source"] for each in cells[1:]] == ["%%sh\necho 'a b' | sort"]


def test_a_whole_notebook_keeps_its_texts_and_its_own_parameters() -> None:
    """They stand in it already."""
    injected = {**cell("x", "2", "n = 3"), "id": "injected-parameters", "metadata": {"tags": ["injected-parameters"]}}
    plain = {**cell("x", "3", "1 / 0", outputs=[error("ZeroDivisionError")]), "metadata": {}, "id": "abc"}
    text = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["# Report"]}
    found = made("report", record={"cells": [text, injected, plain]})
    assert [each["id"] for each in found["cells"][1:]] == ["m", "injected-parameters", "failed-here", "abc"]
    assert found["metadata"]["fasttrack"]["debug"]["whole"] is True
    assert "base" not in found["cells"][2]["metadata"][MARK]


def test_what_a_task_leaves_of_its_cells_is_known() -> None:
    """By its kind."""
    names = {name: record_of(task_of(PIPELINE, name)[1]) for name in ("train", "report", "say")}
    assert names == {"train": "cells.ipynb", "report": "report.ipynb", "say": None}


def test_a_debug_notebook_says_what_it_is_of() -> None:
    """And another one is refused."""
    assert what_is_debugged(made())["task"] == "train"
    for content in ({}, [], {"metadata": {"fasttrack": {"debug": {"job": 1}}}}):
        with pytest.raises(BadRequest, match="no debug notebook"):
            what_is_debugged(content)


def test_its_file_s_name_can_stand_anywhere() -> None:
    """Whatever the task is called."""
    failed = Failed(job="x", job_name="my data#3", task="훈련 / 1", reason="", params={})
    assert file_name(failed) == "debug-my_data-3-훈련_1.ipynb"
