"""Tasks that misbehave, on real engines: whatever they do, the job ends as it should and nothing stays behind."""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

DAEMON = """\
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.chdir("/")
if "keep" not in sys.argv: os.closerange(0, 256)
os.execve("/bin/sleep", ["sleep", sys.argv[1]], {} if "bare" in sys.argv else dict(os.environ))
"""
"""A daemon by the book: two forks, a session of its own, nothing open; ``bare``: without a variable as well."""


def python(program: str, *words: str) -> str:
    """A command that runs ``program``."""
    return shlex.join([sys.executable, "-c", program, *words])


def mark() -> str:
    """Seconds to sleep that no other process sleeps."""
    return f"8{uuid.uuid4().int % 10**9}.{os.getpid()}"


@pytest.mark.parametrize("how", [("keep", "bare"), ("closed",)])
def test_daemons_end_with_their_task(place: Place, how: tuple[str, ...]) -> None:
    """Twice forked, a session of its own, and all descriptors closed or all variables dropped: it is gone."""
    seconds = mark()
    task, _ = place.sh(f"{python(DAEMON, seconds, *how)}; exit 5")
    assert (task["exit_code"], task["reason"]) == (5, "exit 5")
    assert place.alive(seconds) == []


def test_a_daemon_without_anything_ends_with_its_pid_namespace(new_place: Callable[..., Place]) -> None:
    """It dropped everything by which it could be known; a private pid namespace ends it all the same."""
    place, seconds = new_place("namespaces"), mark()
    place.sh(python(DAEMON, seconds, "bare"))
    assert place.alive(seconds) == []


def test_daemons_end_when_the_job_is_cancelled(place: Place) -> None:
    """Also those that a task started long before, and that hear no TERM."""
    seconds = mark()
    deaf = f"(trap '' TERM HUP INT; while :; do sleep {seconds}; done) & (setsid sh -c 'sleep {seconds}' &)"
    job = place.start({"name": "t", "command": f"{python(DAEMON, seconds, 'keep')}; {deaf}; echo up; wait; sleep 600"})
    place.running(job, "up")
    place.until(lambda: len(place.alive(seconds)) >= 3, "the daemons")
    place.client.cancel(job)
    ended = place.ended(job)
    assert (ended["status"], ended["result"]) == ("CANCELLED", "UNDEFINED")
    assert place.alive(seconds) == []


def test_one_that_is_deaf_to_term_is_killed_after_the_grace(place: Place) -> None:
    """TERM, half a second, KILL: CANCELLED, UNDEFINED, with the reason."""
    job = place.start({"name": "t", "command": "trap '' TERM; echo up; while :; do sleep 0.1; done"})
    place.running(job, "up")
    place.client.cancel(job, "t")
    task = place.ended(job)["tasks"][0]
    assert (task["status"], task["result"], task["reason"]) == ("CANCELLED", "UNDEFINED", "cancelled")
    events = place.client.events(0, job=job)["events"]
    assert [e["status"] for e in events if e["path"] == "t"][-2:] == ["TERMINATING", "CANCELLED"]


def test_a_cancelled_job_leaves_nothing_running(place: Place) -> None:
    """Running tasks end, waiting ones never begin."""
    tasks = [{"name": f"a{i}", "command": "sleep 600", "resources": {"cpu": 1}} for i in range(12)]
    job = place.start(*tasks, {"name": "b", "command": "touch /pipeline/vfroot/ran", "dependencies": ["a0"]})
    place.until(lambda: sum(t["status"] == "RUNNING" for t in place.client.job(job)["tasks"]) == 8, "eight run")
    place.client.cancel(job)
    ended = place.ended(job)
    assert {task["status"] for task in ended["tasks"]} == {"CANCELLED"}
    mine = {a["id"] for a in place.client.attempts(job)}
    assert [p for p in place.processes() if p.environ().get("FASTTRACK_ATTEMPT", "").rpartition("/")[2] in mine] == []
    assert place.client.slots()["used"].get("cpu", "0") == "0"


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 137, 255])
def test_exit_codes_are_the_commands_own(any_place: Place, code: int) -> None:
    """0 is SUCCESS; everything else FAILURE, with its number."""
    task, _ = any_place.sh(f"exit {code}")
    assert (task["status"], task["exit_code"]) == ("TERMINATED", code)
    assert (task["result"], task["reason"]) == (("FAILURE", f"exit {code}") if code else ("SUCCESS", ""))


def test_exit_codes_that_the_shell_gives(place: Place) -> None:
    """Not executable, not found, a syntax error, a signal: as ``/bin/sh`` says it."""
    commands = {
        "ne": "./f",
        "nf": "no-such-program-here",
        "syntax": "if",
        "kill": "kill -KILL $$",
        "segv": "kill -SEGV $$",
    }
    commands["ne"] = "touch f; ./f"
    job = place.run(
        *({"name": name, "command": command, "continue_on_failure": True} for name, command in commands.items())
    )
    found = {task["path"]: task["exit_code"] for task in job["tasks"]}
    assert found == {"ne": 126, "nf": 127, "syntax": 2, "kill": 137, "segv": 139}


