"""The commands that ask one thing and show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.cli.app import COMMANDS
from fasttrack_jupyter.engine.views import (
    FolderView,
    GcView,
    PipelineView,
)  # fmt: skip
from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, NotFound, StoreFull


def _view(view: Any) -> Any:
    return view.model_dump(mode="json")


# ---------------------------------------------------------------- the root


def test_help_names_every_command(cli: Any) -> None:
    """The root's help lists each command with its purpose."""
    told = cli("--help").stdout
    assert all(name in told and purpose in told for name, (_, _, purpose) in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_teaches(cli: Any, name: str) -> None:
    """Each command's help opens with its purpose and tells its exit statuses."""
    done = cli(name, "--help")
    assert done.exit_code == 0
    assert COMMANDS[name][2].split(".")[0] in done.stdout
    assert "Exit status:" in done.stdout


def test_a_typing_mistake_gets_a_suggestion(cli: Any) -> None:
    """An unknown command is refused with the one that was meant."""
    done = cli("job")
    assert done.exit_code == 2
    assert "there is no command 'job'. Did you mean 'jobs'" in done.stderr


def test_version_needs_no_engine(cli: Any, client: Any) -> None:
    """--version is told by the program itself."""
    assert cli("--version").stdout.startswith("fasttrack ")
    assert client.calls == []


def test_home_reaches_the_client(cli: Any, client: Any, tmp_path: Path) -> None:
    """--home says where everything is kept."""
    cli("--home", str(tmp_path), "jobs")
    assert client.home == str(tmp_path)


def test_errors_of_the_engine_s_side_exit_with_1(cli: Any, client: Any) -> None:
    """A full disk is a failure, not a refusal; there is no traceback."""
    client.errors["pipelines"] = StoreFull("no space left", hint="Make room.")
    done = cli("pipelines")
    assert (done.exit_code, done.stderr) == (1, "error: no space left\nhint: Make room.\n")


def test_debugging_shows_the_traceback(cli: Any, client: Any) -> None:
    """FASTTRACK_DEBUG lets the error through."""
    client.errors["pipelines"] = StoreFull("no space left")
    assert isinstance(cli("pipelines", env={"FASTTRACK_DEBUG": "1"}).exception, FastTrackError)


def test_an_interrupt_exits_with_130(cli: Any, client: Any) -> None:
    """Ctrl-C is no traceback."""
    client.errors["pipelines"] = KeyboardInterrupt()
    assert cli("pipelines").exit_code == 130


# ---------------------------------------------------------------- jobs


def test_jobs_lists_job_and_state(cli: Any) -> None:
    """A line per job: its word, state, id."""
    told = cli("jobs").stdout
    assert "digits#12" in told
    assert "▶ running" in told


def test_jobs_json_is_the_list_itself(cli: Any, client: Any) -> None:
    """What the API says, without tasks; filters are handed on."""
    found = json.loads(cli("jobs", "--json", "--status", "running", "--tag", "t", "-n", "3").stdout)
    assert [one["id"] for one in found] == [client.now["id"]]
    assert "tasks" not in found[0]
    assert client.asked("jobs")[-1] == {
        "pipeline": None, "status": ["RUNNING"], "result": [], "tag": "t", "text": None, "limit": 3,
    }  # fmt: skip


def test_no_jobs_is_said_with_what_to_do(cli: Any, client: Any) -> None:
    """An empty list teaches, on stderr."""
    client.jobs = lambda **which: []
    done = cli("jobs")
    assert done.stdout == ""
    assert "fasttrack run FILE" in done.stderr


def test_a_filter_that_finds_nothing_does_not_say_that_there_are_no_jobs(cli: Any, client: Any) -> None:
    """An empty choice is not an empty home."""
    client.jobs = lambda **which: []
    assert "no job is like that" in cli("jobs", "--tag", "keep").stderr


def test_a_result_that_no_job_can_have_is_refused(cli: Any) -> None:
    """A typing mistake in a filter is no empty list."""
    assert cli("jobs", "--result", "failed").exit_code == 2


def test_show_tells_tasks_and_outputs(cli: Any, client: Any, shapes: Any) -> None:
    """State, reason, attempts, values."""
    client.now = shapes.job(
        shapes.task("train", "TERMINATED", "FAILURE", reason="exit 3", attempts=2), outputs={"train": {"accuracy": 0.9}}
    )
    told = cli("show", "last").stdout
    assert "✕ failed ×2" in told
    assert "exit 3" in told
    assert "train.accuracy = 0.9" in told


def test_show_json_is_the_job_itself(cli: Any, client: Any) -> None:
    """Nothing is added, nothing lost."""
    assert json.loads(cli("show", "last", "--json").stdout) == client.now


def test_a_job_that_is_not_there_exits_with_2(cli: Any) -> None:
    """The engine's own words; as JSON on stdout too."""
    done = cli("show", "nope", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "not_found"
    assert done.stderr == "error: there is no job 'nope'\nhint: fasttrack jobs lists them.\n"


def test_cancel_asks_for_one_task_instance(cli: Any, client: Any) -> None:
    """Job and task reach the engine."""
    assert cli("cancel", "last", "train").exit_code == 0
    assert client.asked("cancel") == ("last", "train")


def test_annotate_changes_only_what_is_named(cli: Any, client: Any) -> None:
    """An empty tag takes tags away; nothing named is an error."""
    client.answers["annotate"] = client.now
    cli("annotate", "last", "--name", "n", "--tag", "")
    assert client.asked("annotate")[-1] == {"name": "n", "tags": [], "note": None, "priority": None}
    assert cli("annotate", "last").exit_code == 2


def test_what_is_too_long_for_a_job_is_refused_in_words(cli: Any, client: Any) -> None:
    """The engine's words; what it tells of the request beside them are no problems of a pipeline."""
    told = {"type": "string_too_long", "loc": ["name"], "msg": "String should have at most 200 characters"}
    client.errors["annotate"] = BadRequest(f"the request makes no sense: {told['msg']}", details={"problems": [told]})
    result = cli("annotate", "last", "--name", "x" * 201)
    assert result.exit_code == 2
    assert result.stderr == "error: the request makes no sense: String should have at most 200 characters\n"


def test_delete_resolves_each_job_first(cli: Any, client: Any, shapes: Any) -> None:
    """``last`` twice is one job; the id is what is deleted."""
    client.answers["delete"] = 1
    assert cli("delete", "last", "digits#12").stdout == "1 job forgotten\n"
    assert client.asked("delete") == ([shapes.job_id],)


def test_shell_becomes_the_shell(cli: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argv of the API is executed."""
    started: list[Any] = []
    client.answers["shell"] = ["nsenter", "-t", "1"]
    monkeypatch.setattr("os.execvp", lambda *args: started.append(args))
    cli("shell", "last", "train")
    assert started == [("nsenter", ["nsenter", "-t", "1"])]


def test_a_shell_into_what_has_ended_names_the_task(cli: Any, client: Any) -> None:
    """The refusal speaks of the task, not of a session that nobody knows."""
    client.errors["shell"] = Conflict("the session of 01h-1-1 is not running")
    done = cli("shell", "digits#12", "train")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: train of digits#12 is not running")


def test_a_shell_that_is_not_there_is_an_error(cli: Any, client: Any) -> None:
    """No traceback when the program is missing."""
    client.answers["shell"] = ["/does/not/exist"]
    done = cli("shell", "last", "train")
    assert done.exit_code == 1
    assert "/does/not/exist could not be started" in done.stderr


def test_events_are_paged_and_told_with_their_job(cli: Any, client: Any, shapes: Any) -> None:
    """A line each; the job by its word."""
    client.answers["events"] = {"events": [shapes.event(7, "train", "RUNNING")], "next": 7}
    told = cli("events", "--after", "6").stdout
    assert told.split()[0] == "7"
    assert "digits#12 train" in told


def test_events_tell_how_far_a_task_is(cli: Any, client: Any, shapes: Any) -> None:
    """In words, after the status."""
    data = {"progress": {"fraction": 0.4, "text": "cell 2 of 5"}}
    client.answers["events"] = {"events": [shapes.event(7, "train", "RUNNING", data=data)], "next": 7}
    assert cli("events").stdout.strip().endswith("RUNNING 40 % · cell 2 of 5")


def test_events_json_is_an_object_per_line(cli: Any, client: Any, shapes: Any) -> None:
    """Following a job ends with it."""
    client.answers["events"] = {"events": [shapes.event(1, "train", "RUNNING")], "next": 1}
    client.story = [shapes.event(2, None, "TERMINATED", "SUCCESS"), shapes.event(3, None, "RUNNING")]
    done = cli("events", "--job", "last", "-f", "--json")
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [1, 2]


# ---------------------------------------------------------------- this home, this machine


def test_pipelines_are_listed(cli: Any, client: Any, shapes: Any) -> None:
    """Name, jobs, folder, file."""
    view = PipelineView(
        name="digits", folder="digits-a1", source="/p.yaml", created_at=shapes.at(0), jobs=3, last_job="x"
    )
    client.answers["pipelines"] = [_view(view)]
    assert "digits       3  digits-a1" in cli("pipelines").stdout


def test_folders_are_listed_made_and_removed(cli: Any, client: Any, shapes: Any) -> None:
    """The group alone lists; without a terminal nothing is asked."""
    folder = _view(FolderView(name="m", usage_mode="model", created_at=shapes.at(0), host_path="/d/m", pipeline=None))
    client.answers.update(folders=[folder], make_folder=folder, remove_folder=None)
    assert "/d/m" in cli("folders").stdout
    assert cli("folders", "make", "m", "--usage", "model").stdout == "m (model): /d/m\n"
    assert cli("folders", "rm", "m").exit_code == 0
    assert client.asked("remove_folder") == ("m", "local")
    assert cli("folders", "--backend", "backend.ai").exit_code == 0
    assert client.asked("folders") == ("backend.ai",)


def test_destroying_asks_a_person_first(cli: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A no removes nothing; --yes does not ask."""
    monkeypatch.setattr("fasttrack_jupyter.cli.options.can_ask", lambda: True)
    client.answers.update(remove_folder=None, delete=1)
    assert cli("folders", "rm", "m", stdin="n\n").exit_code == 2
    assert cli("delete", "last", stdin="n\n").exit_code == 2
    assert {"remove_folder", "delete"}.isdisjoint(name for name, _ in client.calls)
    assert cli("folders", "rm", "m", "--yes").exit_code == 0


def test_a_secret_comes_from_stdin(cli: Any, client: Any) -> None:
    """One newline at the end is not part of it; it is never printed."""
    client.answers["set_secret"] = None
    done = cli("secrets", "set", "TOKEN", "--pipeline", "digits", stdin="s3cret \n")
    assert client.asked("set_secret") == ("TOKEN", "s3cret ", "digits")
    assert "s3cret" not in done.output


def test_an_empty_secret_is_refused(cli: Any) -> None:
    """Most often it is a mistake of the shell."""
    assert cli("secrets", "set", "TOKEN", stdin="\n").exit_code == 2


def test_a_secret_is_no_argument(cli: Any, client: Any) -> None:
    """A value on the command line would be seen by everybody on this machine."""
    assert cli("secrets", "set", "TOKEN", "value").exit_code == 2
    assert client.calls == []


def test_secrets_are_listed_by_name(cli: Any, client: Any) -> None:
    """Names and pipelines; removing one that is not there is an error."""
    client.answers["secrets"] = [{"name": "TOKEN", "pipeline": None}]
    client.errors["remove_secret"] = NotFound("there is no secret X")
    assert "TOKEN   all" in cli("secrets").stdout
    assert cli("secrets", "rm", "X").exit_code == 2


def test_gc_says_what_would_go(cli: Any, client: Any) -> None:
    """Options reach the engine; the sum is said."""
    client.answers["gc"] = _view(
        GcView(dry_run=True, jobs=("a",), folders=("d/jobs/1",), environments=("code 0a1b",), bytes=2048)
    )
    done = cli("gc", "--keep-jobs", "2", "--older-than", "0.5", "--dry-run")
    assert client.asked("gc")[-1] == {"keep_jobs": 2, "older_than_days": 0.5, "dry_run": True}
    assert done.stdout == "  job a\n  folder d/jobs/1\n  code 0a1b\n1 job, 2 KiB would be freed\n"


def test_doctor_tells_remedies(cli: Any, client: Any) -> None:
    """What is missing comes with what to do."""
    client.answers["doctor"] = [{"check": "GPU", "ok": False, "found": "none", "remedy": "install a driver"}]
    done = cli("doctor")
    assert done.exit_code == 0
    assert "✕ GPU" in done.stdout
    assert "install a driver" in done.stdout


def test_slots_and_images_are_shown(cli: Any, client: Any) -> None:
    """Totals, use; names, kinds."""
    client.answers["slots"] = {
        "slots": {"cpu": {"total": "2", "used": "1"}}, "devices": [], "default_image": "python", "mode": "plain",
    }  # fmt: skip
    client.answers["images"] = [{"name": "python", "kind": "interpreter", "description": "3.11", "ready": True}]
    assert "cpu       2       1" in cli("slots").stdout
    assert "interpreter" in cli("images").stdout


def test_engine_status_starts_none(cli: Any, client: Any) -> None:
    """Looking for an engine does not make one."""
    assert "process 100" in cli("engine").stdout
    client.started = False
    assert cli("engine", "status").exit_code == 1


def test_engine_stop_is_content_without_an_engine(cli: Any, client: Any) -> None:
    """Stopping what does not run is no error."""
    client.answers["shutdown"] = True
    assert cli("engine", "stop").stdout == "the engine is stopping\n"
    client.started = False
    assert cli("engine", "stop").stdout == "no engine is running\n"
