"""Requests that a cluster refuses, and how real ones refused them: a fake manager says the same, errors are made of it.

``recorded.json`` is written by ``python tests/backend_ai/recordings.py D/env …`` against clusters that are up (what
other releases said stays); a test asks the cluster at hand the same and compares, so that the file cannot grow old
unseen.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from fasttrack_jupyter.backends.backend_ai.signing import signed_headers

FILE = Path(__file__).with_name("recorded.json")
_BATCH = {"name": "ft-nowhere", "type": "batch", "startupCommand": "true", "config": {"resources": {"cpu": "1"}}}


@dataclass(frozen=True)
class Asked:
    """One request that is refused, and the class of our error for it."""

    error: str
    method: str = "GET"
    path: str = "/folders"
    body: Any = None
    secret: str | None = None
    access: str | None = None
    minutes: int = 0
    """How far the caller's clock is ahead."""
    version: str | None = None
    is_web: bool = False
    """Whether a webserver is asked, unsigned."""


REFUSED: dict[str, Asked] = {
    "a wrong secret key": Asked("KeysRefused", secret="wrong"),
    "an unknown access key": Asked("KeysRefused", access="AKIANOBODY"),
    "a clock that is ahead": Asked("BackendUnreachable", minutes=37),
    "an API version of the future": Asked("BadRequest", version="v99.20990101"),
    "no such session": Asked("NotFound", path="/session/ft-nowhere"),
    "no such address": Asked("NotFound", path="/no/such/address"),
    "no such vfolder": Asked("NotFound", path="/folders/ft-nowhere/files?path="),
    "a session without a name": Asked(
        "BadRequest", "POST", "/session", {"config": {"environ": {"TOKEN": "hunter2"}}, "environ": "hunter2"}
    ),
    "an environment that is none": Asked(
        "BadRequest", "POST", "/session", {**_BATCH, "image": "x", "clusterSize": "hunter2", "type": "hunter2"}
    ),
    "an unknown image": Asked("NotFound", "POST", "/session", {**_BATCH, "image": "registry.invalid/none:1"}),
    "a vfolder host that there is not": Asked("BadRequest", "POST", "/folders", {"name": "p1-a", "host": "no:where"}),
    "what only an administrator may do": Asked("Forbidden", path="/resource/usage/month?month=202601"),
    "an unknown field of GraphQL": Asked("BadRequest", "POST", "/admin/gql", {"query": "{ nope }"}),
    "GraphQL for administrators": Asked(
        "Forbidden", "POST", "/admin/gql", {"query": "{ agent_list(limit: 1, offset: 0) { items { id } } }"}
    ),
    "nobody logged in": Asked("KeysRefused", path="/func/folders", is_web=True),
    "a wrong password": Asked(
        "KeysRefused", "POST", "/server/login", {"username": "nobody@example.org", "password": "x"}, is_web=True
    ),
}


def recorded() -> list[dict[str, Any]]:
    """``{release, what, status, headers, body}`` each."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    return found


async def ask(asked: Asked, env: Mapping[str, str]) -> tuple[int, dict[str, str], str]:
    """Status, the headers that count, and body of a real answer."""
    base = env["BACKEND_WEB_ENDPOINT"] if asked.is_web else env["BACKEND_ENDPOINT"]
    data = None if asked.body is None else json.dumps(asked.body)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{env['BACKEND_ENDPOINT']}/") as response:
            version = (await response.json())["version"]
        headers = {"Content-Type": "application/json"} if asked.is_web else _signed(asked, env, version)
        async with session.request(asked.method, base + asked.path, headers=headers, data=data) as response:
            told = {name: response.headers[name] for name in ("Content-Type", "Date") if name in response.headers}
            return response.status, told, await response.text()


def _signed(asked: Asked, env: Mapping[str, str], version: str) -> dict[str, str]:
    return signed_headers(
        asked.method,
        asked.path,
        host=env["BACKEND_ENDPOINT"].partition("://")[2],
        content_type="application/json",
        version=asked.version or version,
        when=datetime.now(UTC) + timedelta(minutes=asked.minutes),
        access_key=asked.access or env["BACKEND_ACCESS_KEY"],
        secret_key=asked.secret or env["BACKEND_SECRET_KEY"],
    )


async def record(envs: list[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Ask each cluster everything."""
    found = []
    for env in envs:
        async with aiohttp.ClientSession() as session, session.get(f"{env['BACKEND_ENDPOINT']}/") as response:
            release = (await response.json())["manager"]
        for what, asked in REFUSED.items():
            status, headers, body = await ask(asked, env)
            found.append({"release": release, "what": what, "status": status, "headers": headers, "body": body})
    return found


def _env(file: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in Path(file).read_text().splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    anew = asyncio.run(record([_env(file) for file in sys.argv[1:]]))
    others = [each for each in recorded() if each["release"] not in {one["release"] for one in anew}]
    FILE.write_text(json.dumps([*others, *anew], ensure_ascii=False, indent=1) + "\n", "utf-8")
