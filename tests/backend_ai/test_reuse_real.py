"""Reuse on a real cluster: what is in the vfolder stands in for a session, as long as it is what it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backend_ai.cluster_home import ClusterHome, Json, cluster_home
from backend_ai.real_cluster import Cluster

TASKS: list[Json] = [
    {"name": "one", "command": "echo 1 > /pipeline/outputs/x"},
    {"name": "next", "dependencies": ["one"], "command": "cat /pipeline/input1/x > /pipeline/outputs/y"},
]


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


def _outcome(home: ClusterHome, job: str) -> list[tuple[str, int, str]]:
    """Of each task how it ended, how many sessions it had, and why."""
    tasks = home.ended(job)["tasks"]
    assert len(home.sessions(job, live=False)) == sum(task["attempts"] for task in tasks)
    return [(task["result"], task["attempts"], task["reason"]) for task in tasks]


def test_a_second_job_starts_no_session_until_something_changed(home: ClusterHome) -> None:
    """All is reused; an output that was altered in the vfolder is made anew, and its log is that of the first."""
    first = home.start("reuse", TASKS, cache=True)
    assert [outcome[:2] for outcome in _outcome(home, first)] == [("SUCCESS", 1)] * 2
    second = home.start("reuse", TASKS, cache=True)
    assert _outcome(home, second) == [("SUCCESS", 0, "reused from job #1")] * 2
    assert home.output(second, "next", "y") == b"1\n"
    (home.folder_on_disk(first) / "jobs" / "1" / "next" / "y").write_text("altered\n")
    third = home.start("reuse", TASKS, cache=True)
    assert [outcome[:2] for outcome in _outcome(home, third)] == [("SUCCESS", 0), ("SUCCESS", 1)]
    assert home.output(third, "next", "y") == b"1\n"
