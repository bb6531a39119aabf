"""``fasttrack services``: what it asks, and what it shows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import NotFound

REPLICA = {"id": "digits-1-0", "status": "RUNNING", "is_healthy": True, "reason": "", "revision": 1,
           "started_at": "2026-03-01T12:00:00Z"}  # fmt: skip
SERVICE = {
    "backend": "local", "name": "digits", "status": "HEALTHY", "reason": "", "endpoint": "http://127.0.0.1:41000/",
    "wanted": 1, "healthy": 1, "model": "digits-v3", "image": None, "is_public": False, "is_ephemeral": False,
    "revision": 2, "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z", "job": "0abc",
    "task": "serve", "pipeline": "digits", "replicas": [REPLICA],
}  # fmt: skip


class FakeServiceClient:
    """Knows some services; remembers what it is asked."""

    def __init__(self, *services: dict[str, Any], **silent: str) -> None:
        self.found, self.silent = list(services), silent
        self.calls: list[tuple[Any, ...]] = []
        self.log = ["one\n", "two\n"]
        self.token = "to ken"

    def services(self, backend: str | None = None) -> Any:
        return {"services": [one for one in self.found if backend in (None, one["backend"])], "silent": self.silent}

    def service(self, backend: str, name: str) -> Any:
        for one in self.found:
            if (one["backend"], one["name"]) == (backend, name):
                return one
        raise NotFound(f"there is no service {name!r}")

    def scale_service(self, backend: str, name: str, replicas: int) -> Any:
        self.calls.append((backend, name, replicas))
        return {**self.service(backend, name), "wanted": replicas}

    def remove_service(self, backend: str, name: str) -> None:
        self.calls.append((backend, name))

    def service_token(self, backend: str, name: str, seconds: float) -> str:
        self.calls.append((backend, name, seconds))
        return self.token

    def service_logs(
        self, backend: str, name: str, *, replica: str | None = None, after: int = 0, limit: int = 0
    ) -> Any:
        self.calls.append((replica, after))
        text = "".join(self.log)
        start = max(len(text) + after, 0) if after < 0 else after
        data = text[start : start + 4]
        end = start + len(data)
        return {"data": data, "start": start, "next": end, "size": len(text), "ended": end == len(text)}

    def close(self) -> None: ...


@pytest.fixture
def client() -> FakeServiceClient:
    """A service, and a cluster that does not answer."""
    return FakeServiceClient(SERVICE, **{"backend.ai": "no answer"})


def test_services_are_listed_with_those_who_do_not_answer(cli: Any) -> None:
    """One line each: how it is, how much of it is healthy, where it answers."""
    result = cli("services")
    assert result.exit_code == 0
    for word in ("digits", "HEALTHY", "1 of 1", "digits-v3", "http://127.0.0.1:41000/"):
        assert word in result.stdout
    assert "backend.ai does not tell of its services: no answer" in result.stderr


def test_why_a_service_is_unhealthy_is_said_below_the_list(cli: Any, client: FakeServiceClient) -> None:
    """As where its record cannot be read."""
    client.found.append({**SERVICE, "name": "words", "status": "UNHEALTHY", "reason": "its record cannot be read"})
    assert "words: its record cannot be read" in cli("services").stderr


def test_a_service_is_shown_with_its_replicas(cli: Any) -> None:
    """Who made it, who may ask it, how its replicas are."""
    result = cli("services", "show", "digits")
    for word in ("by task serve of pipeline digits (job 0abc)", "answers to a token", "digits-1-0", "1 of 1 replicas"):
        assert word in result.stdout
    assert json.loads(cli("services", "show", "digits", "--json").stdout)["revision"] == 2


def test_the_backend_is_found_by_the_services_name(cli: Any, client: FakeServiceClient) -> None:
    """Where one alone has it; else it must be said."""
    assert cli("services", "scale", "digits", "3").exit_code == 0
    assert client.calls == [("local", "digits", 3)]
    client.found.append({**SERVICE, "backend": "backend.ai"})
    result = cli("services", "scale", "digits", "3")
    assert result.exit_code == 2
    assert "local and backend.ai both have a service 'digits'" in result.stderr
    assert cli("services", "scale", "digits", "1", "--backend", "backend.ai").exit_code == 0
    assert client.calls[-1] == ("backend.ai", "digits", 1)


def test_a_name_that_nobody_serves_is_told_with_those_that_are(cli: Any) -> None:
    """Exit 2; a backend that does not answer might have it."""
    result = cli("services", "remove", "digit")
    assert result.exit_code == 2
    assert "there is no service 'digit' (backend.ai does not answer: no answer)" in result.stderr
    assert "there are digits" in result.stderr


def test_a_curl_line_is_ready_to_be_run(cli: Any, client: FakeServiceClient, tmp_path: Path) -> None:
    """By any shell, with a token unless the service is public; the token is no word of a command line."""
    line = cli("services", "curl", "digits", "/predict", "--for", "30m").stdout
    assert client.calls == [("local", "digits", 1800.0)]
    (curl := tmp_path / "curl").write_text('#!/bin/sh\necho "$@"; cat\n')
    curl.chmod(0o755)
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "LINE": line.rstrip()}
    ran = subprocess.run(["sh", "-c", 'eval "$LINE" -d @rows'], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == '-K - http://127.0.0.1:41000/predict -d @rows\nheader = "Authorization: BackendAI to ken"\n'
    client.token = ""
    assert cli("services", "curl", "digits").stdout == "curl http://127.0.0.1:41000/\n"


def test_a_token_is_all_that_is_printed(cli: Any, client: FakeServiceClient) -> None:
    """For $(…); of a public service there is none, and that is said elsewhere."""
    assert cli("services", "token", "digits").stdout == "to ken\n"
    client.token = ""
    result = cli("services", "token", "digits")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "digits is public" in result.stderr


def test_a_log_is_printed_whole_or_its_end(cli: Any, client: FakeServiceClient) -> None:
    """Page by page; following it, one replica is kept to."""
    assert cli("services", "logs", "digits").stdout == "one\ntwo\n"
    assert cli("services", "logs", "digits", "-f").stdout == "one\ntwo\n"
    assert client.calls[-1][0] == "digits-1-0"


def test_a_service_is_removed(cli: Any, client: FakeServiceClient) -> None:
    """Where nobody can be asked, at once."""
    assert cli("services", "remove", "digits").exit_code == 0
    assert client.calls == [("local", "digits")]
