"""The operations below ``/clusters/{backend}``: what reaches the browser, and what comes back."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.engine import clusters as see
from fasttrack_jupyter.engine.spool import Spool
from fasttrack_jupyter.errors import Conflict, Forbidden, NotFound
from fasttrack_jupyter.home import Home

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BACKEND = "backend.ai:work"
FOLDER = see.ClusterFolder(
    name="my data", id="1", host="local:volume1", usage_mode="data", created_at=NOW, permission="rw", is_owner=True,
    owner="me@example.org", project=None,
)  # fmt: skip
SHARE = see.FolderShare(user="you@example.org", permission="ro", is_accepted=False)


class RememberingBrowser:
    """Stands for a cluster: remembers what it is asked, and has one file."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.content = bytes(range(256)) * 4096
        self.fails_after: int | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answers: dict[str, Any] = {
            "folders": [FOLDER], "make_folder": FOLDER, "images": [], "quotas": [], "files": [], "shares": [SHARE],
            "share": [SHARE], "invitations": [], "sessions": see.SessionsPage(total=0, sessions=()), "log": "hello\n",
            "start_app": see.AppAddress(app="ttyd", url="http://127.0.0.1:1/"), "size": len(self.content),
        }  # fmt: skip

        async def answer(*args: Any, **named: Any) -> Any:
            self.calls.append((name, *args, *named.values()))
            return answers.get(name)

        return answer

    async def download(self, folder: str, path: str, start: int) -> AsyncIterator[bytes]:
        self.calls.append(("download", folder, path, start))
        for at in range(start, len(self.content), 100_000):
            if self.fails_after is not None and at >= self.fails_after:
                raise Forbidden("no more")
            yield self.content[at : at + 100_000]

    async def archive(self, folder: str, path: str) -> AsyncIterator[bytes]:
        yield b"PK"
        yield b"rest"

    async def upload(self, folder: str, path: str, source: Path, sent: Callable[[int], None]) -> None:
        sent(1)
        self.calls.append(("upload", folder, path, source.read_bytes()))


@pytest.fixture
def browser(engine: Any, home: Home) -> RememberingBrowser:
    found = RememberingBrowser()

    def cluster(backend: str) -> RememberingBrowser:
        if backend != BACKEND:
            raise Conflict(f"the backend {backend!r} is no cluster")
        return found

    async def cluster_log(backend: str, session: str) -> Any:
        return await cluster(backend).log(session)

    async def cluster_sessions(backend: str, **which: Any) -> Any:
        return await cluster(backend).sessions(**which)

    engine.cluster, engine.cluster_log, engine.spool = cluster, cluster_log, Spool(home.path)
    engine.cluster_sessions = cluster_sessions
    return found


def test_only_clusters_can_be_browsed(browser: RememberingBrowser, client: Client) -> None:
    """The local backend says so."""
    with pytest.raises(Conflict, match="no cluster"):
        client.cluster_folders("local")


def test_names_of_any_kind_reach_the_cluster(browser: RememberingBrowser, client: Client) -> None:
    """Slashes and spaces in folders, paths, sessions and users."""
    client.cluster_files(BACKEND, "my data", "a b/c")
    client.make_cluster_path(BACKEND, "my data", "x/y z")
    client.remove_cluster_path(BACKEND, "my data", "a b/c?.txt")
    client.unshare_folder(BACKEND, "my data", "you+me@example.org")
    client.terminate_session(BACKEND, "p5/session", forced=True)
    assert browser.calls == [
        ("files", "my data", "a b/c"),
        ("make_path", "my data", "x/y z"),
        ("remove_path", "my data", "a b/c?.txt"),
        ("unshare", "my data", "you+me@example.org"),
        ("terminate", "p5/session", True),
    ]


def test_what_is_asked_for_arrives_with_its_types(browser: RememberingBrowser, client: Client) -> None:
    """Words of a query and bodies as models."""
    client.cluster_images(BACKEND, "torch 2", accelerator="cuda", installed=True)
    client.cluster_sessions(BACKEND, live=False, text="p5", limit=7, offset=3)
    client.answer_invitation(BACKEND, "inv", accept=False)
    assert client.share_folder(BACKEND, "d", ["you@example.org"])[0]["is_accepted"] is False
    assert client.make_cluster_folder(BACKEND, "my data", "data")["permission"] == "rw"
    assert client.start_app(BACKEND, "s", "ttyd")["url"] == "http://127.0.0.1:1/"
    assert client.cluster_session_log(BACKEND, "s") == "hello\n"
    assert browser.calls[:3] == [
        ("images", "torch 2", "cuda", True),
        ("sessions", False, "p5", 7, 3),
        ("answer", "inv", False),
    ]


def test_a_file_is_downloaded_whole(browser: RememberingBrowser, client: Client) -> None:
    """Every byte, and a folder as a zip."""
    assert b"".join(client.download_cluster_file(BACKEND, "d", "a/b.bin")) == browser.content
    assert b"".join(client.download_cluster_file(BACKEND, "d", "a", archive=True)) == b"PKrest"


