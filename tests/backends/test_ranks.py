"""Distributed training on this machine: ranks of one session, and nodes that meet in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.backends import ranks
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.model.launchers import Launch
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import Reports, opened, session_spec

SPEC = "j-0-1"
Scene = Callable[[LocalBackend, Reports], Awaitable[Any]]
WHO = "$RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $NODE_RANK/$GROUP_WORLD_SIZE $BACKENDAI_CLUSTER_HOST"


@pytest.fixture(params=["auto", "folders"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> LocalSettings:
    """The best mode of this machine, and the one that works everywhere."""
    return LocalSettings(tmp_path / "ft", mode=request.param, grace=0.5, watch_interval=0.05)


def play(settings: LocalSettings, scene: Scene) -> Any:
    """Open a backend, play ``scene``, close."""

    async def go() -> Any:
        async with opened(backend := LocalBackend(settings)) as reports:
            return await scene(backend, reports)

    return asyncio.run(go())


def spec(command: str, **more: Any) -> SessionSpec:
    """Two nodes with two ranks each."""
    return session_spec(SPEC, command, **{"cluster_size": 2, "launch": Launch(2), **more})


def run(settings: LocalSettings, command: str, **more: Any) -> SessionReport:
    """How a session of ``command`` ends."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(spec(command, **more))
        return await reports.ended(SPEC)

    report: SessionReport = play(settings, scene)
    return report


def log_of(settings: LocalSettings) -> list[str]:
    """The lines of the session's log."""
    return (settings.home / "attempts" / SPEC / "log").read_text().splitlines()


def pids_in(path: Path, count: int) -> list[int]:
    """The pids that so many ranks wrote into files."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [file.read_text() for file in path.glob("pid.*")]
        if len(found) == count and all(text.endswith("\n") for text in found):
            return [int(text) for text in found]
        time.sleep(0.02)
    raise AssertionError("not all ranks began")


def all_gone(mark: Path) -> bool:
    """Whether no process lives whose command names this path."""
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and str(mark) in " ".join(process.cmdline()):
                return False
        except psutil.Error:
            continue
    return True


def test_every_rank_is_told_who_it_is(settings: LocalSettings) -> None:
    """The command runs once per rank, with torchrun's variables; its lines begin with the rank."""
    assert run(settings, f'echo "{WHO}"').result is Result.SUCCESS
    assert sorted(log_of(settings)) == [
        "[rank 0] 0/4 0/2 0/2 main1",
        "[rank 1] 1/4 1/2 0/2 main1",
        "[rank 2] 2/4 0/2 1/2 sub1",
        "[rank 3] 3/4 1/2 1/2 sub1",
    ]


def test_ranks_meet_at_one_address(settings: LocalSettings) -> None:
    """One port for all of them, which is free; or the one that the task names."""
    assert run(settings, "echo $MASTER_ADDR:$MASTER_PORT").result is Result.SUCCESS
    (address,) = {line.split()[-1] for line in log_of(settings)}
    assert address.startswith("127.0.0.1:")
    assert int(address.rpartition(":")[2]) > 1023


def test_a_launcher_works_without_a_cluster(settings: LocalSettings) -> None:
    """``cluster_size: 1`` with several processes is one node."""
    report = run(settings, f'echo "{WHO}"', cluster_size=1, launch=Launch(2, port=23456))
    assert report.result is Result.SUCCESS
    assert sorted(log_of(settings)) == ["[rank 0] 0/2 0/2 0/1 main1", "[rank 1] 1/2 1/2 0/1 main1"]


@pytest.mark.parametrize(
    ("how", "reason", "code"),
    [("exit 3", "rank 2 (sub1): exit 3", 3), ("kill -9 $$", "rank 2 (sub1): killed by SIGKILL", 137)],
    ids=["exit", "signal"],
)
def test_the_first_rank_that_fails_ends_the_others(
    settings: LocalSettings, tmp_path: Path, how: str, reason: str, code: int
) -> None:
    """The reason names it; one exit code for each rank is kept; nobody is left."""
    command = f"echo $$ >{tmp_path}/pid.$RANK; [ $RANK != 2 ] || {{ sleep 0.3; {how}; }}; sleep 60"
    report = run(settings, command)
    assert (report.status, report.result, report.exit_code, report.reason) == (
        Status.TERMINATED, Result.FAILURE, code, reason,
    )  # fmt: skip
    assert all_gone(tmp_path)
    assert report.data["ranks"] == [-15, -15, code if code == 3 else -9, -15]
    assert f"[fasttrack] {reason}: the others are ended" in log_of(settings)


