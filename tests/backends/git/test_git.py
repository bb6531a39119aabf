"""Code from Git, fetched from real servers on loopback: ``git daemon``, and ``git http-backend`` behind Basic auth."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import git
from fasttrack_jupyter.engine.ports import GitSource
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, SessionRejected
from fasttrack_jupyter.model.module_uri import parse_module_uri

TOKEN = "s3cret-t0ken"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git on this machine")


def nothing(words: str) -> None:
    """Nobody listens."""


def fetched(uri: str, cache: Path, *, commit: str | None = None, **credentials: str) -> tuple[Path, str]:
    source = GitSource(*parse_module_uri(uri), **credentials)
    return asyncio.run(git.fetch(source, cache, nothing, commit=commit))


# ---------------------------------------------------------------- which commit, which folder


def test_default_branch_is_fetched(origin: Any, tmp_path: Path) -> None:
    """Without a ref the code is that of the repository's HEAD, and the commit comes back."""
    tree, commit = fetched(str(origin.path), tmp_path / "cache")
    assert (commit, (tree / "train.py").read_text()) == (origin.commits["second"], "print(2)\n")


@pytest.mark.parametrize(("ref", "name"), [("v1", "first"), ("feature/new", "feature"), ("main", "second")])
def test_tags_and_branches_lead_to_their_commit(origin: Any, tmp_path: Path, ref: str, name: str) -> None:
    """Annotated tags lead to the commit and not to the tag; branches may hold slashes."""
    assert fetched(f"{origin.path}@{ref}", tmp_path / "cache")[1] == origin.commits[name]


def test_commit_ids_are_refs_whole_or_short(origin: Any, tmp_path: Path) -> None:
    """A commit that no branch ends in is found by its id, and by the beginning of it."""
    first = origin.commits["first"]
    assert fetched(f"{origin.path}@{first}", tmp_path / "a")[1] == first
    assert fetched(f"{origin.path}@{first[:10]}", tmp_path / "b")[1] == first


def test_tag_wins_over_branch_of_the_same_name(origin: Any, tmp_path: Path) -> None:
    """As in git itself."""
    origin.git("branch", "v1", origin.commits["second"])
    origin.push()
    assert fetched(f"{origin.path}@v1", tmp_path / "cache")[1] == origin.commits["first"]


def test_subfolder_is_what_comes_back(origin: Any, tmp_path: Path) -> None:
    """``#training`` is the folder of that name in the checkout."""
    tree, _ = fetched(f"{origin.path}@v1#training", tmp_path / "cache")
    assert [path.name for path in tree.iterdir()] == ["model.py"]


def test_missing_ref_is_named(origin: Any, tmp_path: Path) -> None:
    """A ref that is not there is refused with its name and the repository's."""
    with pytest.raises(SessionRejected, match=r"repo\.git has no branch, tag or commit 'nope'"):
        fetched(f"{origin.path}@nope", tmp_path / "cache")


def test_missing_commit_is_named(origin: Any, tmp_path: Path) -> None:
    """A commit id that the repository does not have is refused."""
    with pytest.raises(SessionRejected, match="has no commit 0123456789"):
        fetched(f"{origin.path}@{'0123456789' * 4}", tmp_path / "cache")


def test_missing_subfolder_is_named(origin: Any, tmp_path: Path) -> None:
    """A folder that the commit does not have is refused."""
    with pytest.raises(SessionRejected, match="no folder 'nope'"):
        fetched(f"{origin.path}#nope", tmp_path / "cache")


def test_subfolder_that_is_a_link_out_of_the_repository_is_refused(origin: Any, tmp_path: Path) -> None:
    """A symlink in the repository does not lead a session elsewhere."""
    (origin.root / "work" / "out").symlink_to("/etc")
    origin.commit("link", {})
    origin.push()
    with pytest.raises(SessionRejected, match="no folder 'out'"):
        fetched(f"{origin.path}#out", tmp_path / "cache")


def test_empty_repository_says_so(origin: Any, tmp_path: Path) -> None:
    """A repository without a commit is refused with a remedy."""
    origin.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"), cwd=tmp_path)
    with pytest.raises(SessionRejected) as caught:
        fetched(str(tmp_path / "empty.git"), tmp_path / "cache")
    assert "empty" in caught.value.hint


# ---------------------------------------------------------------- the cache


def test_recorded_commit_needs_no_server(origin: Any, tmp_path: Path) -> None:
    """A retry with the recorded commit gets the same code although the branch moved on and the server is gone."""
    tree, commit = fetched(f"{origin.path}@main", tmp_path / "cache")
    kept = tmp_path / "moved.git"
    origin.path.rename(kept)
    origin.path.mkdir()
    assert fetched(f"{origin.path}@main", tmp_path / "cache", commit=commit) == (tree, commit)


