"""The client against real managers and webservers: what it sends they take, what they say it understands."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import aiohttp
import pytest
from backend_ai.fault_proxy import FaultProxy
from backend_ai.real_cluster import Cluster as RealCluster
from backend_ai.recordings import REFUSED, ask, recorded

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.profiles import Profiles
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.profiles import ProfileRequest
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, KeysRefused, NotFound
from fasttrack_jupyter.store.secrets import open_secrets

Mode = Literal["api", "session"]
both_modes = pytest.mark.parametrize("mode", ["api", "session"])


def profile_of(cluster: RealCluster, mode: Mode = "api", endpoint: str = "") -> Profile:
    """A way to a real cluster."""
    return Profile("real", endpoint or (cluster.endpoint if mode == "api" else cluster.web_endpoint), mode)


def keys_of(cluster: RealCluster, mode: Mode = "api") -> Keys:
    """An ordinary user's."""
    user = cluster.user
    return Keys(user.access_key, user.secret_key) if mode == "api" else Keys(user.email, user.password)


def play(story: Callable[[Cluster], Awaitable[Any]], profile: Profile, keys: Keys) -> Any:
    """Run a story with a client, which is closed afterwards."""

    async def main() -> Any:
        client = Cluster(profile, keys)
        try:
            return await asyncio.wait_for(story(client), 120)
        finally:
            await client.aclose()

    return asyncio.run(main())


@pytest.fixture
def folder(cluster: RealCluster) -> Iterator[str]:
    """The name of a vfolder to make; it is removed afterwards."""
    name = f"p1-{uuid4().hex[:12]}"
    yield name

    async def remove(client: Cluster) -> None:
        for each in await client.call("GET", "/folders"):
            if each["name"] == name:
                await client.call("DELETE", f"/folders/{name}")

    play(remove, profile_of(cluster), keys_of(cluster))


@both_modes
def test_both_ways_lead_to_the_same_cluster(cluster: RealCluster, mode: Mode, folder: str) -> None:
    """Release, account, and a vfolder with all that its name may have in its paths."""

    async def story(client: Cluster) -> None:
        assert str(await client.release()) == cluster.version
        user = (await client.graphql("{ user { email } }"))["user"]
        assert user["email"] == cluster.user.email
        await client.call("POST", "/folders", body={"name": folder, "host": cluster.vfolder_host})
        path = "훈련 1/a+b & c=d%20#?"
        await client.call("POST", f"/folders/{folder}/mkdir", body={"path": path, "parents": True, "exist_ok": True})
        told = await client.call("GET", f"/folders/{folder}/files", query={"path": "훈련 1"})
        listed = told.get("items") or json.loads(told.get("files", "[]"))
        assert [item.get("name", item.get("filename")) for item in listed] == ["a+b & c=d%20#?"]

    play(story, profile_of(cluster, mode), keys_of(cluster, mode))


def test_the_official_client_sees_what_ours_made(cluster: RealCluster, folder: str) -> None:
    """And ours what it made: one cluster, two clients."""
    profile, keys = profile_of(cluster), keys_of(cluster)
    body = {"name": folder, "host": cluster.vfolder_host, "usage_mode": "data"}
    made = play(lambda client: client.call("POST", "/folders", body=body), profile, keys)
    program = """
import json
from ai.backend.client.session import Session
with Session() as session: print(json.dumps([(each["name"], each["id"]) for each in session.VFolder.list()]))
"""
    seen = dict(json.loads(cluster.sdk(program)))
    assert seen[folder].replace("-", "") == made["id"].replace("-", "")
    cluster.sdk("import sys\nfrom ai.backend.client.session import Session\nwith Session() as s:"
                " s.VFolder(sys.argv[1]).mkdir('by-the-sdk')", folder)  # fmt: skip
    told = play(lambda client: client.call("GET", f"/folders/{folder}/files", query={"path": ""}), profile, keys)
    assert "by-the-sdk" in json.dumps(told)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_recorded_is_what_clusters_still_say(cluster: RealCluster, what: str) -> None:
    """Status and type of each refusal; where they differ, ``recordings.py`` writes the file anew."""
    status, _, body = asyncio.run(ask(REFUSED[what], cluster.env))
    known = [each for each in recorded() if each["what"] == what and _same(each["release"], cluster.version)]
    for each in known:
        assert (status, json.loads(body).get("type")) == (each["status"], json.loads(each["body"]).get("type"))


def _same(one: str, other: str) -> bool:
    return [int(part) for part in one.split(".")] == [int(part) for part in other.split(".")]


@both_modes
def test_wrong_keys_are_told_within_seconds(cluster: RealCluster, mode: Mode) -> None:
    """As such, and not as a cluster that is down."""
    begun = time.monotonic()
    keys = Keys("nobody@example.org" if mode == "session" else cluster.user.access_key, "wrong")
    with pytest.raises(KeysRefused):
        play(lambda client: client.call("GET", "/folders"), profile_of(cluster, mode), keys)
    assert time.monotonic() - begun < 10


