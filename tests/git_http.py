"""A Git server over HTTP on loopback, for whoever brings the token: ``git http-backend`` as CGI behind Basic auth.

Not a test module: a plugin of pytest that tests/conftest.py loads; tests use its fixture ``git_http``.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest


class GitServer(NamedTuple):
    """``address`` has no slash at its end; ``seen`` are the Authorization headers of all requests so far."""

    address: str
    seen: list[str]


Serve = Callable[[Path, str], AbstractContextManager[GitServer]]


@pytest.fixture
def git_http() -> Serve:
    """``git_http(folder of repositories, token)``: a context in which it is served."""
    return serve


@contextmanager
def serve(root: Path, token: str) -> Iterator[GitServer]:
    """Serve the repositories below ``root``."""
    seen: list[str] = []
    handler = type("Handler", (_Handler,), {"root": root, "token": token, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield GitServer(f"http://127.0.0.1:{http.server_address[1]}", seen)
        finally:
            http.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    root: Path
    token: str
    seen: list[str]

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        if base64.b64decode(given.removeprefix("Basic ")).decode().rpartition(":")[2] != self.token:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=self._environ(body), capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _environ(self, body: bytes) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "x",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "HOME": str(self.root),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip

    def log_message(self, *words: object) -> None:
        """Quiet."""
