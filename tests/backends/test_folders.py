"""Vfolders of this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound

NAMES = ["data", "My data", 'it\'s "quoted"', "two\nlines", "데이터", "..", ".hidden", "-rf", "a/b", "con", "x" * 200]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Vfolders below a temporary folder."""
    return Folders(tmp_path / "folders", clock=lambda: 5.0)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside that nobody may reach."""
    path = tmp_path / "secret"
    path.write_text("secret")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(folders: Folders, name: str) -> None:
    """Made, found, listed, filled and removed; it lies directly below the root."""
    made = folders.make(name, "data", pipeline="digits")
    assert (made.name, made.usage_mode, made.created_at, made.pipeline) == (name, "data", 5.0, "digits")
    assert folders.get(name) == made
    assert folders.list() == [made]
    assert made.host_path is not None
    assert Path(made.host_path).parent == folders.root
    (Path(made.host_path) / "f").write_text("x")
    assert folders.read(name, "f") == b"x"
    folders.remove(name)
    assert folders.list() == []
    assert [path.name for path in folders.root.iterdir()] == [".meta"]


def test_making_an_existing_folder_changes_nothing(folders: Folders) -> None:
    """It comes back as it is."""
    first = folders.make("data", "model")
    assert folders.make("data", "general", pipeline="other") == first


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_an_impossible_name_is_refused(folders: Folders, name: str) -> None:
    """With the reason."""
    with pytest.raises(BadRequest, match="cannot name a folder"):
        folders.make(name)


def test_an_unknown_usage_mode_is_refused(folders: Folders) -> None:
    """With the ones there are."""
    with pytest.raises(BadRequest) as error:
        folders.make("x", "weights")
    assert error.value.hint == "one of general, model, data"


def test_a_folder_that_is_not_there(folders: Folders) -> None:
    """Every call says so."""
    for call in (folders.get, folders.remove, folders.path, folders.files):
        with pytest.raises(NotFound, match="'gone'"):
            call("gone")


def test_a_folder_made_by_hand_is_shown(folders: Folders) -> None:
    """As a general one; files and what no name can be are not."""
    (folders.root / "mine").mkdir()
    (folders.root / "file").touch()
    (folders.root / "100%zz").mkdir()
    assert [(info.name, info.usage_mode) for info in folders.list()] == [("mine", "general")]


def test_state_is_private(folders: Folders) -> None:
    """0700 for folders, 0600 for what describes them."""
    folders.make("data")
    for path in (folders.root, folders.root / "data", folders.root / ".meta"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folders.root / ".meta" / "data.json").stat().st_mode) == 0o600


def test_files_are_listed_recursively(folders: Folders) -> None:
    """Sorted, relative to the path that was asked for; nothing there is an empty list."""
    root = Path(folders.make("d").host_path or "")
    (root / "jobs/1/train/sub").mkdir(parents=True)
    (root / "jobs/1/train/model.pkl").write_bytes(b"12345")
    (root / "jobs/1/train/sub/이름 \n").write_bytes(b"1")
    assert [(e.path, e.is_dir, e.size) for e in folders.files("d", "jobs/1/train")] == [
        ("model.pkl", False, 5),
        ("sub", True, 0),
        ("sub/이름 \n", False, 1),
    ]
    assert [e.path for e in folders.files("d", "jobs/1/train/model.pkl")] == ["model.pkl"]
    assert folders.files("d", "jobs/2") == []
    assert len(folders.files("d", "")) == 6


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/etc/passwd", "a\0b"])
def test_a_path_cannot_climb_out(folders: Folders, path: str) -> None:
    """Neither to read, list, measure nor remove."""
    folders.make("d")
    for call in (folders.read, folders.files, folders.path_of, folders.size):
        with pytest.raises(Forbidden):
            call("d", path)
    with pytest.raises(Forbidden):
        folders.remove_paths("d", ["fine", path])


@pytest.mark.parametrize("target", ["absolute", "relative", "through a folder", "through a chain"])
def test_a_symlink_cannot_lead_out(folders: Folders, secret: Path, target: str) -> None:
    """However it does it: it is listed, and not followed."""
    root = Path(folders.make("d").host_path or "")
    (root / "sub").mkdir()
    up = os.path.relpath(secret, root)
    if target == "absolute":
        (root / "link").symlink_to(secret)
    elif target == "relative":
        (root / "link").symlink_to(up)
    elif target == "through a folder":
        (root / "out").symlink_to("..")
        (root / "link").symlink_to("out/../secret")
    else:
        (root / "sub" / "here").symlink_to("..")
        (root / "link").symlink_to("sub/here/../../secret")
    with pytest.raises(Forbidden):
        folders.read("d", "link")
    with pytest.raises(Forbidden):
        folders.path_of("d", "link")
    assert "link" in [entry.path for entry in folders.files("d")]
    assert "secret" not in [Path(entry.path).name for entry in folders.files("d")]


def test_a_folder_symlink_cannot_lead_out(folders: Folders, secret: Path) -> None:
    """Not even for names below it."""
    root = Path(folders.make("d").host_path or "")
    (root / "out").symlink_to(secret.parent)
    for call in (folders.read, folders.files, folders.path_of):
        with pytest.raises(Forbidden):
            call("d", "out/secret")
    with pytest.raises(Forbidden):
        folders.remove_paths("d", ["out/secret"])
    assert secret.exists()


def test_a_symlink_that_stays_inside_is_followed(folders: Folders) -> None:
    """Also up and down again."""
    root = Path(folders.make("d").host_path or "")
    (root / "a/b").mkdir(parents=True)
    (root / "a/best").symlink_to("b/../../model")
    (root / "model").write_text("weights")
    assert folders.read("d", "a/best") == b"weights"
    assert folders.path_of("d", "a/best").read_text() == "weights"


def test_a_loop_of_symlinks_ends(folders: Folders) -> None:
    """With an error, not never."""
    root = Path(folders.make("d").host_path or "")
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(Forbidden, match="symbolic links"):
        folders.read("d", "a")


def test_reading_a_range(folders: Folders) -> None:
    """From a byte on, at most so many; beyond the end is empty."""
    root = Path(folders.make("d").host_path or "")
    (root / "f").write_bytes(b"0123456789")
    assert folders.read("d", "f", 2, 3) == b"234"
    assert folders.read("d", "f", 8, 100) == b"89"
    assert folders.read("d", "f", 50, 1) == b""
    with pytest.raises(BadRequest):
        folders.read("d", "f", -1, 1)


def test_only_plain_files_are_read(folders: Folders) -> None:
    """A pipe would hold the reader for ever; a folder has no bytes; what is not there is not found."""
    root = Path(folders.make("d").host_path or "")
    os.mkfifo(root / "pipe")
    (root / "sub").mkdir()
    for path in ("pipe", "sub", ""):
        with pytest.raises(BadRequest, match="no plain file"):
            folders.read("d", path)
    for path in ("none", "pipe/below", "x" * 300):
        with pytest.raises(NotFound):
            folders.read("d", path)


def test_removing_paths(folders: Folders, secret: Path) -> None:
    """Files, trees that a task made read-only, symlinks but not what they lead to; what is gone is gone."""
    root = Path(folders.make("d").host_path or "")
    (root / "jobs/1/a").mkdir(parents=True)
    (root / "jobs/1/a/big").write_bytes(b"x" * 100_000)
    (root / "jobs/1/a").chmod(0o555)
    (root / "link").symlink_to(secret)
    freed = folders.remove_paths("d", ["jobs/1", "link", "none", "none/at/all"])
    assert freed >= 100_000
    assert [path.name for path in root.iterdir()] == ["jobs"]
    assert secret.exists()


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_the_folder_itself_is_no_path_to_remove(folders: Folders, path: str) -> None:
    """That is what remove is for."""
    folders.make("d")
    with pytest.raises(Forbidden, match="itself"):
        folders.remove_paths("d", [path])


def test_what_is_shared_is_freed_with_its_last_name(folders: Folders) -> None:
    """Reused outputs are hard links: removing one of two frees nothing, and a size counts a file once."""
    root = Path(folders.make("d").host_path or "")
    (root / "1").mkdir()
    (root / "2").mkdir()
    (root / "1/big").write_bytes(b"x" * 1_000_000)
    os.link(root / "1/big", root / "2/big")
    assert 1_000_000 <= folders.size("d") < 1_100_000
    assert folders.remove_paths("d", ["1"]) < 100_000
    assert folders.remove_paths("d", ["2"]) >= 1_000_000


def test_a_deep_tree_is_listed_and_removed(folders: Folders) -> None:
    """As deep as a listing goes; nothing breaks below that."""
    path = Path(folders.make("d").host_path or "")
    for _ in range(300):
        path = path / "d"
        path.mkdir()
    assert len(folders.files("d")) > 90
    folders.remove("d")
    assert folders.list() == []
