"""Where a task's code and its environment come from, through ``fasttrack run``: real Git servers, real builds."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Place
    from tests.git_http import Serve

TOKEN = "s3cret-t0ken-of-git"


def fasttrack(place: Place, folder: Path, *words: str, status: int = 0) -> Any:
    """What a command prints with ``--json``."""
    argv = [sys.executable, "-m", "fasttrack_jupyter.cli", *words, "--json"]
    environ = {**os.environ, **place.environ}
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def write_pipeline(folder: Path, **task: Any) -> str:
    """A pipeline of one task ``t``; its file's name."""
    (folder / "p.fasttrack.yaml").write_text(json.dumps({"name": "sourced", "tasks": [{"name": "t", **task}]}))
    return "p.fasttrack.yaml"


# ---------------------------------------------------------------- Git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """``<root>/repo.git`` with two commits, the first one tagged v1, and a folder ``part``."""
    root = tmp_path / "origin"
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **who}
    work = root / "work"

    def git(*words: str, cwd: Path = work) -> None:
        subprocess.run(["git", "-c", "init.defaultBranch=main", *words], cwd=cwd, env=environ, check=True)

    (work / "part").mkdir(parents=True)
    git("init", "--quiet")
    for number in (1, 2):
        (work / "train.sh").write_text(f"echo version {number}\n")
        (work / "part" / "only.sh").write_text(f"echo part {number}\n")
        git("add", "--all")
        git("commit", "--quiet", "-m", f"version {number}")
        git(*(["tag", "v1"] if number == 1 else ["status", "--short"]))
    git("clone", "--quiet", "--bare", str(work), str(root / "repo.git"), cwd=root)
    return root


