"""Notebooks on the command line: written as a pipeline, and run without writing anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Cli = Callable[..., Result]
Json = dict[str, Any]

CELLS = (
    "%fasttrack_pipeline digits",
    "%%fasttrack_params\nrows = 3",
    "%%fasttrack_task prepare\nX = list(range(rows))",
    "%%fasttrack_task train\nprint('total', sum(X))",
    "%%fasttrack_task tell --after train\n!echo told",
)


def save(path: Path, *cells: str) -> Path:
    """A notebook with these code cells."""
    made = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None} for cell in cells
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}))
    return path


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook of three tasks in the working directory."""
    monkeypatch.chdir(tmp_path)
    return save(tmp_path / "digits.ipynb", *CELLS)


def test_it_writes_the_yaml_and_the_cells_beside_the_notebook(cli: Cli, notebook: Path) -> None:
    """And says what it wrote, and what to do next."""
    result = cli("from-notebook", "digits.ipynb")
    assert result.exit_code == 0
    assert "digits.fasttrack.yaml: new; pipeline digits" in result.stdout
    assert "digits.cells: " in result.stdout
    assert "fasttrack run digits.fasttrack.yaml" in result.stderr
    assert "execute.py train" in (notebook.parent / "digits.fasttrack.yaml").read_text()
    assert (notebook.parent / "digits.cells" / "tasks.json").is_file()


def test_json_tells_each_change(cli: Cli, notebook: Path) -> None:
    """For programs."""
    told = json.loads(cli("from-notebook", "digits.ipynb", "--json").stdout)
    assert (told["pipeline"], told["file"], told["folder"]) == ("digits", "digits.fasttrack.yaml", "digits.cells")
    assert {change["change"] for change in told["changes"]} == {"new"}


def test_what_changed_is_summed_up(cli: Cli, notebook: Path) -> None:
    """Lines of the YAML, files of the folder."""
    cli("from-notebook", "digits.ipynb")
    assert "as it was" in cli("from-notebook", "digits.ipynb").stdout
    save(notebook, *CELLS[:3], "%%fasttrack_task train --cpu 2\nprint('total', sum(X))", CELLS[4])
    told = cli("from-notebook", "digits.ipynb").stdout
    assert "changed (+1 −0 lines)" in told
    assert ", 1 changed" in told


def test_an_edited_yaml_is_left_alone(cli: Cli, notebook: Path) -> None:
    """Unless --force says otherwise."""
    cli("from-notebook", "digits.ipynb")
    yaml = notebook.parent / "digits.fasttrack.yaml"
    yaml.write_text(yaml.read_text() + "# mine\n")
    result = cli("from-notebook", "digits.ipynb")
    assert result.exit_code == 2
    assert "was edited" in result.stderr
    assert "--force" in result.stderr
    assert yaml.read_text().endswith("# mine\n")
    assert cli("from-notebook", "digits.ipynb", "--force").exit_code == 0
    assert not yaml.read_text().endswith("# mine\n")


def test_another_file_brings_its_own_folder(cli: Cli, notebook: Path) -> None:
    """Two pipelines of one notebook do not meet."""
    assert cli("from-notebook", "digits.ipynb", "-o", "other.fasttrack.yaml").exit_code == 0
    assert "other.cells/execute.py" in (notebook.parent / "other.fasttrack.yaml").read_text()


def test_every_problem_is_told_with_cell_and_line(cli: Cli, notebook: Path) -> None:
    """And nothing is written."""
    save(notebook, "%%fasttrack_task a --afer b\nx = = 1", "%%fasttrack_task b\n!pip install pandas")
    result = cli("from-notebook", "digits.ipynb")
    assert result.exit_code == 2
    assert "digits.ipynb: error: cell 1, line 1: %%fasttrack_task: there is no option --afer" in result.stderr
    assert "cell 1, line 2" in result.stderr
    assert '--requirements "pandas"' in result.stderr
    assert "digits.ipynb has 3 errors; nothing was written" in result.stderr
    assert [path.name for path in notebook.parent.iterdir()] == ["digits.ipynb"]


