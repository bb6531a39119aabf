"""A program written for MLflow, run as it is where ``import mlflow`` is the stand-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

TASK = Path(__file__).resolve().parents[2] / "fasttrack_jupyter" / "task"
TRAIN = """
import mlflow
from mlflow.exceptions import MlflowException

mlflow.set_tracking_uri("http://tracking.example")
experiment = mlflow.set_experiment("digits")
mlflow.autolog()
mlflow.autolog()
with mlflow.start_run(run_name="first", tags={"team": "vision"}) as run:
    mlflow.log_params({"lr": 0.1, "layers": [3, 4]})
    for epoch in range(3):
        mlflow.log_metrics({"loss": 1 / (epoch + 1), "acc": epoch / 3}, step=epoch)
    with mlflow.start_run(run_name="trial", nested=True):
        mlflow.log_metric("loss", 0.25)
    assert mlflow.active_run().info.run_id == run.info.run_id
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "conf.json")
    with open("model.bin", "wb") as file:
        file.write(b"weights")
    mlflow.log_artifact("model.bin", artifact_path="model")
    mlflow.set_tag("stage", "test")
assert mlflow.active_run() is None
assert run.data.metrics["loss"] == 1 / 3
"""


@pytest.fixture
def task(tmp_path: Path) -> Any:
    """Runs a program as a task with FASTTRACK_MLFLOW, and a real-looking MLflow installed elsewhere."""
    (tmp_path / "mlflow").mkdir()
    shutil.copy(TASK / "mlflow_calls.py", tmp_path / "mlflow/__init__.py")
    (tmp_path / "site/mlflow").mkdir(parents=True)
    (tmp_path / "site/mlflow/__init__.py").write_text("raise RuntimeError('the real one')")
    (tmp_path / "outputs").mkdir()

    def run(program: str) -> tuple[int, str]:
        path = os.pathsep.join(map(str, (tmp_path, TASK, tmp_path / "site")))
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PIPELINE_OUTPUTS": str(tmp_path / "outputs")}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, env=environ, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stderr

    run.outputs = tmp_path / "outputs"  # type: ignore[attr-defined]
    return run


def test_a_program_for_mlflow_runs_and_lands_in_the_outputs(task: Any) -> None:
    """Metrics with steps, parameters, tags, artifacts; a nested run by its name; autolog says so once."""
    status, said = task(TRAIN)
    assert status == 0, said
    lines = [json.loads(line) for line in (task.outputs / ".metrics.jsonl").read_text().splitlines()]
    points = [(line["name"], line["step"], line["value"]) for line in lines if "name" in line]
    assert points[:2] == [("loss", 0, 1.0), ("acc", 0, 0.0)]
    assert points[-1] == ("trial/loss", 0, 0.25)
    assert {line["param"]: line["value"] for line in lines if "param" in line} == {"lr": 0.1, "layers": "[3, 4]"}
    assert {line["tag"]: line["value"] for line in lines if "tag" in line}["stage"] == "test"
    assert (task.outputs / "notes/hello.txt").read_text() == "hello"
    assert (task.outputs / "model/model.bin").read_bytes() == b"weights"
    assert said.count("autolog() does nothing") == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import mlflow; mlflow.register_model('x', 'y')", "mlflow.register_model is not there: this task has"),
        ("import mlflow.sklearn", "no module mlflow.sklearn: this task has FASTTRACK_MLFLOW set"),
        ("import mlflow; mlflow.start_run(); mlflow.start_run()", "is open: end_run() first, or nested=True"),
        ("import mlflow; mlflow.log_param('a', 1); mlflow.log_param('a', 2)", "the parameter 'a' is '1' already"),
        ("import mlflow; mlflow.log_figure(3, 'x.png')", "int is no figure"),
    ],
)
def test_what_it_cannot_do_is_said_with_a_remedy(task: Any, program: str, said: str) -> None:
    """Nothing is silently left undone."""
    status, told = task(program)
    assert status == 1
    assert said in told


def test_figures_are_drawn(task: Any) -> None:
    """In the format of their name."""
    program = """
        import matplotlib; matplotlib.use("Agg")
        import matplotlib.pyplot as plt, mlflow
        figure, axes = plt.subplots(); axes.plot([1, 2]); mlflow.log_figure(figure, "plots/a.svg")
    """
    status, said = task(program)
    assert status == 0, said
    assert b"<svg" in (task.outputs / "plots/a.svg").read_bytes()
