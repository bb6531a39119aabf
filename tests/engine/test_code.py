"""Which files of a pipeline's folder are its code."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.engine.code import changed_files, find_code
from fasttrack_jupyter.errors import Forbidden, NotFound, Refused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A pipeline's folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(root: Path, *paths: str, text: str = "x") -> None:
    """Files with their folders."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_by_default_everything_is_code(root: Path) -> None:
    """With absolute paths, sorted, names of any kind."""
    write(root, "train.py", "src/a/b.py", "데이터 'x'\n.csv", ".env.example")
    found = find_code(root, None)
    assert list(found) == [".env.example", "src/a/b.py", "train.py", "데이터 'x'\n.csv"]
    assert found["src/a/b.py"] == str(root / "src/a/b.py")


def test_what_nobody_wants_is_left_out(root: Path) -> None:
    """Hidden folders, checkpoints, caches, virtual environments of any name."""
    write(root, "train.py", ".git/config", ".ipynb_checkpoints/a.ipynb", "src/__pycache__/a.pyc", "node_modules/x/y.js")
    write(root, "my-env/pyvenv.cfg", "my-env/lib/x.py", "conda-env/conda-meta/history", "conda-env/x.py", "env/ok.py")
    assert list(find_code(root, None)) == ["env/ok.py", "train.py"]


def test_ignore_files_count(root: Path) -> None:
    """Nested ones too; the innermost has the last word; .fasttrackignore as well."""
    write(root, ".gitignore", text="*.log\n/data/\n!keep.log\n")
    write(root, "src/.gitignore", text="!special.log\n/local.py\n")
    write(root, ".fasttrackignore", text="*.ipynb\n")
    write(root, "a.log", "keep.log", "data/x", "src/data/x", "src/special.log", "src/b.log", "src/local.py", "local.py")
    write(root, "n.ipynb")
    assert list(find_code(root, None)) == [
        ".fasttrackignore", ".gitignore", "keep.log", "local.py", "src/.gitignore", "src/data/x", "src/special.log",
    ]  # fmt: skip


def git_lists(root: Path) -> list[str]:
    """What git would take into a repository at ``root``."""
    git = ["git", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    command = [*git, "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(filter(None, listed.split("\0")))


def test_it_decides_as_git_does(root: Path) -> None:
    """On the same tree git itself lists the same files."""
    write(root, ".gitignore", text="# c\n*.o\nbuild/\n/top\ndoc/*.txt\n**/tmp\na/**/z\n!important.o\n\\#x\ntrail \r\n")
    write(root, "sub/.gitignore", text="!*.o\nbuild\n*\n!*/\n!keep\n!.gitignore\n")
    write(root, "x.o", "important.o", "build/y", "top", "sub/top", "doc/a.txt", "doc/deep/a.txt", "tmp/q", "d/tmp/q")
    write(root, "a/z", "a/b/z", "a/b/c/z", "#x", "trail", "sub/y.o", "sub/keep", "sub/other", "sub/in/keep")
    write(root, "sub/in/no")
    assert list(find_code(root, None)) == git_lists(root)


pieces = st.sampled_from([*"ab/*?!#\\ -]", "**", "/", "a", "b", "[ab]", "[!a]", "[a-", "[]a]", "[[:alpha:]]", "[\\]]"])


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.lists(pieces, min_size=1, max_size=5).map("".join), min_size=1, max_size=5))
def test_random_patterns_decide_as_in_git(lines: list[str]) -> None:
    """Whatever somebody wrote into a .gitignore, broken patterns included."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, ".gitignore", text="\n".join(lines))
        write(root, "a", "b/a", "b/b/a", "b/b/b", "ab/a/b", "#a", "a b", "a-", "b]", "b ", "ba/ab")
        assert list(find_code(root, None)) == git_lists(root)


def test_patterns_name_what_to_take(root: Path) -> None:
    """In gitignore's language; ``!`` excludes; ignore files do not count then."""
    write(root, ".gitignore", text="model.bin\n")
    write(root, "a.py", "src/b.py", "src/test_b.py", "model.bin", "data/x.csv", "notes.md")
    assert list(find_code(root, ["*.py", "!test_*", "/model.bin", "data/"])) == [
        "a.py", "data/x.csv", "model.bin", "src/b.py",
    ]  # fmt: skip
    assert find_code(root, []) == {}


