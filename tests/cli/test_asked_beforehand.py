"""What is asked before a job: the plan, whether a file is valid, what an export would lose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.views import (
    Decision,
    ExportView,
    PlanView,
    TaskPlan,
    ValidationView,
)  # fmt: skip
from fasttrack_jupyter.model.problems import Problem, Severity


def _view(view: Any) -> Any:
    return view.model_dump(mode="json")


def _plan(*decisions: Decision) -> Any:
    tasks = tuple(
        TaskPlan(path=f"t{n}", task=f"t{n}", decision=one, reason="why", notes=("shrunk",), expected_seconds=90.0)
        for n, one in enumerate(decisions)
    )
    return _view(PlanView(pipeline="digits", backend="local", tasks=tasks, expected_seconds=125.0))


def test_plan_tells_decision_reason_and_time(cli: Any, client: Any, tmp_path: Path) -> None:
    """A line per task and the totals."""
    client.answers["plan"] = _plan(Decision.RUN, Decision.REUSE)
    done = cli("plan", "-", stdin="x")
    assert done.exit_code == 0
    assert "▶ will run  why; shrunk  ≈ 1 min 30 s" in done.stdout
    assert "digits on local: 1 will run, 1 reused; about 2 min 5 s on the critical path" in done.stdout


def test_a_plan_that_refuses_exits_with_2(cli: Any, client: Any) -> None:
    """Also as JSON, also for a rerun."""
    client.answers["plan"] = client.answers["plan_rerun"] = _plan(Decision.REFUSE)
    assert cli("plan", "-", stdin="x").exit_code == 2
    assert cli("rerun", "last", "--plan", "--json").exit_code == 2


def test_validate_tells_warnings_of_a_valid_file(cli: Any, client: Any, tmp_path: Path) -> None:
    """Warnings do not fail; they come on stderr, the verdict on stdout."""
    file = tmp_path / "p.yaml"
    file.write_text("name: digits\n")
    problem = Problem(code="w", message="odd name", line=1, column=7, severity=Severity.WARNING)
    client.answers["validate"] = _view(ValidationView(valid=True, pipeline="digits", tasks=2, problems=(problem,)))
    done = cli("validate", str(file))
    assert done.exit_code == 0
    assert done.stdout == f"{file}: valid; pipeline digits, 2 tasks\n"
    assert f"{file}:1:7: warning: odd name\n    1 | name: digits\n      |       ^\n" in done.stderr


def test_validate_of_a_bad_file_exits_with_2(cli: Any, client: Any) -> None:
    """With --json stdout carries all problems."""
    client.answers["validate"] = _view(ValidationView(valid=False, problems=(Problem(code="x", message="bad"),)))
    done = cli("validate", "-", "--json", stdin="x")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["problems"][0]["message"] == "bad"


def test_export_reports_losses_on_stderr(cli: Any, client: Any) -> None:
    """stdout is the text, nothing else."""
    loss = Problem(code="lost", message="timeout cannot be carried over", severity=Severity.WARNING)
    client.answers["export"] = _view(ExportView(text="name: x\n", losses=(loss,)))
    done = cli("export", "-", "--to", "fasttrack-26.4", stdin="x")
    assert (done.exit_code, done.stdout) == (0, "name: x\n")
    assert "timeout cannot be carried over" in done.stderr
    assert "1 thing could not be carried over" in done.stderr


def test_export_writes_a_whole_file(cli: Any, client: Any, tmp_path: Path) -> None:
    """The file is there at once, and nothing beside it."""
    client.answers["export"] = _view(ExportView(text="name: x\n", losses=()))
    out = tmp_path / "out.yaml"
    out.write_text("old")
    assert cli("export", "-", "--to", "fasttrack-22.09", "-o", str(out), stdin="x").exit_code == 0
    assert out.read_text() == "name: x\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.yaml"]


def test_export_to_nowhere_is_refused(cli: Any, client: Any, tmp_path: Path) -> None:
    """A folder that is not there is an error in words."""
    client.answers["export"] = _view(ExportView(text="name: x\n", losses=()))
    done = cli("export", "-", "--to", "fasttrack-22.09", "-o", str(tmp_path / "no" / "out.yaml"), stdin="x")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