def test_checkout_cannot_be_written(origin: Any, tmp_path: Path) -> None:
    """Neither files nor folders of a shared checkout are writable."""
    tree, _ = fetched(str(origin.path), tmp_path / "cache")
    modes = [path.stat().st_mode & 0o222 for path in (tree, *tree.rglob("*"))]
    assert modes == [0] * len(modes)


def test_ruin_of_an_interrupted_checkout_is_cleared(origin: Any, tmp_path: Path) -> None:
    """What a killed engine left half made does not count, and is not in the way."""
    tree, commit = fetched(str(origin.path), tmp_path / "cache")
    tree.chmod(0o755)
    (tree / "train.py").unlink()
    tree.rename(tree.with_name(f"making-{commit}"))
    again, _ = fetched(str(origin.path), tmp_path / "cache")
    assert (again / "train.py").exists()


def test_many_at_once_fetch_once(origin: Any, tmp_path: Path) -> None:
    """Eight sessions of one source at once share one fetch and one checkout."""

    async def all_at_once() -> tuple[set[tuple[Path, str]], list[str]]:
        said: list[str] = []
        source = GitSource(str(origin.path), "main")
        found = await asyncio.gather(*(git.fetch(source, tmp_path / "cache", said.append) for _ in range(8)))
        return set(found), said

    found, said = asyncio.run(all_at_once())
    assert len(found) == 1
    assert sum(words.startswith("fetching") for words in said) == 1


def test_unused_checkouts_are_removed(origin: Any, tmp_path: Path) -> None:
    """gc keeps the commits in use; when none of a repository is left, its objects go too."""
    cache = tmp_path / "cache"
    first, commit = fetched(f"{origin.path}@v1", cache)
    second, _ = fetched(f"{origin.path}@main", cache)
    assert git.remove_unused(cache, {commit}) > 0
    assert first.exists()
    assert not second.exists()
    git.remove_unused(cache, set())
    assert not list(cache.glob("*/repo.git"))


# ---------------------------------------------------------------- submodules


def test_submodules_are_part_of_the_code(origin: Any, tmp_path: Path) -> None:
    """A submodule with a relative address is fetched at its recorded commit."""
    other = tmp_path / "origin" / "lib"
    origin.git("clone", "--quiet", str(origin.path), str(other), cwd=origin.root)
    origin.git("submodule", "--quiet", "add", "--name", "lib", str(other), "deps/lib")
    modules = origin.root / "work" / ".gitmodules"
    modules.write_text(modules.read_text().replace(str(other), "../lib"))
    origin.commit("with lib", {})
    origin.push()
    tree, _ = fetched(str(origin.path), tmp_path / "cache")
    assert (tree / "deps/lib/train.py").read_text() == "print(2)\n"


