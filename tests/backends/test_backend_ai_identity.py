"""What an image is on a cluster is the digest that its manager knows."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from backends.survey_answers import AnsweringCluster, answering, recorded, survey_of, surveyor_of

from fasttrack_jupyter.backends.backend_ai import identity
from fasttrack_jupyter.backends.backend_ai.http import Cluster

NAME = "cr.example.org/stable/python:3.12"


def _of(image: str | None, told: list[dict[str, Any]], release: str = "26.9.6") -> str | None:
    cluster = _cluster(told, release)
    return asyncio.run(identity.Identities(cast(Cluster, cluster), surveyor_of(cluster)).of(image))


def _cluster(told: list[dict[str, Any]], release: str) -> AnsweringCluster:
    cluster = answering(release)
    cluster.answers[f"gql {identity._DIGESTS}"] = {"images": told}
    return cluster


def _told(release: str, digest: str | None, *, size: int = 7) -> list[dict[str, Any]]:
    """The images of the survey, each with a digest."""
    found = []
    for image in survey_of(release).images:
        whole, _, tag = image.name.rpartition(":")
        registry = image.registry
        name = whole.removeprefix(f"{registry}/")
        found.append({"name": name, "tag": tag, "registry": registry, "architecture": image.architecture,
                      "digest": digest, "size_bytes": size})  # fmt: skip
    return found


@pytest.mark.parametrize("release", sorted(recorded()))
def test_another_digest_is_another_image(release: str) -> None:
    """Whatever its name."""
    name = survey_of(release).images[0].name
    one = _of(name, _told(release, "sha256:1"), release)
    assert one is not None
    assert "sha256:1" in one
    assert one == _of(name, _told(release, "sha256:1"), release) != _of(name, _told(release, "sha256:2"), release)


def test_without_a_digest_name_and_size_stand_for_it() -> None:
    """Some releases tell none of images that were never looked at in a registry."""
    name = survey_of("26.9.6").images[0].name
    assert _of(name, _told("26.9.6", None)) != _of(name, _told("26.9.6", None, size=8))


@pytest.mark.parametrize("image", [None, NAME])
def test_what_the_cluster_does_not_have_is_not_known(image: str | None) -> None:
    """Such a task is never reused."""
    assert _of(image, _told("26.9.6", "sha256:1")) is None


def test_digests_are_asked_for_once_in_a_while() -> None:
    """Not for each task instance."""
    cluster = _cluster(_told("26.9.6", "sha256:1"), "26.9.6")
    name = survey_of("26.9.6").images[0].name

    async def ask() -> None:
        found = identity.Identities(cast(Cluster, cluster), surveyor_of(cluster))
        await asyncio.gather(*(found.of(name) for _ in range(50)))

    asyncio.run(ask())
    assert cluster.asked.count(f"gql {identity._DIGESTS}") == 1
