"""Clones of Git repositories, whose pipelines are templates."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.server import catalogs
from fasttrack_jupyter.server.git import check_url, name_of, shown

PIPELINE = "name: shared\ntasks:\n- name: a\n  command: echo a\n"
SHAPE = {"code", "message", "hint", "details"}


class Origin:
    """A repository with one pipeline; ``url`` is its address, ``work`` where it is written."""

    def __init__(self, folder: Path) -> None:
        self.work, self.bare = folder / "work", folder / "team.git"
        self.url = f"file://{self.bare}"
        self.work.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("train.fasttrack.yaml", PIPELINE)
        self.git("clone", "--quiet", "--bare", str(self.work), str(self.bare))
        self.git("remote", "add", "origin", str(self.bare))

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.work), "GIT_CONFIG_NOSYSTEM": "1", **who}
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.work, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, path: str, text: str) -> None:
        (self.work / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "a change")

    def push(self, *words: str) -> str:
        self.git("push", "--quiet", *words, "origin", "main")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return Origin(tmp_path / "origin")


async def ask(call: Any, path: str, body: Any = None) -> tuple[int, Any]:
    answer = await call("GET" if body is None else "POST", path, body)
    return answer.code, json.loads(answer.body)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_repository_is_cloned_and_its_pipelines_are_there(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """Whole, without history, below the folder of templates; the list tells what and of when it is."""
    assert await ask(call, "/catalogs") == (200, {"catalogs": []})
    code, made = await ask(call, "/catalogs", {"url": origin.url})
    expected = {
        "path": "templates/team", "url": origin.url, "branch": "main", "commit": origin.git("rev-parse", "HEAD"),
        "is_dirty": False, "problem": None,
    }  # fmt: skip
    assert (code, made) == (200, expected)
    assert await ask(call, "/catalogs") == (200, {"catalogs": [expected]})
    _, files = await ask(call, "/files")
    assert [(file["path"], file["name"]) for file in files["files"]] == [
        ("templates/team/train.fasttrack.yaml", "shared")
    ]
    assert names(jp_root_dir / "templates") == ["team"]


async def test_an_update_brings_what_is_new(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """Several commits later as well; what Jupyter puts beside the files is no change of them."""
    await ask(call, "/catalogs", {"url": origin.url, "folder": "shared things", "name": "팀"})
    for number in range(3):
        origin.commit("train.fasttrack.yaml", PIPELINE + f"# {number}\n")
    newest = origin.push()
    (jp_root_dir / "shared things/팀/.ipynb_checkpoints").mkdir()
    (jp_root_dir / "shared things/팀/.ipynb_checkpoints/x").write_text("x")
    code, told = await ask(call, "/catalogs/update", {"path": "shared things/팀"})
    assert (code, told["commit"], told["is_dirty"]) == (200, newest, False)
    assert (jp_root_dir / "shared things/팀/train.fasttrack.yaml").read_text().endswith("# 2\n")
    code, told = await ask(call, "/catalogs?folder=templates&folder=shared%20things")
    assert [each["commit"] for each in told["catalogs"]] == [newest]


async def test_local_changes_are_never_lost(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """An update is refused in words, and so is one onto a history that was written anew."""
    await ask(call, "/catalogs", {"url": origin.url})
    file = jp_root_dir / "templates/team/train.fasttrack.yaml"
    file.write_text("name: mine\n")
    origin.commit("train.fasttrack.yaml", PIPELINE + "# theirs\n")
    origin.push()
    code, told = await ask(call, "/catalogs/update", {"path": "templates/team"})
    assert (code, told["code"]) == (409, "conflict")
    assert "local changes" in told["message"]
    assert "train.fasttrack.yaml" in told["message"]
    assert file.read_text() == "name: mine\n"
    assert (await ask(call, "/catalogs"))[1]["catalogs"][0]["is_dirty"]
    file.write_text(PIPELINE)
    origin.git("commit", "--quiet", "--amend", "-m", "other")
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    origin.git("commit", "--quiet", "--amend", "-m", "another beginning")
    origin.push("--force")
    code, told = await ask(call, "/catalogs/update", {"path": "templates/team"})
    assert (code, told["code"]) == (409, "conflict")
    assert "different ways" in told["message"]
    assert file.read_text() == PIPELINE


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "--upload-pack=touch x", "-x", "ext::sh -c touch% x", "../elsewhere", "ssh://-oProxyCommand=x/y",
        "https://[", "fd::7", "file:///x\ny", "ftp://host/x", "https://me:hunter2@host/x.git", "https://hunter2@host/x",
        "ssh://git:hunter2@host/x", "https://me:hunter2/2@host/x.git",
    ],
)  # fmt: skip
def test_what_git_shall_not_see_is_refused(url: str) -> None:
    """Options, other transports, and addresses with tokens, of which nothing is told again."""
    with pytest.raises(BadRequest) as caught:
        check_url(url)
    assert "hunter2" not in json.dumps(caught.value.to_dict())


@pytest.mark.parametrize("url", ["https://h/x.git", "git@h:x/y", "ssh://git@h:22/x", "/srv/x", "file:///srv/@x"])
def test_addresses_of_repositories_are_fine(url: str) -> None:
    """Whichever way they are written."""
    check_url(url)


async def test_a_token_in_an_address_is_told_nowhere(
    call: Any, jp_root_dir: Path, jp_logging_stream: Any, caplog: Any
) -> None:
    """Neither in the answer nor in the server's log; and nothing is begun."""
    answer = await call("POST", "/catalogs", {"url": "https://me:hunter2@host/x.git"})
    told = json.loads(answer.body)
    assert (answer.code, told["code"], set(told)) == (400, "bad_request", SHAPE)
    assert "hunter2" not in answer.body.decode() + caplog.text + jp_logging_stream.getvalue()
    assert not (jp_root_dir / "templates").exists()


