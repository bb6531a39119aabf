"""Cells that become jobs: the magics with a real engine, in a shell of IPython's own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import Conflict, NotFound, Unreadable

PARAMS = ("%%fasttrack_params", "rate = 0.1")
COMMON = ("%%fasttrack_common", "import math")
PREPARE = ("%%fasttrack_task prepare", "xs = [1, 2, 3]", "def double(x):", "    return 2 * x * rate")
TRAIN = ("%%fasttrack_task train", "ys = [double(x) for x in xs]", "total = math.fsum(ys)", "print('total', total)")


@pytest.fixture
def notebook(bench: Any, shell: Any) -> Any:
    """A shell in which a small pipeline was typed."""
    for cell in (("%fasttrack_pipeline digits",), PARAMS, COMMON, PREPARE, TRAIN):
        assert shell.cell(*cell).success
    return shell


def test_run_does_not_wait_and_wait_does(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``%fasttrack run`` gives the job at once; ``job.wait()`` waits, and results come back."""
    notebook.cell("job = %fasttrack run -p rate=0.5")
    job = notebook.names["job"]
    assert job.name == "digits#1"
    assert notebook.cell("job.wait().result").result == "SUCCESS"
    assert notebook.cell("%fasttrack result train.total").result == 6.0
    notebook.cell("%fasttrack result train.ys -o brought")
    assert notebook.names["brought"] == [1.0, 2.0, 3.0]
    assert "brought = train.ys of digits#1: [1.0, 2.0, 3.0]" in capsys.readouterr().out


