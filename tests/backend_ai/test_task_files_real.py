"""Helpers of tasks on a real cluster: they reach the session by themselves, and what it notes is read live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backend_ai.cluster_home import ClusterHome, Json, cluster_home
from backend_ai.real_cluster import Cluster

TRAIN = """
import time
import fasttrack_task as ft
ft.param("lr", 0.1)
for step in range(20):
    ft.metric("loss", 1 / (step + 1), step=step)
ft.flush()
print("noted", flush=True)
time.sleep(8)
ft.metric("loss", 7, step=20)
ft.artifact("model", b"weights", metadata={"framework": "none", "task": ft.job()["task"]})
"""
CALLS = "import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('m', 2, step=5)\n"


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


def test_metrics_are_read_while_a_session_runs_and_kept_at_its_end(home: ClusterHome) -> None:
    """By the helpers and by MLflow's calls; metadata of an artifact is the output's."""
    tasks: list[Json] = [
        {"name": "train", "command": "python3 train.py", "outputs": {"model": {"type": "Model", "path": "m.bin"}}},
        {"name": "calls", "command": "python3 calls.py", "environment": {"envs": {"FASTTRACK_MLFLOW": "1"}}},
    ]
    job = home.start("noted", tasks, request={"files": {"train.py": TRAIN, "calls.py": CALLS}})
    home.running(job, "train", "noted")
    home.until(
        lambda: home.client.metrics(job, "train")["series"].get("loss", {}).get("count") == 20,
        lambda: str(home.client.metrics(job, "train")), 30,
    )  # fmt: skip
    ended = home.ended(job, 120)
    assert [task["result"] for task in ended["tasks"]] == ["SUCCESS"] * 2, home.log(job, "calls")
    found = home.client.metrics(job, "train")
    assert (found["series"]["loss"]["count"], found["params"], found["ended"]) == (21, {"lr": 0.1}, True)
    assert ended["tasks"][0]["outputs"]["model"]["metadata"] == {"framework": "none", "task": "train"}
    events = home.client.events(0, job=job)["events"]
    told = {event["path"]: event["data"] for event in events if event["ended_at"] and event["path"]}
    assert told["train"]["metrics"]["loss"] == {"last": 7, "min": 0.05, "max": 7, "step": 20, "count": 21}
    assert told["calls"]["metrics"]["m"]["step"] == 5
