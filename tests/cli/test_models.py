"""``fasttrack models`` against a real engine: what a job registered is listed, compared, promoted and deleted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cli.real_command import Run, real_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sessions of this machine need POSIX")

PIPELINE = """
name: reader
params: [{name: depth, type: int, default: 1}]
tasks:
- name: train
  command: |
    mkdir -p /pipeline/outputs/model/code /pipeline/outputs/.values
    echo ${{ params.depth }} > /pipeline/outputs/model/weights
    echo same > /pipeline/outputs/model/code/serve.py
    echo 0.${{ params.depth }} > /pipeline/outputs/.values/accuracy
  outputs:
    model: {type: Model, path: model, register: digits}
    log: {type: File, path: model/weights}
    accuracy: float
"""


@pytest.fixture(scope="module")
def fasttrack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The command in a home that has two versions of a model."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "reader.fasttrack.yaml").write_text(PIPELINE)
    with real_command(folder) as run:
        for depth in ("1", "2"):
            run("run", "reader.fasttrack.yaml", "-q", "-p", f"depth={depth}")
        yield run


def _json(fasttrack: Run, *words: str) -> Any:
    return json.loads(fasttrack("models", *words, "--json").stdout)


def test_models_are_listed_with_their_latest_version(fasttrack: Run) -> None:
    """A line for each model; as JSON everything."""
    (model,) = _json(fasttrack)["models"]
    assert (model["name"], model["versions"], model["latest"]["version"]) == ("digits", 2, 2)
    assert "digits" in fasttrack("models").stdout


def test_a_model_is_shown_with_the_metrics_of_its_versions(fasttrack: Run) -> None:
    """A column for each metric; of one version where it comes from."""
    shown = fasttrack("models", "show", "digits").stdout
    assert "accuracy" in shown
    assert "reader#2 train" in shown
    version = fasttrack("models", "show", "digits@1").stdout
    assert "depth=1" in version
    assert "code/serve.py" in version
    assert _json(fasttrack, "show", "digits@latest")["version"] == 2


def test_versions_are_compared(fasttrack: Run) -> None:
    """Metrics and parameters with their change, of files those that differ."""
    shown = fasttrack("models", "compare", "digits", "1", "latest").stdout
    assert "+0.1" in shown
    assert "weights (changed)" in shown
    assert "serve.py" not in shown


def test_an_alias_keeps_its_version(fasttrack: Run) -> None:
    """Promoted, it is not deleted; demoted, it is. A whole model is never deleted by mistake."""
    assert fasttrack("models", "promote", "digits@1", "production").stdout.strip() == "digits@production is digits@1"
    refused = fasttrack("models", "delete", "digits@production", "--yes", status=2)
    assert "production" in refused.stderr
    assert "which version" in fasttrack("models", "delete", "digits", "--yes", status=2).stderr
    fasttrack("models", "demote", "digits", "production")
    fasttrack("models", "register", "reader#1", "train", "log", "--name", "spare")
    fasttrack("models", "delete", "spare@1", "--yes")
    assert [model["name"] for model in _json(fasttrack)["models"]] == ["digits"]


def test_what_is_not_there_is_said_with_what_is(fasttrack: Run) -> None:
    """An unknown model, version, alias, or a word that cannot be one."""
    for words, said in (
        (("show", "digit"), "there are digits"),
        (("show", "digits@9"), "digits@9"),
        (("promote", "digits@1", "latest"), "always the highest"),
        (("register", "last", "train", "accuracy"), "no file or folder"),
        (("compare", "digits", "1", "gold"), "gold"),
    ):
        assert said in fasttrack("models", *words, status=2).stderr


def test_a_job_tells_what_it_registered_and_gc_what_versions_hold(fasttrack: Run) -> None:
    """Where one looks anyway."""
    assert "(digits@2)" in fasttrack("show", "reader#2").stdout
    assert "2 model versions kept" in fasttrack("gc").stdout