def test_a_task_that_stops_itself_is_ended_by_its_timeout(place: Place) -> None:
    """SIGSTOP is no way out: TERM waits, KILL does not."""
    task, _ = place.sh("kill -STOP $$", timeout=0.3)
    assert (task["status"], task["result"], task["reason"]) == ("TERMINATED", "FAILURE", "timeout 0.3s")


def test_a_timeout_is_of_each_attempt(place: Place) -> None:
    """The second attempt has all of its time again, and may succeed."""
    command = "if mkdir /pipeline/vfroot/first; then sleep 60; fi; echo fine"
    job = place.run({"name": "t", "command": command, "timeout": 0.4, "retry": {"max_attempts": 2}})
    assert (job["result"], job["tasks"][0]["attempts"]) == ("SUCCESS", 2)
    assert [a["reason"] for a in place.client.attempts(job["id"])] == ["timeout 0.4s", ""]


def test_a_cancel_while_a_timeout_ends_the_task_forbids_the_retry(place: Place) -> None:
    """In the grace after the timeout: it ends with that timeout, and nothing is tried again."""
    deaf = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    job = place.start({"name": "t", "command": deaf, "timeout": 0.3, "retry": {"max_attempts": 3}})
    place.until(lambda: place.client.job(job)["tasks"][0]["status"] == "TERMINATING", "the timeout")
    place.client.cancel(job)
    task = place.ended(job)["tasks"][0]
    assert (task["result"], task["reason"], task["attempts"]) == ("FAILURE", "timeout 0.3s", 1)


def test_a_timeout_in_which_the_engine_dies_is_tried_again(new_place: Callable[..., Place]) -> None:
    """The next engine ends what the timeout was ending, and knows that nobody cancelled it."""
    place = new_place("folders", LOCAL_GRACE="1")
    deaf = "mkdir /pipeline/vfroot/first || exit 0; trap '' TERM; echo up; while :; do sleep 0.1; done"
    job = place.start({"name": "t", "command": deaf, "timeout": 0.3, "retry": {"max_attempts": 3}})
    place.until(lambda: place.client.job(job)["tasks"][0]["status"] == "TERMINATING", "the timeout")
    place.kill_engine()
    assert (place.ended(job)["result"], place.client.job(job)["tasks"][0]["attempts"]) == ("SUCCESS", 2)


def test_memory_over_the_limit_ends_the_task_with_the_numbers(place: Place) -> None:
    """And the peak is on record."""
    task, _ = place.sh(python("import time; x = b'x' * (200 << 20); time.sleep(60)"), resources={"mem": "64m"})
    assert task["result"] == "FAILURE"
    assert "GiB over the limit of 0.0625 GiB" in task["reason"]
    assert task["usage"]["peak_mem"] > 64 << 20


def test_memory_of_a_whole_tree_counts(place: Place) -> None:
    """Two daemons of half the size are as large as one."""
    child = "import os, time; os.setsid(); x = b'x' * (60 << 20); time.sleep(60)"
    task, _ = place.sh(f"{python(child)} & {python(child)} & sleep 60", resources={"mem": "100m"})
    assert "over the limit" in task["reason"]


def test_a_log_over_its_cap_keeps_both_ends_and_says_so(place: Place) -> None:
    """30 MB into a log of 2 MiB: the beginning, the notice, the end, once; the disk is spared, the task not held up."""
    place.client.set_secret("TOKEN", "tell-nobody-42")  # a reader that masks looks a little back, before the gap
    command = "echo FIRST; head -c 30000000 /dev/zero | tr '\\0' x; echo; sleep 0.3; echo LAST; exit 3"
    job = place.run({"name": "t", "command": command})
    log = place.log(job["id"])
    assert job["tasks"][0]["exit_code"] == 3
    assert log.startswith("FIRST\n")
    assert log.endswith("LAST\n")
    assert log.count("[fasttrack] the log reached its cap of 2m") == log.count("LAST\n") == 1
    assert (place.attempt(job["id"]) / "log").stat().st_blocks * 512 < 4 << 20


def test_a_gigabyte_of_log_does_no_harm(any_place: Place) -> None:
    """Written as fast as it goes; the engine answers meanwhile, and the log keeps to its cap in the end."""
    command = python("import os\nb = b'y' * (1 << 20)\nfor _ in range(1024): os.write(1, b)\nos.write(1, b'\\nEND\\n')")
    job = any_place.start({"name": "t", "command": command})
    any_place.until(lambda: any_place.client.job(job)["ended_at"], "its end", 60)
    assert any_place.client.job(job)["result"] == "SUCCESS"
    assert any_place.client.logs(job, "t", after=-5)["data"].endswith("END\n")
    log = any_place.attempt(job) / "log"
    assert log.stat().st_size > 1 << 30
    assert log.stat().st_blocks * 512 < 4 << 20