def test_patterns_do_not_reach_into_environments_unless_they_say_so(root: Path) -> None:
    """``*.py`` means mine; a pattern that begins with the folder means it."""
    write(root, "a.py", ".venv/pyvenv.cfg", ".venv/lib/x.py", ".config/y.py", ".config/z.py")
    assert list(find_code(root, ["*.py"])) == ["a.py"]
    assert list(find_code(root, ["a.py", "/.config/y.py"])) == [".config/y.py", "a.py"]


def test_too_many_bytes_are_refused(root: Path) -> None:
    """The largest are named, and the remedy."""
    write(root, "data/big.bin", text="x" * 900_000)
    write(root, "small.py", "zoo/other.bin", text="x" * 200_000)
    with pytest.raises(Refused, match=r"largest so far: (data/ \(0.9 MB\), data/big.bin|data/big.bin)") as error:
        find_code(root, None, cap_bytes=1_000_000)
    assert "files:" in error.value.hint
    assert len(find_code(root, None, cap_bytes=2_000_000)) == 3


def test_too_many_files_are_refused(root: Path) -> None:
    """With the cap in the message."""
    write(root, *(f"f{n}" for n in range(11)))
    with pytest.raises(Refused, match="more than 10 files"):
        find_code(root, None, cap_files=10)
    assert len(find_code(root, None, cap_files=11)) == 11


def test_a_huge_folder_is_not_walked_for_ever(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if hardly anything in it is taken."""
    write(root, *(f"d{n}/e{k}" for n in range(20) for k in range(20)))
    scanned: list[object] = []
    scandir = os.scandir
    monkeypatch.setattr("os.scandir", lambda path: scanned.append(path) or scandir(path))
    with pytest.raises(Refused, match="stopped at 50 entries"):
        find_code(root, ["*.py"], cap_files=5)
    assert len(scanned) < 6


def test_symlinks_inside_stay_symlinks(root: Path) -> None:
    """Files and folders; nothing is found twice through them."""
    write(root, "src/a.py")
    (root / "link.py").symlink_to("src/a.py")
    (root / "lib").symlink_to("src")
    (root / "loop").symlink_to(".")
    assert list(find_code(root, None)) == ["lib", "link.py", "loop", "src/a.py"]


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "src/../../other"])
def test_symlinks_that_leave_are_refused(root: Path, target: str) -> None:
    """By name, with where they lead; ignoring them is a remedy."""
    write(root, "src/a.py")
    (root / "out").symlink_to(target)
    with pytest.raises(Forbidden, match="out is a symlink"):
        find_code(root, None)
    write(root, ".fasttrackignore", text="/out\n")
    assert "out" not in find_code(root, None)


def test_the_folder_itself_may_be_a_symlink(root: Path) -> None:
    """People link their projects into place."""
    write(root, "a.py")
    (root / "b.py").symlink_to("a.py")
    other = root.parent / "other"
    other.symlink_to(root)
    assert list(find_code(other, None)) == ["a.py", "b.py"]


def test_an_unreadable_file_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than left out in silence (root may read all: the question is answered for it)."""
    write(root, "a.py", "src/closed.py")
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith("closed.py"))
    with pytest.raises(Forbidden, match=r"src/closed.py cannot be read"):
        find_code(root, None)


def test_what_is_no_file_is_no_code(root: Path) -> None:
    """Sockets and pipes are left out."""
    write(root, "a.py")
    os.mkfifo(root / "pipe")
    assert list(find_code(root, None)) == ["a.py"]


def test_a_folder_that_is_not_there(root: Path) -> None:
    """Is told."""
    with pytest.raises(NotFound, match="is not there"):
        find_code(root / "gone", None)


def test_changed_files() -> None:
    """Added, removed and changed, sorted."""
    assert changed_files({"a": "1", "b": "1", "c": "1"}, {"a": "1", "c": "2", "d": "1"}) == ["b", "c", "d"]


def test_a_home_below_the_pipeline_is_nobodys_code(tmp_path: Path) -> None:
    """Jobs, logs and secrets must not get into a snapshot, whatever the ignore files say."""
    home = tmp_path / "state"
    home.mkdir()
    for name in ("engine.lock", "fasttrack.db", "secrets.json"):
        (home / name).write_text("x")
    (tmp_path / "train.py").write_text("x")
    assert list(find_code(tmp_path, None)) == ["train.py"]
