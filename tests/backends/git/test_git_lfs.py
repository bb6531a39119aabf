"""Files in Git LFS: fetched where git-lfs is there, else said to be missing, with what to do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import git, git_lfs
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import GitSource, SessionReport
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.testing.conformance import opened, session_spec

CONTENT = "the real content\n" * 1000
OID = hashlib.sha256(CONTENT.encode()).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(CONTENT)}\n"

FAKE = """\
#!/bin/sh
[ "$1 $2" = "fetch origin" ] && [ ${{#3}} = 40 ] || exit 9
echo "$(git config remote.origin.url) $(git config lfs.url)" >> {root}/asked
{then}
"""
GIVE = """d="$GIT_DIR/lfs/objects/{0}/{1}"; mkdir -p "$d" && cp {root}/content "$d/{2}" """


@pytest.fixture
def pointed(origin: Any) -> Any:
    """The origin with two pointers, one of them executable, and a file that only talks of pointers."""
    origin.commit("lfs", {
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "data/a.bin": POINTER, "run.bin": POINTER,
        "notes.txt": f"a pointer looks like this:\n{POINTER}",
    })  # fmt: skip
    (origin.root / "work/run.bin").chmod(0o755)
    origin.commit("executable", {})
    origin.push()
    return origin


@pytest.fixture
def no_lfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git-lfs."""
    monkeypatch.setattr(git_lfs, "is_installed", lambda: False)


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str = GIVE) -> Path:
    """A git-lfs that does ``then``; the folder with the file ``asked`` of what it was asked for."""
    root = tmp_path / "fake"
    root.mkdir()
    (root / "content").write_text(CONTENT)
    then = then.replace("{root}", str(root)).format(OID[:2], OID[2:4], OID)
    (root / "git-lfs").write_text(FAKE.format(root=root, then=then))
    (root / "git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}:{os.environ['PATH']}")
    monkeypatch.setattr(git_lfs, "is_installed", lambda: True)
    return root


def fetched(origin: Any, cache: Path) -> tuple[Path, str]:
    """The code, and what is said of what it lacks."""
    source = GitSource(str(origin.path), "main")
    tree, commit = asyncio.run(git.fetch(source, cache, lambda words: None))
    return tree, git.note_of(source, cache, commit)


@pytest.mark.usefixtures("no_lfs")
def test_without_git_lfs_pointers_stay_and_the_remedy_is_told(pointed: Any, tmp_path: Path) -> None:
    """Which files, and to install git-lfs."""
    tree, note = fetched(pointed, tmp_path / "cache")
    assert (tree / "data/a.bin").read_text() == POINTER
    assert "2 files are pointers of Git LFS" in note
    assert "data/a.bin, run.bin" in note
    assert "notes.txt" not in note
    assert "install git-lfs" in note


@pytest.mark.usefixtures("no_lfs")
def test_a_task_says_in_its_notes_what_its_code_lacks(pointed: Any, tmp_path: Path) -> None:
    """It runs all the same: perhaps it needs none of these files. The second one hears it too."""

    async def go() -> list[SessionReport]:
        async with opened(backend := LocalBackend(LocalSettings(tmp_path / "ft", mode="folders"))) as reports:
            for name in ("j-0-1", "j-1-1"):
                await backend.submit(session_spec(name, "exit 0", git=GitSource(str(pointed.path), "main")))
            return [await reports.ended(name) for name in ("j-0-1", "j-1-1")]

    for end in asyncio.run(go()):
        assert end.exit_code == 0
        assert any("install git-lfs" in note for note in end.data["notes"])


def test_with_git_lfs_the_content_is_fetched(pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the source itself; modes stay, nothing is missing, and nothing is kept twice."""
    root = install(tmp_path, monkeypatch)
    tree, note = fetched(pointed, tmp_path / "cache")
    assert [(tree / name).read_text() == CONTENT for name in ("data/a.bin", "run.bin")] == [True, True]
    assert (tree / "notes.txt").read_text().startswith("a pointer looks")
    assert (tree / "run.bin").stat().st_mode & 0o777 == 0o555
    assert note == ""
    assert (root / "asked").read_text().split() == [str(pointed.path)]
    assert not list((tmp_path / "cache").glob("*/repo.git/lfs"))


@pytest.mark.parametrize(("url", "asked"), [("https://lfs.example.org/x", True), ("file:///etc", False)])
def test_the_repository_may_name_a_server_but_no_place_of_this_machine(
    pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, asked: bool
) -> None:
    """``lfs.url`` of ``.lfsconfig``."""
    pointed.commit("config", {".lfsconfig": f"[lfs]\n\turl = {url}\n"})
    pointed.push()
    root = install(tmp_path, monkeypatch)
    fetched(pointed, tmp_path / "cache")
    assert (url in (root / "asked").read_text()) is asked


def test_what_the_server_does_not_give_is_told(pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own words; and the server is not asked again at once."""
    root = install(tmp_path, monkeypatch, "echo 'error: batch response: quota exceeded' >&2; exit 2")
    for _ in range(2):
        tree, note = fetched(pointed, tmp_path / "cache")
        assert "quota exceeded" in note
        assert (tree / "data/a.bin").read_text() == POINTER
    assert len((root / "asked").read_text().splitlines()) == 1


def test_a_server_that_does_not_answer_is_waited_for(
    pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for Git itself; no half checkout is left."""
    install(tmp_path, monkeypatch, "echo 'dial tcp 127.0.0.1:9: connect: connection refused' >&2; exit 2")
    with pytest.raises(BackendUnreachable, match="refused"):
        fetched(pointed, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").glob("*/*") if len(path.name) == 40]


def test_once_git_lfs_is_installed_the_same_commit_is_completed(
    pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs on the old checkout keeps it; gc removes both."""
    monkeypatch.setattr(git_lfs, "is_installed", lambda: False)
    cache = tmp_path / "cache"
    before, _ = fetched(pointed, cache)
    held = os.open(before, os.O_RDONLY)
    install(tmp_path, monkeypatch)
    after, note = fetched(pointed, cache)
    assert (after == before, note) == (True, "")
    assert (after / "data/a.bin").read_text() == CONTENT
    assert os.stat("data/a.bin", dir_fd=held).st_size == len(POINTER)
    os.close(held)
    git.remove_unused(cache, set())
    assert sorted(path.name for path in cache.glob("*/*")) == ["index", "lock", "url"]


def test_pointers_in_submodules_are_told_by_their_place(
    pointed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the submodule is in the code."""
    monkeypatch.setattr(git_lfs, "is_installed", lambda: False)
    other = pointed.root / "lib"
    pointed.git("clone", "--quiet", str(pointed.path), str(other), cwd=pointed.root)
    pointed.git("rm", "--quiet", "data/a.bin", "run.bin")
    pointed.git("submodule", "--quiet", "add", "--name", "lib", str(other), "deps/lib")
    pointed.commit("with lib", {})
    pointed.push()
    _, note = fetched(pointed, tmp_path / "cache")
    assert "deps/lib/data/a.bin" in note


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="there is no git-lfs on this machine")
def test_the_real_git_lfs_fetches_from_a_repository(pointed: Any, tmp_path: Path) -> None:
    """Of this machine: the objects lie in the bare repository, as a server's would."""
    objects = pointed.path / "lfs" / "objects" / OID[:2] / OID[2:4]
    objects.mkdir(parents=True)
    (objects / OID).write_text(CONTENT)
    tree, note = fetched(pointed, tmp_path / "cache")
    assert ((tree / "data/a.bin").read_text() == CONTENT, note) == (True, "")