async def test_a_clone_stays_where_files_are_seen(call: Any, origin: Origin) -> None:
    """Below the contents root, in no hidden folder."""
    for where in ({"folder": "../x"}, {"folder": ""}, {"folder": ".hidden"}, {"name": "a/b"}, {"name": ".."}):
        assert (await ask(call, "/catalogs", {"url": origin.url, **where}))[0] == 400, where
    assert (await ask(call, "/catalogs/update", {"path": "../x"}))[0] == 400
    assert (await ask(call, "/catalogs?folder=../x"))[0] == 400


async def test_a_folder_that_is_taken_stays_as_it_is(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """Even an empty one."""
    (jp_root_dir / "templates/team").mkdir(parents=True)
    code, told = await ask(call, "/catalogs", {"url": origin.url})
    assert (code, told["code"], bool(told["hint"])) == (409, "conflict", True)
    assert (await ask(call, "/catalogs", {"url": origin.url, "name": "other"}))[0] == 200


async def test_what_is_no_clone_cannot_be_updated(call: Any, jp_root_dir: Path) -> None:
    """Also not the repository that the whole workspace may be in."""
    (jp_root_dir / ".git").mkdir()
    (jp_root_dir / "templates/plain").mkdir(parents=True)
    (jp_root_dir / "templates/broken/.git").mkdir(parents=True)
    assert (await ask(call, "/catalogs/update", {"path": "templates/plain"}))[0] == 404
    assert (await ask(call, "/catalogs/update", {"path": "templates/broken"}))[0] == 422
    _, told = await ask(call, "/catalogs")
    assert [(each["path"], bool(each["problem"])) for each in told["catalogs"]] == [("templates/broken", True)]


async def test_what_is_not_there_is_told_and_leaves_nothing(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """With a remedy."""
    code, told = await ask(call, "/catalogs", {"url": f"file://{origin.work.parent}/nothing"})
    assert (code, told["code"], bool(told["hint"])) == (404, "not_found", True)
    assert names(jp_root_dir / "templates") == []


async def test_a_private_repository_asks_nobody(call: Any, origin: Origin, git_http: Any) -> None:
    """It says that it needs authentication, and what to do; it does not wait for a password."""
    with git_http(origin.bare.parent, "s3cret") as server:
        code, told = await ask(call, "/catalogs", {"url": f"{server.address}/team.git"})
    assert (code, told["code"]) == (422, "refused")
    assert "needs authentication" in told["message"]
    assert "credential helper" in told["hint"]


async def test_a_server_that_does_not_answer_is_told(call: Any) -> None:
    """Nothing listens there."""
    code, told = await ask(call, "/catalogs", {"url": "http://127.0.0.1:9/x.git"})
    assert (code, told["code"]) == (503, "backend_unreachable")


async def test_tokens_in_a_clone_made_by_hand_are_not_shown(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """Neither in the list nor when its update fails."""
    await ask(call, "/catalogs", {"url": origin.url})
    clone = jp_root_dir / "templates/team"
    origin.git("remote", "set-url", "origin", "http://me:hunter2@127.0.0.1:9/x.git?token=hunter2", cwd=clone)
    _, told = await ask(call, "/catalogs")
    assert told["catalogs"][0]["url"] == "http://127.0.0.1:9/x.git"
    code, told = await ask(call, "/catalogs/update", {"path": "templates/team"})
    assert code == 503
    assert "hunter2" not in json.dumps(told)


async def test_nothing_of_a_repository_is_run(call: Any, origin: Origin, jp_root_dir: Path) -> None:
    """Neither hooks nor what its configuration calls."""
    await ask(call, "/catalogs", {"url": origin.url})
    clone = jp_root_dir / "templates/team"
    marker = jp_root_dir / "was-run"
    script = jp_root_dir / "script"
    script.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    script.chmod(0o755)
    (clone / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-merge", "pre-merge-commit"):
        (clone / ".git/hooks" / hook).symlink_to(script)
    for key in ("core.fsmonitor", "remote.origin.uploadpack", "core.sshCommand", "merge.verifySignatures"):
        origin.git("config", key, "true" if key.endswith("Signatures") else str(script), cwd=clone)
    origin.commit("train.fasttrack.yaml", PIPELINE + "# new\n")
    origin.push()
    assert (await ask(call, "/catalogs/update", {"path": "templates/team"}))[0] == 200
    await ask(call, "/catalogs")
    assert not marker.exists()


@pytest.fixture
def slow_git(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that takes its time, once there is a repository."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nsleep 30\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


@pytest.mark.usefixtures("slow_git")
async def test_nobody_waits_for_a_slow_clone(
    call: Any, origin: Origin, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other calls are answered, the same clone is not begun twice, and it ends in time, without leaving anything."""
    monkeypatch.setattr(catalogs, "CLONE_S", 2.0)
    begun = time.monotonic()
    first = asyncio.ensure_future(ask(call, "/catalogs", {"url": origin.url}))
    while not (jp_root_dir / "templates").exists():
        assert (await ask(call, "/info"))[0] == 200
    assert (await ask(call, "/catalogs", {"url": origin.url}))[0] == 409
    code, told = await first
    assert (code, told["code"], "within 2 seconds" in told["message"]) == (503, "backend_unreachable", True)
    assert time.monotonic() - begun < 20
    assert names(jp_root_dir / "templates") == []


async def test_a_machine_without_git_says_so(call: Any, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to do."""
    monkeypatch.setenv("PATH", "/nowhere")
    code, told = await ask(call, "/catalogs", {"url": origin.url})
    assert (code, told["message"], "Install git" in told["hint"]) == (422, "git is not installed", True)


async def test_contents_elsewhere_have_no_catalogs(origin: Origin) -> None:
    """A bucket holds no clone."""
    keeper = catalogs.CatalogKeeper(None)
    assert (await keeper.all(["templates"])).catalogs == ()
    with pytest.raises(catalogs.Refused, match="not on its own disk"):
        await keeper.update("templates/team")


def test_names_and_addresses_as_they_are_shown() -> None:
    """The last word of an address; never who may open it."""
    assert [name_of(url) for url in ("https://h/a/b.git/", "git@h:x", "/srv/git/팀.git", "file:///", "git@h:a/..")] == [
        "b", "x", "팀", "repository", "repository",
    ]  # fmt: skip
    assert shown("ssh://me:pw@h:22/x?y=z#w") == "ssh://h:22/x"
    assert shown("git@host:x") == "git@host:x"
