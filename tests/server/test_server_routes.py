"""Every route of the server asks who calls, and whether he may."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.iostream import StreamClosedError

from fasttrack_jupyter.api.paths import OPERATIONS, Operation
from fasttrack_jupyter.server import handlers, own
from fasttrack_jupyter.server.own import OWN

FORWARDED = [each for each in OPERATIONS if each.is_forwarded]
ALL = [*FORWARDED, *(each.operation for _, rows in OWN for each in rows)]


class Denying(Authorizer):
    """Lets nobody do anything, and remembers what was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012  (traitlets has its own idea of class attributes)

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        Denying.asked.append((action, resource))
        return False


class NoContents(Authorizer):
    """Lets everybody do everything but with contents."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "contents"


def _example(operation: Operation) -> str:
    """A path of that operation."""
    return re.sub(r"{(\w+)\*?}", "x.fasttrack.yaml", operation.path)


def _shape(body: bytes) -> set[str]:
    return set(json.loads(body))


SHAPE = {"code", "message", "hint", "details"}


async def test_nobody_gets_in_without_logging_in(call: Any) -> None:
    """Every route refuses who shows no token, in our shape of an error."""
    answers = {each.name: await call(each.method, _example(each), headers={"X": "y"}) for each in ALL}
    assert {name: answer.code for name, answer in answers.items() if answer.code not in (401, 403)} == {}
    assert {name for name, answer in answers.items() if _shape(answer.body) != SHAPE} == set()


async def test_a_wrong_token_gets_nobody_in(call: Any) -> None:
    """Every route refuses it."""
    wrong = {"Authorization": "token wrong"}
    codes = {each.name: (await call(each.method, _example(each), headers=wrong)).code for each in ALL}
    assert set(codes.values()) == {403}


class TestWithAnAuthorizerThatDenies:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        jp_server_config["ServerApp"]["authorizer_class"] = Denying
        return jp_server_config

    async def test_every_route_asks_for_its_action(self, call: Any) -> None:
        """And refuses, whatever else is wrong with the call."""
        for each in ALL:
            Denying.asked.clear()
            answer = await call(each.method, _example(each))
            assert (answer.code, Denying.asked, _shape(answer.body)) == (403, [(each.action, "fasttrack")], SHAPE), each


class TestWithoutContents:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        jp_server_config["ServerApp"]["authorizer_class"] = NoContents
        return jp_server_config

    async def test_pipeline_files_need_jupyters_permission_for_contents_too(self, call: Any) -> None:
        """What the file browser may not do, these routes may not either."""
        assert [(await call(method, "/files/a.fasttrack.yaml")).code for method in ("GET", "PUT", "DELETE")] == [
            403
        ] * 3


async def test_a_cookie_alone_changes_nothing(call: Any, jp_serverapp: Any, http_server_client: Any) -> None:
    """A page elsewhere can make a browser send the cookie, but not the XSRF header."""
    base = jp_serverapp.base_url
    token = jp_serverapp.identity_provider.token
    login = await http_server_client.fetch(f"{base}api/me?token={token}", raise_error=False)
    page = await http_server_client.fetch(f"{base}login")
    cookies = "; ".join(filter(None, (_cookies(login), _cookies(page))))
    xsrf = re.search(r"_xsrf=([^;]+)", cookies)
    assert xsrf, cookies
    assert (await call("GET", "/jobs", headers={"Cookie": cookies})).code == 200
    for each in ALL:
        if each.method != "GET":
            refused = await call(each.method, _example(each), headers={"Cookie": cookies})
            assert (refused.code, "_xsrf" in json.loads(refused.body)["message"]) == (403, True), each
    sent = {"Cookie": cookies, "X-XSRFToken": xsrf[1]}
    assert (await call("POST", "/validate", {"text": "name: x"}, headers=sent)).code == 200


def _cookies(response: Any) -> str:
    return "; ".join(each.split(";")[0] for each in response.headers.get_list("Set-Cookie"))


async def test_what_is_not_there_is_told_so(call: Any) -> None:
    """Unknown paths, unknown methods, and what the server keeps to itself."""
    for method, path, code, name in (
        ("GET", "", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/shutdown", 404, "not_found"),
        ("GET", "/jobs/no-such-job", 404, "not_found"),
        ("DELETE", "/slots", 405, "method_not_allowed"),
        ("HEAD", "/slots", 405, None),
        ("GET", "/jobs/%ff", 400, "bad_request"),
        ("GET", "/jobs/%zz", 400, "bad_request"),
        ("GET", "/jobs/%2e%2e/text", 400, "bad_request"),
    ):
        answer = await call(method, path, {} if method == "POST" else None)
        assert answer.code == code, (path, answer.body)
        if name:
            assert _shape(answer.body) == SHAPE
            assert json.loads(answer.body)["code"] == name


@pytest.mark.parametrize("path", ["/jobs/delete#/rerun/plan", "/jobs/a\\b/rerun/plan"])
async def test_a_path_is_for_the_engine_what_was_allowed(
    path: str, http_server: Any, jp_http_port: int, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    """Characters at which others would cut the path are refused: no client sends them, so they are sent by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    head = (f"{name}: {value}" for name, value in {**jp_auth_header, "Host": "localhost", "Content-Length": 12}.items())
    writer.write("\r\n".join([f"POST {jp_base_url}fasttrack{path} HTTP/1.0", *head, "", '{"jobs": []}']).encode())
    status = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    assert b" 400 " in status