def test_a_range_of_a_file(browser: RememberingBrowser, served: Home) -> None:
    """Just those bytes, as HTTP wants it."""
    status, headers, body = ask(served, "GET", "/folders/d/files/b.bin", headers={"Range": "bytes=250-260"})
    assert (status, body) == (206, browser.content[250:261])
    assert headers["Content-Range"] == f"bytes 250-260/{len(browser.content)}"
    assert ask(served, "GET", "/folders/d/files/b.bin", headers={"Range": "bytes=9999999-"})[0] == 416


def test_a_download_that_fails_is_never_taken_for_whole(browser: RememberingBrowser, client: Client) -> None:
    """Before the first byte it is an error like any other; later it breaks off."""
    browser.fails_after = 0
    with pytest.raises(Forbidden):
        b"".join(client.download_cluster_file(BACKEND, "d", "b.bin"))
    browser.fails_after = 500_000
    with pytest.raises(Exception, match="broke off"):
        b"".join(client.download_cluster_file(BACKEND, "d", "b.bin"))


def test_a_file_of_this_machine_is_uploaded(browser: RememberingBrowser, client: Client, tmp_path: Path) -> None:
    """Its progress comes as lines, the last one says that it is done."""
    (tmp_path / "a.txt").write_text("hello")
    lines = list(client.upload_cluster_file(BACKEND, "d", "x/a.txt", tmp_path / "a.txt"))
    assert lines[-1] == {"sent": 5, "size": 5, "done": True}
    assert browser.calls == [("upload", "d", "x/a.txt", b"hello")]
    with pytest.raises(NotFound):
        list(client.upload_cluster_file(BACKEND, "d", "x", tmp_path / "none"))


def test_parts_that_a_browser_sends_become_a_file(browser: RememberingBrowser, served: Home) -> None:
    """In order, a part twice does no harm, one too early is told where to go on; then nothing is left here."""
    key = "k" * 20
    assert put(served, key, 0, b"hello ") == (200, {"received": 6})
    assert put(served, key, 0, b"hello ") == (200, {"received": 6})
    status, told = put(served, key, 9, b"?")
    assert (status, told["details"]) == (409, {"received": 6})
    assert put(served, key, 6, b"world") == (200, {"received": 11})
    status, _, body = ask(served, "POST", "/folders/d/uploads", body=json.dumps({"path": "w", "key": key}).encode())
    assert (status, json.loads(body.splitlines()[-1])["done"]) == (200, True)
    assert browser.calls == [("upload", "d", "w", b"hello world")]
    assert list((served.path / "uploads").iterdir()) == []


def test_parts_of_which_some_are_missing_are_no_file(browser: RememberingBrowser, served: Home) -> None:
    """Who says how long the whole is hears where to go on; nothing is put into the vfolder."""
    key = "k" * 20
    put(served, key, 0, b"hello ")
    asked = json.dumps({"path": "w", "key": key, "size": 11}).encode()
    status, _, body = ask(served, "POST", "/folders/d/uploads", body=asked)
    assert status == 409
    assert json.loads(body)["details"] == {"received": 6}
    put(served, key, 6, b"world")
    assert ask(served, "POST", "/folders/d/uploads", body=asked)[0] == 200


@pytest.mark.parametrize("key", ["..%2F..%2Fdatabase", "short", "k" * 80])
def test_a_key_is_no_path(browser: RememberingBrowser, served: Home, key: str) -> None:
    """What a browser calls its upload leads nowhere."""
    assert put(served, key, 0, b"x")[0] == 400


@pytest.mark.parametrize("body", [{"path": "w"}, {"path": "w", "key": "k" * 20, "source": "/etc/hostname"}])
def test_an_upload_has_one_source(browser: RememberingBrowser, served: Home, body: dict[str, str]) -> None:
    """A file of this machine or the parts, not both and not neither."""
    assert ask(served, "POST", "/folders/d/uploads", body=json.dumps(body).encode())[0] == 400


def put(home: Home, key: str, offset: int, part: bytes) -> tuple[int, Any]:
    status, _, body = ask(home, "PUT", f"/folders/d/parts/{key}?offset={offset}", body=part)
    return status, json.loads(body)


def ask(
    home: Home, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One call as a browser makes it (through the Jupyter server)."""
    connection = http.client.HTTPConnection("fasttrack", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(home.socket))
    try:
        connection.request(method, f"/v1/clusters/{BACKEND}{path}", body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def test_a_later_part_alone_comes_too_soon(browser: RememberingBrowser, served: Home) -> None:
    """Also where nothing was ever sent: an error with words, from where to begin."""
    status, told = put(served, "k" * 20, 5, b"later")
    assert status == 409
    assert told["details"]["received"] == 0
