"""A repository with some history, and real servers of it on loopback."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOKEN = "s3cret-t0ken"


@dataclass
class Origin:
    """A repository with some history; ``commits`` by the name of what was committed."""

    root: Path
    commits: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.root / "repo.git"

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1", **who}
        argv = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *words]
        done = subprocess.run(
            argv, cwd=cwd or self.root / "work", env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, name: str, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.root / "work" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / "work" / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", name)
        self.commits[name] = self.git("rev-parse", "HEAD")

    def push(self) -> None:
        self.git("push", "--quiet", "--mirror", str(self.path))


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """main (two commits), an annotated tag v1 on the first, a branch feature/new."""
    origin = Origin(tmp_path / "origin")
    (origin.root / "work").mkdir(parents=True)
    origin.git("init", "--quiet")
    origin.commit("first", {"train.py": "print(1)\n", "training/model.py": "x = 1\n"})
    origin.git("tag", "-a", "v1", "-m", "one")
    origin.git("checkout", "--quiet", "-b", "feature/new")
    origin.commit("feature", {"train.py": "print(3)\n"})
    origin.git("checkout", "--quiet", "main")
    origin.commit("second", {"train.py": "print(2)\n"})
    origin.git("init", "--quiet", "--bare", str(origin.path), cwd=origin.root)
    origin.push()
    return origin


@pytest.fixture
def daemon(origin: Origin) -> Iterator[str]:
    """A ``git daemon`` of the origin's folder; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    where = [f"--base-path={origin.root}", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    argv = ["git", "daemon", "--reuseaddr", *where]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
    yield f"git://127.0.0.1:{port}"
    os.killpg(process.pid, 15)
    process.wait(10)


class _Backend(BaseHTTPRequestHandler):
    """``git http-backend`` as CGI, for whoever brings the token."""

    root: Path
    seen: list[str]

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        if base64.b64decode(given.removeprefix("Basic ")).decode().rpartition(":")[2] != TOKEN:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "x",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        """Quiet."""


@pytest.fixture
def server(origin: Origin) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server of the origin's folder that wants Basic auth; its address, and what it saw of it."""
    seen: list[str] = []
    handler = type("Backend", (_Backend,), {"root": origin.root, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", seen
        http.shutdown()
        thread.join()
