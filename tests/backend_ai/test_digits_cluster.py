"""The digits example on a real cluster: the file as it is, with real containers, and the numbers of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.errors import Refused

FILE = Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.fasttrack.yaml"
MODELS = ("logistic", "forest", "svm")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for both jobs."""
    with cluster_home(cluster) as home:
        yield home
        ours = {each["folder"] for each in home.client.pipelines()}
        for folder in home.client.cluster_folders(BACKEND):
            if folder["name"] in ours:
                home.client.remove_cluster_folder(BACKEND, folder["name"])


@pytest.fixture(scope="module")
def jobs(home: ClusterHome) -> tuple[Json, Json]:
    """The example's job on the cluster, and here (in these tests' Python): see ``images.yaml``."""
    request = {"source": str(FILE), "params": {"trees": 60}}  # of 200: this is about the cluster, not the forest
    there = {**request, "backend": BACKEND}
    with pytest.raises(Refused, match=r"uv:scikit-learn.*images\.yaml"):
        home.client.run(there)
    names = f'"uv:scikit-learn*": current\nbackend.ai:\n  "uv:scikit-learn*": {home.cluster.image}\n'
    (home.home / "images.yaml").write_text(names)
    made = home.client.run(there)["id"], home.client.run(request)["id"]
    return home.ended(made[0], 600), home.ended(made[1], 600)


def _metrics(home: ClusterHome, job: Json) -> Json:
    found: Json = json.loads(home.output(job["id"], "report", "metrics.json"))
    return found


def test_the_example_runs_unchanged(home: ClusterHome, jobs: tuple[Json, Json]) -> None:
    """All six tasks, each once, each in a session of its own."""
    job, _ = jobs
    ends = {task["path"]: (task["result"], task["attempts"], task["backend"]) for task in job["tasks"]}
    assert ends == dict.fromkeys(("prepare", *MODELS, "evaluate", "report"), ("SUCCESS", 1, BACKEND)), [
        (task["reason"], home.log(job["id"], task["path"])) for task in job["tasks"] if task["result"] == "FAILURE"
    ]
    assert len(home.sessions(job["id"], live=False)) == 6
    assert "wrote digits.npz: 1347 rows to train, 450 to test" in home.log(job["id"], "prepare")


def test_the_numbers_are_those_of_this_machine(home: ClusterHome, jobs: tuple[Json, Json]) -> None:
    """But for what another release of scikit-learn makes of them: a digit or two of 450."""
    there, here = jobs
    assert (there["result"], here["result"]) == ("SUCCESS", "SUCCESS")
    assert there["outputs"]["prepare"]["train_rows"] == here["outputs"]["prepare"]["train_rows"] == 1347
    on_cluster, on_machine = _metrics(home, there), _metrics(home, here)
    assert on_cluster["best"] == on_machine["best"] == there["outputs"]["evaluate"]["best"]
    for model in MODELS:
        wrong = [metrics["models"][model]["wrong"] for metrics in (on_cluster, on_machine)]
        assert abs(wrong[0] - wrong[1]) <= 3, (model, wrong)
        accuracies = [job["outputs"][model]["cv_accuracy"] for job in jobs]
        assert accuracies[0] == pytest.approx(accuracies[1], abs=0.01), model


def test_the_report_comes_back_whole(home: ClusterHome, jobs: tuple[Json, Json]) -> None:
    """Page, picture and numbers, read from the vfolder."""
    job, _ = jobs
    assert {file["path"] for file in home.client.outputs(job["id"], "report")} == {
        "report.html", "metrics.json", "confusion.png",
    }  # fmt: skip
    page = home.output(job["id"], "report", "report.html").decode()
    assert page.startswith("<!doctype html>")
    assert f"Pipeline job {job['id']}." in page
    assert home.output(job["id"], "evaluate", "confusion.png").startswith(b"\x89PNG")
