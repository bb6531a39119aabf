"""Death at every step between "intent recorded" and "exit code seen": nothing lost unsaid, nothing run twice.

``crash_steps.py`` does it and says what a step is. The engine's own steps are nearly the same in both modes: with
private mounts it takes every other one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

SCRIPT = Path(__file__).with_name("crash_steps.py")
RIGHT = {"a": (1, 0, "SUCCESS"), "b": (2, 0, "SUCCESS"), "c": (1, 7, "FAILURE")}
"""``(attempts, exit code, result)`` of each task where nothing was lost."""


def die_at_steps(who: str, mode: str, folder: Path) -> list[dict[str, Any]]:
    """What came of each step; the last one is a job in which nobody died."""
    stride = 2 if mode == "namespaces" and who != "launcher" else 1
    argv = [sys.executable, str(SCRIPT), who, mode, str(stride), str(folder)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if found[0]["job"]["tasks"][0]["mode"] != mode:
        pytest.skip(f"sessions cannot run in {mode} here")
    assert all(step["status"] == 0 for step in found), done.stderr
    assert [step["died"] for step in found] == [True] * (len(found) - 1) + [False]
    return found


def check_runs(folder: Path, steps: list[dict[str, Any]]) -> None:
    """Every attempt's command ran once; one of which nobody knows an end, at most once."""
    lines = Counter(next((folder / "home").glob("folders/steps-*/.pipeline/lines")).read_text().splitlines())
    for step in steps:
        for attempt in step["attempts"]:
            ran = lines.pop(f"{attempt['path']} ft-{attempt['id']}", 0)
            assert ran == 1 or (ran == 0 and attempt["reason"] == "lost"), (step["step"], step["where"], attempt, ran)
    assert not lines, "a command ran of which nothing is on record"


def check_nothing_is_left(folder: Path) -> None:
    """No process of any attempt."""
    for process in psutil.process_iter():
        try:
            assert not process.environ().get("FASTTRACK_ATTEMPT", "").startswith(f"{folder}/"), process.cmdline()
        except psutil.Error:
            continue


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_the_engine_may_die_at_any_step(mode: str, tmp_path: Path) -> None:
    """The next one goes on as if nothing had been: every exit code right, no attempt more, none lost."""
    steps = die_at_steps("engine", mode, tmp_path)
    assert len(steps) > 30
    for step in steps:
        tasks = {task["path"]: (task["attempts"], task["exit_code"], task["result"]) for task in step["job"]["tasks"]}
        assert tasks == RIGHT, (step["step"], step["where"])
        assert step["job"]["outputs"] == {"a": {"v": 4}}
    check_runs(tmp_path, steps)
    check_nothing_is_left(tmp_path)


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_the_engine_may_die_at_any_step_of_a_cancel(mode: str, tmp_path: Path) -> None:
    """Asked again, it ends as it would have: cancelled, not tried again, nothing running, nothing begun behind it."""
    steps = die_at_steps("cancel", mode, tmp_path)
    assert len(steps) > 6
    for step in steps:
        assert (step["job"]["status"], step["job"]["result"]) == ("CANCELLED", "UNDEFINED"), (
            step["step"],
            step["where"],
        )
        tasks = {task["path"]: (task["status"], task["attempts"]) for task in step["job"]["tasks"]}
        assert tasks == {"a": ("CANCELLED", 1), "b": ("CANCELLED", 1), "c": ("CANCELLED", 0)}, step["where"]
    assert not list((tmp_path / "home").glob("folders/steps-*/.pipeline/lines"))
    check_nothing_is_left(tmp_path)


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_the_launcher_may_die_at_any_step(mode: str, tmp_path: Path) -> None:
    """What it was about to start is started by the next one, or said to be lost; what it had started goes on."""
    steps = die_at_steps("launcher", mode, tmp_path)
    assert len(steps) > 12
    for step in steps:
        for attempt in step["attempts"]:
            expected = {"a": {0}, "b": {0, 3}, "c": {7}}[attempt["path"]]
            assert attempt["exit_code"] in expected or attempt["reason"] == "lost", (step["step"], attempt)
    if mode == "folders":
        assert not [a for step in steps for a in step["attempts"] if a["reason"] == "lost"], "it was not the supervisor"
    check_runs(tmp_path, steps)
    check_nothing_is_left(tmp_path)
