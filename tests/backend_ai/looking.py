"""What the tests of survey, preflight and browser share: our connection to a real cluster, and a session on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from backend_ai.real_cluster import Cluster as RealCluster
from backend_ai.real_cluster import Who

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.errors import Forbidden, NotFound

_PATIENCE = 120.0


def profile_of(cluster: RealCluster, mode: Literal["api", "session"] = "api") -> Profile:
    """The way to a real cluster."""
    endpoint = cluster.endpoint if mode == "api" else cluster.web_endpoint
    return Profile("work", endpoint, mode=mode, domain=cluster.domain, project=cluster.project)


@asynccontextmanager
async def connected(
    cluster: RealCluster, who: Who = "user", mode: Literal["api", "session"] = "api"
) -> AsyncIterator[Cluster]:
    """Our connection, as somebody."""
    keys = cluster.keys(who)
    pair = (keys.access_key, keys.secret_key) if mode == "api" else (keys.email, keys.password)
    connection = Cluster(profile_of(cluster, mode), Keys(*pair))
    try:
        yield connection
    finally:
        await connection.aclose()


def unique(what: str) -> str:
    """A name that no other test has used."""
    return f"p5-{what}-{os.urandom(3).hex()}"


@asynccontextmanager
async def interactive(cluster: RealCluster, connection: Cluster) -> AsyncIterator[tuple[str, str]]:
    """A session that runs until the block ends: ``(id, name)``."""
    name = unique("session")
    body = {
        "name": name, "image": cluster.image, "architecture": "x86_64", "type": "interactive",
        "group": cluster.project, "domain": cluster.domain, "clusterSize": 1, "clusterMode": "single-node",
        "enqueueOnly": True,
        "config": {"resources": {"cpu": "1", "mem": "512m"}, "scaling_group": cluster.resource_group},
    }  # fmt: skip
    session = (await connection.call("POST", "/session", body=body))["sessionId"]
    try:
        await status_becomes(connection, session, "RUNNING")
        yield session, name
    finally:
        with contextlib.suppress(NotFound, Forbidden):  # a test may have ended it
            await connection.call("DELETE", f"/session/{session}", query={"forced": "true"})
        await status_becomes(connection, session, "TERMINATED", "CANCELLED")


async def status_becomes(connection: Cluster, session: str, *wanted: str) -> None:
    """Wait until a session is in one of the statuses."""
    query = "query($id: UUID!) { compute_session(id: $id) { status } }"
    deadline = time.monotonic() + _PATIENCE
    while True:
        status = (await connection.graphql(query, {"id": session}))["compute_session"]["status"]
        if status in wanted:
            return
        assert time.monotonic() < deadline, f"{session} is {status}, not {wanted}"
        await asyncio.sleep(0.5)


def version_of(endpoint: str) -> str:
    """What the manager says that it is, as packages are called: 23.9.10 for 23.09.10."""
    with urllib.request.urlopen(f"{endpoint}/", timeout=20) as answer:
        return ".".join(str(int(part)) for part in json.load(answer)["manager"].split("."))
