"""run, attach, rerun: a job that is followed, where nobody watches a screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import EngineUnavailable, InvalidPipeline, Refused
from fasttrack_jupyter.model.problems import Problem

TEXT = "name: digits\ntasks:\n- name: 한국어\n  command: tru\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A pipeline's file."""
    path = tmp_path / "digits.fasttrack.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def _ended(shapes: Any, *tasks: Any, **more: Any) -> Any:
    return shapes.job(*tasks, **{"status": "TERMINATED", "result": "SUCCESS", "ended_at": shapes.at(5), **more})


def _success(shapes: Any) -> tuple[list[Any], Any]:
    events = [
        shapes.event(1, "prepare", "PREPARING"),
        shapes.event(2, "prepare", "RUNNING"),
        shapes.event(4, "prepare", "TERMINATED", "SUCCESS"),
        shapes.event(5, None, "TERMINATED", "SUCCESS"),
    ]
    done = shapes.task(
        "prepare", "TERMINATED", "SUCCESS", attempts=1, outputs_dir="/data/digits-a1b2c3/jobs/12/prepare"
    )
    return events, _ended(
        shapes, done, outputs={"prepare": {"accuracy": 0.97, "model": {"type": "Model", "path": "/x", "metadata": {}}}}
    )


def _failure(shapes: Any) -> tuple[list[Any], Any]:
    events = [
        shapes.event(2, "prepare", "RUNNING"),
        shapes.event(4, "prepare", "TERMINATED", "FAILURE", "exit 3"),
        shapes.event(4, "train", "CANCELLED", "UNDEFINED", "dependency prepare failed"),
        shapes.event(5, None, "TERMINATED", "FAILURE"),
    ]
    failed = shapes.task("prepare", "TERMINATED", "FAILURE", reason="exit 3", attempts=1, ended_at=shapes.at(4))
    victim = shapes.task("train", "CANCELLED", reason="dependency prepare failed")
    return events, _ended(shapes, failed, victim, result="FAILURE")


def test_run_says_a_line_per_change(cli: Any, client: Any, story: Any, shapes: Any, file: str) -> None:
    """Without a terminal: plain lines, no escape sequence, the outcome at the end."""
    story(*_success(shapes))
    done = cli("run", file)
    assert done.exit_code == 0
    assert "▶ prepare  running" in done.stdout
    assert "✓ prepare  succeeded  2.0 s" in done.stdout
    assert "✓ digits#12 succeeded in 5.0 s" in done.stdout
    assert "outputs: /data/digits-a1b2c3/jobs/12/prepare" in done.stdout
    assert "prepare.accuracy = 0.97" in done.stdout
    assert "\x1b" not in done.output


