"""Tasks are given accelerators on a real cluster: part of a CUDA device, and a whole one that is not CUDA.

The devices are pretended, by Backend.AI's own mock plugin; scheduling, allocation and what a session is told are real.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from backend_ai.cluster_home import ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.errors import Refused

pytestmark = pytest.mark.since(26)
TOLD = "cat /home/config/resource.txt"


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


def _task(name: str, **slots: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"cpu": 1, "mem": "256m", **slots}, "command": TOLD}


def test_tasks_are_given_accelerators(home: ClusterHome) -> None:
    """Half a CUDA device and one of AMD's: from inside, each session has its own device, and none of the other kind."""
    part, whole = {"cuda.shares": 0.5}, {"rocm.device": 1}
    job = home.start("accelerated", [_task("part", **part), _task("whole", **whole)])
    assert home.ended(job)["result"] == "SUCCESS"
    assert [_given(home.log(job, path), "CUDA.SHARES") for path in ("part", "whole")] == [{0.5}, set()]
    assert [_given(home.log(job, path), "ROCM.DEVICE") for path in ("part", "whole")] == [set(), {1.0}]
    occupied = {session["name"]: session["resources"] for session in home.sessions(job, live=False)}
    wanted = {"cpu": "1", "mem": "256m"}
    assert list(occupied.values()).count({**wanted, "cuda.shares": "0.5"}) == 1
    assert list(occupied.values()).count({**wanted, "rocm.device": "1"}) == 1


def _given(log: str, slot: str) -> set[float]:
    """What a session has of each device that was allocated to it: ``CUDA.SHARES_SHARES=<device>:0.50``."""
    (line,) = [line for line in log.splitlines() if line.startswith(f"{slot}_SHARES=")] or [""]
    return {float(amount) for amount in re.findall(r"[0-9a-f]:([0-9.]+)", line)} - {0.0}


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ({"rocm.device": 5}, "asks for 5 rocm.device; resource group 'default' has at most 4 on one node"),
        ({"cuda.shares": 4.5}, "asks for 4.5 cuda.shares; resource group 'default' has at most 4 on one node"),
        ({"rocm.device": 0.5}, "asks for 0.5 rocm.device, which comes in whole ones only"),
        ({"tpu.device": 1}, "asks for tpu.device, which the cluster does not have"),
    ],
)
def test_more_than_there_is_is_refused(home: ClusterHome, slots: dict[str, Any], said: str) -> None:
    """Before anything starts, with the slot, and what there is of it."""
    with pytest.raises(Refused) as refused:
        home.start("too-much", [_task("greedy", **slots)])
    assert said in refused.value.message
