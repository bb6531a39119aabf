"""A real Jupyter server with the extension, and a real engine that the tests of one process share."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403  (its fixtures, for this folder alone)
from tornado.httpclient import HTTPResponse

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.home import Home

Call = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture(scope="session")
def fresh_home() -> Iterator[Callable[[], Path]]:
    """Makes homes whose path is short enough for a socket; all are put away at the end, when no server is left."""
    homes: list[Path] = []

    def make() -> Path:
        homes.append(Path(tempfile.mkdtemp(prefix="ft")))
        return homes[-1]

    yield make
    for folder in homes:
        with Client(Home(folder), start=False, timeout=20) as client:
            client.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_home(fresh_home: Callable[[], Path]) -> Path:
    """A home whose engine is started once."""
    return fresh_home()


@pytest.fixture
def own_home(fresh_home: Callable[[], Path]) -> Path:
    """A home for one test, which may do to its engine what it likes."""
    return fresh_home()


@pytest.fixture
def home(shared_home: Path) -> Path:
    """The home that the server is given; to be overridden by tests that need their own."""
    return shared_home


@pytest.fixture
def jp_server_config(home: Path) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"fasttrack_jupyter": True}},
        "FastTrackApp": {"home": str(home)},
    }


@pytest.fixture
def call(http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]) -> Call:
    """``await call("GET", "/jobs")``: one request below ``fasttrack``, quoted already; errors are answers."""

    def ask(method: str, path: str, data: Any = None, *, headers: Any = None, body: Any = None, **how: Any) -> Any:
        if data is not None:
            body = json.dumps(data)
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = ""
        return http_server_client.fetch(
            f"{jp_base_url}fasttrack{path}",
            method=method,
            headers=jp_auth_header if headers is None else headers,
            body=body,
            raise_error=False,
            request_timeout=60,
            allow_nonstandard_methods=True,
            **how,
        )

    return ask


@pytest.fixture
def port(http_server_client: Any) -> int:
    """Where the server listens, on loopback."""
    return int(http_server_client.get_http_port())