def test_a_webserver_is_no_manager(cluster: RealCluster) -> None:
    """And the other way round; the hint says which mode wants which."""
    for profile in (profile_of(cluster, "api", cluster.web_endpoint), profile_of(cluster, "session", cluster.endpoint)):
        with pytest.raises(BackendUnreachable, match=r"is no Backend\.AI manager") as told:
            play(lambda client: client.call("GET", "/folders"), profile, keys_of(cluster))
        assert "mode `api` wants the manager's address" in told.value.hint


def test_a_session_that_ended_is_entered_again(cluster: RealCluster) -> None:
    """Somebody logged it out at the webserver; the next call logs in."""

    async def story(client: Cluster) -> None:
        await client.call("GET", "/folders")
        assert client._login is not None
        headers = {"Content-Type": "application/json", **client._login.headers()}
        url = f"{cluster.web_endpoint}/server/logout"
        async with aiohttp.ClientSession() as other, other.post(url, headers=headers) as answer:
            assert answer.ok
        assert await client.call("GET", "/folders") is not None
        assert client._login.headers()["Cookie"] != headers["Cookie"]

    play(story, profile_of(cluster, "session"), keys_of(cluster, "session"))


def test_a_manager_that_is_away_for_a_moment_is_not_noticed(cluster: RealCluster, faults: FaultProxy) -> None:
    """Resets, 503s and a port where nobody listens: a GET goes through."""

    async def story(client: Cluster) -> None:
        await client.release()
        faults.reset("GET /folders", times=1)
        faults.answer(503, "GET /folders", times=1)
        await client.call("GET", "/folders")
        faults.down()
        asyncio.get_running_loop().call_later(0.3, faults._loop.call_soon_threadsafe, _up, faults)
        await client.call("GET", "/folders")

    play(story, profile_of(cluster, endpoint=faults.endpoint), keys_of(cluster))


def _up(faults: FaultProxy) -> None:
    faults._loop.create_task(faults._listen())


def test_an_answer_that_was_lost_is_not_asked_for_twice(cluster: RealCluster, faults: FaultProxy, folder: str) -> None:
    """The vfolder was made once; that nothing is known is what the caller hears."""

    async def story(client: Cluster) -> None:
        faults.reset("POST /folders", when="after")
        with pytest.raises(BackendUnreachable, match="broke the connection"):
            await client.call("POST", "/folders", body={"name": folder, "host": cluster.vfolder_host})
        assert faults.seen.count("POST /folders") == 1
        faults.heal()
        assert folder in [each["name"] for each in await client.call("GET", "/folders")]
        with pytest.raises(BadRequest, match="already"):
            await client.call("POST", "/folders", body={"name": folder, "host": cluster.vfolder_host})

    play(story, profile_of(cluster, endpoint=faults.endpoint), keys_of(cluster))


@both_modes
def test_events_of_a_session_are_heard(cluster: RealCluster, mode: Mode) -> None:
    """Also over a connection that breaks meanwhile."""
    name = f"p1-{uuid4().hex[:12]}"
    body = {
        "name": name, "image": cluster.image, "type": "batch", "startupCommand": "true", "group": cluster.project,
        "domain": cluster.domain, "clusterSize": 1, "enqueueOnly": True,
        "config": {"resources": {"cpu": "1", "mem": "256m"}, "scaling_group": cluster.resource_group},
    }  # fmt: skip

    async def story(client: Cluster) -> list[str]:
        heard = []
        stream = client.events({"scope": "session"})  # of all: 25.15 knows no name of a session that will be
        assert await anext(stream) == ("connected", {})
        await client.call("POST", "/session", body=body)
        async for event, data in stream:
            heard += [event] if data.get("sessionName") == name else []
            if heard and heard[-1] in ("session_success", "session_terminated"):
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return heard

    assert len(play(story, profile_of(cluster, mode), keys_of(cluster, mode))) >= 1


@both_modes
def test_a_login_is_checked_by_the_cluster_and_kept(cluster: RealCluster, mode: Mode, tmp_path: Path) -> None:
    """The account is told; a project that there is not is refused; what is kept can be checked later."""

    def make(profile: Profile, keys: Keys) -> ExecutionBackend:
        return cast("ExecutionBackend", profile.name)

    profiles = Profiles(tmp_path, lambda: open_secrets(tmp_path / "profiles", "file"), make)
    profile, keys = profile_of(cluster, mode), keys_of(cluster, mode)
    told = ProfileRequest(endpoint=profile.endpoint, mode=mode, user=keys.user, secret=keys.secret)

    async def main() -> None:
        with pytest.raises(BadRequest, match="no project 'nowhere'"):
            await profiles.put("real", told.model_copy(update={"project": "nowhere"}))
        view = (await profiles.put("real", told)).view
        assert view.account == cluster.user.email
        assert view.checked is not None
        assert cluster.project in view.checked.projects
        assert (await profiles.check("real")).release == cluster.version
        with pytest.raises(NotFound):
            await profiles.check("other")

    asyncio.run(main())