def test_a_notebook_without_marks_teaches_the_ways(cli: Cli, notebook: Path) -> None:
    """With each of which it then works."""
    save(notebook, "import os", "x = 1", "print(x)")
    told = cli("from-notebook", "digits.ipynb").stderr
    assert "--split" in told
    assert "--whole" in told
    assert cli("from-notebook", "digits.ipynb", "--split").exit_code == 0
    assert "name: cell-3" in (notebook.parent / "digits.fasttrack.yaml").read_text()
    assert cli("from-notebook", "digits.ipynb", "--whole", "-o", "whole.fasttrack.yaml").exit_code == 0
    assert "type: notebook" in (notebook.parent / "whole.fasttrack.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.ipynb",), "Did you mean digits.ipynb?"),
        (("digits.yaml",), "is no notebook"),
        (("digits.ipynb", "-o", "digits"), "Write -o digits.fasttrack.yaml"),
        (("digits.ipynb", "-o", "digits.ipynb"), "would be overwritten"),
        (("digits.ipynb", "--split", "--whole"), "both given"),
        (("digits.ipynb", "--whole", "-o", "sub/x.yaml"), "beside the notebook"),
        (("digits.ipynb", "-o", "nowhere/x.yaml"), "cannot be written"),
        (("folder.ipynb",), "cannot be read"),
    ],
)
def test_a_call_that_makes_no_sense_says_so(cli: Cli, notebook: Path, words: tuple[str, ...], message: str) -> None:
    """With status 2."""
    (notebook.parent / "folder.ipynb").mkdir()
    result = cli("from-notebook", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_run_and_plan_send_the_pipeline_and_its_files(cli: Cli, client: Any, notebook: Path) -> None:
    """Nothing is written beside the notebook."""
    client.answers["plan"] = {
        "pipeline": "digits",
        "backend": "local",
        "tasks": [],
        "problems": [],
        "expected_seconds": None,
    }
    assert cli("plan", "digits.ipynb", "--param", "rows=5").exit_code == 0
    (planned,) = client.asked("plan")
    cli("run", "digits.ipynb", "--param", "rows=5", "--detach", "--quiet")
    (ran,) = client.asked("run")
    for request in (planned, ran):
        assert request["source"] == str(notebook)
        assert "name: digits" in request["text"]
        assert request["params"] == {"rows": "5"}
        assert request["files"]["digits.cells/cell-04.py"].endswith("print('total', sum(X))\n")
    assert [path.name for path in notebook.parent.iterdir()] == ["digits.ipynb"]


def test_validate_and_export_send_its_text(cli: Cli, client: Any, notebook: Path) -> None:
    """They need no files."""
    client.answers["validate"] = {"valid": True, "problems": [], "pipeline": "digits", "tasks": 3, "generation": None}
    client.answers["export"] = {"text": "x", "losses": []}
    assert cli("validate", "digits.ipynb").exit_code == 0
    assert cli("export", "digits.ipynb", "--to", "fasttrack-26.4").exit_code == 0
    for call in ("validate", "export"):
        (*_, told) = client.asked(call)
        assert list(told) == ["text"]


def test_a_problem_of_the_text_shows_the_texts_line(cli: Cli, client: Any, notebook: Path) -> None:
    """Not the line of the notebook's JSON."""
    problem = {"severity": "warning", "line": 4, "column": 1, "message": "odd", "hint": "", "code": "x", "path": []}
    client.answers["validate"] = {
        "valid": True, "problems": [problem], "pipeline": "digits", "tasks": 3, "generation": None,
    }  # fmt: skip
    shown = cli("validate", "digits.ipynb").stderr
    assert "4 | name: digits" in shown
    assert "digits.ipynb: line 4 of the YAML: warning: odd" in shown
    problem["line"] = 11
    assert "digits.ipynb: task prepare (cell 3), line 11 of the YAML: warning" in cli("validate", "digits.ipynb").stderr


def test_a_dash_shows_the_yaml_and_writes_nothing(cli: Cli, notebook: Path) -> None:
    """``-o -``."""
    assert "\nname: digits\n" in cli("from-notebook", "digits.ipynb", "-o", "-").stdout
    assert [path.name for path in notebook.parent.iterdir()] == ["digits.ipynb"]


def test_rerun_edited_builds_the_notebook_anew(cli: Cli, client: Any, notebook: Path) -> None:
    """As the file is now."""
    client.now = {**client.now, "source": str(notebook)}
    cli("rerun", "last", "--edited", "--detach", "--quiet")
    word, request = client.asked("rerun")
    assert word == "last"
    assert "name: digits" in request["text"]
    assert "digits.cells/execute.py" in request["files"]
    cli("rerun", "last", "--detach", "--quiet")
    assert "text" not in client.asked("rerun")[1]


@pytest.mark.parametrize("command", ["run", "plan", "validate"])
def test_every_way_of_reading_a_notebook_can_be_chosen(
    cli: Cli, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """As ``from-notebook`` does it: each cell a task, or all of it one."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "plain.ipynb", "x = 1", "y = x")
    more = ["--detach", "--quiet"] if command == "run" else []

    def text(*words: str) -> str:
        cli(command, "plain.ipynb", *words, *more)
        return str(client.asked(command)[0]["text"])

    assert "execute.py cell-2" in text("--split")
    assert "type: notebook" in text("--whole")
    assert "keep one of them" in cli(command, "plain.ipynb", "--split", "--whole").stderr.lower()
    assert "--whole is for notebooks" in cli(command, "plain.fasttrack.yaml", "--whole").stderr


@pytest.mark.parametrize(("way", "mark"), [("--whole", "type: notebook"), ("--split", "execute.py cell-2")])
def test_a_rerun_reads_the_edited_notebook_as_the_job_did(
    cli: Cli, client: Any, tmp_path: Path, way: str, mark: str
) -> None:
    """What was one task, or a task for each cell, is so again."""
    path = save(tmp_path / "plain.ipynb", "x = 1", "y = x")
    client.now = {**client.now, "source": str(path)}
    cli("run", str(path), way, "--detach", "--quiet")
    client.text = client.asked("run")[0]["text"]
    cli("rerun", "last", "--edited", "--detach", "--quiet")
    assert mark in client.asked("rerun")[1]["text"]


def test_a_notebook_says_where_it_runs_unless_the_command_does(cli: Cli, client: Any, notebook: Path) -> None:
    """``%fasttrack_pipeline --backend``."""
    save(notebook, "%fasttrack_pipeline digits --backend there", *CELLS[1:])
    cli("run", "digits.ipynb", "--detach", "--quiet")
    assert client.asked("run")[0]["backend"] == "there"
    cli("run", "digits.ipynb", "--backend", "local", "--detach", "--quiet")
    assert client.asked("run")[0]["backend"] == "local"


def test_a_file_of_requirements_that_is_not_there_is_told(cli: Cli, notebook: Path) -> None:
    """Before anything runs; beside the notebook it is found."""
    save(notebook, *CELLS[:3], "%%fasttrack_task train --requirements-file needs.txt\nprint(sum(X))")
    result = cli("validate", "digits.ipynb")
    assert "cell 4: --requirements-file needs.txt: there is no such file beside the notebook" in result.stderr
    (notebook.parent / "needs.txt").write_text("pandas\n")
    assert "needs.txt" not in cli("validate", "digits.ipynb").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sessions of this machine need POSIX")
def test_a_notebook_runs_from_the_command_line(notebook: Path, tmp_path: Path) -> None:
    """By a real engine: three tasks, a parameter, a variable, a command of the shell."""
    environ = {**os.environ, "FASTTRACK_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}

    def fasttrack(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "fasttrack_jupyter.cli", *words]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)

    try:
        done = fasttrack("run", "digits.ipynb", "--param", "rows=5")
        assert done.returncode == 0, done.stdout + done.stderr
        logs = fasttrack("logs", "last").stdout
        assert "total 10" in logs
        assert "told" in logs
        save(notebook, *CELLS[:3], "%%fasttrack_task train\nprint('edited', sum(X))", CELLS[4])
        assert fasttrack("rerun", "last", "--edited").returncode == 0
        assert "edited 10" in fasttrack("logs", "last").stdout
    finally:
        fasttrack("engine", "stop")
