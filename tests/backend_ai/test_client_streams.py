"""What comes in pieces: events of sessions, and files of a storage proxy. And the ways there: proxies, TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from backend_ai.fake_manager import KEYS, FakeManager, fake_manager
from yarl import URL

from fasttrack_jupyter.backends.backend_ai import repeating
from fasttrack_jupyter.backends.backend_ai.events import CONNECTED, parse_events
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.proxying import proxy_for
from fasttrack_jupyter.errors import BackendUnreachable, EmptyRange, KeysRefused, NotFound

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
                return await asyncio.wait_for(story(manager, cluster), 30)
            finally:
                await cluster.aclose()

    return asyncio.run(main())


def test_events_come_and_the_stream_connects_again_by_itself() -> None:
    """After every connection it says so, because something may have been missed in between."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        manager.ahead = [503, None]
        stream = cluster.events({"sessionName": "*"})
        got = [await anext(stream) for _ in range(6)]
        await stream.aclose()
        told = [CONNECTED, ("session_started", {"sessionId": "a"}), ("session_success", {"sessionId": "a"})]
        assert got == told * 2
        assert manager.seen.count("GET /events/session?sessionName=*") == 4

    play(story)


def test_events_end_where_the_keys_are_refused() -> None:
    """To ask for ever with keys that nobody takes helps nobody."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        with pytest.raises(KeysRefused):
            await anext(cluster.events({}))

    play(story, Keys(KEYS.user, "wrong"))


def test_events_survive_lines_of_any_kind() -> None:
    """Comments, fields that nobody knows, data that is no JSON, an event without data."""

    async def lines() -> AsyncIterator[bytes]:
        text = ': ping\n\nid: 7\nretry: 5\nevent: a\ndata: {"x": 1}\n\nevent: b\n\n'
        text += "data: no json\n\ndata:[1]\r\n\r\ndata: {"
        for line in text.encode().splitlines(keepends=True):
            yield line

    async def main() -> list[Any]:
        return [event async for event in parse_events(lines())]

    assert asyncio.run(main()) == [("a", {"x": 1}), ("message", {"text": "no json"}), ("message", {"text": "[1]"})]


def test_a_storage_proxy_is_asked_unsigned_whatever_it_answers() -> None:
    """Status, headers and bytes are the caller's to judge; the token in the address is all it takes."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        manager.ahead = [409]
        answer = await cluster.storage(
            "PATCH", f"{manager.endpoint}/upload?token=a%2Bb", headers={"Upload-Offset": "3"}
        )
        assert (answer.status, answer.body) == (409, b"{}")
        assert manager.seen == ["PATCH /upload?token=a%2Bb"]
        assert "authorization" not in manager.headers[-1]
        assert manager.headers[-1]["upload-offset"] == "3"

    play(story)


def test_asking_a_storage_proxy_is_repeated_and_writing_is_not() -> None:
    """A PATCH that broke off is gone on with from where it is, which only its caller can ask."""

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        manager.ahead = [503, None, 204]
        assert (await cluster.storage("HEAD", f"{manager.endpoint}/upload")).status == 204
        manager.ahead = [None]
        with pytest.raises(BackendUnreachable, match="broke the connection"):
            await cluster.storage("PATCH", f"{manager.endpoint}/upload", data=b"abc")
        assert manager.seen.count("PATCH /upload") == 1

    play(story)


def test_a_large_file_comes_in_pieces() -> None:
    """And what is refused instead is an error, as of any call."""
    content = bytes(range(256)) * 20_000

    async def file(_: web.Request) -> web.Response:
        return web.Response(body=content)

    async def story(manager: FakeManager, cluster: Cluster) -> None:
        manager.ahead = [file, 404, 416]
        url = f"{manager.endpoint}/download"
        pieces = [piece async for piece in cluster.storage_stream(url, chunk=1 << 18)]
        assert b"".join(pieces) == content
        assert len(pieces) > 10
        for kind in (NotFound, EmptyRange):
            with pytest.raises(kind):
                await anext(cluster.storage_stream(url, headers={"Range": "bytes=9-"}))

    play(story)


def test_a_profiles_proxy_is_gone_through() -> None:
    """The request arrives there with its whole address, signed for where it goes."""

    async def main() -> None:
        async with fake_manager() as manager:
            seen = []

            async def proxy(request: web.BaseRequest) -> web.Response:
                seen.append(request.raw_path)
                return web.json_response({"version": "v9", "manager": "26.9.6"})

            runner = web.ServerRunner(web.Server(proxy))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            through = f"http://127.0.0.1:{runner.addresses[0][1]}"
            cluster = Cluster(manager.profile(proxy=through), KEYS)
            await cluster.call("GET", "/folders")
            await cluster.aclose()
            await runner.cleanup()
            assert seen == [f"{manager.endpoint}/", f"{manager.endpoint}/folders"]

    asyncio.run(main())


def test_a_proxy_that_is_down_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy may have one in its address."""
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def main() -> str:
        cluster = Cluster(Profile("fake", "http://ai.example.org"), KEYS)
        with pytest.raises(BackendUnreachable) as told:
            await cluster.release()
        await cluster.aclose()
        return told.value.message

    message = asyncio.run(main())
    assert "the proxy http://127.0.0.1:1" in message
    assert "hunter2" not in message


def test_the_environments_proxy_counts_unless_it_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """By scheme; ``NO_PROXY`` names hosts and domains."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example.org:3128")
    monkeypatch.setenv("no_proxy", "localhost,.internal")
    assert proxy_for(URL("https://ai.example.org")) == "http://proxy.example.org:3128"
    assert proxy_for(URL("http://ai.example.org")) is None
    assert proxy_for(URL("https://ai.internal:8090")) is None


def test_a_netrc_does_not_meddle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry for the cluster's host replaces no signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    play(lambda _, cluster: cluster.call("GET", "/folders"))


def test_a_certificate_nobody_vouches_for_is_refused_unless_it_may_be(tmp_path: Path) -> None:
    """Verification is on; a profile can say otherwise."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(["openssl", *words, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> None:
        manager = FakeManager()
        runner = web.ServerRunner(web.Server(manager.answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        endpoint = f"https://localhost:{runner.addresses[0][1]}"
        strict, lax = Cluster(Profile("a", endpoint), KEYS), Cluster(Profile("a", endpoint, verify_tls=False), KEYS)
        with pytest.raises(BackendUnreachable, match="certificate that cannot be trusted: self-signed"):
            await strict.release()
        assert manager.seen == []
        await lax.call("GET", "/folders")
        await strict.aclose()
        await lax.aclose()
        await runner.cleanup()

    asyncio.run(main())
