"""Calls of a manager: signed, repeated where that is right, over few connections; and what they never tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from backend_ai.fake_manager import KEYS, FakeManager, fake_manager, refusal

from fasttrack_jupyter.backends.backend_ai import repeating
from fasttrack_jupyter.backends.backend_ai.http import CONNECTIONS, Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.releases import Greeting, Release
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, KeysRefused

Story = Callable[[FakeManager, Cluster], Awaitable[Any]]


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are as long as they are, but counted in hundredths."""
    monkeypatch.setattr(repeating, "_FIRST", 0.0025)


def play(story: Story, keys: Keys = KEYS, **profile: Any) -> Any:
    """Run a story with a fake manager and a client of it."""

    async def main() -> Any:
        async with fake_manager() as manager:
            cluster = Cluster(manager.profile(**profile), keys)
            try:
                return await story(manager, cluster)
            finally:
                await cluster.aclose()

    return asyncio.run(main())


def test_a_call_is_signed_and_its_answer_parsed() -> None:
    """The manager, which checks as real ones do, takes it; version and domain are told."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        answer = await cluster.call("post", "/session", body={"name": "한글"}, query={"a": 1, "b": True, "c": None})
        assert answer == {"path": "/session", "query": {"a": "1", "b": "true"}, "body": {"name": "한글"}}
        assert manager.headers[-1]["x-backendai-version"] == "v9.20250722"
        assert manager.headers[-1]["x-backendai-domain"] == "default"

    play(story)


@pytest.mark.parametrize("path", ["/folders/p1 한글/files", "/folders/a%2Fb%3Fc%23d%25/files", "/folders/a+b:c,d;e@f"])
def test_names_of_any_kind_can_be_in_a_path(path: str) -> None:
    """What is sent is what was signed, whatever characters it has."""
    play(lambda _, cluster: cluster.call("GET", path, query={"path": "a b/ü&=+?#%"}))


@pytest.mark.parametrize("path", ["/session/..", "/session/../logs", "/session/./logs"])
def test_a_name_of_dots_asks_for_nothing_else(path: str) -> None:
    """An address works them off: ``/session/..`` would be the manager's root."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        with pytest.raises(BadRequest, match="nothing can have"):
            await cluster.call("DELETE", path)
        assert not any(seen.startswith("DELETE") for seen in manager.seen)

    play(story)


def test_an_endpoint_may_have_a_path_of_its_own() -> None:
    """A manager behind a gateway; the path is signed with it."""

    async def main() -> None:
        async with fake_manager() as manager:
            cluster = Cluster(Profile("fake", f"{manager.endpoint}/gateway"), KEYS)
            with pytest.raises(BackendUnreachable, match=r"no Backend\.AI manager"):
                await cluster.release()
            await cluster.aclose()
            assert manager.seen == ["GET /gateway/"]

    asyncio.run(main())


def test_an_answer_without_a_body_is_none() -> None:
    """204 is what deleting answers."""
    assert play(lambda _, cluster: cluster.call("DELETE", "/nothing")) is None


def test_the_version_is_asked_for_once() -> None:
    """All calls after the first one know it, also those that come at the same time."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await asyncio.gather(*(cluster.call("GET", "/a") for _ in range(50)))
        assert await cluster.release() == Release(26, 9, 6)
        assert manager.greetings == 1

    play(story)


def test_a_manager_that_was_updated_is_asked_again() -> None:
    """Its old version is refused from then on; nobody notices."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.call("GET", "/a")
        manager.version, manager.manager = "v10.20270101", "27.1.0"
        await cluster.call("POST", "/b")
        assert await cluster.release() == Release(27, 1, 0)

    play(story)


def test_connections_are_used_again_and_are_few() -> None:
    """Fifty calls at a time take no more than a few connections, and fifty one after the other one."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        for _ in range(50):
            await cluster.call("GET", "/a")
        assert manager.connections == 1
        await asyncio.gather(*(cluster.call("GET", "/a") for _ in range(50)))
        assert manager.connections <= CONNECTIONS

    play(story)


@pytest.mark.parametrize("trouble", [503, 502, 504, 429, None])
def test_what_is_safe_is_repeated(trouble: int | None) -> None:
    """A GET goes through after three failures, however they look."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [trouble] * 3
        assert (await cluster.call("GET", "/a"))["path"] == "/a"

    play(story)