@pytest.mark.parametrize("end", ["cancel", "timeout"])
def test_all_ranks_end_with_the_session(settings: LocalSettings, tmp_path: Path, end: str) -> None:
    """Those of all nodes, also one that does not listen to TERM; the reason is whose wish it was."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        command = f"[ $RANK = 1 ] && trap '' TERM; echo $$ >{tmp_path}/pid.$RANK; while :; do sleep 0.1; done"
        await backend.submit(spec(command, timeout=2.0 if end == "timeout" else None))
        await asyncio.to_thread(pids_in, tmp_path, 4)
        if end == "cancel":
            await backend.cancel(SPEC, "cancelled")
        return await reports.ended(SPEC)

    report = play(settings, scene)
    assert report.reason == ("cancelled" if end == "cancel" else "timeout 2s")
    assert all_gone(tmp_path)


def test_a_node_that_is_killed_fails_the_session(settings: LocalSettings, tmp_path: Path) -> None:
    """What leads the ranks of sub1 dies: the reason says so, and its ranks do not live on."""

    async def scene(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.submit(spec(f"echo $$ >{tmp_path}/pid.$RANK; sleep 60"))
        await asyncio.to_thread(pids_in, tmp_path, 4)
        os.kill(leader_of(3), signal.SIGKILL)
        return await reports.ended(SPEC)

    assert play(settings, scene).reason == "sub1 was killed"
    assert all_gone(tmp_path)


def leader_of(rank: int) -> int:
    """Who leads a rank's node: the parent of the process that has it among its variables."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("RANK") == str(rank) and process.environ().get("MASTER_ADDR") == "127.0.0.1":
                parent = process.parent()
                if parent is not None and "RANK" not in parent.environ():
                    return parent.pid
        except psutil.Error:
            continue
    raise AssertionError(f"no rank {rank}")


def test_another_engine_adopts_all_ranks(settings: LocalSettings, tmp_path: Path) -> None:
    """The backend goes away in the middle; the next one finds the session, nothing runs twice."""
    go = tmp_path / "go"
    command = f"echo $$ >>{tmp_path}/pid.$RANK; until [ -e {go} ]; do sleep 0.05; done; exit 0"

    async def first(backend: LocalBackend, reports: Reports) -> None:
        await backend.submit(spec(command))
        await asyncio.to_thread(pids_in, tmp_path, 4)

    async def second(backend: LocalBackend, reports: Reports) -> SessionReport:
        await backend.adopt(spec(command))
        go.touch()
        return await reports.ended(SPEC)

    play(settings, first)
    assert play(settings, second).result is Result.SUCCESS
    assert len(pids_in(tmp_path, 4)) == 4


# ---------------------------------------------------------------------- containers, played by processes


def node(folder: Path, name: str, command: str, **more: Any) -> subprocess.Popen[str]:
    """One container of two: its own process, its own log, nothing in common but a folder."""
    plan = {
        "folder": str(folder), "nodes": ["main1", "sub1"], "processes": 1, "within": 20, "address": "main1",
        "port": 29500, "run": "r", "poll": 0.1, "silence": 3.0, **more,
    }  # fmt: skip
    environ = {**os.environ, "FT_RANKS": json.dumps(plan), "BACKENDAI_CLUSTER_HOST": name}
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, "-I", "-S", ranks.__file__, command]
    log = subprocess.PIPE if name == "main1" else subprocess.DEVNULL
    return subprocess.Popen(argv, env=environ, stdout=log, text=True)


def both(folder: Path, command: str, **more: Any) -> tuple[int, str, dict[str, Any]]:
    """Main's exit code and log, and what is told, of a session of two containers."""
    main, sub = node(folder, "main1", command, **more), node(folder, "sub1", command, **more)
    log, _ = main.communicate(timeout=30)
    sub.wait(timeout=30)
    return main.returncode, log, json.loads((folder / "told").read_text())