def test_run_says_a_line_per_tenth_that_a_task_says_is_done(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """Not one for each of its words."""
    events, end = _success(shapes)
    said = [
        shapes.event(2, "prepare", "RUNNING", data={"progress": {"fraction": n / 100, "text": f"epoch {n}"}})
        for n in range(1, 60)
    ]
    story([*events[:2], *said, *events[2:]], end)
    told = cli("run", file).stdout
    assert [line.split("  ", 1)[1] for line in told.splitlines() if " % " in line] == [
        f"▶ prepare  running  {n} % · epoch {n}" for n in (10, 20, 30, 40, 50)
    ]


def test_many_that_never_ran_are_one_line(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """A partial run of a large pipeline does not say ``skipped`` a thousand times."""
    skipped = [shapes.event(1, f"t{n}", "SKIPPED", "SUCCESS", "outside the partial run") for n in range(9)]
    few = [shapes.event(1, f"r{n}", "TERMINATED", "SUCCESS", "reused from job #11") for n in range(2)]
    events, end = _success(shapes)
    story([*skipped, *few, *events], end)
    told = cli("run", file).stdout
    assert "⤼ 9 task instances  skipped  outside the partial run" in told
    assert told.count("outside the partial run") == 1
    assert "↺ r1  reused  reused from job #11" in told


def test_run_asks_for_what_was_typed(cli: Any, client: Any, story: Any, shapes: Any, file: str) -> None:
    """Every option reaches the request."""
    story(*_success(shapes))
    cli(
        "run", file, "-p", "lr=0.1", "--param", "note=a=b", "--only", "x", "--from", "y", "--until", "z",
        "--backend", "b", "--shrink", "--name", "n", "--tag", "t", "--tag", "u", "--note", "free", "--priority", "5",
    )  # fmt: skip
    (request,) = client.asked("run")
    assert request == {
        "source": file, "params": {"lr": "0.1", "note": "a=b"},
        "selection": {"only": ["x"], "from": ["y"], "until": ["z"]}, "backend": "b", "shrink": True,
        "name": "n", "tags": ["t", "u"], "note": "free", "priority": 5,
    }  # fmt: skip


def test_run_takes_a_pipeline_from_stdin(cli: Any, client: Any, story: Any, shapes: Any) -> None:
    """``-`` is stdin."""
    story(*_success(shapes))
    assert cli("run", "-", stdin=TEXT).exit_code == 0
    assert client.asked("run")[0]["text"] == TEXT


def test_a_failure_shows_its_reason_and_the_end_of_its_log(
    cli: Any, client: Any, story: Any, shapes: Any, file: str
) -> None:
    """The cause, its last 20 lines, its victims, and what to do next; exit status 1."""
    story(*_failure(shapes))
    client.logs_by_path["prepare"] = "".join(f"line {n}\n" for n in range(40)) + "\x1b[31mboom\x1b[0m\n"
    done = cli("run", file)
    assert done.exit_code == 1
    assert "✕ prepare failed: exit 3" in done.stdout
    assert "│ boom" in done.stdout
    assert "│ line 21\n" in done.stdout
    assert "│ line 20\n" not in done.stdout
    assert "1 task cancelled because of that" in done.stdout
    assert "fasttrack logs digits#12 prepare" in done.stdout
    assert "fasttrack rerun digits#12 --from-failed" in done.stdout


@pytest.mark.parametrize(
    ("code", "said"),
    [(1, "exit 1\n"), (127, "exit 127, which means: command not found"), (137, "exit 137, ended by SIGKILL")],
)
def test_an_exit_status_is_explained(cli: Any, story: Any, shapes: Any, file: str, code: int, said: str) -> None:
    """Statuses that shells give a meaning of their own are told in words."""
    failed = shapes.task("prepare", "TERMINATED", "FAILURE", reason=f"exit {code}", exit_code=code, attempts=1)
    story([], shapes.job(failed, status="TERMINATED", result="FAILURE", ended_at=shapes.at(1)))
    assert f"prepare failed: {said}" in cli("run", file).stdout


def test_a_failure_without_a_log_points_at_none(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """What failed before it ran wrote nothing; its reason is told in all its lines."""
    failed = shapes.task("prepare", "ERROR", "FAILURE", reason="no such image\n  see there", attempts=1)
    story([], shapes.job(failed, status="TERMINATED", result="FAILURE", ended_at=shapes.at(1)))
    told = cli("run", file).stdout
    assert "prepare failed: no such image\n    see there\n" in told
    assert "fasttrack logs" not in told


def test_run_json_prints_the_final_job_alone(cli: Any, client: Any, story: Any, shapes: Any, file: str) -> None:
    """stdout is one JSON object: the job as it ended."""
    story(*_failure(shapes))
    done = cli("run", file, "--json")
    assert json.loads(done.stdout) == client.end
    assert done.exit_code == 1
    assert "prepare failed: exit 3" in done.stderr


def test_a_cancelled_job_exits_with_3(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """Cancelled is neither success nor failure."""
    end = _ended(
        shapes, shapes.task("prepare", "CANCELLED"), status="CANCELLED", result="UNDEFINED", reason="cancelled"
    )
    story([shapes.event(3, None, "CANCELLED", "UNDEFINED", "cancelled")], end)
    assert cli("run", file).exit_code == 3


def test_detach_returns_at_once(cli: Any, client: Any, file: str) -> None:
    """The job's word, and how to follow it; nothing is followed."""
    done = cli("run", file, "--detach")
    assert done.exit_code == 0
    assert "fasttrack attach digits#12" in done.stdout
    assert "follow_events" not in [name for name, _ in client.calls]


def test_detach_quietly_prints_the_id(cli: Any, shapes: Any, file: str) -> None:
    """A script gets what it needs, and nothing else."""
    assert cli("run", file, "-d", "-q").stdout == f"{shapes.job_id}\n"


def test_quiet_says_nothing_on_success(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """--quiet is silent unless something fails."""
    story(*_success(shapes))
    done = cli("run", file, "--quiet")
    assert (done.exit_code, done.output) == (0, "")


def test_quiet_tells_of_a_failure_on_stderr(cli: Any, story: Any, shapes: Any, file: str) -> None:
    """--quiet does not hide what went wrong."""
    story(*_failure(shapes))
    done = cli("run", file, "--quiet")
    assert done.stdout == ""
    assert "prepare failed: exit 3" in done.stderr


def test_a_restarted_engine_is_mentioned(
    cli: Any, client: Any, shapes: Any, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another engine answers than before, the person hears of it and the job goes on."""
    monkeypatch.setattr("fasttrack_jupyter.cli.feed._LOOK_SECONDS", 0.01)
    events, client.end = _success(shapes)

    def follow_events(after: int, *, job: str | None = None) -> Any:
        client.pid = 200
        while sum(name == "jobs" for name, _ in client.calls) < 2:
            client.told.wait(0.01)
        client.told.set()
        yield from events

    client.story, client.follow_events = events, follow_events
    done = cli("attach", "last")
    assert done.exit_code == 0
    assert "engine restarted; going on" in done.stdout


def test_attach_to_what_has_ended_reports_it(cli: Any, story: Any, shapes: Any) -> None:
    """There is nothing to follow: the outcome and its exit status."""
    story([], _failure(shapes)[1])
    done = cli("attach", "last")
    assert done.exit_code == 1
    assert "digits#12 failed" in done.stdout


def test_an_engine_that_cannot_be_reached_any_more_ends_the_following(cli: Any, client: Any, file: str) -> None:
    """Following breaks off with the client's own words."""
    client.errors["follow_events"] = EngineUnavailable("the engine does not answer", hint="Its log is x.")
    done = cli("run", file)
    assert done.exit_code == 1
    assert done.stderr == "error: the engine does not answer\nhint: Its log is x.\n"


def test_an_invalid_pipeline_is_refused_where_it_is_wrong(cli: Any, client: Any, file: str) -> None:
    """File, line, column, the line itself, a caret under the place, the hint; exit status 2."""
    problem = Problem(code="x", message="unknown command", line=4, column=12, hint="did you mean true?")
    client.errors["run"] = InvalidPipeline("the pipeline has 1 error", (problem,))
    done = cli("run", file)
    assert done.exit_code == 2
    assert f"{file}:4:12: error: unknown command\n    4 |   command: tru\n      |            ^\n" in done.stderr
    assert "did you mean true?" in done.stderr


def test_the_caret_stands_under_wide_characters(cli: Any, client: Any, file: str) -> None:
    """A Korean letter is two cells wide."""
    problem = Problem(code="x", message="bad", line=3, column=10)
    client.errors["run"] = InvalidPipeline("the pipeline has 1 error", (problem,))
    assert "    3 | - name: 한국어\n      |           ^\n" in cli("run", file).stderr


def test_a_refused_plan_names_its_tasks(cli: Any, client: Any, file: str) -> None:
    """Each refused task with its reason; exit status 2; the same as JSON on stdout."""
    client.errors["run"] = Refused("2 tasks cannot run here", details={"tasks": {"train": "needs 64g, there are 8g"}})
    done = cli("run", file, "--json")
    assert done.exit_code == 2
    assert "  train: needs 64g, there are 8g" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "refused"


def test_rerun_asks_for_what_was_typed(cli: Any, client: Any, story: Any, shapes: Any) -> None:
    """Every option of rerun reaches the request."""
    story(*_success(shapes))
    done = cli("rerun", "last", "--from-failed", "--edited", "--until", "z", "-p", "lr=1", "--shrink")
    assert done.exit_code == 0
    assert client.asked("rerun") == (
        "last",
        {
            "from_failed": True, "edited": True, "selection": {"only": [], "from": [], "until": ["z"]},
            "params": {"lr": "1"}, "shrink": True,
        },
    )  # fmt: skip


@pytest.mark.parametrize("words", [("lr",), ("=1",), ("a=1", "-p", "a=2")])
def test_bad_parameters_are_refused_before_anything_is_asked(cli: Any, client: Any, file: str, words: Any) -> None:
    """A parameter is NAME=VALUE, once."""
    done = cli("run", file, "-p", *words)
    assert done.exit_code == 2
    assert "hint:" in done.stderr
    assert client.calls == []


def test_a_missing_file_suggests_what_is_there(cli: Any, file: str) -> None:
    """The pipelines beside the wrong name are named."""
    done = cli("run", str(Path(file).with_name("digit.yaml")))
    assert done.exit_code == 2
    assert f"Did you mean {file}?" in done.stderr


def test_a_folder_is_not_a_pipeline(cli: Any, file: str) -> None:
    """A folder's pipelines are named."""
    done = cli("run", str(Path(file).parent))
    assert done.exit_code == 2
    assert file in done.stderr
