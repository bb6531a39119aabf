"""Tests that nobody else may use clusters beside: their daemons go, or what is used of them is counted."""

from __future__ import annotations

import asyncio
import time
import urllib.error

import pytest
from backend_ai.looking import connected, interactive, version_of
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.model.resources import HUNDRED

pytestmark = pytest.mark.alone


@pytest.mark.every_release
def test_the_manager_goes_and_comes_back(cluster: Cluster) -> None:
    """A daemon that a test stops is gone, and answers again afterwards."""
    with cluster.without("manager"), pytest.raises(urllib.error.URLError):
        version_of(cluster.endpoint)
    assert version_of(cluster.endpoint) == cluster.version


def test_what_runs_is_ones_own_and_not_free(cluster: Cluster) -> None:
    """A session takes of its group what it asked for, and counts against the user's limits, as long as it lives."""

    async def main() -> None:
        async with connected(cluster) as connection:
            surveyor = Surveyor(connection)
            async with interactive(cluster, connection):
                survey = await surveyor.look(fresh=True)
                held = survey.offers[cluster.project].groups[0].mine["cpu"]
                assert survey.limits.used["cpu"] >= held >= HUNDRED
            deadline = time.monotonic() + 60
            while (await surveyor.look(fresh=True)).offers[cluster.project].groups[0].mine.get("cpu", 0) >= held:
                assert time.monotonic() < deadline
                await asyncio.sleep(1)

    asyncio.run(main())