def test_containers_meet_in_a_folder(tmp_path: Path) -> None:
    """Their ranks begin together, and main1's log holds the lines of all."""
    code, log, told = both(tmp_path / "ranks", "echo $RANK of $WORLD_SIZE at $MASTER_ADDR:$MASTER_PORT")
    assert (code, told) == (0, {"reason": "", "codes": [0, 0]})
    assert sorted(log.splitlines()) == ["[rank 0] 0 of 2 at main1:29500", "[rank 1] 1 of 2 at main1:29500"]


def test_a_rank_that_fails_in_a_container_ends_those_of_the_others(tmp_path: Path) -> None:
    """Main's exit code is that rank's."""
    code, log, told = both(tmp_path / "ranks", "[ $RANK = 0 ] || exit 7; sleep 60")
    assert (code, told) == (7, {"reason": "rank 1 (sub1): exit 7", "codes": [-15, 7]})
    assert "[fasttrack] rank 1 (sub1): exit 7: the others are ended" in log


def test_no_rank_begins_before_all_containers_are_there(tmp_path: Path) -> None:
    """A container that does not come in time fails the session; the reason names it."""
    main = node(tmp_path / "ranks", "main1", f"touch {tmp_path}/began", within=0.5)
    log, _ = main.communicate(timeout=30)
    assert main.returncode == 94
    assert "no rank began: within 0.5 s, of its 2 containers sub1 was not there" in log
    assert not (tmp_path / "began").exists()


def test_main_ends_the_ranks_of_all_containers_when_it_is_told_to_end(tmp_path: Path) -> None:
    """TERM reaches main1 alone (a cancel, a timeout): the others hear of it through the folder."""
    folder = tmp_path / "ranks"
    main = node(folder, "main1", f"echo $$ >{tmp_path}/pid.$RANK; sleep 60")
    sub = node(folder, "sub1", f"echo $$ >{tmp_path}/pid.$RANK; sleep 60")
    pids_in(tmp_path, 2)
    main.send_signal(signal.SIGTERM)
    main.communicate(timeout=30)
    sub.wait(timeout=30)
    assert (main.returncode, all_gone(tmp_path)) == (143, True)


def test_a_container_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    """It was killed, and can say nothing any more."""
    folder = tmp_path / "ranks"
    main = node(folder, "main1", f"echo $$ >{tmp_path}/pid.$RANK; sleep 60", silence=1.0)
    sub = node(folder, "sub1", f"echo $$ >{tmp_path}/pid.$RANK; sleep 1", silence=1.0)
    pids_in(tmp_path, 2)
    sub.kill()
    sub.wait()
    log, _ = main.communicate(timeout=60)
    assert main.returncode == 93
    assert "sub1 was not heard of for 1 s" in log


def main1(folder: Path, **more: object) -> tuple[int, dict[str, Any], float]:
    """The first of two nodes, as a process: its exit code, what it told, its seconds."""
    values = {"folder": str(folder), "nodes": ["main1", "sub1"], "processes": 1, "within": 20.0, "address": "main1"}
    values |= {"port": 29500, "run": "r", "poll": 0.05, "silence": 0.3, **more}
    program = (
        f"import json, sys\nfrom fasttrack_jupyter.backends.ranks import Node, Plan\n"
        f"sys.exit(Node(Plan(**json.loads({json.dumps(json.dumps(values))})), 0, 'true', {{}}).run())"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    return done.returncode, json.loads((folder / "told").read_text()), time.monotonic() - began


def test_who_failed_and_died_before_it_could_say_why_makes_no_success(tmp_path: Path) -> None:
    """Killed between the two: the mark is there, the words are not."""
    (tmp_path / "failed").mkdir()
    (tmp_path / "here.1").write_text("1")
    (tmp_path / "ended.1").write_text("{}")
    code, told, _ = main1(tmp_path)
    assert (code, told["reason"]) == (1, "a container failed, and ended before it said why")


def test_who_was_never_there_is_waited_for_as_long_as_the_launcher_says(tmp_path: Path) -> None:
    """However short the silence that ends one who was."""
    code, told, seconds = main1(tmp_path, within=2.0)
    assert code == 94
    assert told["reason"] == "no rank began: within 2 s, of its 2 containers sub1 was not there"
    assert seconds > 2
