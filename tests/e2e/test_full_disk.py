"""The disk under a home is full while jobs run: they wait and say why, and go on by themselves once there is space."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fasttrack_jupyter.errors import FastTrackError

if TYPE_CHECKING:
    from tests.e2e.conftest import Place


class Disk:
    """A file system of 12 MiB in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave not one byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Give all of it back."""
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of the test's own."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "test", str(path)], check=False)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Where tasks tell that they ran: on another disk."""
    return tmp_path / "lines"


def chain(lines: Path, go: Path) -> list[dict[str, object]]:
    """``a`` waits for a word, ``b`` and ``c`` follow."""
    wait = f"while [ ! -e {go} ]; do sleep 0.02; done"
    return [
        {"name": "a", "command": f"echo a >> {lines}; {wait}; exit 0"},
        {"name": "b", "command": f"echo b >> {lines}; exit 3", "dependencies": ["a"], "continue_on_failure": True},
        {"name": "c", "command": f"echo c >> {lines}", "dependencies": ["b"]},
    ]


def until_a_runs(place: Place, job: str, lines: Path) -> None:
    """Wait until ``a`` runs and that is on record."""
    place.until(lambda: lines.exists() and place.client.job(job)["tasks"][0]["status"] == "RUNNING", "a to run")


def check(place: Place, job: str, lines: Path) -> None:
    """All went on as if nothing had been, and nothing ran twice."""
    ended = place.ended(job)
    codes = [(task["path"], task["exit_code"], task["attempts"]) for task in ended["tasks"]]
    assert (ended["result"], codes) == ("SUCCESS", [("a", 0, 1), ("b", 3, 1), ("c", 0, 1)])
    assert lines.read_text().split() == ["a", "b", "c"]
    assert ended["paused"] is None


def test_a_job_pauses_while_nothing_can_be_recorded(
    disk: Disk, new_place: Callable[..., Place], lines: Path, tmp_path: Path
) -> None:
    """Only the store is on the full disk: the job says why it waits, starts nothing, and goes on by itself."""
    home = disk.path / "home"
    home.mkdir(mode=0o700)
    for name in ("attempts", "folders"):
        (tmp_path / name).mkdir(mode=0o700)
        (home / name).symlink_to(tmp_path / name)
    place = new_place("folders", home)
    job = place.start(*chain(lines, tmp_path / "go"))
    until_a_runs(place, job, lines)
    disk.fill()
    (tmp_path / "go").touch()
    paused = place.until(lambda: place.client.job(job)["paused"], "the pause")
    assert paused.startswith("paused: the store fasttrack.db could not write")
    assert "full" in paused
    assert place.client.jobs()[0]["paused"] == paused
    assert "b" not in lines.read_text()
    with pytest.raises(FastTrackError) as caught:
        place.start({"name": "t", "command": "true"})
    assert (caught.value.code, caught.value.status_hint) == ("store_full", 507)
    disk.free()
    check(place, job, lines)


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_a_full_disk_costs_no_exit_code(
    disk: Disk, new_place: Callable[..., Place], lines: Path, tmp_path: Path, mode: str
) -> None:
    """Everything is on the full disk: the supervisor keeps the exit code until it can write it down."""
    place = new_place(mode, disk.path / "home")
    job = place.start(*chain(lines, tmp_path / "go"))
    until_a_runs(place, job, lines)
    disk.fill()
    (tmp_path / "go").touch()
    place.until(lambda: place.client.job(job)["tasks"][0]["status"] == "RUNNING", "a still counts as running")
    disk.free()
    check(place, job, lines)


def test_an_engine_that_dies_on_a_full_disk_is_followed_by_one_that_waits(
    disk: Disk, new_place: Callable[..., Place], lines: Path, tmp_path: Path
) -> None:
    """Killed in the pause: whoever comes next says that the disk is full, and once it is not, goes on."""
    place = new_place("folders", disk.path / "home")
    job = place.start(*chain(lines, tmp_path / "go"))
    until_a_runs(place, job, lines)
    disk.fill()
    (tmp_path / "go").touch()
    place.kill_engine()
    assert place.client.job(job)["tasks"][0]["status"] == "RUNNING"
    disk.free()
    check(place, job, lines)


def test_a_task_that_fills_the_disk_by_itself_fails_alone(
    disk: Disk, new_place: Callable[..., Place], lines: Path
) -> None:
    """It hears of it, cleans up, and ends with its own exit code; the job goes on."""
    place = new_place("folders", disk.path / "home")
    fill = "head -c 50000000 /dev/zero > $PIPELINE_OUTPUTS/big; code=$?; rm $PIPELINE_OUTPUTS/big; exit $((code + 4))"
    job = place.run(
        {"name": "fills", "command": fill, "continue_on_failure": True},
        {"name": "next", "command": f"echo next >> {lines}", "dependencies": ["fills"]},
    )
    assert [task["exit_code"] for task in job["tasks"]] == [5, 0]
    assert lines.read_text() == "next\n"


def test_a_log_that_fills_the_disk_ends_with_its_task(disk: Disk, new_place: Callable[..., Place], lines: Path) -> None:
    """A cap larger than the disk: the task hears of it, its exit code is kept, the log is still readable."""
    place = new_place("folders", disk.path / "home", LOCAL_LOG_CAP="1g")
    job = place.start({"name": "t", "command": f"yes; echo $? >> {lines}; exit 8"})
    place.until(lambda: lines.exists(), "the end of yes")
    log = place.attempt(job) / "log"
    os.truncate(log, 1 << 20)
    task = place.ended(job)["tasks"][0]
    assert task["exit_code"] == 8
    assert place.client.logs(job, "t")["data"].startswith("y\ny\n")
