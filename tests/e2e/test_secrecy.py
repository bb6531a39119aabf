"""Secrets, on real engines: where they are, where they are not, and how logs are masked."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from fasttrack_jupyter.errors import FastTrackError, InvalidPipeline

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

SECRET = "hunter2-아주-비밀-" + "x" * 20
ENVS = {"environment": {"envs": {"TOKEN": "${{ secrets.TOKEN }}", "AUTH": "Bearer ${{ secrets.TOKEN }}"}}}


def traces(value: str) -> list[bytes]:
    """A secret as it may stand somewhere: plain, as JSON writes it, in base64."""
    raw = value.encode()
    return [raw, json.dumps(value)[1:-1].encode(), base64.b64encode(raw)[:-4]]


def seen_in(data: bytes) -> bool:
    """Whether the secret stands in ``data``."""
    return any(trace in data for trace in traces(SECRET))


def command_lines() -> Iterator[tuple[int, bytes]]:
    """What everybody on this machine can see of processes."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield process.pid, "\0".join(process.cmdline()).encode("utf-8", "surrogateescape")


def content(path: Path) -> bytes:
    """What is in a file; nothing, when it is removed just now (a journal, as the database closes)."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def files_below(root: Path) -> Iterator[Path]:
    """Every plain file."""
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.fixture(params=["folders", "namespaces"])
def told(request: pytest.FixtureRequest, new_place: Callable[..., Place], tmp_path: Path) -> tuple[Place, str, Path]:
    """A home with a secret; a job that was given it by two variables, failed once, and printed it; and its file."""
    place = new_place(request.param)
    place.client.set_secret("TOKEN", SECRET)
    file = tmp_path / "p.fasttrack.yaml"
    command = (
        'test -n "$TOKEN" || exit 9; echo "plain $TOKEN"; printf %s "$TOKEN" | base64 -w 0; echo; echo "$AUTH" >&2; '
        "mkdir /pipeline/vfroot/once-$BACKENDAI_PIPELINE_JOB_ID 2>/dev/null && exit 1; exit 0"
    )
    task = {"name": "t", "command": command, "retry": {"max_attempts": 2}, **ENVS}
    file.write_text(json.dumps({"name": "secretive", "tasks": [task]}))
    job = place.client.run({"source": str(file)})["id"]
    ended = place.ended(job)
    assert (ended["result"], ended["tasks"][0]["attempts"]) == ("SUCCESS", 2), place.log(job)
    return place, job, file


def test_a_secret_is_on_disk_where_it_must_be_and_nowhere_else(told: tuple[Place, str, Path]) -> None:
    """Store, write-ahead log, engine's log, attempts, folders: the secrets' file and the raw logs alone have it."""
    place, _, _ = told
    place.client.shutdown()
    place.until(lambda: not (place.home / "engine.sock").exists(), "the engine's end")
    found = {path.relative_to(place.home).as_posix() for path in files_below(place.home) if seen_in(content(path))}
    assert {re.sub(r"^attempts/[^/]+/log$", "a raw log", path) for path in found} == {"secrets.json", "a raw log"}
    assert all(stat.S_IMODE((place.home / path).stat().st_mode) == 0o600 for path in found)


def test_no_answer_of_the_api_has_a_secret(told: tuple[Place, str, Path]) -> None:
    """Jobs, attempts, events, text, plan, reruns, export, secrets, doctor, logs of each attempt."""
    place, job, file = told
    client = place.client
    text = file.read_text()
    answers: list[Any] = [
        client.jobs(), client.job(job), client.attempts(job), client.events(0, limit=10_000), client.job_text(job),
        client.plan({"text": text}), client.plan_rerun(job, {"from_failed": True}), client.validate(text=text),
        client.secrets(), client.pipelines(), client.folders(), client.doctor(), client.images(), client.slots(),
        client.outputs(job, "t"), client.usage(job, "t"), client.info(), client.openapi(),
    ]  # fmt: skip
    answers += [client.export(f"fasttrack-{to}", text=text) for to in ("22.09", "25.15", "26.4")]
    answers += [client.logs(job, "t", attempt=attempt) for attempt in (1, 2)]
    for answer in answers:
        assert not seen_in(json.dumps(answer, ensure_ascii=False).encode())
    assert client.secrets() == [{"name": "TOKEN", "pipeline": None}]


def test_logs_are_masked_however_they_are_read(told: tuple[Place, str, Path]) -> None:
    """Pages of every small size, from the end, as a stream: the same bytes, masked, with the same offsets."""
    place, job, _ = told
    raw = (place.attempt(job) / "log").read_bytes()
    whole = place.log(job)
    assert len(whole.encode()) == len(raw)
    assert whole.startswith("plain ***")
    for size in (1, 2, 3, 5, 7, 16, 33):
        pages, after = "", 0
        while after < len(raw):
            page = place.client.logs(job, "t", after=after, limit=size)
            assert page["start"] == after
            pages, after = pages + page["data"], page["next"]
        assert pages == whole, size
    assert "".join(page["data"] for page in place.client.follow_logs(job, "t")) == whole
    for back in (1, 10, 40, 80):
        assert whole.endswith(place.client.logs(job, "t", after=-back)["data"])


def test_the_command_line_masks_too(told: tuple[Place, str, Path], tmp_path: Path) -> None:
    """``logs``, ``show``, ``events``, ``run``: on the screen and as JSON."""
    place, job, file = told
    calls = (
        ["logs", job, "t"], ["show", job], ["show", job, "--json"], ["events", "--json"], ["run", str(file)],
        ["plan", str(file), "--json"], ["secrets", "list"], ["export", str(file), "--to", "fasttrack-26.4"],
    )  # fmt: skip
    for words in calls:
        done = subprocess.run(
            [sys.executable, "-m", "fasttrack_jupyter.cli", *words], cwd=tmp_path, env={**os.environ, **place.environ},
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert not seen_in(done.stdout + done.stderr), words


def test_a_secret_written_bit_by_bit_is_masked_while_it_comes(new_place: Callable[..., Place]) -> None:
    """A follower never sees the beginning of what turns out to be a secret."""
    place = new_place("folders")
    place.client.set_secret("TOKEN", SECRET)
    program = (
        "import os, time\nfor b in os.environ['TOKEN'].encode() + b' end':\n"
        "    os.write(1, bytes([b])); time.sleep(0.01)\n"
    )
    job = place.start({"name": "t", "command": f'{sys.executable} -c "{program}"', **ENVS})
    read = "".join(page["data"] for page in place.client.follow_logs(job, "t"))
    assert read == "*" * len(SECRET.encode()) + " end"
    assert all(SECRET[:4] not in page for page in [read])


def test_nobody_sees_a_secret_among_the_processes(new_place: Callable[..., Place]) -> None:
    """While the task runs: no command line has it, in neither mode, with members neither."""
    for mode in ("folders", "namespaces"):
        place = new_place(mode)
        place.client.set_secret("TOKEN", SECRET)
        command = 'test -n "$TOKEN" && echo up; sleep 600'
        jobs = [place.start({"name": "t", "command": command, **ENVS, **more}) for more in ({}, {"cluster_size": 2})]
        for job in jobs:
            place.running(job, "up")
        assert [pid for pid, words in command_lines() if seen_in(words)] == []
        listed = subprocess.run(["ps", "-ef"], capture_output=True, check=False) if shutil.which("ps") else None
        assert listed is None or not seen_in(listed.stdout)
        for job in jobs:
            place.client.cancel(job)
            place.ended(job)


def test_a_secret_in_a_command_is_refused(any_place: Place) -> None:
    """With the remedy, and without its value."""
    any_place.client.set_secret("IN_COMMAND", SECRET)
    with pytest.raises(InvalidPipeline) as caught:
        any_place.start({"name": "t", "command": "login ${{ secrets.IN_COMMAND }}"})
    told = json.dumps(caught.value.details, ensure_ascii=False)
    assert "env" in told
    assert not seen_in(told.encode())
    any_place.client.remove_secret("IN_COMMAND")


@pytest.mark.parametrize("kind", ["str", "int", "struct"])
def test_a_secret_in_an_output_is_refused(new_place: Callable[..., Place], kind: str) -> None:
    """Values go into the store: the task fails, says why without the secret, and nothing of it is kept."""
    place = new_place("folders")
    place.client.set_secret("TOKEN", SECRET)
    command = "mkdir $PIPELINE_OUTPUTS/.values; printf '%s' \"$V\" > $PIPELINE_OUTPUTS/.values/v"
    text = '{"deep": ["${{ secrets.TOKEN }}"]}' if kind == "struct" else "${{ secrets.TOKEN }}"
    job = place.run(
        {
            "name": "t", "command": command, "outputs": {"v": {"type": kind}}, "environment": {"envs": {"V": text}},
        }
    )  # fmt: skip
    assert job["result"] == "FAILURE"
    assert "output v" in job["tasks"][0]["reason"]
    assert not seen_in(json.dumps(job, ensure_ascii=False).encode())
    place.client.shutdown()
    place.until(lambda: not (place.home / "engine.sock").exists(), "the engine's end")
    assert not any(seen_in(content(path)) for path in place.home.glob("fasttrack.db*"))


def test_a_missing_secret_is_said_by_name(any_place: Place) -> None:
    """Before anything runs."""
    with pytest.raises(FastTrackError) as caught:
        any_place.run({"name": "t", "command": "true", "environment": {"envs": {"X": "${{ secrets.NOT_THERE }}"}}})
    assert "NOT_THERE" in caught.value.message + json.dumps(caught.value.details)


def test_a_secret_of_one_pipeline_is_no_others(any_place: Place) -> None:
    """Scoped: another pipeline that names it is refused; where both have it, the pipeline's own counts."""
    any_place.client.set_secret("SCOPED", "of-the-home")
    any_place.client.set_secret("SCOPED", "of-one-pipeline", "scoped one")
    task = {"name": "t", "command": "echo ${#S}", "environment": {"envs": {"S": "${{ secrets.SCOPED }}"}}}
    one, other = any_place.run(task, name="scoped one"), any_place.run(task, name="scoped two")
    assert [any_place.log(job["id"]) for job in (one, other)] == ["15\n", "11\n"]
    any_place.client.remove_secret("SCOPED", "scoped one")
    any_place.client.remove_secret("SCOPED")


def test_a_raw_log_is_private(any_place: Place) -> None:
    """What a task printed stays in it as it was, and only its owner can open it."""
    any_place.client.set_secret("TOKEN", SECRET)
    job = any_place.run({"name": "t", "command": "echo $TOKEN", **ENVS})["id"]
    assert set(any_place.log(job).strip()) == {"*"}
    assert stat.S_IMODE((any_place.attempt(job) / "log").stat().st_mode) == 0o600