def test_hooks_of_templates_do_not_run(origin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that the user's own templates would put into every clone is not run for a session's code."""
    hook = tmp_path / "template" / "hooks" / "post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[init]\ntemplateDir = {tmp_path}/template\n[core]\nhooksPath = {hook.parent}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    fetched(str(origin.path), tmp_path / "cache")
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- before a server is asked


def test_check_finds_what_needs_no_server(tmp_path: Path) -> None:
    """A local repository that is not there is a problem before the job starts; a remote one is not looked for."""
    problem = git.check_source(GitSource(str(tmp_path / "nope.git")))
    assert problem is not None
    assert "nope.git" in problem.message
    assert git.check_source(GitSource("https://git.example.org/group/repo.git", "main")) is None


def test_token_is_not_sent_in_the_open() -> None:
    """A token and plain http to another machine do not go together; loopback is no network."""
    problem = git.check_source(GitSource("http://git.example.org/repo", token=TOKEN))
    assert problem is not None
    assert problem.hint == "use https"
    assert git.check_source(GitSource("http://127.0.0.1:8000/repo", token=TOKEN)) is None


@pytest.mark.parametrize("url", ["--upload-pack=touch /tmp/x", "ext::sh -c touch", "-oProxyCommand=x:repo"])
def test_addresses_that_would_run_something_are_refused(url: str, tmp_path: Path) -> None:
    """What git would take for an option or for a command never reaches it."""
    with pytest.raises(BadRequest):
        asyncio.run(git.fetch(GitSource(url), tmp_path, nothing))


def test_no_git_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git gets that as the problem, with the remedy."""
    monkeypatch.setenv("PATH", "/nowhere")
    problem = git.check_source(GitSource("https://git.example.org/group/repo.git"))
    assert problem is not None
    assert (problem.message.startswith("git is not installed"), problem.hint) == (True, "install git")


# ---------------------------------------------------------------- git://


def test_git_daemon_serves_refs_and_commits(origin: Any, daemon: str, tmp_path: Path) -> None:
    """A ref, and then a bare commit id, from a real git daemon."""
    first = origin.commits["first"]
    assert fetched(f"{daemon}/repo.git@feature/new", tmp_path / "a")[1] == origin.commits["feature"]
    assert fetched(f"{daemon}/repo.git@{first}", tmp_path / "b")[1] == first


def test_server_that_gives_no_commits_by_id_gives_its_history(
    origin: Any, daemon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a commit cannot be asked for by id (the old protocol), the whole history is fetched and has it."""
    config = tmp_path / "config"
    config.write_text("[protocol]\nversion = 0\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert fetched(f"{daemon}/repo.git@{origin.commits['first']}", tmp_path / "c")[1] == origin.commits["first"]


def test_unknown_repository_of_a_server_is_named(daemon: str, tmp_path: Path) -> None:
    """The server's no is final, and names the repository."""
    with pytest.raises(SessionRejected, match=r"no repository git://.*nope\.git"):
        fetched(f"{daemon}/nope.git", tmp_path / "cache")


def test_server_that_is_away_is_no_refusal(tmp_path: Path) -> None:
    """Nobody listening means that nothing is known: the runner asks again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    for scheme in ("git", "http"):
        with pytest.raises(BackendUnreachable, match="does not answer"):
            fetched(f"{scheme}://127.0.0.1:{port}/repo.git", tmp_path / "cache")


# ---------------------------------------------------------------- http with a password


def test_token_opens_a_private_repository(origin: Any, server: tuple[str, list[str]], tmp_path: Path) -> None:
    """With the token the code comes, and nothing in the cache holds the token."""
    tree, commit = fetched(f"{server[0]}/repo.git@v1", tmp_path / "cache", token=TOKEN)
    assert (commit, (tree / "train.py").read_text()) == (origin.commits["first"], "print(1)\n")
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_user_name_goes_with_the_token(server: tuple[str, list[str]], tmp_path: Path) -> None:
    """GIT_USERNAME is the user of Basic auth."""
    fetched(f"{server[0]}/repo.git", tmp_path / "cache", token=TOKEN, username="kim")
    assert base64.b64decode(server[1][-1].removeprefix("Basic ")).decode() == f"kim:{TOKEN}"


@pytest.mark.parametrize("credentials", [{}, {"token": "wr0ng-t0ken"}])
def test_refused_access_is_said_with_the_remedy(
    server: tuple[str, list[str]], tmp_path: Path, credentials: dict[str, str]
) -> None:
    """No token, or a wrong one: final, with what to set, nobody is prompted, and the token is not repeated."""
    with pytest.raises(SessionRejected, match="refused us") as caught:
        fetched(f"{server[0]}/repo.git", tmp_path / "cache", **credentials)
    assert "GIT_TOKEN" in caught.value.hint
    assert "wr0ng-t0ken" not in str(caught.value.to_dict())


def test_token_is_never_an_argument(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command line of git and of its helpers, as another user could see it, is free of the token."""
    real, spy = shutil.which("git"), tmp_path / "bin" / "git"
    spy.parent.mkdir()
    script = f'#!{sys.executable}\nimport os, sys\nopen({str(tmp_path / "argv")!r}, "a").write(repr(sys.argv))\n'
    spy.write_text(script + f"os.execv({real!r}, sys.argv)\n")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    fetched(f"{server[0]}/repo.git", tmp_path / "cache", token=TOKEN)
    told = (tmp_path / "argv").read_text()
    assert "fetch" in told
    assert TOKEN not in told


def test_token_is_for_its_own_host_only(origin: Any, server: tuple[str, list[str]], tmp_path: Path) -> None:
    """A submodule on another host is asked for without the token of the first."""
    elsewhere = server[0].replace("127.0.0.1", "localhost")
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {elsewhere}/repo.git\n'
    (origin.root / "work" / ".gitmodules").write_text(modules)
    origin.git("update-index", "--add", "--cacheinfo", f"160000,{origin.commits['first']},lib")
    origin.git("add", ".gitmodules")
    origin.git("commit", "--quiet", "-m", "elsewhere")
    origin.push()
    with pytest.raises(SessionRejected, match=r"localhost.* refused us"):
        fetched(f"{server[0]}/repo.git", tmp_path / "cache", token=TOKEN)


def test_users_own_traces_do_not_tell_the_token(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_TRACE_CURL of the engine's environment would write headers to a file: it does not reach git."""
    monkeypatch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    fetched(f"{server[0]}/repo.git", tmp_path / "cache", token=TOKEN)
    assert not (tmp_path / "trace").exists()
