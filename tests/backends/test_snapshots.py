"""Snapshots of code, by content."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound

LONG_AGO = 1_600_000_000


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A small project."""
    root = tmp_path / "project"
    (root / "src/deep").mkdir(parents=True)
    (root / "train.py").write_text("print(1)\n")
    (root / "src/deep/이름 \n.txt").write_text("한\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "src/link").symlink_to("../train.py")
    return root


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    """Snapshots below a temporary folder."""
    return Snapshots(tmp_path / "snapshots")


def files_of(root: Path) -> dict[str, str]:
    """All files and symlinks of a project."""
    paths = (path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(root)): str(path) for path in paths}


def test_a_snapshot_is_the_code_as_it_was(snapshots: Snapshots, code: Path) -> None:
    """Contents, names, executable bits and symlinks; later edits do not reach it."""
    digest = snapshots.put(files_of(code))
    (code / "train.py").write_text("print(2)\n")
    tree = snapshots.path(digest)
    assert (tree / "train.py").read_text() == "print(1)\n"
    assert (tree / "src/deep/이름 \n.txt").read_text() == "한\n"
    assert (tree / "src/link").readlink() == Path("../train.py")
    assert os.access(tree / "run.sh", os.X_OK)
    assert not stat.S_IMODE((tree / "train.py").stat().st_mode) & 0o333
    assert sorted(files_of(tree)) == sorted(files_of(code))


def test_a_snapshot_is_read_only(snapshots: Snapshots, code: Path) -> None:
    """Files and folders, for everybody (root asks nobody, so modes are what is looked at)."""
    tree = snapshots.path(snapshots.put(files_of(code)))
    for place in (tree, *tree.rglob("*")):
        if not place.is_symlink():
            assert not stat.S_IMODE(place.stat().st_mode) & 0o222, place


def test_the_same_content_has_the_same_digest(snapshots: Snapshots, code: Path, tmp_path: Path) -> None:
    """Wherever it lies, whenever it was written; another name, content, mode or target has another."""
    files = files_of(code)
    digest = snapshots.put(files)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "train.py").write_text("print(1)\n")
    assert snapshots.put({**files, "train.py": str(copy / "train.py")}) == digest
    others = [{**files, "other.py": files["train.py"]}, {path: files[path] for path in files if path != "run.sh"}]
    (copy / "train.py").chmod(0o755)
    others.append({**files, "train.py": str(copy / "train.py")})
    assert len({digest, *map(snapshots.put, others)}) == 4


def test_files_are_laid_over_an_older_snapshot(snapshots: Snapshots, code: Path) -> None:
    """The same as if all had come together; the older one stays as it is."""
    old = snapshots.put(files_of(code))
    new = snapshots.put({".fasttrack/x.py": b"ours"}, onto=old)
    assert new == snapshots.put({**files_of(code), ".fasttrack/x.py": b"ours"})
    assert not (snapshots.path(old) / ".fasttrack").exists()
    with pytest.raises(NotFound):
        snapshots.put({}, onto="0" * 64)


def test_contents_are_stored_once(snapshots: Snapshots, code: Path) -> None:
    """Two snapshots that differ in one file share the rest."""
    first = snapshots.path(snapshots.put(files_of(code)))
    (code / "train.py").write_text("print(2)\n")
    second = snapshots.path(snapshots.put(files_of(code)))
    assert first != second
    assert (first / "run.sh").samefile(second / "run.sh")
    assert not (first / "train.py").samefile(second / "train.py")


