"""A success is told only once its outputs are on the disk."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import durable
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.durable import sync_tree
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import opened, session_spec


class Disk:
    """What was synced of sessions' outputs, by path, and in which threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[str] = []
        self.threads: set[int] = set()
        self.whole = 0
        self.error: int | None = None
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(durable, "_sync_file_system", self._sync_all)

    def _fsync(self, fd: int) -> None:
        path = str(Path(f"/proc/self/fd/{fd}").readlink())
        if "/folders" not in path or ".meta" in path:
            return  # none of a session's
        self.synced.append(path)
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))

    def _sync_all(self, folder: str) -> None:
        self.whole += 1


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Every sync of this process, seen."""
    return Disk(monkeypatch)


def end_of(home: Path, command: str, **more: Any) -> SessionReport:
    """How a session of ``command`` ended."""

    async def go() -> SessionReport:
        async with opened(backend := LocalBackend(LocalSettings(home, mode="folders"))) as reports:
            await backend.submit(session_spec("j-0-1", command, **more))
            return await reports.ended("j-0-1")

    return asyncio.run(go())


def test_files_and_folders_are_synced_before_the_report_and_off_the_loop(tmp_path: Path, disk: Disk) -> None:
    """Each file, each folder, and every folder above that names them."""
    command = 'cd "$PIPELINE_OUTPUTS" && mkdir deep && echo x >deep/file && ln -s /etc/passwd link && mkfifo pipe'
    assert end_of(tmp_path, command).result is Result.SUCCESS
    top = f"{tmp_path}/folders/pipeline-1/jobs/1/j-0-1"
    wanted = [f"{top}/deep/file", f"{top}/deep", top, str(Path(top).parent), f"{tmp_path}/folders"]
    assert [path for path in disk.synced if path in wanted] == wanted
    assert threading.get_ident() not in disk.threads
    assert "/etc/passwd" not in disk.synced


@pytest.mark.parametrize("command", ["true", 'rmdir "$PIPELINE_OUTPUTS"', 'echo x >"$PIPELINE_OUTPUTS/x"; exit 1'])
def test_nothing_is_synced_without_outputs_or_success(tmp_path: Path, disk: Disk, command: str) -> None:
    """It costs nothing then."""
    assert end_of(tmp_path, command).status is Status.TERMINATED
    assert disk.synced == []
    assert disk.whole == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_outputs_that_do_not_reach_the_disk_are_a_failure_with_the_reason(
    tmp_path: Path, disk: Disk, number: int
) -> None:
    """Exit 0 is not enough."""
    disk.error = number
    end = end_of(tmp_path, 'echo x >"$PIPELINE_OUTPUTS/x"', wanted_outputs=(("x", "x"),))
    assert (end.status, end.result, end.exit_code) == (Status.TERMINATED, Result.FAILURE, 0)
    assert end.reason == f"its outputs could not be written to the disk: {os.strerror(number)}"


def test_a_file_system_without_sync_is_taken_as_it_is(tmp_path: Path, disk: Disk) -> None:
    """Some say EINVAL for a folder: that is no write error."""
    disk.error = errno.EINVAL
    assert end_of(tmp_path, 'echo x >"$PIPELINE_OUTPUTS/x"').result is Result.SUCCESS


def test_thousands_of_files_are_synced_at_one_go(tmp_path: Path, disk: Disk) -> None:
    """One wait for the whole file system."""
    for number in range(300):
        (tmp_path / str(number)).touch()
    sync_tree(str(tmp_path), str(tmp_path.parent))
    assert (disk.whole, disk.synced) == (1, [])


def test_the_whole_file_system_can_be_synced(tmp_path: Path) -> None:
    """The system call as it is."""
    durable._sync_file_system(f"{tmp_path}/any")


def test_folders_too_deep_to_be_listed_are_synced_at_one_go(tmp_path: Path, disk: Disk) -> None:
    """Paths longer than the system takes."""
    (tmp_path / "out").mkdir()
    place = os.open(tmp_path / "out", os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=place)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    sync_tree(str(tmp_path / "out"), str(tmp_path))
    assert disk.whole == 1