def test_binary_in_a_log_is_kept_raw_and_shown_as_text(place: Place) -> None:
    """Every byte is in the file; what is no text is replaced where it is read."""
    job = place.run({"name": "t", "command": python("import os; os.write(1, bytes(range(256)) * 64)")})
    assert (place.attempt(job["id"]) / "log").read_bytes() == bytes(range(256)) * 64
    log = place.log(job["id"])
    assert log.count("\N{REPLACEMENT CHARACTER}") >= 64 * 64
    assert log.count("ABC") == 64


def test_a_task_that_closes_its_outputs_goes_on(place: Place) -> None:
    """Nothing to write to is nobody's end."""
    task, log = place.sh("echo before; exec >&- 2>&- <&-; echo lost; exit 4")
    assert (task["exit_code"], log) == (4, "before\n")


def test_a_task_that_closes_every_descriptor_is_not_taken_for_gone(place: Place) -> None:
    """The supervisor holds the lock as well."""
    task, _ = place.sh(python("import os, time; os.closerange(0, 1024); time.sleep(0.5); os._exit(6)"))
    assert (task["status"], task["exit_code"]) == ("TERMINATED", 6)


def test_a_task_may_delete_its_folders(place: Place) -> None:
    """Working directory and outputs gone: its exit code stays, and so do other tasks' outputs."""
    paths = (
        "/home/work /pipeline/outputs /pipeline/input1" if place.mode == "namespaces" else '"$PWD" "$PIPELINE_OUTPUTS"'
    )
    job = place.run(
        {"name": "first", "command": "echo kept > /pipeline/outputs/f"},
        {"name": "t", "command": f"rm -rf {paths} 2>/dev/null; exit 9", "dependencies": ["first"]},
        {"name": "last", "command": "cat /pipeline/input1/f", "dependencies": ["first"]},
    )
    assert {task["path"]: task["exit_code"] for task in job["tasks"]} == {"first": 0, "t": 9, "last": 0}
    assert place.log(job["id"], "last") == "kept\n"


def test_promised_outputs_that_were_deleted_fail_the_task(place: Place) -> None:
    """Exit 0 without what was promised is no success, and the engine is none the worse."""
    where = "/pipeline/outputs" if place.mode == "namespaces" else '"$PIPELINE_OUTPUTS"'
    outputs = {"model": {"type": "Model", "path": "model.pkl"}}
    task, _ = place.sh(f"touch {where}/model.pkl; rm -rf {where}/*; rmdir {where}; true", outputs=outputs)
    assert (task["result"], task["reason"]) == ("FAILURE", "output model was promised at model.pkl and not written")


def test_a_task_that_deletes_its_control_directory_is_lost_or_ended_never_stuck(place: Place) -> None:
    """The worst that it can reach: the job ends, the next one is well, nothing of it runs on."""
    seconds = mark()
    command = f'rm -rf "$FASTTRACK_ATTEMPT"; sleep {seconds} & sleep 0.3; exit 0'
    job = place.run({"name": "t", "command": command})
    task = job["tasks"][0]
    assert (task["status"], task["result"], task["reason"]) in [
        ("ERROR", "FAILURE", "lost"),
        ("TERMINATED", "SUCCESS", ""),
    ]
    assert place.alive(seconds) == []
    assert place.sh("echo well")[1] == "well\n"


def test_a_task_that_removes_its_lock_is_not_run_again(new_place: Callable[..., Place]) -> None:
    """Lock gone, engine killed: the next engine neither believes it unstarted nor starts it a second time."""
    place = new_place("folders")
    go = place.home.parent / "go"
    command = (
        'echo x >> /pipeline/vfroot/ran; rm -f "$FASTTRACK_ATTEMPT/lock"; echo up; '
        f"while [ ! -e {go} ]; do sleep 0.05; done; exit 0"
    )
    job = place.start({"name": "t", "command": command})
    place.running(job, "up")
    place.kill_engine()
    place.client.info()
    go.touch()
    ended = place.ended(job)
    ran = (place.home / "folders" / ended["folder"] / ".pipeline" / "ran").read_text()
    assert (ran, ended["result"]) == ("x\n", "SUCCESS")


def test_a_fork_bomb_of_a_thousand_ends_with_its_task(place: Place) -> None:
    """Many processes at once, all of them gone."""
    seconds = mark()
    program = (
        "import os\nfor _ in range(300):\n"
        f"    if not os.fork(): os.setsid(); os.execv('/bin/sleep', ['sleep', '{seconds}'])\n"
    )
    task, _ = place.sh(f"{python(program)}; exit 7")
    assert task["exit_code"] == 7
    assert place.alive(seconds) == []


def test_the_killers_see_only_their_own(place: Place) -> None:
    """The end of one job leaves another's tasks alone, though both look alike."""
    other = place.start({"name": "t", "command": "echo up; sleep 600"})
    place.running(other, "up")
    place.sh("sleep 600 & exit 1")
    assert place.client.job(other)["tasks"][0]["status"] == "RUNNING"
    place.client.cancel(other)
    place.ended(other)
