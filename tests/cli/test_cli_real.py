"""The command line against a real engine in a home of its own, as a person's shell would call it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sessions of this machine need POSIX")

DEADLINE = 60.0


@dataclass
class Shell:
    """A working directory, a home, and ``fasttrack`` in it."""

    folder: Path
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of every call."""
        return {**os.environ, "FASTTRACK_HOME": str(self.home), "TERM": "xterm-256color"}

    @staticmethod
    def argv(*words: str) -> list[str]:
        """What a shell would execute."""
        return [sys.executable, "-m", "fasttrack_jupyter.cli", *words]

    def __call__(self, *words: str, stdin: str = "", status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; its exit status must be ``status``."""
        done = subprocess.run(
            self.argv(*words), cwd=self.folder, env=self.environ, input=stdin, capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert status in (None, done.returncode), f"{words} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, status: int = 0) -> Any:
        """What a command prints with ``--json``."""
        return json.loads(self(*words, "--json", status=status).stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on."""
        return subprocess.Popen(
            self.argv(*words), cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def pipeline(self, name: str, **commands: str) -> str:
        """Write a pipeline of tasks in a chain; its file's name comes back."""
        lines, before = [f"name: {name}", "tasks:"], ""
        for task, command in commands.items():
            lines += [f"- name: {task}", f"  command: {json.dumps(command)}"]
            lines += [f"  dependencies: [{before}]"] if before else []
            before = task
        file = self.folder / f"{name}.fasttrack.yaml"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file.name


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


def _read_until(stream: IO[str], wanted: str) -> str:
    """Lines up to the one with ``wanted``."""
    read = []
    for line in stream:
        read.append(line)
        if wanted in line:
            return "".join(read)
    raise AssertionError(f"no {wanted!r} in {''.join(read)}")


def _end(shell: Shell) -> None:
    for job in json.loads(shell("jobs", "--json").stdout):
        if job["ended_at"] is None:
            shell("cancel", job["id"], status=None)
            shell("attach", job["id"], "--quiet", status=None)
    shell("engine", "stop", status=None)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One home and its engine for all tests that leave them alone."""
    shell = Shell(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home"))
    yield shell
    _end(shell)


@pytest.fixture
def shell(shared: Shell, tmp_path: Path) -> Shell:
    """A working directory of its own on the shared home."""
    return Shell(tmp_path, shared.home)


def test_a_job_that_succeeds(shell: Shell) -> None:
    """Exit status 0, the outcome, the shape of show --json, and the outputs copied out."""
    file = shell.pipeline("good", one="echo hello > /pipeline/outputs/a.txt", two="cat /pipeline/input1/a.txt")
    assert "✓ good#1 succeeded" in shell("run", file).stdout
    job = shell.json("show", "good#1")
    assert (job["status"], job["result"], job["index"]) == ("TERMINATED", "SUCCESS", 1)
    assert [(task["path"], task["exit_code"], task["attempts"]) for task in job["tasks"]] == [
        ("one", 0, 1),
        ("two", 0, 1),
    ]
    assert shell("logs", "good#1", "two").stdout == "hello\n"
    shell("outputs", "good#1", "-o", "out")
    assert (shell.folder / "out/one/a.txt").read_text() == "hello\n"


def test_a_job_that_fails(shell: Shell) -> None:
    """Exit status 1, the reason, the end of the log, the victim."""
    file = shell.pipeline("bad", one="echo oh no; exit 3", two="true")
    done = shell("run", file, status=1)
    assert "✕ one failed: exit 3" in done.stdout
    assert "│ oh no" in done.stdout
    job = shell.json("show", "bad#1")
    assert [(task["result"], task["reason"]) for task in job["tasks"]] == [
        ("FAILURE", "exit 3"), ("UNDEFINED", "dependency one failed"),
    ]  # fmt: skip


def test_run_json_is_the_final_job(shell: Shell) -> None:
    """stdout holds the job as it ended, and nothing else; jobs lists it first."""
    job = shell.json("run", shell.pipeline("jsonly", one="true"))
    assert (job["status"], job["result"]) == ("TERMINATED", "SUCCESS")
    assert shell.json("jobs", "--pipeline", "jsonly")[0]["id"] == job["id"]


def test_detach_attach_and_cancel(shell: Shell) -> None:
    """A detached job goes on, can be followed again, and exits with 3 when cancelled meanwhile."""
    job = shell("run", shell.pipeline("long", one="echo up; sleep 600"), "--detach", "--quiet").stdout.strip()
    with shell.start("attach", job) as attached:
        assert attached.stdout is not None
        _wait_until(lambda: shell.json("show", job)["tasks"][0]["status"] == "RUNNING", "the task to run")
        assert "being cancelled" in shell("cancel", job).stdout
        assert "■ long#1 cancelled" in attached.stdout.read()
        assert attached.wait(DEADLINE) == 3


def test_a_job_without_a_task_that_was_cancelled_is_cancelled(shell: Shell) -> None:
    """It says by which, and exits with 3; all others went well."""
    job = shell("run", shell.pipeline("partly", one="true", two="sleep 600"), "--detach", "--quiet").stdout.strip()
    shell("cancel", job, "two")
    told = shell("attach", job, status=3).stdout
    assert "■ partly#1 cancelled in" in told
    assert ": task two was cancelled" in told
    assert "■ cancelled" in shell("jobs", "--pipeline", "partly").stdout


def test_logs_follow_to_the_end(shell: Shell) -> None:
    """-f prints what comes while it comes, and ends with the task."""
    go = shell.folder / "go"
    file = shell.pipeline("chatty", one=f"echo first; while [ ! -e {go} ]; do sleep 0.05; done; echo last")
    shell("run", file, "-d")
    _wait_until(lambda: shell.json("show", "chatty#1")["tasks"][0]["attempts"] == 1, "the attempt")
    with shell.start("logs", "chatty#1", "one", "-f") as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "first\n"
        go.touch()
        assert follower.stdout.read() == "last\n"
        assert follower.wait(DEADLINE) == 0


def test_rerun_from_failed_with_the_edited_file(shell: Shell) -> None:
    """The plan says beforehand what is reused; the new job does it."""
    shell("run", shell.pipeline("fixed", one="date +%N > /pipeline/outputs/t", two="exit 1"), status=1)
    shell.pipeline("fixed", one="date +%N > /pipeline/outputs/t", two="true")
    plan = shell.json("rerun", "fixed#1", "--from-failed", "--edited", "--plan")
    assert [task["decision"] for task in plan["tasks"]] == ["reused", "will run"]
    assert "↺ one" in shell("rerun", "fixed#1", "--from-failed", "--edited").stdout
    job = shell.json("show", "fixed#2")
    assert job["tasks"][0]["reason"].startswith("reused from")
    assert job["rerun_of"] == shell.json("show", "fixed#1")["id"]


def test_an_invalid_pipeline_is_refused(shell: Shell) -> None:
    """Exit status 2, file:line:column, and no job."""
    file = shell.pipeline("wrong", one="true", two="true")
    path = shell.folder / file
    path.write_text(path.read_text().replace("[one]", "[oen]"))
    done = shell("run", file, status=2)
    assert f"{file}:7:18: error:" in done.stderr
    assert shell.json("validate", file, status=2)["problems"]
    assert shell.json("jobs", "--pipeline", "wrong") == []


def test_a_secret_is_masked_in_the_log(shell: Shell) -> None:
    """It reaches the task and never the reader."""
    shell("secrets", "set", "TOKEN", stdin="tr0ub4dor\n")
    file = shell.pipeline("hush", one="test $T = tr0ub4dor && echo it is $T.")
    path = shell.folder / file
    path.write_text(path.read_text() + "  environment: {envs: {T: '${{ secrets.TOKEN }}'}}\n")
    shell("run", file)
    log = shell("logs", "hush#1", "one").stdout
    assert log.startswith("it is ")
    assert "tr0ub4dor" not in log
    shell("secrets", "rm", "TOKEN")
    assert shell.json("secrets", "list") == []


def test_the_things_of_this_home_and_machine(shell: Shell) -> None:
    """Everything that lists answers, for people and for programs."""
    shell("run", shell.pipeline("any", one="true"), "--quiet")
    shell("folders", "make", "my-data", "--usage", "data")
    assert "my-data" in shell("folders").stdout
    shell("folders", "rm", "my-data")
    for command in ("pipelines", "slots", "images", "doctor", "events", "engine"):
        assert shell(command).stdout
        assert shell(command, "--json").stdout
    assert "would be freed" in shell("gc", "--dry-run").stdout


def test_an_output_that_knows_no_unicode(shell: Shell) -> None:
    """Icons fall back to ASCII, everything else to question marks; nothing fails."""
    file = shell.pipeline("ascii", 훈련="true")
    done = subprocess.run(
        shell.argv("run", file), cwd=shell.folder, env={**shell.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True, timeout=DEADLINE, check=True,
    )  # fmt: skip
    assert b"+ ??  succeeded" in done.stdout


def test_export_and_schema(shell: Shell) -> None:
    """An older release's words; JSON."""
    file = shell.pipeline("out", one="true")
    shell("export", file, "--to", "fasttrack-22.09", "-o", "old.yaml")
    assert "tasks:" in (shell.folder / "old.yaml").read_text()
    assert json.loads(shell("schema").stdout)["type"] == "object"


def test_a_shell_inside_a_running_task(shell: Shell) -> None:
    """It sees the task's own /pipeline."""
    shell("run", shell.pipeline("host", one="echo here > /pipeline/outputs/x; sleep 600"), "-d")
    _wait_until(lambda: bool(shell.json("outputs", "host#1", "one")), "the output")
    assert "here" in shell("shell", "host#1", "one", stdin="cat /pipeline/outputs/x\nexit\n", status=None).stdout
    shell("cancel", "host#1")


def test_ctrl_c_in_a_terminal_can_cancel(shell: Shell) -> None:
    """A person presses Ctrl-C, then c."""
    file = shell.pipeline("watched", one="echo up; sleep 600")
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(shell.folder)
        os.execve(sys.executable, shell.argv("run", file), shell.environ)
    _type(master, "up", "\x03")
    _type(master, "c: cancel it", "c")
    text = _type(master, "watched#1 cancelled", "")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3, text
    os.close(master)


def _type(master: int, wanted: str, keys: str) -> str:
    """Wait until ``wanted`` is on the screen, then press ``keys``."""
    text, deadline = "", time.monotonic() + DEADLINE
    while wanted not in text:
        assert time.monotonic() < deadline, text
        if select.select([master], [], [], 0.1)[0]:
            text += os.read(master, 65536).decode(errors="replace")
    os.write(master, keys.encode())
    return text


def test_the_engine_is_killed_in_the_middle(tmp_path: Path) -> None:
    """kill -9 of the engine: the command line says so, another engine takes over, the job ends well."""
    shell = Shell(tmp_path, tmp_path / "home")
    go = tmp_path / "go"
    file = shell.pipeline("tough", one=f"while [ ! -e {go} ]; do sleep 0.05; done; echo done", two="true")
    with shell.start("run", file) as running:
        assert running.stdout is not None
        _read_until(running.stdout, "running")
        os.kill(shell.json("engine")["pid"], signal.SIGKILL)
        _read_until(running.stdout, "engine restarted")
        go.touch()
        told = running.stdout.read()
        assert running.wait(DEADLINE) == 0, told
    assert "✓ tough#1 succeeded" in told
    job = shell.json("show", "tough#1")
    assert [task["attempts"] for task in job["tasks"]] == [1, 1]
    _end(shell)


def test_attach_takes_over_when_the_engine_is_gone(tmp_path: Path) -> None:
    """Detached, engine killed: attach starts another one, which goes on with the job."""
    shell = Shell(tmp_path, tmp_path / "home")
    go = tmp_path / "go"
    file = shell.pipeline("lonely", one=f"while [ ! -e {go} ]; do sleep 0.05; done", two="true")
    shell("run", file, "-d")
    os.kill(shell.json("engine")["pid"], signal.SIGKILL)
    go.touch()
    assert "✓ lonely#1 succeeded" in shell("attach", "last").stdout
    _end(shell)
