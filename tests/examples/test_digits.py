"""What a person gets who has just cloned the project: the first command of the README, and the example notebook."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from conftest import Checkout

pytestmark = [pytest.mark.xdist_group("quickstart"), pytest.mark.timeout(900)]

MODELS = ("logistic", "forest", "svm")


@pytest.fixture(scope="module")
def quickstart(make_checkout: Callable[[str], Checkout]) -> tuple[Checkout, str]:
    """A checkout on which ``sh examples/quickstart.sh`` has just been run, from somewhere else, and what it printed."""
    checkout = make_checkout("quickstart")
    done = checkout.sh(f"sh {shlex.quote(str(checkout.root))}/examples/quickstart.sh", cwd=checkout.root.parent)
    assert done.returncode == 0, done.stdout
    return checkout, done.stdout


@pytest.fixture(scope="module")
def job(quickstart: tuple[Checkout, str]) -> dict[str, Any]:
    """The job of the quickstart: ``fasttrack show last --json``."""
    checkout, _ = quickstart
    shown: dict[str, Any] = checkout.json("show last")
    return shown


@pytest.fixture(scope="module")
def notebook(quickstart: tuple[Checkout, str], job: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The example notebook as nbclient leaves it after running all of its cells, and the job that these made."""
    checkout, _ = quickstart
    done = checkout.sh("jupyter execute examples/digits/digits.ipynb --output=executed --timeout=600")
    assert done.returncode == 0, done.stdout
    executed: dict[str, Any] = json.loads((checkout.root / "examples" / "digits" / "executed.ipynb").read_text())
    made: dict[str, Any] = checkout.json("show digits-notebook#1")
    return executed, made


def _task(job: dict[str, Any], path: str) -> dict[str, Any]:
    return next(task for task in job["tasks"] if task["path"] == path)


def _report_folder(job: dict[str, Any]) -> Path:
    return Path(_task(job, "report")["outputs"]["report"]["path"]).parent


def test_quickstart_says_where_the_results_are(quickstart: tuple[Checkout, str], job: dict[str, Any]) -> None:
    """The path of the report is printed, and the report is there."""
    _, printed = quickstart
    report = _report_folder(job) / "report.html"
    assert str(report) in printed
    assert report.is_file()
    assert '/.venv/bin/jupyter" lab "' in printed


def test_quickstart_is_quick_the_second_time(quickstart: tuple[Checkout, str]) -> None:
    """Nothing is installed again; the example runs as the next job."""
    checkout, first = quickstart
    done = checkout.sh("sh examples/quickstart.sh")
    assert done.returncode == 0, done.stdout
    assert "Installing" in first
    assert "Installing" not in done.stdout
    assert "digits#2" in done.stdout


def test_quickstart_says_which_python_is_needed(quickstart: tuple[Checkout, str], tmp_path: Path) -> None:
    """Without a Python that is new enough it says so, and how to go on."""
    checkout, _ = quickstart
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = checkout.sh(f"PYTHON={old} sh examples/quickstart.sh")
    assert done.returncode != 0
    assert "Python 3.11" in done.stdout
    assert "PYTHON=" in done.stdout


def test_every_task_succeeded(job: dict[str, Any]) -> None:
    """All six tasks ran once, and came out well."""
    assert job["result"] == "SUCCESS"
    ends = {task["path"]: (task["result"], task["attempts"]) for task in job["tasks"]}
    assert ends == dict.fromkeys(("prepare", *MODELS, "evaluate", "report"), ("SUCCESS", 1))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="three models in parallel ask for two cores")
def test_models_train_in_parallel(job: dict[str, Any]) -> None:
    """Each of the three started before any of them ended."""
    models = [_task(job, model) for model in MODELS]
    assert max(task["started_at"] for task in models) < min(task["ended_at"] for task in models)