async def test_words_stand_before_what_stands_for_any_word(call: Any) -> None:
    """``/jobs/counts`` is no job."""
    assert (await call("GET", "/jobs/counts")).code == 200


async def test_jupyters_words_of_a_query_do_not_reach_the_engine(call: Any, jp_serverapp: Any) -> None:
    """JupyterLab adds a number against caches, and tokens may come in the address."""
    answer = await call(
        "GET", f"/jobs?limit=3&1732266000000&token={jp_serverapp.identity_provider.token}&no_track_activity=1&_xsrf=2"
    )
    assert answer.code == 200, answer.body


async def test_the_description_holds_every_route(call: Any, jp_base_url: str) -> None:
    """Under this server's address, and every reference leads somewhere."""
    document = json.loads((await call("GET", "/openapi.json")).body)
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert described == {(each.path.replace("*}", "}"), each.method) for each in ALL}
    assert document["servers"] == [{"url": f"{jp_base_url}fasttrack"}]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


class TestUnderAnotherAddress:
    @pytest.fixture
    def jp_base_url(self) -> str:
        return "/user/fasttrack/"

    async def test_everything_is_below_it(self, call: Any) -> None:
        """Behind JupyterHub, even for a user of that name."""
        assert (await call("GET", "/jobs")).code == 200
        assert json.loads((await call("GET", "/openapi.json")).body)["servers"] == [
            {"url": "/user/fasttrack/fasttrack"}
        ]


@pytest.mark.parametrize("module", [handlers, own], ids=lambda module: module.__name__)
def test_handlers_contain_no_try(module: Any) -> None:
    """What goes wrong becomes an answer in one place."""
    assert not [node for node in ast.walk(ast.parse(Path(module.__file__).read_text())) if isinstance(node, ast.Try)]


async def test_a_method_that_is_not_there_names_those_that_are(call: Any) -> None:
    """405 with ``Allow``, as HTTP wants it."""
    answer = await call("DELETE", "/jobs")
    assert answer.code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


async def test_a_body_that_is_too_large_is_refused_and_not_kept(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, whoever was to have it; one that is just small enough arrives."""
    monkeypatch.setattr(handlers, "MAX_BODY", 1000)
    for method, path in (("POST", "/validate"), ("PUT", "/files/large.fasttrack.yaml")):
        answer = await call(method, path, {"text": "x" * 1000})
        assert (answer.code, _shape(answer.body)) == (413, SHAPE)
    assert (await call("POST", "/validate", {"text": "x" * 900})).code == 200


async def test_a_browser_that_leaves_while_it_is_answered_is_no_error(
    call: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server finds the connection closed before it hears of that: its log tells of no exception."""

    async def flush(self: handlers.ForwardHandler, include_footers: bool = False) -> None:
        monkeypatch.undo()
        raise StreamClosedError

    monkeypatch.setattr(handlers.ForwardHandler, "flush", flush)
    await call("GET", "/jobs")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
