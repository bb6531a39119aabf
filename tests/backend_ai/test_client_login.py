"""Calls through a webserver: one login for many calls, again when its session is over, never again when refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from backend_ai.fake_manager import LOGIN, FakeManager, fake_manager

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys
from fasttrack_jupyter.errors import BackendUnreachable, KeysRefused

Story = Callable[[FakeManager, Cluster], Awaitable[Any]]


def play(story: Story, keys: Keys = LOGIN) -> Any:
    """Run a story with a fake webserver and a client of it."""

    async def main() -> Any:
        async with fake_manager() as manager:
            cluster = Cluster(manager.profile("session"), keys)
            try:
                return await story(manager, cluster)
            finally:
                await cluster.aclose()

    return asyncio.run(main())


def test_calls_go_through_the_webserver_with_one_login() -> None:
    """Also those that come at the same time; nothing is signed, and the password is sent once."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await asyncio.gather(*(cluster.call("GET", "/folders") for _ in range(20)))
        assert manager.logins == 1
        assert manager.seen.count("GET /func/folders") == 20
        assert "authorization" not in manager.headers[-1]

    play(story)


def test_a_session_that_is_over_is_entered_again() -> None:
    """By one of the calls that find out; all of them go through, also what may not be repeated: it was refused."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.call("GET", "/folders")
        manager.sessions.clear()
        answers = await asyncio.gather(*(cluster.call("POST", "/session", body={"n": n}) for n in range(10)))
        assert [answer["body"]["n"] for answer in answers] == list(range(10))
        assert manager.logins == 2

    play(story)


def test_a_refused_password_is_not_tried_again() -> None:
    """A webserver locks an account after some failures; whoever asks again hears the same without asking it."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        for _ in range(5):
            with pytest.raises(KeysRefused, match="refuses the keys: Credential/signature mismatch"):
                await cluster.call("GET", "/folders")
        assert manager.logins == 1

    play(story, Keys(LOGIN.user, "wrong"))


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"authenticated": False, "data": {"title": "Two-Factor Authentication needed.", "details": "You must …"}},
         KeysRefused, "Two-Factor"),
        ({"authenticated": False, "data": None}, KeysRefused, "no reason given"),
        ({"hello": "world"}, BackendUnreachable, "has no /server/login"),
    ],
)  # fmt: skip
def test_other_answers_to_a_login_are_told(
    body: dict[str, Any], kind: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second factor, a lock, or something that is no webserver of Backend.AI at all."""

    async def answer(self: FakeManager, request: web.Request) -> web.Response:
        return web.json_response(body)

    monkeypatch.setattr(FakeManager, "_log_in", answer)

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        with pytest.raises(kind, match=said):
            await cluster.call("GET", "/folders")

    play(story)


def test_a_webserver_that_cannot_say_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that failed for want of a manager says nothing about the password."""
    real = FakeManager._log_in

    async def answer(self: FakeManager, request: web.Request) -> web.Response:
        monkeypatch.setattr(FakeManager, "_log_in", real)
        return web.json_response({"title": "no manager"}, status=502)

    monkeypatch.setattr(FakeManager, "_log_in", answer)

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        with pytest.raises(BackendUnreachable, match="502"):
            await cluster.call("GET", "/folders")
        await cluster.call("GET", "/folders")

    play(story)


def test_a_managers_own_401_does_not_log_in_again() -> None:
    """It has words of its own: the role is not enough."""

    async def no_role(_: web.Request) -> web.Response:
        told = {"type": "…/auth-failed", "title": "Credential/signature mismatch.", "msg": "Unauthorized access"}
        return web.json_response(told, status=401)

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.call("GET", "/folders")
        manager.ahead = [no_role]
        with pytest.raises(Exception, match="does not allow this to your account"):
            await cluster.call("GET", "/resource/usage/month")
        assert manager.logins == 1

    play(story)


def test_closing_logs_out() -> None:
    """The session at the webserver ends with the client."""

    async def main() -> None:
        async with fake_manager() as manager:
            cluster = Cluster(manager.profile("session"), LOGIN)
            await cluster.call("GET", "/folders")
            await cluster.aclose()
            assert manager.seen[-1] == "POST /server/logout"
            assert manager.headers[-1]["cookie"] == "AIOHTTP_SESSION=session-1"
            await cluster.aclose()

    asyncio.run(main())


def test_the_session_is_shown_to_the_webserver_alone() -> None:
    """A storage proxy on the same host gets no cookie, though a browser would send it."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        await cluster.call("GET", "/folders")
        await cluster.storage("HEAD", f"{manager.endpoint}/upload?token=t")
        assert "cookie" not in manager.headers[-1]

    play(story)