def test_results_are_in_the_pipeline_folder(job: dict[str, Any]) -> None:
    """Metrics as JSON, the confusion matrix as PNG and the report as HTML lie side by side."""
    folder = _report_folder(job)
    assert Path(job["folder_path"]) in folder.parents
    assert json.loads((folder / "metrics.json").read_text())["best"] == _task(job, "evaluate")["outputs"]["best"]
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_report_needs_nothing_from_elsewhere(job: dict[str, Any]) -> None:
    """The page loads nothing: no address of another place in it, and it follows the reader's light or dark."""
    page = (_report_folder(job) / "report.html").read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!data:)\w|url\(|@import|<script""", page)
    assert "prefers-color-scheme: dark" in page


def test_numbers_are_those_of_running_the_scripts_by_hand(
    quickstart: tuple[Checkout, str], job: dict[str, Any], tmp_path: Path
) -> None:
    """The same scripts, one after the other in the same kind of environment, give the same metrics, byte by byte."""
    checkout, _ = quickstart
    digits = checkout.root / "examples" / "digits"
    image = yaml.safe_load((digits / "digits.fasttrack.yaml").read_text())["environment"]["image"]
    python = _environment(tmp_path / "env", image.removeprefix("uv:").split())

    def by_hand(script: str, *arguments: str | Path) -> None:
        subprocess.run([python, digits / script, *arguments], check=True, stdout=subprocess.DEVNULL)

    data, models = tmp_path / "prepare" / "digits.npz", [tmp_path / model / "model.joblib" for model in MODELS]
    by_hand("prepare.py", "--out", data.parent)
    for model in models:
        by_hand("train.py", model.parent.name, "--data", data, "--out", model.parent)
    by_hand("evaluate.py", *models, "--data", data, "--out", tmp_path / "evaluate")
    of_job = Path(_task(job, "evaluate")["outputs"]["metrics"]["path"])
    assert (tmp_path / "evaluate" / "metrics.json").read_bytes() == of_job.read_bytes()


def _environment(folder: Path, requirements: list[str]) -> Path:
    from uv import find_uv_bin

    uv, python = find_uv_bin(), folder / "bin" / "python"
    quiet = ["--quiet", "--no-python-downloads"]
    subprocess.run([uv, "venv", *quiet, "--python", sys.executable, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", *quiet, "--python", str(python), *requirements], check=True)
    return python


def _accuracies(job: dict[str, Any]) -> dict[str, float]:
    """What the notebook's task ``evaluate`` found."""
    folder = Path(_task(job, "evaluate")["outputs"]["accuracies"]["path"])
    found: dict[str, float] = json.loads((folder / "value.json").read_text())
    return found


def _shown(cell: dict[str, Any], mimetype: str) -> str:
    return "".join("".join(output.get("data", {}).get(mimetype, "")) for output in cell["outputs"])


def test_the_notebook_gives_the_numbers_of_the_yaml(
    job: dict[str, Any], notebook: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Six cells, six sessions, and each model reads exactly as many digits right as out of the scripts."""
    _, made = notebook
    ends = {task["path"]: (task["result"], task["attempts"]) for task in made["tasks"]}
    assert ends == dict.fromkeys(("prepare", *MODELS, "evaluate", "report"), ("SUCCESS", 1))
    metrics = json.loads(Path(_task(job, "evaluate")["outputs"]["metrics"]["path"]).read_text())
    wanted = {model: metrics["models"][model]["accuracy"] for model in MODELS}
    assert {model: round(accuracy, 6) for model, accuracy in _accuracies(made).items()} == wanted
    assert wanted["svm"] > 0.99


def test_the_notebook_keeps_the_picture_and_the_result(notebook: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Who opens the executed copy sees the job as it ended, and what came back."""
    executed, made = notebook
    cells = {cell["id"]: cell for cell in executed["cells"]}
    page, words = _shown(cells["cell-16"], "text/html"), _shown(cells["cell-16"], "text/plain")
    assert "data:image/svg+xml" in page
    assert "digits-notebook#1 succeeded" in words
    assert all(task in page and f"✓ {task}" in words for task in ("prepare", *MODELS, "evaluate", "report"))
    assert _shown(cells["cell-19"], "text/plain") == str(_accuracies(made))


def test_the_notebook_as_a_file_is_the_same_pipeline(
    quickstart: tuple[Checkout, str], notebook: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """``from-notebook`` writes it without running a cell; its job has the same numbers where the forest has no say."""
    checkout, _ = quickstart
    _, made = notebook
    folder = checkout.root / "examples" / "digits"
    done = checkout.sh("fasttrack from-notebook digits.ipynb -o mine.fasttrack.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout
    done = checkout.sh("fasttrack run mine.fasttrack.yaml -p trees=20", cwd=folder)
    assert done.returncode == 0, done.stdout
    again = checkout.json("show digits-notebook#2")
    assert [(task["path"], task["dependencies"]) for task in again["tasks"]] == [
        (task["path"], task["dependencies"]) for task in made["tasks"]
    ]
    before, after = _accuracies(made), _accuracies(again)
    assert {**before, "forest": 0} == {**after, "forest": 0}
    assert 0.9 < after["forest"] <= before["forest"]