@pytest.mark.parametrize("trouble", [500, 503, None])
def test_what_is_not_safe_is_sent_once(trouble: int | None) -> None:
    """A POST whose answer is lost may have been done: nothing is known, and nothing is sent again."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [trouble]
        with pytest.raises(BackendUnreachable):
            await cluster.call("POST", "/session", body={})
        assert manager.seen.count("POST /session") == 1

    play(story)


def test_what_is_said_to_be_safe_is_repeated() -> None:
    """The caller knows: a POST that may be sent again is."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [None, 503]
        await cluster.call("POST", "/session", body={}, repeat=True)
        assert manager.seen.count("POST /session") == 3

    play(story)


def test_what_was_turned_away_at_the_door_is_always_repeated() -> None:
    """429 says that nothing was done, so a POST is sent again too, after the time that is asked for."""

    async def wait_a_second(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "1"})

    async def story(manager: FakeManager, cluster: Cluster) -> float:
        await cluster.release()
        manager.ahead = [wait_a_second]
        begun = asyncio.get_running_loop().time()
        await cluster.call("POST", "/session", body={})
        return asyncio.get_running_loop().time() - begun

    assert 1.0 <= play(story) < 3.0


def test_a_500_is_tried_once_more_and_then_told() -> None:
    """Mostly it is the request that a manager stumbles over."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [500] * 9
        with pytest.raises(BackendUnreachable, match="status 500"):
            await cluster.call("GET", "/a")
        assert manager.seen.count("GET /a") == 2

    play(story)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_repeated(status: int) -> None:
    """It will be the same."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [status]
        with pytest.raises(Exception, match="cluster"):
            await cluster.call("GET", "/a")
        assert manager.seen.count("GET /a") == 1

    play(story)


def test_an_answer_that_does_not_come_is_waited_for_so_long() -> None:
    """``timeout`` is for each try; a POST gets one."""

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(0.6)
        return web.Response()

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [never]
        with pytest.raises(BackendUnreachable, match=r"did not answer within 0\.2 s"):
            await cluster.call("POST", "/a", timeout=0.2)

    play(story)


def test_a_long_retry_after_is_not_waited_for() -> None:
    """Minutes are for whoever asked to wait for."""
    assert repeating.wait_before_next(429, {"Retry-After": "600"}, 1, is_safe=True) is None
    assert repeating.wait_before_next(429, {"Retry-After": "10"}, 1, is_safe=True) is not None


