"""What the tests of local services share: a model folder with a tiny server, a house that gives every slot, a load."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionSpec
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.conformance import FOLDER, Reports, session_spec

MODEL = "digits-model"
SERVER = """
import http.server, json, os, sys, time
VERSION = os.environ.get("VERSION", "?")
print("serving", VERSION, "key", os.environ.get("API_KEY", "none"), flush=True)
time.sleep(float(os.environ.get("SLOW_START", "0")))

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/health":
            return self.answer(b"ok", int(os.environ.get("HEALTH", "200")))
        if self.path == "/slow":
            time.sleep(1)
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"one", b"two"):
                self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(part), part))
                self.wfile.flush()
                time.sleep(0.3)
            self.wfile.write(b"0\\r\\n\\r\\n")
            return
        if self.path == "/die":
            os._exit(9)
        told = {"version": VERSION, "auth": self.headers.get("Authorization"), "path": self.path}
        self.answer(json.dumps(told).encode())
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])) + VERSION.encode())

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 256

Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""
DEFINITION: dict[str, Any] = {
    "models": [
        {
            "name": "digits",
            "model_path": "/models",
            "service": {
                "start_command": ["python3", "/models/serve.py", "8000"],
                "port": 8000,
                "health_check": {
                    "enable": True, "path": "/health", "interval": 0.3, "max_retries": 2, "initial_delay": 20,
                },
            },
        }
    ]
}  # fmt: skip


def definition(**service: Any) -> dict[str, Any]:
    """The definition with other values in its service."""
    model = DEFINITION["models"][0]
    return {"models": [{**model, "service": {**model["service"], **service}}]}


def deployment(attempt_id: str, version: str = "1", environ: dict[str, str] | None = None, **service: Any) -> Any:
    """A deployment's attempt; ``service`` are fields of its :class:`ServiceSpec`, or ``secrets``, ``timeout``."""
    more = {name: service.pop(name) for name in ("secrets", "timeout", "image") if name in service}
    fields = {"name": "digits", "model": MODEL, "mount": "/models", "definition": "model-definition.yaml"}
    variables = {"VERSION": version, **(environ or {})}
    spec = ServiceSpec(**{**fields, "is_public": True, **service})
    return session_spec(attempt_id, "", service=spec, environ=variables, **{"timeout": 30.0, **more})


class Desk:
    """A desk with every slot."""

    def __init__(self) -> None:
        self.held: set[str] = set()

    def hold(self, key: str, slots: ResourceSlots) -> None:
        """Always."""
        self.held.add(key)

    async def take(self, key: str, slots: ResourceSlots) -> None:
        """At once."""
        self.held.add(key)

    def why_waiting(self, key: str) -> str:
        """Never."""
        return ""

    def release(self, key: str) -> None:
        """Give back."""
        self.held.discard(key)


class Serving:
    """A backend that serves, and what it reported."""

    def __init__(self, backend: LocalBackend, reports: Reports, desk: Desk) -> None:
        self.backend, self.reports, self.desk = backend, reports, desk

    async def deploy(self, spec: SessionSpec) -> str:
        """Roll out, and the endpoint."""
        await self.backend.submit(spec)
        return await self.deployed(spec.attempt_id)

    async def deployed(self, attempt_id: str) -> str:
        """The endpoint of a rollout that succeeds."""
        report = await self.reports.until(attempt_id, lambda r: r.result != "UNDEFINED")
        assert report.result == "SUCCESS", report
        await self.backend.forget(attempt_id)
        endpoint: str = report.data["values"]["endpoint"]
        return endpoint

    async def until(self, is_so: Callable[[], Any], seconds: float = 20.0) -> None:
        """Wait for it."""
        deadline = time.monotonic() + seconds
        while True:
            found = is_so()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {await self.backend.services()}")
            await asyncio.sleep(0.02)

    async def healthy(self, count: int, name: str = "digits") -> None:
        """Wait until the service has so many healthy replicas, and no others."""

        async def is_so() -> bool:
            info = await self.backend.service(name)
            return info.healthy == count == len(info.replicas)

        await self.until(is_so)

    async def remove(self, name: str = "digits") -> None:
        """Remove the service and wait until it is gone."""
        with contextlib.suppress(NotFound):
            await self.backend.remove_service(name)
        await self.until(lambda: name not in {each.name for each in self.backend._open_services().infos()})


def gateways(home: Path) -> list[int]:
    """The gateway processes of ``home``."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(home) in words and any("services.gateway" in word for word in words):
            found.append(process.pid)
    return found


@asynccontextmanager
async def serving(home: Path, recall: Any = None, mode: str = "auto", cleanly: bool = True) -> AsyncIterator[Serving]:
    """A backend on ``home`` whose services go on; at the end they are removed (``cleanly``), or go on."""
    backend, reports, desk = LocalBackend(LocalSettings(home, mode=mode, grace=2.0)), Reports(), Desk()
    await backend.open(reports)

    async def forgotten(attempt_id: str) -> SessionSpec:
        raise NotFound(f"no job of {attempt_id}")

    backend.begin_serving(desk, recall or forgotten)
    served = Serving(backend, reports, desk)
    try:
        yield served
        if cleanly:
            for info in await backend.services():
                await served.remove(info.name)
            await served.until(lambda: not gateways(home))
            log = home / "services" / "gateway.log"
            assert not log.exists() or log.read_text() == ""
    finally:
        await backend.aclose()


async def fill(backend: LocalBackend, content: Any = None, server: str = SERVER) -> None:
    """Make the model folder."""
    await backend.make_folder(FOLDER, "data")
    await backend.make_folder(MODEL, "model")
    await backend.put_file(MODEL, "serve.py", server.encode())
    await backend.put_file(MODEL, "model-definition.yaml", json.dumps(content or DEFINITION).encode())


def ask(endpoint: str, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
    """One request: ``(status, body)``."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def asked(endpoint: str, path: str = "/", **more: Any) -> Any:
    """The same, beside the loop."""
    return await asyncio.to_thread(lambda: ask(endpoint, path, **more))


class Load:
    """Clients that keep their connections alive and ask without a pause, GET and POST in turn."""

    def __init__(self, endpoint: str, clients: int = 6) -> None:
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._endpoint, self._is_over = endpoint.removeprefix("http://"), threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def versions(self) -> set[str]:
        """Who has answered so far."""
        return set(self.answers)

    def _ask(self) -> None:
        connection, number = http.client.HTTPConnection(self._endpoint, timeout=20), 0
        while not self._is_over.is_set():
            number += 1
            try:
                if number % 2:
                    connection.request("GET", "/predict")
                    answer = connection.getresponse()
                    text = json.loads(answer.read())["version"]
                else:
                    connection.request("POST", "/predict", b"x" * 1000)
                    answer = connection.getresponse()
                    text = answer.read()[1000:].decode()
                if answer.status == 200:
                    self.answers.append(text)
                else:
                    self.failures.append(f"{answer.status}")
            except Exception as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()