def commit_of(root: Path, ref: str) -> str:
    """The commit that a ref names."""
    argv = ["git", "-C", str(root / "repo.git"), "rev-parse", f"{ref}^{{commit}}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def daemon(repository: Path) -> Iterator[str]:
    """A ``git daemon`` on loopback; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    argv = ["git", "daemon", "--reuseaddr", f"--base-path={repository}", "--export-all", "--listen=127.0.0.1"]
    process = subprocess.Popen(
        [*argv, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            break
    yield f"git://127.0.0.1:{port}/repo.git"
    os.killpg(process.pid, 15)
    process.wait(10)


@pytest.fixture
def guarded(repository: Path, git_http: Serve) -> Iterator[str]:
    """An HTTP server that wants the token; the repository's address there."""
    with git_http(repository, TOKEN) as server:
        yield f"{server.address}/repo.git"


def test_a_task_from_git_runs_a_commit_that_is_on_record(
    place: Place, repository: Path, daemon: str, tmp_path: Path
) -> None:
    """By branch, tag, commit and folder: its code is the working directory's, its commit is in the attempt's data."""
    for uri, ref, said in (
        (daemon, "main", "version 2"), (f"{daemon}@v1", "v1", "version 1"), (f"{daemon}@main#part", "main", "part 2"),
        (f"{daemon}@{commit_of(repository, 'v1')}", "v1", "version 1"),
    ):  # fmt: skip
        file = write_pipeline(tmp_path, type="git", module_uri=uri, command="sh only.sh 2>/dev/null || sh train.sh")
        job = fasttrack(place, tmp_path, "run", file)
        assert job["result"] == "SUCCESS", place.log(job["id"])
        assert place.log(job["id"]).strip() == said
        [attempt] = place.client.attempts(job["id"])
        assert attempt["data"]["commit"] == commit_of(repository, ref)


def test_code_from_git_is_cached_and_read_only(place: Place, repository: Path, daemon: str, tmp_path: Path) -> None:
    """The second task needs no server; with private mounts, what a task does to its code no other sees."""
    uri = f"{daemon}@{commit_of(repository, 'main')}"
    spoil = "sh train.sh"
    if place.mode == "namespaces":
        spoil += "; echo spoilt > train.sh; rm -f /pipeline/code/train.sh; rm -rf /pipeline/code; true"
    first = fasttrack(place, tmp_path, "run", write_pipeline(tmp_path, type="git", module_uri=uri, command=spoil))
    (repository / "repo.git").rename(repository / "gone.git")
    again = write_pipeline(tmp_path, type="git", module_uri=uri, command="sh train.sh")
    second = fasttrack(place, tmp_path, "run", again)
    assert second["result"] == "SUCCESS", second["tasks"]
    assert place.log(second["id"]) == "version 2\n"
    assert first["tasks"][0]["status"] == "TERMINATED"


def test_a_token_for_git_is_seen_nowhere(
    new_place: Callable[..., Place], repository: Path, guarded: str, tmp_path: Path
) -> None:
    """From a secret to the server: not in the store, the log, the cache, the events or any command line."""
    place = new_place("folders")
    place.client.set_secret("GIT_TOKEN", TOKEN)
    envs = {"environment": {"envs": {"GIT_TOKEN": "${{ secrets.GIT_TOKEN }}"}}}
    job = fasttrack(place, tmp_path, "run", write_pipeline(
        tmp_path, type="git", module_uri=f"{guarded}@main", command="sh train.sh", **envs
    ))  # fmt: skip
    assert place.log(job["id"]) == "version 2\n"
    said = [place.client.events(0, limit=1000), place.client.job(job["id"]), place.client.attempts(job["id"])]
    assert TOKEN not in json.dumps(said)
    basic = base64.b64encode(f"x:{TOKEN}".encode())[4:-4]
    for path in place.home.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "secrets.json":
            data = b""
            with contextlib.suppress(FileNotFoundError):  # a working folder that is removed just now
                data = path.read_bytes()
            assert TOKEN.encode() not in data, path
            assert basic not in data, path


@pytest.mark.parametrize("ref", ["no-such-branch", "0" * 40])
def test_a_commit_that_is_not_there_is_said_so(place: Place, daemon: str, tmp_path: Path, ref: str) -> None:
    """The task ends in ERROR, with the name of what was looked for, and is not tried again."""
    file = write_pipeline(
        tmp_path, type="git", module_uri=f"{daemon}@{ref}", command="true", retry={"max_attempts": 3, "delay": 0}
    )
    job = fasttrack(place, tmp_path, "run", file, status=1)
    [task] = job["tasks"]
    assert (task["status"], task["result"], task["attempts"]) == ("ERROR", "FAILURE", 1)
    assert ref in task["reason"]


# ---------------------------------------------------------------- environments


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one tiny package in two versions, which is all that there is to install from."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        info = f"ftthing-{version}.dist-info"
        with zipfile.ZipFile(wheels / f"ftthing-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("ftthing.py", f"version = {version!r}\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: ftthing\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", f"ftthing.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    for name, value in {**settings, "UV_CACHE_DIR": str(tmp_path / "uv-cache"), "UV_HTTP_RETRIES": "0"}.items():
        monkeypatch.setenv(name, value)
    return wheels


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_an_environment_is_built_once_and_used_by_all(
    new_place: Callable[..., Place], offline: Path, tmp_path: Path, mode: str
) -> None:
    """Three tasks at once want it: one build; a later job, and a later engine, need no package index any more."""
    place = new_place(mode)
    say = "python -c 'import ftthing, sys; print(ftthing.version, sys.prefix)'"
    tasks = [{"name": f"t{i}", "command": say, "environment": {"image": "uv:ftthing==1.0"}} for i in range(3)]
    job = place.run(*tasks, name="built")
    assert job["result"] == "SUCCESS", [place.log(job["id"], f"t{i}") for i in range(3)]
    [(version, prefix)] = {tuple(place.log(job["id"], f"t{i}").split()) for i in range(3)}
    assert version == "1.0"
    assert prefix.startswith(str(place.home / "environments"))
    events = place.client.events(0, job=job["id"], limit=1000)["events"]
    assert "BUILDING" in {event["status"] for event in events}
    for wheel in offline.iterdir():
        wheel.unlink()
    place.kill_engine()
    again = place.run(*tasks, name="built")
    assert again["result"] == "SUCCESS"
    events = place.client.events(0, job=again["id"], limit=1000)["events"]
    assert "BUILDING" not in {event["status"] for event in events}


@pytest.mark.usefixtures("offline")
def test_different_requirements_are_different_environments(new_place: Callable[..., Place]) -> None:
    """Side by side in one job; and none is ever taken for the other."""
    place = new_place("folders")
    say = "python -c 'import ftthing; print(ftthing.version)'"
    job = place.run(
        *({"name": f"v{n}", "command": say, "environment": {"image": f"uv:ftthing=={n}.0"}} for n in (1, 2))
    )
    assert [place.log(job["id"], f"v{n}") for n in (1, 2)] == ["1.0\n", "2.0\n"]


@pytest.mark.usefixtures("offline")
def test_a_package_that_is_not_there_is_said_so(new_place: Callable[..., Place]) -> None:
    """The task fails with uv's own words; nothing else is put in its place, and nothing half built stays."""
    place = new_place("folders")
    job = place.run({"name": "t", "command": "true", "environment": {"image": "uv:no-such-thing-as-this"}})
    [task] = job["tasks"]
    assert (task["status"], task["result"]) == ("ERROR", "FAILURE")
    assert "no-such-thing-as-this" in task["reason"]
    assert [path.name for path in (place.home / "environments").iterdir() if (path / ".ok").exists()] == []


@pytest.mark.usefixtures("offline")
def test_a_build_that_is_killed_with_the_engine_is_begun_again(new_place: Callable[..., Place]) -> None:
    """The next engine builds it whole; the task runs once."""
    place = new_place("folders")
    say = "python -c 'import ftthing; print(ftthing.version)'; echo ran >> /pipeline/vfroot/ran"
    job = place.start({"name": "t", "command": say, "environment": {"image": "uv:ftthing"}})
    place.kill_engine()
    ended = place.ended(job)
    assert (ended["result"], place.log(job)) == ("SUCCESS", "2.0\n"), ended["tasks"]
    assert (place.home / "folders" / ended["folder"] / ".pipeline/ran").read_text() == "ran\n"


def test_an_image_that_nothing_resolves_is_refused_where_that_is_wished(new_place: Callable[..., Place]) -> None:
    """Policy strict: no job; else this interpreter, with a warning on the instance."""
    place = new_place("folders", LOCAL_IMAGE_POLICY="strict")
    task = {"name": "t", "command": "true", "environment": {"image": "cr.example.org/no/such:image"}}
    with pytest.raises(Exception, match="no/such:image"):
        place.start(task)
    loose = new_place("folders", LOCAL_IMAGE_POLICY="current")
    job = loose.run(task)
    assert job["result"] == "SUCCESS"
    assert any("no/such:image" in note for note in job["tasks"][0]["notes"])
