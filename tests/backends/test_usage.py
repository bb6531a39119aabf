"""What sessions use over time: when it is kept, how much of it, and that it is right."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import usage
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.backends.local.usage import MOST, Sample, Sampler, points_of
from fasttrack_jupyter.engine.ports import UsagePoint
from fasttrack_jupyter.testing.conformance import opened, session_spec

T = 1_700_000_000.0


def note(sampler: Sampler, folder: Path, *samples: Sample) -> None:
    for sample in samples:
        sampler.note("j-0-1", str(folder), T, sample)


def test_short_sessions_leave_nothing(tmp_path: Path) -> None:
    """Not even an empty file."""
    note(Sampler(1.0), tmp_path, Sample(T + 0.9, 0.5, 1, 1))
    assert (points_of(str(tmp_path)), list(tmp_path.iterdir())) == ([], [])


def test_cores_are_the_mean_since_the_point_before(tmp_path: Path) -> None:
    """The first since the beginning; a clock that was set back gives none."""
    note(Sampler(1.0), tmp_path, Sample(T + 2, 3.0, 10, 2), Sample(T + 4, 3.5, 20, 1))
    assert points_of(str(tmp_path)) == [UsagePoint(T + 2, 1.5, 10, 2), UsagePoint(T + 4, 0.25, 20, 1)]
    note(Sampler(1.0), tmp_path, Sample(T + 1, 3.5, 20, 1))
    assert points_of(str(tmp_path))[-1].cpu == 0.0


def test_looks_between_two_points_are_not_kept(tmp_path: Path) -> None:
    """One each second, however often somebody looks."""
    note(Sampler(1.0), tmp_path, *(Sample(T + 1 + i / 10, 0, i, 1) for i in range(40)))
    assert len(points_of(str(tmp_path))) == 5


def test_long_sessions_keep_so_many_points_over_their_whole_time(tmp_path: Path) -> None:
    """Evenly enough, the newest among them, the mean still right, in a small file."""
    note(Sampler(1.0), tmp_path, *(Sample(T + i, i / 2, i, 1) for i in range(1, 20_001)))
    points = points_of(str(tmp_path))
    assert MOST / 2 <= len(points) <= MOST
    assert points[0].at - T <= 65
    assert points[-1].at >= T + 20_000 - 64
    assert {round(point.cpu, 3) for point in points} == {0.5}
    assert (tmp_path / usage.FILE).stat().st_size < 30_000
    assert (tmp_path / usage.FILE).stat().st_mode & 0o777 == 0o600


def test_the_next_engine_goes_on_where_the_file_ends(tmp_path: Path) -> None:
    """With the same distances; a line that a crash broke off is lost alone."""
    note(Sampler(1.0), tmp_path, *(Sample(T + i, 0, i, 1) for i in range(1, 2_000)))
    before = len(points_of(str(tmp_path)))
    with (tmp_path / usage.FILE).open("a") as file:
        file.write("1700002000.0 12")
    note(Sampler(1.0), tmp_path, *(Sample(T + 2_000 + i, 0, i, 1) for i in range(1, 41)))
    points = points_of(str(tmp_path))
    assert before + 8 <= len(points) <= before + 11
    assert [point.at for point in points] == sorted(point.at for point in points)


def test_gpus_are_those_of_the_session_in_their_order(tmp_path: Path) -> None:
    """The driver is asked once for several sessions, and not at all for those without."""
    asked = []

    def look() -> list[dict[str, object]]:
        asked.append(1)
        return [{"id": name, "busy": busy, "mem_used": 5, "mem_total": 9} for name, busy in (("A", 30), ("B", None))]

    sampler = Sampler(1.0, lambda attempt_id: {"two": ("B", "A")}.get(attempt_id, ()), look)
    for name in ("none", "two", "two-too"):
        (tmp_path / name).mkdir()
        sampler.note(name, str(tmp_path / name), T, Sample(T + 2, 0, 1, 1))
    assert points_of(str(tmp_path / "two"))[0].gpus == ((None, 5), (30.0, 5))
    assert points_of(str(tmp_path / "none"))[0].gpus == ()
    assert len(asked) == 1


def test_a_folder_that_is_gone_costs_its_points_and_nothing_else(tmp_path: Path) -> None:
    """The watchdog looks on."""
    note(Sampler(1.0), tmp_path / "gone", Sample(T + 2, 0, 1, 1))
    assert points_of(str(tmp_path / "gone")) == []


def test_a_file_that_the_task_made_something_else_of_harms_nobody(tmp_path: Path) -> None:
    """A pipe, a link, a folder, nonsense: nobody waits, nothing else is written to, and the rest is read."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    makers = (
        os.mkfifo,
        lambda path: path.symlink_to(elsewhere),
        Path.mkdir,
        lambda path: path.write_bytes(b"\xff\n" * 9),
    )
    for number, make in enumerate(makers):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / usage.FILE)
        note(Sampler(1.0), folder, Sample(T + 2, 0, 1, 1))
        assert len(points_of(str(folder))) in (0, 1)
    assert elsewhere.read_text() == "mine"
    lines = (
        f"{T} 0 0 0 .\nnan 0 0 0 .\n{T} inf 0 0 .\n1e300 0 0 0 .\n-1 0 0 0 .\n{T + 1} 1 5 1 40,x .\n{T + 2} 1 5 1 .\n"
    )
    (tmp_path / usage.FILE).write_text(lines)
    assert points_of(str(tmp_path)) == [UsagePoint(T + 2, 0.5, 5, 1)]


@pytest.mark.parametrize("mode", ["namespaces", "folders"])
def test_a_session_that_works_is_seen_to_while_it_runs_and_after(tmp_path: Path, mode: str) -> None:
    """Memory and cores, those of ended children too; by this engine and by the next."""
    work = "i=0; while [ $i -lt 40 ]; do /bin/sh -c 'j=0; while [ $j -lt 9000 ]; do j=$((j+1)); done'; i=$((i+1)); done"
    settings = LocalSettings(tmp_path / "home", mode=mode, watch_interval=0.2, grace=0.2)

    async def go() -> tuple[list[UsagePoint], list[UsagePoint]]:
        async with opened(backend := LocalBackend(settings)) as reports:
            await backend.submit(session_spec("j-0-1", f"{work}; sleep 60"))
            await reports.running("j-0-1")
            deadline = asyncio.get_running_loop().time() + 30
            while len(await backend.usage_samples("j-0-1")) < 3:
                assert asyncio.get_running_loop().time() < deadline, "waited in vain"
                await asyncio.sleep(0.05)
            await backend.cancel("j-0-1", "cancelled")
            await reports.ended("j-0-1")
            first = list(await backend.usage_samples("j-0-1"))
        async with opened(again := LocalBackend(settings)):
            return first, list(await again.usage_samples("j-0-1"))

    first, second = asyncio.run(go())
    assert first == second
    assert all(point.mem > 100_000 and point.processes >= 1 for point in first)
    assert max(point.cpu for point in first) > 0.1
