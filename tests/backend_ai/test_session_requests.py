"""What a manager is asked for to make a session, by release."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai.asking import Image, request_for
from fasttrack_jupyter.backends.backend_ai.mounts import MountForm
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.starting import Starter
from fasttrack_jupyter.backends.image_map import ImageMap
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import ImageUnresolved, NotFound
from fasttrack_jupyter.model.resources import ClusterMode, ResourceSlots
from fasttrack_jupyter.testing.conformance import session_spec

IMAGE = Image("local/python:3", "x86_64", "image-id", {"mem": 3 << 30})


def _asked(spec: SessionSpec, release: Release, form: MountForm, **profile: Any) -> tuple[str, dict[str, Any]]:
    asked = request_for(
        spec,
        profile=Profile("default", "http://localhost", **profile),
        release=release,
        form=form,
        mounts={"mounts": ["here"]},
        image=IMAGE,
        project_id="project-id",
        command="the wrapper",
    )
    return asked.path, dict(asked.body)


def _spec(**more: Any) -> SessionSpec:
    fields: dict[str, Any] = {
        "slots": ResourceSlots({"cpu": 250, "cuda.shares": 50, "mem": 4 << 30}), "environ": {"TOKEN": "hunter2"},
        "timeout": 90.0, "shmem": 64 << 20, "cluster_mode": ClusterMode.MULTI_NODE, "cluster_size": 2,
    }  # fmt: skip
    return session_spec("job-0-1", "train", **{**fields, **more})


def test_23_09_gets_the_portable_keys() -> None:
    """No key of a later release: one that it does not know is an error at the top, and ignored in ``config``."""
    path, body = _asked(_spec(), Release(23, 9, 10), MountForm.MAP)
    assert path == "/session"
    assert body == {
        "name": "ft-job-0-1", "image": "local/python:3", "architecture": "x86_64", "type": "batch", "group": "default",
        "domain": "default", "clusterSize": 2, "clusterMode": "multi-node", "enqueueOnly": True,
        "startupCommand": "the wrapper",
        "config": {
            "resources": {"cpu": "3", "mem": str(4 << 30), "cuda.shares": "0.5"},
            "environ": {"PYTHONUNBUFFERED": "1", "TOKEN": "hunter2"},
            "resource_opts": {"shmem": str(64 << 20)},
            "mounts": ["here"],
        },
    }  # fmt: skip


def test_later_releases_guard_the_time_too() -> None:
    """A minute later than the wrapper, which can say what happened."""
    assert _asked(_spec(), Release(25, 15, 12), MountForm.OPTIONS)[1]["batchTimeout"] == "150s"
    assert "batchTimeout" not in _asked(_spec(), Release(24, 9, 6), MountForm.OPTIONS)[1]


def test_the_second_interface_gets_ids() -> None:
    """Of the image and the project; nothing that it does not know."""
    path, body = _asked(_spec(resource_group="big"), Release(26, 9, 6), MountForm.V2)
    assert path == "/v2/sessions/enqueue"
    assert body == {
        "session_name": "ft-job-0-1", "session_type": "batch", "image_id": "image-id", "project_id": "project-id",
        "resource_entries": [
            {"resource_type": "cpu", "quantity": "3"}, {"resource_type": "mem", "quantity": str(4 << 30)},
            {"resource_type": "cuda.shares", "quantity": "0.5"},
        ],
        "cluster_mode": "multi-node", "cluster_size": 2, "environ": {"PYTHONUNBUFFERED": "1", "TOKEN": "hunter2"},
        "batch": {"startup_command": "the wrapper", "batch_timeout": 150}, "mounts": ["here"],
        "resource_opts": {"shmem": {"expr": str(64 << 20)}}, "resource_group": "big",
    }  # fmt: skip


def test_a_task_that_asks_for_nothing_gets_a_little() -> None:
    """One core and 1 GiB, or what its image needs."""
    config = _asked(_spec(slots=ResourceSlots()), Release(23, 9, 10), MountForm.MAP)[1]["config"]
    assert config["resources"] == {"cpu": "1", "mem": str(3 << 30)}


@pytest.mark.parametrize(
    ("spec", "profile", "project", "group"),
    [
        ({"project": "vision", "resource_group": "a100"}, {"project": "all"}, "vision", "a100"),
        ({}, {"project": "all", "resource_group": "cpu"}, "all", "cpu"),
        ({}, {}, "default", None),
    ],
)
def test_a_tasks_own_place_comes_before_the_profiles(
    spec: dict[str, Any], profile: dict[str, Any], project: str, group: str | None
) -> None:
    """Project and resource group; without any the cluster chooses."""
    body = _asked(_spec(**spec), Release(23, 9, 10), MountForm.MAP, **profile)[1]
    assert (body["group"], body["config"].get("scaling_group")) == (project, group)


def test_secrets_do_not_show_in_a_request() -> None:
    """Nor its environment, where it is printed."""
    asked = request_for(
        _spec(), profile=Profile("default", "http://x"), release=Release(26, 9), form=MountForm.V2, mounts={},
        image=IMAGE, project_id="p", command="c",
    )  # fmt: skip
    assert "hunter2" not in repr(asked)


@pytest.mark.parametrize("form", [MountForm.MAP, MountForm.OPTIONS, MountForm.V2])
@pytest.mark.parametrize(("offered", "wanted"), [("aarch64", "aarch64"), ("x86_64", "x86_64"), ("", "x86_64")])
def test_a_session_gets_the_architecture_that_its_image_has(
    form: MountForm, offered: str, wanted: str, tmp_path: Path
) -> None:
    """On every release; an image of which nothing is told is taken to be of the usual one."""

    async def graphql(query: str, variables: dict[str, str]) -> dict[str, Any]:
        if not offered:
            raise NotFound("no such image")
        if variables["architecture"] != offered:
            return {"image": None}
        image = {"id": "i", "registry": "r", "name": "n", "tag": "1", "architecture": offered, "resource_limits": []}
        return {"image": image}

    cluster = SimpleNamespace(graphql=graphql, profile=Profile("default", "http://localhost"))
    starter = Starter(
        cast(Any, cluster), cast(Any, None), cast(Any, None), ImageMap(tmp_path / "images.yaml", backend="b")
    )
    spec = session_spec("job-0-1", "true", image="r/n:1")
    if form is MountForm.V2 and not offered:
        with pytest.raises(ImageUnresolved, match="there is no image"):
            asyncio.run(starter._image(spec, form))
        return
    found = asyncio.run(starter._image(spec, form))
    assert (found.name, found.architecture) == ("r/n:1", wanted)
