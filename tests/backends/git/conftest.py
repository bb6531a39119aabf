"""A repository with some history, and real servers of it on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.git_http import GitServer, Serve

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


@pytest.fixture
def server(origin: Origin, git_http: Serve) -> Iterator[GitServer]:
    """An HTTP server of the origin's folder that wants Basic auth; its address, and what it saw of it."""
    with git_http(origin.root, TOKEN) as server:
        yield server