def test_what_has_not_changed_is_not_read_again(
    snapshots: Snapshots, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by inode, size and times, also after a restart; a changed file is read."""
    for path in ("train.py", "run.sh", "src/deep/이름 \n.txt"):
        os.utime(code / path, (LONG_AGO, LONG_AGO))
    later = max(path.lstat().st_ctime_ns for path in code.rglob("*")) + 10_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: later)
    digest = snapshots.put(files_of(code))
    read: list[str] = []
    copy_in = Snapshots._copy_in

    def counted(self: Snapshots, source: str, kind: str) -> object:
        read.append(Path(source).name)
        return copy_in(self, source, kind)

    monkeypatch.setattr(Snapshots, "_copy_in", counted)
    assert Snapshots(snapshots.root).put(files_of(code)) == digest
    assert read == []
    (code / "run.sh").write_text("#!/bin/ah\n")
    assert Snapshots(snapshots.root).put(files_of(code)) != digest
    assert read == ["run.sh"]


def test_a_file_that_was_just_written_is_read_again(snapshots: Snapshots, code: Path) -> None:
    """Its time may not tell the next change, so it is not believed."""
    digest = snapshots.put(files_of(code))
    before = (code / "train.py").stat()
    (code / "train.py").write_text("print(7)\n")
    os.utime(code / "train.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snapshots.put(files_of(code)) != digest


def test_a_manifest_says_what_is_in_it(snapshots: Snapshots, code: Path) -> None:
    """``{path: sha256}``, so that two can be compared."""
    manifest = snapshots.manifest(snapshots.put(files_of(code)))
    assert sorted(manifest) == sorted(files_of(code))
    (code / "train.py").write_text("print(2)\n")
    after = snapshots.manifest(snapshots.put(files_of(code)))
    assert {path for path in manifest if manifest[path] != after[path]} == {"train.py"}


def test_no_files_are_a_snapshot_too(snapshots: Snapshots) -> None:
    """An empty, read-only folder."""
    assert list(snapshots.path(snapshots.put({})).iterdir()) == []


def test_an_absolute_symlink_inside_becomes_relative(snapshots: Snapshots, code: Path) -> None:
    """So that it holds in the tree as well."""
    (code / "src/abs").symlink_to(code / "train.py")
    tree = snapshots.path(snapshots.put(files_of(code)))
    assert (tree / "src/abs").readlink() == Path("../train.py")


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "up/../secret", "sub/../../secret"])
def test_a_symlink_that_leaves_is_refused(snapshots: Snapshots, tmp_path: Path, target: str) -> None:
    """By name; nothing is left of the snapshot."""
    root = tmp_path / "p"
    (root / "sub").mkdir(parents=True)
    (root / "sub/f").touch()
    (root / "up").symlink_to("sub/..")
    (root / "leaves").symlink_to(target)
    with pytest.raises(Forbidden, match="leaves is a symlink"):
        snapshots.put(files_of(root))
    assert [path.name for path in snapshots.root.iterdir() if path.name.startswith((".new", "0", "f"))] == []


def test_what_cannot_be_code_is_refused(snapshots: Snapshots, code: Path, tmp_path: Path) -> None:
    """A pipe, a folder, a path that climbs, a file that is a folder as well, one that is gone."""
    os.mkfifo(tmp_path / "pipe")
    train = str(code / "train.py")
    for files in ({"x": str(tmp_path / "pipe")}, {"x": str(tmp_path)}, {"a//b": train}, {"a": train, "a/b": train}):
        with pytest.raises(BadRequest):
            snapshots.put(files)
    with pytest.raises(Forbidden):
        snapshots.put({"../x": train})
    with pytest.raises(Forbidden, match=r"x cannot be read: No such file"):
        snapshots.put({"x": str(code / "gone")})


@pytest.mark.parametrize("digest", ["0" * 64, "..", ".blobs", ""])
def test_an_unknown_digest_is_not_found(snapshots: Snapshots, digest: str) -> None:
    """Also what is no digest at all."""
    for call in (snapshots.path, snapshots.manifest):
        with pytest.raises(NotFound):
            call(digest)


def test_removing_what_no_job_names(snapshots: Snapshots, code: Path) -> None:
    """Trees and contents; what is kept stays whole, and what was removed can be put again."""
    first_files = files_of(code)
    first = snapshots.put(first_files)
    (code / "big").write_bytes(b"x" * 500_000)
    second = snapshots.put(files_of(code))
    assert snapshots.remove_unused({first, second}, grace=0) == 0
    assert snapshots.remove_unused({first}) == 0  # too young: its job may be about to be stored
    assert snapshots.remove_unused({first}, grace=0) >= 500_000
    assert (snapshots.path(first) / "train.py").read_text() == "print(1)\n"
    with pytest.raises(NotFound):
        snapshots.path(second)
    assert snapshots.put(files_of(code)) == second
    assert (snapshots.path(second) / "big").stat().st_size == 500_000


def test_many_may_put_the_same_at_once(snapshots: Snapshots, code: Path) -> None:
    """While another removes what is not used: everybody's snapshot is whole."""
    files = files_of(code)
    digests: list[str] = []
    errors: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                for _ in range(10):
                    work()
            except BaseException as error:
                errors.append(error)

        return run

    jobs = [lambda: digests.append(Snapshots(snapshots.root).put(files))] * 4 + [lambda: snapshots.remove_unused(set())]
    threads = [threading.Thread(target=guarded(work)) for work in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(digests) == 40
    assert len(set(digests)) == 1
    assert sorted(files_of(snapshots.path(digests[0]))) == sorted(files)


def test_contents_are_files_like_others(snapshots: Snapshots, code: Path) -> None:
    """The same snapshot, read-only, whether the text lay in a file or came from memory; nothing else is left."""
    from_memory = snapshots.put({"src/a.py": b"print(1)\n"})
    from_file = snapshots.put({"src/a.py": str(code / "train.py")})
    tree = snapshots.path(from_memory)
    assert from_memory == from_file
    assert (tree / "src/a.py").read_bytes() == b"print(1)\n"
    assert stat.S_IMODE((tree / "src/a.py").stat().st_mode) == 0o444
    assert not list(snapshots.root.rglob(".new-*"))


def test_what_a_crash_left_of_contents_is_swept(snapshots: Snapshots) -> None:
    """A half-written one is no snapshot's, and goes with the next sweep."""
    (left := snapshots.root / ".blobs" / ".new-1-2-abcd").write_bytes(b"half")
    kept = snapshots.put({"a.py": b"1"})
    snapshots.remove_unused({kept})
    assert not left.exists()
    assert (snapshots.path(kept) / "a.py").read_bytes() == b"1"
