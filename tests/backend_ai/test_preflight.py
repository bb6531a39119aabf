"""What is told before a job starts is what real clusters do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from backend_ai.looking import connected, unique
from backend_ai.real_cluster import Cluster as RealCluster

from fasttrack_jupyter.backends.backend_ai.deployments import FIRST_THAT_SERVES
from fasttrack_jupyter.backends.backend_ai.preflight import check
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.engine.ports import GitSource, ServiceSpec, SessionSpec
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.resources import Mount, ResourceSlots

Wrong = Mapping[str, Any]
_SECONDS = 5.0

WRONG: dict[str, tuple[Wrong, str, tuple[str, ...]]] = {
    "a misspelt image": ({"image": "phyton"}, "unknown_image", ("environment", "image")),
    "no image": ({"image": None}, "no_image", ("environment", "image")),
    "an image of this machine": ({"image": "uv:pandas"}, "unknown_image", ("environment", "image")),
    "an unknown project": ({"project": "defalt"}, "unknown_project", ("environment", "project")),
    "an unknown resource group": ({"resource_group": "gpus"}, "unknown_group", ("environment", "scaling-group")),
    "too much cpu": ({"slots": {"cpu": 4000, "mem": "1g"}}, "over_group|would_wait", ("resources", "cpu")),
    "too much mem": ({"slots": {"cpu": 1, "mem": "900t"}}, "over_group|would_wait", ("resources", "mem")),
    "an unknown slot": ({"slots": {"cpu": 1, "mem": "1g", "npu.core": 1}}, "unknown_slot", ("resources", "npu.core")),
    "a vfolder that is not there": ({"mounts": (Mount.parse("nowhere"),)}, "no_folder", ("mounts",)),
    "code from Git": ({"git": GitSource("https://example.org/a.git")}, "git_task", ("module_uri",)),
    "its command on all containers": ({"run_on_all": True, "cluster_size": 2}, "run_on_all", ("run_on",)),
    "more shared memory than memory": ({"shmem": 1 << 31}, "too_much_shmem", ("resource_opts", "shmem")),
}


def spec_of(cluster: RealCluster, **wrong: Any) -> SessionSpec:
    """A session that the cluster would take, but for what is ``wrong``."""
    slots = ResourceSlots.parse(wrong.pop("slots", {"cpu": 1, "mem": "512m"}))
    image = wrong.pop("image", cluster.image)
    image = cluster.image.replace("python", "phyton") if image == "phyton" else image
    return SessionSpec(
        attempt_id="", job_id="j", job_index=1, pipeline="p5", folder="p5", path="train", number=0, command="true",
        environ={}, image=image, slots=slots, **wrong,
    )  # fmt: skip


def checked(cluster: RealCluster, spec: SessionSpec) -> list[Problem]:
    """The problems, asked of a cluster that was never asked before; in seconds."""

    async def main() -> list[Problem]:
        async with connected(cluster) as connection:
            begun = time.monotonic()
            found = await check([spec], Surveyor(connection))
            assert time.monotonic() - begun < _SECONDS
            return [problem for _, problem in found]

    return asyncio.run(main())


def test_what_the_cluster_takes_has_no_problem(cluster: RealCluster) -> None:
    """Nothing is said of a session that can run."""
    assert checked(cluster, spec_of(cluster)) == []


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_within_seconds(cluster: RealCluster, what: str) -> None:
    """With its place in the pipeline, and a remedy."""
    wrong, codes, place = WRONG[what]
    (problem,) = checked(cluster, spec_of(cluster, **wrong))
    assert problem.code in codes.split("|")
    assert problem.path == place
    assert problem.hint


def test_an_error_is_only_what_the_cluster_refuses(cluster: RealCluster) -> None:
    """What preflight calls an error of image, project, group or slots, the manager refuses when it is asked."""

    async def main() -> None:
        async with connected(cluster) as connection:
            for wrong in ({"image": "phyton"}, {"project": "defalt"}, {"resource_group": "gpus"}):
                spec = spec_of(cluster, **wrong)
                (found,) = await check([spec], Surveyor(connection))
                assert found[1].severity is Severity.ERROR
                with pytest.raises(FastTrackError) as refused:
                    await connection.call("POST", "/session", body=_body(cluster, spec))
                is_silent = cluster.year == 25 and "project" in wrong  # an internal error, which says nothing
                assert refused.value.details["status"] in ((500,) if is_silent else (400, 404))

    asyncio.run(main())


def test_a_multi_node_session_is_held_against_the_limit_of_containers(cluster: RealCluster) -> None:
    """More containers than the user's policy allows are told, as the manager would refuse them."""
    found = checked(cluster, spec_of(cluster, cluster_size=1000))
    assert "too_many_containers" in {problem.code for problem in found}


@pytest.mark.every_release
def test_a_deployment_is_refused_where_models_are_not_served(cluster: RealCluster) -> None:
    """Before 26.9, in words; from then on there is nothing to say."""
    service = ServiceSpec("digits", "model", "/models", "model-definition.yaml")
    found = [(each.code, each.severity) for each in checked(cluster, spec_of(cluster, service=service))]
    serves = Release.parse(cluster.version) >= FIRST_THAT_SERVES
    assert found == ([] if serves else [("not-served", Severity.ERROR)])


def _body(cluster: RealCluster, spec: SessionSpec) -> dict[str, Any]:
    return {
        "name": unique("refused"), "image": spec.image, "architecture": "x86_64", "type": "batch",
        "startupCommand": "true", "group": spec.project or cluster.project, "domain": cluster.domain,
        "clusterSize": 1, "clusterMode": "single-node", "enqueueOnly": True,
        "config": {
            "resources": {"cpu": "1", "mem": "512m"},
            "scaling_group": spec.resource_group or cluster.resource_group,
        },
    }  # fmt: skip
