"""Files that a notebook became, written beside it without touching what others wrote."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from notebook_splitting import split

from fasttrack_jupyter.errors import BadRequest, Conflict, InvalidNotebook
from fasttrack_jupyter.notebook.build import Built, build
from fasttrack_jupyter.notebook.build_writing import Change, Fate, write

BUILT = Built(
    "digits", "name: digits\n", {"digits.cells/a.py": b"1\n", "digits.cells/b/c.py": b"2\n"}, (), "digits.cells"
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the YAML is to be."""
    return tmp_path / "digits.fasttrack.yaml"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, less the record of what was made."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "made.json" not in path.name
    }


def test_the_yaml_and_its_files_are_written(target: Path) -> None:
    """And nothing else stays behind."""
    changes = write(BUILT, target)
    assert contents(target.parent) == {"digits.fasttrack.yaml": b"name: digits\n", **BUILT.files}
    assert {change.fate for change in changes} == {Fate.NEW}
    assert sorted(path.name for path in target.parent.iterdir()) == ["digits.cells", "digits.fasttrack.yaml"]


def test_writing_the_same_again_changes_nothing(target: Path) -> None:
    """Not even a file's time."""
    write(BUILT, target)
    before = target.stat().st_mtime_ns
    assert {change.fate for change in write(BUILT, target)} == {Fate.SAME}
    assert target.stat().st_mtime_ns == before


def test_what_we_made_is_replaced_and_what_is_no_more_is_removed(target: Path) -> None:
    """How many lines came and went is told."""
    write(BUILT, target)
    changes = write(replace(BUILT, text="name: digits\ntasks: []\n", files={"digits.cells/a.py": b"3\n"}), target)
    assert changes == [
        Change("digits.cells/a.py", Fate.CHANGED, 1, 1),
        Change("digits.fasttrack.yaml", Fate.CHANGED, 1, 0),
        Change("digits.cells/b/c.py", Fate.REMOVED),
    ]
    assert list(contents(target.parent)) == ["digits.cells/a.py", "digits.fasttrack.yaml"]


@pytest.mark.parametrize("path", ["digits.fasttrack.yaml", "digits.cells/a.py"])
def test_an_edited_file_is_not_overwritten(target: Path, path: str) -> None:
    """And nothing else is written either."""
    write(BUILT, target)
    (target.parent / path).write_bytes(b"mine\n")
    before = contents(target.parent)
    with pytest.raises(Conflict, match=path) as caught:
        write(replace(BUILT, text="name: other\n", files={"digits.cells/a.py": b"3\n"}), target)
    assert "--force" in caught.value.hint
    assert caught.value.details["files"] == [path]
    assert contents(target.parent) == before


def test_a_file_of_somebody_else_is_not_overwritten(target: Path) -> None:
    """Nobody knows whose it is."""
    target.write_text("name: mine\n")
    with pytest.raises(Conflict, match="not made from this notebook"):
        write(BUILT, target)
    assert contents(target.parent) == {"digits.fasttrack.yaml": b"name: mine\n"}


def test_force_overwrites(target: Path) -> None:
    """And from then on it is ours."""
    target.write_text("name: mine\n")
    write(BUILT, target, force=True)
    write(replace(BUILT, text="name: other\n"), target)
    assert target.read_text() == "name: other\n"


def test_an_edited_file_that_is_no_longer_made_is_left(target: Path) -> None:
    """Somebody's work is not removed."""
    write(BUILT, target)
    (target.parent / "digits.cells/b/c.py").write_bytes(b"mine\n")
    write(replace(BUILT, files={"digits.cells/a.py": b"3\n"}), target)
    assert (target.parent / "digits.cells/b/c.py").read_bytes() == b"mine\n"


def test_a_yaml_without_files_is_remembered_too(target: Path) -> None:
    """A whole notebook as one task has no folder."""
    write(replace(BUILT, files={}), target)
    write(replace(BUILT, files={}, text="name: other\n"), target)
    assert target.read_text() == "name: other\n"
    assert not (target.parent / "digits.cells").exists()


@pytest.mark.parametrize("record", ["", "[]", '{"files": {"../outside": "sha256:x"}}', '{"files": 1}'])
def test_a_record_that_makes_no_sense_is_none(target: Path, record: str) -> None:
    """It may have come with somebody's repository."""
    write(BUILT, target)
    (target.parent / "digits.cells/made.json").write_text(record)
    with pytest.raises(Conflict):
        write(replace(BUILT, text="name: other\n"), target)


@pytest.mark.parametrize("path", ["{outside}/file", "digits.cells/link/file"])
def test_nothing_outside_is_removed(target: Path, tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    """Whatever a record says that came with somebody's repository, and wherever its links lead."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_bytes(b"theirs")
    write(BUILT, target)
    (target.parent / "digits.cells/link").symlink_to(outside)
    made = {path.format(outside=outside): f"sha256:{hashlib.sha256(b'theirs').hexdigest()}"}
    (target.parent / "digits.cells/made.json").write_text(json.dumps({"files": made}))
    write(replace(BUILT, text="name: other\n"), target, force=True)
    assert (outside / "file").read_bytes() == b"theirs"


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Nothing is left half-written."""
    (tmp_path / "digits.cells").write_text("a file where the folder is to be")
    with pytest.raises(BadRequest, match="cannot be written"):
        write(BUILT, tmp_path / "digits.fasttrack.yaml")
    assert list(contents(tmp_path)) == ["digits.cells"]
    with pytest.raises(BadRequest, match="cannot be written"):
        write(BUILT, tmp_path / "nowhere" / "digits.fasttrack.yaml")


def test_variables_that_a_file_system_takes_for_one_are_refused() -> None:
    """Both names, the task, its cell; within one task alone, and what is not handed on does not matter."""
    with pytest.raises(InvalidNotebook) as caught:
        build(split("X = [1]\nx = [2]", "print(X, x)"))
    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == 2
    assert messages[0].startswith("cell 1: the task 't1' hands on 'X' and 'x', which differ in case only")
    assert messages[1].startswith("cell 2: the task 't2' takes 'X' and 'x', which differ in case only")
    build(split("X = [1]", "print(X)", "x = [2]\nY = 1\ny = 2", "print(x)"))


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_through_a_link(target: Path, tmp_path_factory: pytest.TempPathFactory, force: bool) -> None:
    """A folder of cells that leads elsewhere belongs to somebody else."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (target.parent / "digits.cells").symlink_to(elsewhere)
    with pytest.raises(Conflict, match=r"digits\.cells leads out"):
        write(BUILT, target, force=force)
    assert list(elsewhere.iterdir()) == []
    assert not target.exists()