def test_retry_after_is_a_number_or_a_date() -> None:
    """As RFC 9110 has it; what makes no sense counts for nothing."""
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert repeating.retry_after({"Retry-After": "7"}) == 7.0
    assert repeating.retry_after({"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}, now) == 30.0
    assert repeating.retry_after({"Retry-After": "soon"}) is None
    assert repeating.retry_after({}) is None


def test_pauses_grow_and_differ() -> None:
    """So that many clients do not come back together."""
    assert len({repeating.pause(3) for _ in range(20)}) > 10
    assert max(repeating.pause(1) for _ in range(20)) < max(repeating.pause(4) for _ in range(20))
    assert repeating.pause(10_000, most=30.0) <= 30.0


def test_an_endpoint_that_is_down_is_told() -> None:
    """Nobody listens: tried a few times, then said, within a second or so."""

    async def main() -> None:
        cluster = Cluster(Profile("fake", "http://127.0.0.1:1"), KEYS)
        with pytest.raises(BackendUnreachable, match="Connection refused"):
            await cluster.call("POST", "/session", body={})
        await cluster.aclose()

    asyncio.run(main())


def test_something_else_at_the_endpoint_is_told() -> None:
    """A web page is no manager; neither is a JSON that greets otherwise."""

    async def main() -> None:
        async def page(_: web.BaseRequest) -> web.Response:
            return web.Response(text="<html>welcome</html>", content_type="text/html")

        runner = web.ServerRunner(web.Server(page))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        cluster = Cluster(Profile("fake", f"http://127.0.0.1:{runner.addresses[0][1]}"), KEYS)
        with pytest.raises(BackendUnreachable, match=r"is no Backend.AI manager: .* text/html") as told:
            await cluster.call("GET", "/folders")
        assert "webserver" in told.value.hint
        await cluster.aclose()
        await runner.cleanup()

    asyncio.run(main())


@pytest.mark.parametrize("text", ["", "x", "2026", "26.13.x.y!", "v26"])
def test_what_is_no_release_is_refused(text: str) -> None:
    """A greeting with something else in it is none."""
    if text != "26.13.x.y!":
        with pytest.raises(ValueError, match="release"):
            Release.parse(text)
    with pytest.raises(ValueError, match=r"release|version"):
        Greeting.parse({"version": None, "manager": text})


def test_releases_compare_by_age_and_are_written_as_pypi_does() -> None:
    """Months are numbers, with or without a zero."""
    assert Release.parse("23.09.10") == Release.parse("23.9.10") == Release(23, 9, 10)
    assert Release.parse("24.03.0rc1") < Release(24, 9, 6) < Release.parse("25.15.12") < Release(26, 4)
    assert str(Release.parse("23.09.10")) == "23.9.10"


def test_redirects_are_not_followed() -> None:
    """A signature is for one address, and a login for one server."""

    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [elsewhere]
        with pytest.raises(BackendUnreachable, match="status 302"):
            await cluster.call("GET", "/a")

    play(story)


def test_graphql_gives_data_or_an_error() -> None:
    """Errors come with status 200; a query is repeated, a mutation is not."""

    async def data(_: web.Request) -> web.Response:
        return web.json_response({"data": {"user": {"email": "me"}}, "errors": None})

    async def forbidden(_: web.Request) -> web.Response:
        return refusal("GraphQL for administrators")

    async def crossed(_: web.Request) -> web.Response:
        return web.json_response({"data": None, "errors": [{"message": "could not serialize access"}]})

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.release()
        manager.ahead = [503, data]
        assert await cluster.graphql("{ user { email } }") == {"user": {"email": "me"}}
        manager.ahead = [crossed, crossed, data]
        assert await cluster.graphql("{ user { email } }") == {"user": {"email": "me"}}
        manager.ahead = [crossed, data]
        with pytest.raises(BackendUnreachable):
            await cluster.graphql("mutation { a }")
        manager.ahead = [forbidden]
        with pytest.raises(Exception, match="superadmin privilege required"):
            await cluster.graphql("{ agent_list }", {"a": 1})
        manager.ahead = [503, data]
        with pytest.raises(BackendUnreachable):
            await cluster.graphql("mutation { a }")

    play(story)


def test_neither_errors_nor_logs_nor_reprs_have_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong: no secret key, no signature, no environment of a session, also not in a traceback."""
    caplog.set_level(logging.DEBUG)
    wrong = Keys(KEYS.user, "another secret key")

    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=400, text='{{"title": "no", "msg": "{}"}}'.format("hunter2 is wrong"))

    async def story(manager: FakeManager, cluster: Cluster) -> list[BaseException]:
        caught: list[BaseException] = []
        with pytest.raises(KeysRefused) as refused:
            await cluster.call("GET", "/folders")
        manager.ahead = [echo]
        with pytest.raises(BadRequest) as bad:
            await cluster.call("POST", "/session", body={"config": {"environ": {"TOKEN": "hunter2"}}})
        manager.ahead = [None] * 9
        with pytest.raises(BackendUnreachable) as broken:
            await cluster.call("GET", "/a")
        caught += [refused.value, bad.value, broken.value]
        assert wrong.secret not in f"{cluster!r}{cluster.__dict__}{wrong!r}"
        return caught

    for error in play(story, wrong):
        chain = f"{error!r}{getattr(error, 'details', '')}{error.__cause__!r}"
        for secret in (wrong.secret, "hunter2", "credential="):
            assert secret not in chain
    assert all(secret not in caplog.text for secret in (wrong.secret, "hunter2", "credential="))


def test_what_was_given_up_is_not_opened_again() -> None:
    """A call that is late must not leave a connection behind that nobody closes."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.call("GET", "/folders")
        await cluster.aclose()
        seen = len(manager.seen)
        with pytest.raises(BackendUnreachable, match="given up"):
            await cluster.call("GET", "/folders")
        assert len(manager.seen) == seen

    play(story)
