"""Copying outputs out, and reading logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fasttrack_jupyter.errors import EngineUnavailable


def test_outputs_are_listed(cli: Any, client: Any) -> None:
    """Every file of every task instance."""
    client.files = {"train": {"model.pkl": b"x" * 2048}}
    told = cli("outputs", "last").stdout
    assert "model.pkl" in told
    assert "2 KiB" in told
    listed = json.loads(cli("outputs", "last", "train", "--json").stdout)
    assert [(one["task"], one["path"], one["size"]) for one in listed] == [("train", "model.pkl", 2048)]


def test_outputs_of_one_task_are_copied_into_the_folder(cli: Any, client: Any, tmp_path: Path) -> None:
    """With a task, its files lie straight in the folder, sub-folders kept."""
    client.files = {"train": {"model.pkl": b"model", "plots/loss.png": b"png"}}
    done = cli("outputs", "last", "train", "-o", str(tmp_path / "out"))
    assert done.stdout == f"2 files copied to {tmp_path / 'out'}\n"
    assert (tmp_path / "out/model.pkl").read_bytes() == b"model"
    assert (tmp_path / "out/plots/loss.png").read_bytes() == b"png"
    assert not list(tmp_path.rglob("*.part"))


def test_outputs_of_a_job_are_copied_by_task(cli: Any, client: Any, tmp_path: Path) -> None:
    """Without a task, each has a folder of its own."""
    client.files = {"prepare": {"a": b"1"}, "train": {"a": b"2"}}
    cli("outputs", "last", "-o", str(tmp_path))
    assert (tmp_path / "prepare/a").read_bytes() + (tmp_path / "train/a").read_bytes() == b"12"


def test_nothing_is_overwritten_unless_forced(cli: Any, client: Any, tmp_path: Path) -> None:
    """One file in the way stops all of the copy."""
    client.files = {"train": {"a": b"new", "b": b"new"}}
    (tmp_path / "b").write_bytes(b"mine")
    done = cli("outputs", "last", "train", "-o", str(tmp_path))
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert cli("outputs", "last", "train", "-o", str(tmp_path), "--force").exit_code == 0
    assert (tmp_path / "b").read_bytes() == b"new"


def test_a_name_that_leads_out_is_refused(cli: Any, client: Any, tmp_path: Path) -> None:
    """``..`` and absolute names are never written."""
    for name in ("../evil", "/tmp/evil", "a/../../evil"):
        client.files = {"train": {name: b"x"}}
        assert cli("outputs", "last", "train", "-o", str(tmp_path / "out")).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_out_is_refused(cli: Any, client: Any, tmp_path: Path) -> None:
    """A symbolic link in the target folder is not followed out of it, even with --force."""
    client.files = {"train": {"plots/loss.png": b"x"}}
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/plots").symlink_to(tmp_path / "elsewhere")
    assert cli("outputs", "last", "train", "-o", str(tmp_path / "out"), "--force").exit_code == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_the_way_is_replaced_not_followed(cli: Any, client: Any, tmp_path: Path) -> None:
    """--force replaces the link, and leaves alone what it leads to."""
    client.files = {"train": {"a": b"new"}}
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "precious")
    assert cli("outputs", "last", "train", "-o", str(tmp_path / "out"), "--force").exit_code == 0
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert (tmp_path / "out/a").read_bytes() == b"new"


def test_a_copy_that_breaks_off_leaves_nothing(cli: Any, client: Any, tmp_path: Path) -> None:
    """A file has its name only when it is whole."""
    client.files = {"train": {"a": b"half of it"}}
    client.errors["read_output_end"] = EngineUnavailable("reading broke off")
    assert cli("outputs", "last", "train", "-o", str(tmp_path)).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_the_log_of_a_task_is_printed_as_it_is(cli: Any, client: Any) -> None:
    """Nothing is added, nothing is taken away."""
    client.logs_by_path = {"train": "a\n\tb without end"}
    assert cli("logs", "last", "train").stdout == "a\n\tb without end"


def test_an_empty_log_is_said_to_be_empty(cli: Any, client: Any) -> None:
    """Nothing on stdout, a word on stderr."""
    client.logs_by_path = {"train": ""}
    done = cli("logs", "last", "train")
    assert (done.stdout, done.stderr) == ("", "train wrote nothing; how it came out: fasttrack show last\n")


def test_all_logs_are_printed_under_their_names(cli: Any, client: Any, shapes: Any) -> None:
    """Without a task: each that has a log."""
    client.now = shapes.job(
        shapes.task("prepare", "TERMINATED", "SUCCESS", attempts=1), shapes.task("skips", "SKIPPED", "SUCCESS"),
        shapes.task("train", "TERMINATED", "SUCCESS", attempts=1),
    )  # fmt: skip
    client.logs_by_path = {"prepare": "one\n", "train": "two"}
    assert cli("logs", "last").stdout == "── prepare ──\none\n── train ──\ntwo\n"


def test_tail_takes_the_last_lines(cli: Any, client: Any) -> None:
    """Also where lines are far longer than was guessed."""
    client.logs_by_path = {"train": "".join(f"{n} {'x' * 9000}\n" for n in range(20))}
    told = cli("logs", "last", "train", "--tail", "3").stdout
    assert [line.split()[0] for line in told.splitlines()] == ["17", "18", "19"]


def test_tail_of_a_short_log_is_all_of_it(cli: Any, client: Any) -> None:
    """Fewer lines than asked for."""
    client.logs_by_path = {"train": "a\nb"}
    assert cli("logs", "last", "train", "--tail", "10").stdout == "a\nb"
    assert cli("logs", "last", "train", "--tail", "0").stdout == ""


def test_following_a_task_goes_on_behind_the_tail(cli: Any, client: Any) -> None:
    """Nothing twice, nothing missed."""
    client.logs_by_path = {"train": "a\nb\nc\n"}
    assert cli("logs", "last", "train", "-f", "--tail", "1").stdout == "c\n"


def test_following_a_job_reads_every_task(cli: Any, client: Any, shapes: Any) -> None:
    """What has ended, what runs, and what starts meanwhile; it ends with the job."""
    client.now = shapes.job(
        shapes.task("prepare", "TERMINATED", "SUCCESS", attempts=1), shapes.task("train"), shapes.task("report")
    )
    client.logs_by_path = {"prepare": "one\n", "train": "two\nthree", "report": "four\n"}
    client.story = [
        shapes.event(1, "train", "RUNNING"), shapes.event(2, "train", "TERMINATED", "SUCCESS"),
        shapes.event(3, "report", "TERMINATED", "SUCCESS"), shapes.event(4, None, "TERMINATED", "SUCCESS"),
    ]  # fmt: skip
    told = cli("logs", "last", "-f").stdout.splitlines()
    assert sorted(told) == ["prepare │ one", "report  │ four", "train   │ three", "train   │ two"]


def test_logs_json_is_an_object_per_part(cli: Any, client: Any) -> None:
    """A program gets the path with the text."""
    client.logs_by_path = {"train": "a\n"}
    assert json.loads(cli("logs", "last", "train", "--json").stdout) == {"path": "train", "data": "a\n"}


def test_a_log_that_is_not_there_is_an_error(cli: Any) -> None:
    """The engine's words, exit status 2."""
    assert cli("logs", "last", "train").exit_code == 2


def test_an_attempt_needs_a_task(cli: Any) -> None:
    """Attempts are counted per task instance."""
    assert cli("logs", "last", "--attempt", "1").exit_code == 2
