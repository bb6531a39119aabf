"""FastTrack's API over a real engine, asked as its public client asks."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.errors import SignedOut
from fasttrack_jupyter.web.access import Door
from fasttrack_jupyter.web.app import make_app
from fasttrack_jupyter.web.desk import Desk
from fasttrack_jupyter.web.library import Library

Json = dict[str, Any]
Ask = Callable[..., Any]

TEXT = """\
name: served
description: over the API
tasks:
- name: first
  command: echo one > /pipeline/outputs/x
- name: second
  command: cat /pipeline/input1/x; exit 3
  dependencies: [first]
"""


def verify(signed: Json) -> Json:
    """Stands for the engine's check of a signature."""
    if signed["authorization"] != "BackendAI mine":
        raise SignedOut("somebody else's key")
    return {"access_key": "…MPLE", "path": signed["path"]}


@pytest.fixture(scope="module")
def engine() -> Iterator[Client]:
    """An engine of a home of its own."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ft") as folder:
        patch.setenv("FASTTRACK_IDLE", "60")
        patch.setenv("FASTTRACK_SECRETS", "file")
        with connect(f"{folder}/home") as client:
            yield client
            client.shutdown()


@pytest.fixture
def ask(engine: Client, tmp_path: Path) -> Ask:
    """``ask(story)`` serves the API and plays ``story(get)``, where ``get(method, path, body)`` is signed in."""

    def play(story: Callable[[Ask, ClientSession], Any], *, sign_in: bool = True) -> Any:
        async def go() -> Any:
            app = make_app(Desk(engine, Library(tmp_path / "kept"), "local"), Door(verify))
            async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
                headers = {}
                if sign_in:
                    async with session.post("/api/login/", headers={"Authorization": "BackendAI mine"}) as answer:
                        headers["Authorization"] = f"Token {(await answer.json())['token']}"

                async def get(method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
                    async with session.request(method, path, json=body, headers=headers) as answer:
                        return answer.status, await answer.json() if answer.content_length else None

                return await story(get, session)

        return asyncio.run(go())

    return play


def test_a_pipeline_is_made_run_watched_and_its_failure_told(ask: Ask) -> None:
    """Create, run, follow the job to its end, and see each task instance with its session."""

    async def story(get: Ask, _: ClientSession) -> None:
        status, made = await get("POST", "/api/pipelines/", {"name": "served", "yaml": TEXT, "dataflow": {"x": 1}})
        assert (status, made["name"], made["dataflow"]) == (201, "served", {"x": 1})
        status, job = await get("POST", f"/api/pipelines/{made['id']}/run/", {})
        assert (status, job["pipeline"], job["yaml"]) == (201, made["id"], TEXT)
        deadline = time.monotonic() + 30
        while (job := (await get("GET", f"/api/pipeline-jobs/{job['id']}/"))[1])["terminated_at"] is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert (job["status"], job["result"]) == ("TERMINATED", "FAILURE")
        _, instances = await get("GET", f"/api/task-instances/?pipeline_job={job['id']}")
        assert [(one["name"], one["result"], one["exit_code"]) for one in instances] == [
            ("first", "SUCCESS", 0), ("second", "FAILURE", 3),
        ]  # fmt: skip
        assert instances[1]["config"]["command"] == "cat /pipeline/input1/x; exit 3"
        assert instances[1]["dependencies"] == ["first"]
        assert (await get("GET", f"/api/task-instances/{instances[0]['id']}/"))[1] == instances[0]
        _, listed = await get("GET", "/api/pipelines/")
        assert [(one["id"], one["storage"]["name"]) for one in listed if one["id"] == made["id"]]

    ask(story)


def test_a_job_is_stopped(ask: Ask) -> None:
    """As the web UI does it, by DELETE; twice is no harm."""

    async def story(get: Ask, _: ClientSession) -> None:
        text = "name: long\ntasks:\n- {name: a, command: sleep 60}\n"
        _, made = await get("POST", "/api/pipelines/", {"yaml": text})
        _, job = await get("POST", f"/api/pipelines/{made['id']}/run/", {})
        assert (await get("DELETE", f"/api/pipeline-jobs/{job['id']}/stop/"))[0] == 200
        deadline = time.monotonic() + 30
        while (job := (await get("GET", f"/api/pipeline-jobs/{job['id']}/"))[1])["status"] != "CANCELLED":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert (await get("POST", f"/api/pipeline-jobs/{job['id']}/stop/"))[1]["status"] == "CANCELLED"

    ask(story)


def test_a_refused_change_changes_nothing(ask: Ask) -> None:
    """Broken YAML is told with its place; the kept one stays."""

    async def story(get: Ask, _: ClientSession) -> None:
        _, made = await get("POST", "/api/pipelines/", {"yaml": TEXT})
        place = f"/api/pipelines/{made['id']}/"
        status, error = await get("PATCH", place, {"yaml": TEXT.replace("first]", "nobody]")})
        assert (status, error["code"]) == (422, "invalid_pipeline")
        assert error["details"]["problems"][0]["line"] == 8
        assert (await get("PATCH", place, {"name": "other", "yaml": TEXT}))[0] == 400
        assert (await get("GET", place))[1]["yaml"] == TEXT
        assert (await get("PATCH", place, {"is_active": False}))[1]["is_active"] is False
        assert (await get("DELETE", place))[0] == 204
        assert (await get("GET", place))[0] == 404

    ask(story)


@pytest.mark.parametrize("odd", [{"dataflow": [1]}, {"is_active": "no"}, {"params": "x"}])
def test_what_is_of_another_kind_is_refused_before_anything_is_made(ask: Ask, odd: Json) -> None:
    """With its name, and what it should be."""

    async def story(get: Ask, _: ClientSession) -> None:
        before = await get("GET", "/api/pipelines/")
        status, told = await get("POST", "/api/pipelines/", {"yaml": TEXT, **odd})
        assert status == 400
        assert next(iter(odd)) in told["message"]
        assert await get("GET", "/api/pipelines/") == before

    ask(story)


def test_everything_but_the_login_needs_a_token(ask: Ask) -> None:
    """Every route is tried without one; a login with somebody else's key gives none."""

    async def story(get: Ask, session: ClientSession) -> None:
        places = [
            "/", "/auth-token/", "/nothing", "/api/users/me/", "/api/pipelines/", "/api/pipelines/1/",
            "/api/pipelines/1/run/", "/api/pipeline-jobs/", "/api/pipeline-jobs/1/", "/api/pipeline-jobs/1/stop/",
            "/api/task-instances/", "/api/task-instances/1/",
        ]  # fmt: skip
        for place in places:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert (await get(method, place))[0] == 401, (method, place)
        async with session.post("/login/", headers={"Authorization": "BackendAI yours"}) as answer:
            assert answer.status == 401
            assert "token" not in await answer.json()

    ask(story, sign_in=False)


def test_the_user_and_the_way_out(ask: Ask) -> None:
    """What the web UI asks to see whether it is signed in; after signing out it is not."""

    async def story(get: Ask, _: ClientSession) -> None:
        assert (await get("GET", "/api/users/me/"))[1]["path"] == "/api/login/"
        assert (await get("GET", "/nothing"))[0] == 404
        assert (await get("PUT", "/api/task-instances/"))[0] == 405
        assert (await get("DELETE", "/auth-token/"))[0] == 204
        assert (await get("GET", "/api/users/me/"))[0] == 401

    ask(story)
