"""What clusters answered a :class:`Surveyor`: recorded from real ones as an ordinary user, and given again in tests.

``tests/data/survey.json`` is written by ``python -m backends.survey_answers D/env …`` (in ``tests``) against clusters
that are up. A test on a real cluster asks the same and compares the shapes, so that the file cannot grow old unseen.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.survey import Survey
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.errors import NotFound

FILE = Path(__file__).parents[1] / "data" / "survey.json"
PROFILE = Profile("work", "https://cluster.example.org")
_NOT_THERE = "not found"


class AnsweringCluster:
    """Answers as a cluster once did; counts how often it is asked."""

    def __init__(self, release: str, answers: Mapping[str, Any], profile: Profile = PROFILE) -> None:
        self.profile = profile
        self.answers = dict(answers)
        self.asked: list[str] = []
        self._release = release

    async def release(self) -> Release:
        return Release.parse(self._release)

    async def call(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Any:
        return await self._answer(_key(method, path, query, body))

    async def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        return await self._answer(_key("gql", query, None, variables))

    async def _answer(self, key: str) -> Any:
        self.asked.append(key)
        await asyncio.sleep(0)
        if self.answers[key] == _NOT_THERE:
            raise NotFound("it is hidden")
        return json.loads(json.dumps(self.answers[key]))


class RecordingCluster:
    """Asks a real cluster, and remembers what it answers."""

    def __init__(self, cluster: Cluster) -> None:
        self.profile = cluster.profile
        self.answers: dict[str, Any] = {}
        self._cluster = cluster

    async def release(self) -> Release:
        return await self._cluster.release()

    async def call(self, method: str, path: str, *, query: Any = None, body: Any = None, **how: Any) -> Any:
        answer = await self._cluster.call(method, path, query=query, body=body, **how)
        self.answers[_key(method, path, query, body)] = answer
        return answer

    async def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        key = _key("gql", query, None, variables)
        self.answers[key] = _NOT_THERE
        self.answers[key] = await self._cluster.graphql(query, variables)
        return self.answers[key]


def recorded() -> dict[str, dict[str, Any]]:
    """Answers by release."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def answering(release: str, **profile: Any) -> AnsweringCluster:
    """A cluster of that release, as it was recorded."""
    return AnsweringCluster(release, recorded()[release], replace(PROFILE, **profile))


def surveyor_of(cluster: AnsweringCluster | RecordingCluster) -> Surveyor:
    return Surveyor(cast(Cluster, cluster))


def survey_of(release: str) -> Survey:
    """What was recorded, read."""
    return asyncio.run(surveyor_of(answering(release)).look())


def shape(value: Any) -> Any:
    """What an answer is made of, without its values: keys, and the first of a list."""
    if isinstance(value, Mapping) and {"cpu", "mem"} & value.keys():
        return "slots"  # which of them are named depends on what runs
    if isinstance(value, Mapping):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "nothing"


def _key(method: str, path: str, query: Any, body: Any) -> str:
    words = [method, " ".join(path.split()), *(json.dumps(part, sort_keys=True) for part in (query, body) if part)]
    return " ".join(words)


async def _record(env: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    keys = Keys(env["BACKEND_ACCESS_KEY"], env["BACKEND_SECRET_KEY"])
    cluster = Cluster(Profile("work", env["BACKEND_ENDPOINT"]), keys)
    recording = RecordingCluster(cluster)
    try:
        survey = await surveyor_of(recording).look()
    finally:
        await cluster.aclose()
    return str(survey.release), recording.answers


def main(files: list[str]) -> None:
    """Record each cluster whose ``env`` file is named."""
    found = recorded() if FILE.exists() else {}
    for file in files:
        env = dict(line.split("=", 1) for line in Path(file).read_text().splitlines())
        release, answers = asyncio.run(_record(env))
        found[release] = answers
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