def test_waiting_says_a_line_per_change(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``--wait``: for papermill and for terminals."""
    assert notebook.cell("%fasttrack run --wait").success
    shown = capsys.readouterr().out
    assert "✓ prepare  succeeded" in shown
    assert "digits#1 succeeded in" in shown


def test_a_failed_job_fails_the_cell_that_waits(notebook: Any) -> None:
    """With the task, its last lines, the cell's own line, and what to do; no traceback of ours."""
    notebook.cell("%%fasttrack_task report --no-run", "", "print(total)", "1 / 0")
    shown = notebook.fails("%fasttrack run --wait")
    assert "line 4, in <module>" in shown
    assert "digits#1 failed: report: exit 1" in shown
    assert "%fasttrack rerun --from-failed" in shown
    assert "fasttrack_jupyter/" not in shown


def test_a_mended_cell_goes_on_from_there(notebook: Any) -> None:
    """``rerun --edited --from-failed`` runs the edited cell's task, and reuses what did not change."""
    notebook.cell("%%fasttrack_task report --no-run", "text = str(totl)")
    assert "'totl' is not defined in any cell" in notebook.fails("%fasttrack run --wait")
    notebook.cell("%%fasttrack_task report --no-run", "text = str(total)", "raise ValueError(text)")
    notebook.fails("%fasttrack run --wait")
    notebook.cell("%%fasttrack_task report --no-run", "text = str(total)")
    job = notebook.cell("%fasttrack rerun --edited --from-failed --wait").result
    reasons = {name: task.reason for name, task in job.tasks.items()}
    assert reasons == {"prepare": "reused from job #1", "train": "reused from job #1", "report": ""}
    assert job.tasks["report"].outputs["text"] == "1.2000000000000002"


def test_a_rerun_without_the_edited_cells_says_so(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody mends a cell, and forgets ``--edited``: the job would fail as it did, and they would wonder."""
    notebook.cell("%%fasttrack_task report --no-run", "1 / 0")
    notebook.fails("%fasttrack run --wait")
    notebook.fails("%fasttrack rerun --from-failed --wait")
    assert "--edited" not in capsys.readouterr().out
    notebook.cell("%%fasttrack_task report --no-run", "text = str(total)")
    shown = notebook.fails("%fasttrack rerun --from-failed --wait")
    assert "The cells have changed since digits#2" in shown


def test_a_problem_of_the_yaml_names_the_cell(notebook: Any) -> None:
    """The line alone would be one of a text that nobody has seen."""
    notebook.cell("%%fasttrack_task report --no-run --secret NOBODYS", "text = str(total)")
    assert re.search(
        r"task report \(In \[6\]\), line \d+ of the YAML: there is no secret", notebook.fails("%fasttrack run")
    )


def test_a_part_of_the_pipeline_runs(notebook: Any) -> None:
    """``--until``, and plain names with commas."""
    job = notebook.cell("%fasttrack run --wait --until prepare").result
    assert {name: task.status for name, task in job.tasks.items()} == {"prepare": "TERMINATED", "train": "SKIPPED"}


def test_status_jobs_logs_cancel(notebook: Any, bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The last job is meant where none is named."""
    notebook.cell("%%fasttrack_task slow --no-run", "print('begun', flush=True)", "import time", "time.sleep(60)")
    notebook.cell("%fasttrack run --detach")
    assert "digits#1 is on its way" in capsys.readouterr().out
    job = notebook.cell("%fasttrack status").result
    bench.until(lambda: job.refresh().tasks["slow"].status == "RUNNING" and job.tasks["slow"].log())
    notebook.cell("%fasttrack logs slow")
    notebook.cell("%fasttrack cancel")
    assert job.wait(30).status == "CANCELLED"
    notebook.cell("%fasttrack jobs")
    shown = capsys.readouterr().out
    assert "begun\n" in shown
    assert "digits#1 is being cancelled." in shown
    assert "■ cancelled" in shown


def test_a_job_is_found_again_by_a_new_kernel(notebook: Any, shell: Any) -> None:
    """After a restart nothing ran here yet: the last job of the notebook's pipeline is meant, or the one named."""
    notebook.cell("%fasttrack run --wait")
    shell.session.reset()
    shell.cell("%fasttrack_pipeline digits")
    assert shell.cell("%fasttrack result train.total").result == pytest.approx(1.2)
    assert shell.cell("%fasttrack result train.total --job digits#1").result == pytest.approx(1.2)
    assert "digits has no job yet" not in shell.fails("%fasttrack status --job digits#9")


def test_without_a_job_that_is_said(notebook: Any) -> None:
    """And how to make one."""
    assert "of this notebook has no job yet" in notebook.fails("%fasttrack status")


def test_yaml_save_and_diff(notebook: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is saved is what runs; what has changed since is told with the cells."""
    notebook.cell("%fasttrack yaml")
    assert "execute.py" in capsys.readouterr().out
    notebook.cell("%fasttrack save kept.fasttrack.yaml")
    assert (tmp_path / "kept.cells" / "tasks.json").is_file()
    notebook.cell("%fasttrack diff kept.fasttrack.yaml")
    assert "Nothing has changed since kept.fasttrack.yaml" in capsys.readouterr().out
    notebook.cell("%%fasttrack_task train --no-run", "total = math.fsum(xs)")
    notebook.cell("%fasttrack diff kept.fasttrack.yaml")
    shown = capsys.readouterr().out
    assert "+total = math.fsum(xs)" in shown
    assert "-print('total', total)" in shown
    assert "no name of a pipeline's file" in notebook.fails("%fasttrack save kept.txt")
    assert "cannot be read" in notebook.fails("%fasttrack diff nothing.yaml")


def test_diff_shows_a_definition_whatever_its_name(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that is called as the program that runs the cells."""
    notebook.cell("%%fasttrack_task prepare --no-run", "def execute():", "    return 1")
    notebook.cell("%%fasttrack_task train --no-run", "print(execute())")
    notebook.cell("%fasttrack save kept.fasttrack.yaml")
    notebook.cell("%%fasttrack_task prepare --no-run", "def execute():", "    return 2")
    capsys.readouterr()
    notebook.cell("%fasttrack diff kept.fasttrack.yaml")
    assert "def-execute.py (now)" in capsys.readouterr().out


def test_diff_since_the_last_job(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Cells and YAML, where the job was made by this kernel."""
    notebook.cell("%fasttrack run --wait")
    notebook.cell("%fasttrack diff")
    assert "Nothing has changed since digits#1" in capsys.readouterr().out
    notebook.cell("%%fasttrack_params", "rate = 0.2")
    notebook.cell("%fasttrack diff")
    assert "+rate = 0.2" in capsys.readouterr().out


def test_plan_tells_what_a_job_would_do(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each task with its decision; warnings about cells; what is refused fails."""
    notebook.cell("%fasttrack plan")
    assert "train    will run  after prepare" in capsys.readouterr().out
    notebook.cell("%%fasttrack_task train --no-run --mem 900g", "total = math.fsum(xs)")
    assert "asks for 900g mem" in notebook.fails("%fasttrack run")


def test_what_papermill_gives_the_notebook_its_job_gets_too(notebook: Any) -> None:
    """papermill's own cell overrides the defaults; what ``-p`` says wins."""
    notebook.cell("# Parameters", "rate = 0.5", "other = 3")
    assert notebook.cell("%fasttrack run --wait").result.params == {"rate": 0.5}
    assert notebook.cell("%fasttrack run --wait -p rate=2").result.params == {"rate": 2.0}


def test_parameters_that_papermill_knows_by_a_tag_are_the_pipeline_s(bench: Any, shell: Any) -> None:
    """The kernel never hears of the tag; papermill's own cell stands behind the tagged one."""
    for cell in (("rate = 0.1", "k = 3"), ("# Parameters", "rate = 0.5"), ("%%fasttrack_task t", "v = rate * k")):
        assert shell.cell(*cell).success
    job = shell.cell("%fasttrack run --wait").result
    assert (job.params["rate"], job.tasks["t"].outputs["v"]) == (0.5, 1.5)


def test_wrong_parameters_and_tasks_are_said(notebook: Any) -> None:
    """Before anything starts."""
    assert "unknown parameter 'r'" in notebook.fails("%fasttrack run -p r=1")
    assert "is not a float" in notebook.fails("%fasttrack run -p rate=much")
    assert "has no task 'trian'" in notebook.fails("%fasttrack run --only trian")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([["%%fasttrack_task a", "print(nowhere)"]], "'nowhere' is not defined in any cell"),
        ([["x = 3"], ["%%fasttrack_task a", "print(x)"]], "'x' comes from In [1], which belongs to no task"),
        ([["%%fasttrack_task a", "!pip install x"]], "pip install in a task would install anew each time"),
        ([["%%fasttrack_task a --after b", "x = 1"], ["%%fasttrack_task b --after a", "y = 1"]], "need each other"),
        ([["%%fasttrack_task a", "%run script.py"]], "put the script beside the notebook"),
    ],
)
def test_what_cannot_be_a_pipeline_is_told_with_its_cell(shell: Any, cells: list[list[str]], said: str) -> None:
    """The label is the one beside the cell, and the line is the cell's own."""
    for first, *rest in cells:
        shell.cell(f"{first} --no-run" if first.startswith("%%") else first, *rest)
    shown = shell.fails("%fasttrack plan")
    assert said in shown
    assert "In [" in shown
    assert "Traceback" not in shown


def test_two_tasks_that_write_one_name_are_told(shell: Any, bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Which of them is taken, and what to write instead."""
    for name in ("a", "b"):
        shell.cell(f"%%fasttrack_task {name}", f"x = '{name}'")
    shell.cell("%%fasttrack_task c", "print(x)")
    shell.cell("%fasttrack plan")
    assert "that of In [2] is taken" in capsys.readouterr().out


def test_ipython_s_own_syntax_runs_in_jobs(bench: Any, shell: Any) -> None:
    """Shell lines, top-level await, magics that mean nothing there."""
    lines = "%matplotlib inline", "found = !echo hello", "import asyncio", "slept = await asyncio.sleep(0, 'well')"
    shell.cell("%%fasttrack_task a --no-run", *lines)
    shell.cell("%%fasttrack_task b --no-run", "both = f'{found[0]} {slept}'")
    job = shell.cell("%fasttrack run --wait").result
    assert job.tasks["b"].outputs["both"] == "hello well"


def test_the_notebook_s_folder_is_the_code(bench: Any, shell: Any, tmp_path: Path) -> None:
    """A module beside the notebook is there for its tasks."""
    (tmp_path / "beside.py").write_text("answer = 42\n")
    shell.cell("%%fasttrack_task a --no-run", "import beside", "found = beside.answer + 0")
    assert shell.cell("%fasttrack run --wait").result.tasks["a"].outputs["found"] == 42


# ---------------------------------------------------------------- results


@pytest.fixture
def left(notebook: Any) -> Any:
    """What the task train left."""
    return notebook.cell("%fasttrack run --wait").result.tasks["train"].outputs


def test_outputs_are_listed_with_a_summary(left: Any) -> None:
    """Declared and kept variables alike."""
    assert sorted(left) == ["total", "ys"]
    assert "ys: [0.2, 0.4, 0.6" in repr(left)
    assert left.get("nothing") is None


def test_what_is_not_there_is_said(left: Any, bench: Any) -> None:
    """No such variable: which there are; not yet: how to wait."""
    with pytest.raises(NotFound, match="train of digits#1 left no 'nothing'") as error:
        left["nothing"]
    assert "total" in error.value.hint
    slow = bench.chain(slow="echo up; sleep 30")
    bench.until(lambda: slow.refresh().tasks["slow"].status == "RUNNING" and slow.tasks["slow"].log())
    with pytest.raises(Conflict, match="is not there yet"):
        slow.tasks["slow"].outputs["x"]
    slow.cancel().wait(30)
    with pytest.raises(NotFound, match="the task was cancelled"):
        slow.tasks["slow"].outputs["x"]


def test_what_is_gone_is_said(left: Any) -> None:
    """As after a gc."""
    task = left._task.job.tasks["prepare"]
    shutil.rmtree(task.view["outputs"]["xs"]["path"])
    with pytest.raises(NotFound, match=r"prepare.xs of digits#1 is gone"):
        task.outputs["xs"]


def test_what_is_damaged_is_said(left: Any) -> None:
    """The digest is checked whenever a variable is loaded."""
    folder = Path(left._task.view["outputs_dir"], "variables", "total")
    data = folder / json.loads((folder / "manifest.json").read_text())["file"]
    data.chmod(0o600)
    data.write_text("7.0")
    with pytest.raises(Unreadable, match=r"train.total of digits#1"):
        left["total"]


def test_a_module_that_is_missing_here_is_said(notebook: Any, tmp_path: Path) -> None:
    """With the versions that it was written with, and where the files are."""
    (tmp_path / "elsewhere.py").write_text("class Thing:\n    pass\n")
    notebook.cell("%%fasttrack_task thing --no-run", "import elsewhere", "thing = elsewhere.Thing()")
    outputs = notebook.cell("%fasttrack run --wait").result.tasks["thing"].outputs
    (tmp_path / "elsewhere.py").unlink()
    with pytest.raises(Unreadable, match="elsewhere"):
        outputs["thing"]


def test_other_artifacts_are_paths(bench: Any) -> None:
    """Values are as they are."""
    job = bench.run(
        "name: files\ntasks:\n- name: a\n  command: echo hi > /pipeline/outputs/x.txt; mkdir /pipeline/outputs/.values;"
        " echo 3 > /pipeline/outputs/.values/n\n  outputs: {text: {type: File, path: x.txt}, n: {type: int}}\n"
    ).wait(30)
    outputs = job.tasks["a"].outputs
    assert outputs["n"] == 3
    assert outputs["text"].read_text() == "hi\n"
    assert dict(job.outputs["a"]) == {"n": 3, "text": outputs["text"]}


# ---------------------------------------------------------------- secrets


def test_a_secret_is_asked_for_and_never_shown(
    bench: Any, shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its value stands neither in the cell nor in what is printed."""
    monkeypatch.setattr("getpass.getpass", lambda prompt: "s3cr3t-value")
    shell.cell("%fasttrack secrets set TOKEN")
    shell.cell("%fasttrack secrets")
    shell.cell("%%fasttrack_task a --no-run --secret TOKEN", "import os", "print(os.environ['TOKEN'])", "n = 1")
    shell.cell("%fasttrack run --wait")
    shell.cell("%fasttrack logs a")
    shown = capsys.readouterr().out
    assert "TOKEN is kept." in shown
    assert "s3cr3t-value" not in shown
    shell.cell("%fasttrack secrets rm TOKEN")
    assert "TOKEN is forgotten" in capsys.readouterr().out


def test_where_nobody_can_be_asked_that_is_said(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in papermill: a terminal is the place then."""

    def nobody(prompt: str) -> str:
        raise RuntimeError("no stdin here")

    monkeypatch.setattr("getpass.getpass", nobody)
    assert "In a terminal: fasttrack secrets set TOKEN" in shell.fails("%fasttrack secrets set TOKEN")


@pytest.mark.parametrize("how", ["job = %fasttrack run", "%fasttrack run", "job = %fasttrack run\njob"])
def test_a_job_is_shown_once_assigned_or_not(notebook: Any, capsys: pytest.CaptureFixture[str], how: str) -> None:
    """``job = %fasttrack run`` shows what it returns, as IPython's own assignments do not; nothing is shown twice."""
    assert notebook.cell(*how.split("\n")).success
    assert capsys.readouterr().out.count("digits#1") == 1
    notebook.cell("import fasttrack_jupyter as ft", "ft.job()")
    assert capsys.readouterr().out.count("digits#1") == 1
    notebook.cell("ft.job().wait()")
