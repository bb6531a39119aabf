"""A job on a real cluster while it runs: its log, cancelling, an engine that is killed, tasks on two backends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, Json, cluster_home
from backend_ai.real_cluster import Cluster

TALKING = "n=0; while sleep 0.2; do n=$((n + 1)); echo line $n; done"


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


def test_a_running_job_is_read_and_cancelled(home: ClusterHome) -> None:
    """Its log grows; one task is ended and the other goes on; then the job is, and nothing runs on. The log stays."""
    tasks = [{"name": name, "command": TALKING} for name in ("one", "other")]
    job = home.start("talking", [*tasks, {"name": "never", "dependencies": ["other"], "command": "exit 0"}])
    for path in ("one", "other"):
        home.running(job, path, "line 3\n")
    before = home.log(job, "other")
    home.client.cancel(job, "one")
    home.until(lambda: _of(home, job, "one")[0] == "CANCELLED", lambda: str(_of(home, job, "one")), 60)
    assert _of(home, job, "other")[0] == "RUNNING"
    home.until(lambda: len(home.log(job, "other")) > len(before), lambda: "the log does not grow", 30)
    home.client.cancel(job)
    ended = home.ended(job, 90)
    assert (ended["status"], ended["result"]) == ("CANCELLED", "UNDEFINED")
    assert [_of(home, job, path) for path in ("one", "other", "never")] == [("CANCELLED", "UNDEFINED", "cancelled")] * 3
    assert home.log(job, "one").startswith("line 1\nline 2\n")
    assert home.log(job, "other").startswith(before)
    home.until(lambda: not home.sessions(job, live=True), lambda: str(home.sessions(job, live=True)), 60)
    assert len(home.sessions(job, live=False)) == 2


def _of(home: ClusterHome, job: str, path: str) -> tuple[str, str, str]:
    task = next(task for task in home.client.job(job)["tasks"] if task["path"] == path)
    return task["status"], task["result"], task["reason"]


def test_an_engine_that_is_killed_costs_time_only(home: ClusterHome) -> None:
    """At once, and again while a session runs: the next engine takes over what there is, and nothing runs twice."""
    begun = "echo $BACKENDAI_SESSION_ID >> /pipeline/vfroot/begun"
    tasks: list[Json] = [
        {"name": "one", "command": f"{begun}; echo running; sleep 6; echo 1 > /pipeline/outputs/x"},
        {"name": "next", "dependencies": ["one"], "command": f"{begun}; cat /pipeline/input1/x"},
    ]
    job = home.start("killed", tasks)
    killed = [home.kill_engine()]
    home.running(job, "one", "running")
    killed.append(home.kill_engine())
    ended = home.ended(job)
    assert home.client.info()["pid"] not in killed
    assert [(task["result"], task["attempts"]) for task in ended["tasks"]] == [("SUCCESS", 1)] * 2
    assert home.log(job, "one") == "running\n"
    assert home.log(job, "next") == "1\n"
    sessions = [session["id"] for session in home.sessions(job, live=False)]
    marks = (home.folder_on_disk(job) / ".pipeline" / "begun").read_text().split()
    assert sorted(marks) == sorted(sessions)
    assert len(marks) == 2


def test_a_job_runs_here_and_on_the_cluster(home: ClusterHome) -> None:
    """Prepared on this machine, trained there, reported here: folders are carried over both ways, and it is said."""
    local = {"backend": "local", "environment": {"image": "current"}}
    tasks: list[Json] = [
        {**local, "name": "prepare", "outputs": {"table": {"type": "Dataset", "path": "sub"}, "rows": {"type": "int"}},
         "command": "mkdir /pipeline/outputs/sub && echo 1,2 > '/pipeline/outputs/sub/한글 a.csv' && "
         "echo '{\"rows\": 1}' > /pipeline/outputs/outputs.json"},
        {"name": "train", "inputs": {"table": "prepare.table", "rows": "prepare.rows"},
         "outputs": {"model": {"type": "Model", "path": "model.txt"}},
         "command": "cat /pipeline/inputs/table/*.csv /pipeline/inputs/rows > /pipeline/outputs/model.txt"},
        {**local, "name": "report", "inputs": {"model": "train.model"}, "command": "cat ${{ inputs.model }}"},
    ]  # fmt: skip
    job = home.start("two-places", tasks)
    ended = home.ended(job)
    backends = [(task["backend"], task["result"]) for task in ended["tasks"]]
    assert backends == [("local", "SUCCESS"), (BACKEND, "SUCCESS"), ("local", "SUCCESS")], home.log(job, "train")
    assert home.log(job, "report").strip() == "1,2\n1"
    assert len(home.sessions(job, live=False)) == 1


@pytest.mark.long_faults
def test_a_session_that_is_lost_before_its_command_began_says_so(home: ClusterHome) -> None:
    """Its container dies while it comes up: what the cluster calls that is told, and what to do; nothing ran."""
    job = home.start("lost", [{"name": "one", "command": "echo begun"}])
    home.until(lambda: home.sessions(job, live=True), lambda: home.job_words(job), 60)
    (session,) = home.sessions(job, live=True)
    label = f"label=ai.backend.session-id={session['id']}"
    container = home.until(lambda: home.cluster.docker("ps", "-q", "--filter", label), lambda: home.job_words(job), 60)
    home.cluster.docker("kill", container.strip())
    (task,) = home.ended(job)["tasks"]
    assert (task["status"], task["result"], task["attempts"]) == ("ERROR", "FAILURE", 1)
    assert re.search(r"lost by the cluster: .* \([a-z-]+\); its command had not begun: rerun", task["reason"])
