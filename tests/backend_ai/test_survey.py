"""What real clusters tell an ordinary user about themselves."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from backend_ai.looking import connected
from backend_ai.real_cluster import Cluster as RealCluster
from backends.survey_answers import RecordingCluster, recorded, shape, surveyor_of

from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.model.resources import HUNDRED


@pytest.mark.parametrize("mode", ["api", "session"])
def test_an_ordinary_user_is_told_what_there_is(cluster: RealCluster, mode: Literal["api", "session"]) -> None:
    """Images, project, resource group, presets, slots and limits, signed and through a webserver."""

    async def main() -> None:
        async with connected(cluster, mode=mode) as connection:
            survey = await Surveyor(connection).look()
        assert survey.user == cluster.user.email
        assert [image.architecture for image in survey.find_images(cluster.image)] == ["x86_64"]
        assert survey.find_images(cluster.image)[0].is_installed
        offer = survey.offers[cluster.project]
        (group,) = offer.groups
        assert group.name == cluster.resource_group
        assert group.free["cpu"] >= HUNDRED
        assert {preset.name for preset in offer.presets} >= {"small"}
        assert {"cpu", "mem", *cluster.accelerators} <= survey.slot_types.keys()
        assert survey.slot_types["cpu"].is_whole
        assert survey.limits.max_concurrent_sessions > 0

    asyncio.run(main())


def test_only_some_are_told_how_much_there_is_in_all(cluster: RealCluster) -> None:
    """Agents are hidden here, as in production: totals are for administrators, the largest node is told from 25.6."""

    async def main(who: Literal["user", "admin"]) -> Any:
        async with connected(cluster, who) as connection:
            return (await Surveyor(connection).look()).offers[cluster.project].groups[0]

    group = asyncio.run(main("user"))
    assert group.total is None
    assert (group.largest is None) == (cluster.year < 25)
    if cluster.year >= 26:
        assert asyncio.run(main("admin")).total["cpu"] >= HUNDRED


def test_the_recorded_answers_are_those_of_real_clusters(cluster: RealCluster) -> None:
    """What the other tests believe has the same shape as what this cluster says now."""

    async def main() -> dict[str, Any]:
        async with connected(cluster) as connection:
            recording = RecordingCluster(connection)
            await surveyor_of(recording).look()
            return recording.answers

    then = {_without_ids(key): value for key, value in recorded()[cluster.version].items()}
    for key, answer in asyncio.run(main()).items():
        if "/folders" not in key:  # there may be none
            assert shape(answer) == shape(then[_without_ids(key)]), key


def _without_ids(key: str) -> str:
    return key.partition('"project"')[0]
