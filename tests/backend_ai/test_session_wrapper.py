"""The wrapper around a session's command, in real shells; its places are those of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.backend_ai.ends import EndRecord
from fasttrack_jupyter.backends.backend_ai.mounts import Bind, MountForm
from fasttrack_jupyter.backends.backend_ai.wrapping import BEGUN_TWICE, LONGEST, REFUSED, startup_command
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected
from fasttrack_jupyter.testing.conformance import session_spec

SHELLS = [words for words in (["dash"], ["bash"], ["busybox", "sh"], ["sh"]) if shutil.which(words[0])]
pytestmark = pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="sessions run on Linux")


class Place:
    """``/pipeline`` and ``/home/work`` of one session, somewhere else."""

    def __init__(self, root: Path, shell: Sequence[str]) -> None:
        self.root, self.shell = root, shell
        self.outputs, self.control = root / "pipeline/outputs", root / "pipeline/.session"
        for folder in (self.outputs, self.control, root / "pipeline/inputs", root / "pipeline/code", root / "work"):
            folder.mkdir(parents=True)

    def text(self, spec: SessionSpec, binds: Sequence[Bind] = (), executables: Sequence[str] = ()) -> str:
        """The startup command, for these places."""
        text = startup_command(spec, binds, MountForm.V2, executables)
        return text.replace("/pipeline", f"{self.root}/pipeline").replace("/home/work", f"{self.root}/work")

    def run(
        self, spec: SessionSpec, binds: Sequence[Bind] = (), executables: Sequence[str] = (), **environ: str
    ) -> tuple[int, str]:
        """Run it to its end; exit code and the session's own log."""
        done = subprocess.run(
            [*self.shell, "-c", self.text(spec, binds, executables)],
            capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "SECRET": "hunter2", **environ},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    @property
    def end(self) -> EndRecord:
        """What was written down."""
        return EndRecord.parse((self.control / "end").read_bytes())


@pytest.fixture(params=SHELLS, ids=" ".join)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """With each shell that there is here."""
    return Place(tmp_path, request.param)


def test_the_exit_code_and_both_streams_are_kept(place: Place) -> None:
    """In the record, in the log of the vfolder and in the session's own."""
    code, said = place.run(session_spec("a-0-1", "echo out; echo err >&2; exit 3"))
    assert (code, place.end.code) == (3, 3)
    assert said == (place.control / "log").read_text() == "out\nerr\n"
    assert place.end.began
    assert place.end.ended


def test_an_attempt_begins_once(place: Place) -> None:
    """A second session of the same attempt refuses, and changes nothing."""
    spec = session_spec("a-0-1", "echo ran >>ran; exit 4")
    place.run(spec)
    code, said = place.run(spec)
    assert (code, place.end.code) == (BEGUN_TWICE, 4)
    assert "has begun once already" in said
    assert (place.root / "work/ran").read_text() == "ran\n"


def test_what_is_not_mounted_is_refused(place: Place) -> None:
    """Nothing begins where a folder is not what was asked for."""
    code, said = place.run(session_spec("a-0-1", "echo ran"), [Bind("f", "jobs/1", "/nowhere", False)])
    assert (code, said) == (REFUSED, "fasttrack: refused: nothing is mounted at /nowhere\n")
    assert not (place.control / "begun").exists()


def test_a_mount_of_something_else_is_refused(place: Place) -> None:
    """The end of the path behind it tells."""
    code, said = place.run(session_spec("a-0-1", "echo ran"), [Bind("f", "jobs/1/train", "/proc", False)])
    assert code == REFUSED
    assert "and not …/jobs/1/train" in said


def test_a_mount_that_could_be_written_to_is_refused(place: Place) -> None:
    """Where the release can do better, an input is read-only."""
    code, said = place.run(session_spec("a-0-1", "echo ran"), [Bind("f", "", "/proc", True)])
    assert code == REFUSED
    assert said.endswith("/proc is rw, and should be ro\n")


def test_code_is_linked_into_the_working_directory(place: Place) -> None:
    """Every entry at its top, hidden ones too; what is there already stays; what can be executed still can."""
    code = place.root / "pipeline/code"
    (code / "train.py").write_text("1")
    (code / ".hidden").write_text("2")
    (code / "run me.sh").write_text("#!/bin/sh\necho it runs\n")
    (place.root / "work/train.py").write_text("mine")
    exit_code, said = place.run(session_spec("a-0-1", "cat train.py .hidden; './run me.sh'"), executables=["run me.sh"])
    assert (exit_code, said) == (0, "mine2it runs\n")


def test_scripts_in_folders_can_be_executed(place: Place) -> None:
    """Their neighbours are there as before, and what the image has in such a place stays as it is."""
    code = place.root / "pipeline/code"
    for path in ("bin/deep er/go.sh", "bin/other.txt", "own/run.sh", "lib/a.py"):
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).write_text("#!/bin/sh\necho runs\n")
    (place.root / "work/own").mkdir()
    (place.root / "work/own/run.sh").write_text("mine")
    command = "'bin/deep er/go.sh'; cat bin/other.txt own/run.sh; readlink lib"
    executables = ["bin/deep er/go.sh", "own/run.sh"]
    exit_code, said = place.run(session_spec("a-0-1", command), executables=executables)
    assert (exit_code, said) == (0, f"runs\n#!/bin/sh\necho runs\nmine{code}/lib\n")


def test_executables_that_are_too_many_are_told(place: Place) -> None:
    """Those nearest to the top are executable; a session begins all the same."""
    code = place.root / "pipeline/code"
    (code / "deep").mkdir()
    names = [f"deep/{number:0>200}" for number in range(300)]
    for name in ("top.sh", names[0]):
        (code / name).write_text("#!/bin/sh\necho runs\n")
    exit_code, said = place.run(session_spec("a-0-1", "./top.sh"), executables=[*names, "top.sh"])
    assert exit_code == 0
    assert said.endswith("runs\n")
    assert " files of the code are executable, but not here" in said


def test_it_ends_when_its_records_say_so(place: Place) -> None:
    """Also where nobody can reach the session itself; and one that has not begun does not begin."""
    (place.control / "killed").write_text("{}")
    code, said = place.run(session_spec("a-0-1", "echo ran"))
    assert (code, said) == (REFUSED, "fasttrack: refused: it was to end before it began\n")
    (place.control / "killed").unlink()
    (place.control / "begun").rmdir()
    code, _ = place.run(session_spec("a-0-1", "echo {} >/pipeline/.session/killed; sleep 40"))
    assert code == place.end.code == 143


def test_named_inputs_are_put_in_place(place: Place) -> None:
    """Values as they are, whatever they hold."""
    spec = session_spec("a-0-1", "cat /pipeline/inputs/v", input_values={"v": 'it\'s "$x" \\n %s\n'})
    assert place.run(spec) == (0, 'it\'s "$x" \\n %s\n')


def test_values_and_what_is_missing_are_told(place: Place) -> None:
    """Small values as they are, of large ones that they are there; a link out of the outputs is none."""
    wanted = (
        ("score", ".values/score"), ("big", ".values/big"), ("no", ".values/no"), ("model", "model"), ("gone", "gone"),
        ("out", "out"),
    )  # fmt: skip
    command = (
        "cd /pipeline/outputs; mkdir .values; printf '0.5\\nwhole\\n' >.values/score; "
        "head -c 70000 /dev/zero >.values/big; mkdir model; ln -s /etc/passwd out; echo '{}' >outputs.json; "
        "echo 1 >.progress.json"
    )
    assert place.run(session_spec("a-0-1", command, wanted_outputs=wanted))[0] == 0
    end = place.end
    assert end.values == {"score": "0.5\nwhole\n"}
    assert (end.large, set(end.missing), end.outputs_json) == (("big",), {"no", "gone", "out"}, "{}\n")
    assert not (place.outputs / ".progress.json").exists()


def test_what_the_task_noted_of_itself_is_told(place: Place) -> None:
    """Metadata of artifacts as they are, of metrics that there are some; of a failure the metrics too."""
    spec = session_spec("a-0-1", "cd /pipeline/outputs; echo '{}' >.metrics.jsonl; echo '{\"m\": 1}' >.artifacts.json")
    place.run(spec)
    assert (place.end.artifacts, place.end.has_metrics, place.end.large) == ('{"m": 1}\n', True, ())
    assert (place.outputs / ".metrics.jsonl").exists()


def test_a_list_of_artifacts_that_is_large_has_to_be_read(place: Place) -> None:
    """A failure has metrics as well, and nothing noted is nothing told."""
    place.run(session_spec("a-0-1", "head -c 70000 /dev/zero >/pipeline/outputs/.artifacts.json"))
    assert (place.end.artifacts, place.end.has_metrics, place.end.large) == ("", False, (".",))


def test_python_searches_what_travels_with_the_code_first(place: Place) -> None:
    """Before what the image has in PYTHONPATH, which stays; without it nothing is changed."""
    spec = session_spec("a-0-1", "echo $PYTHONPATH")
    assert place.run(spec, PYTHONPATH="/opt/image")[1] == "/opt/image\n"
    shutil.rmtree(place.control / "begun")
    assert place.run(spec, PYTHONPATH="/opt/image", FASTTRACK_PYTHONPATH="/a:/b")[1] == "/a:/b:/opt/image\n"
    shutil.rmtree(place.control / "begun")
    assert place.run(spec, FASTTRACK_PYTHONPATH="/a")[1] == "/a\n"


def test_a_failure_in_the_tasks_own_words_is_told(place: Place) -> None:
    """And is no output."""
    command = """echo '{"text": "KeyError: x"}' >/pipeline/outputs/.failure.json; exit 1"""
    place.run(session_spec("a-0-1", command))
    assert place.end.failure == "KeyError: x"
    assert not (place.outputs / ".failure.json").exists()


def test_a_command_whose_time_is_up_is_ended(place: Place) -> None:
    """With all that it started, and the record says so."""
    code, said = place.run(session_spec("a-0-1", "echo begun; sleep 50; echo never", timeout=1.0))
    assert code != 0
    assert said == "begun\n"
    assert place.end.timed_out


def test_what_a_command_leaves_behind_holds_nothing_up(place: Place) -> None:
    """A process in the background keeps neither the log open nor the session alive."""
    assert place.run(session_spec("a-0-1", "sleep 50 & echo done")) == (0, "done\n")


def test_a_signal_reaches_the_command(place: Place) -> None:
    """The cluster's TERM, before its KILL."""
    spec = session_spec("a-0-1", "trap 'echo term; exit 9' TERM; echo up; while :; do sleep 0.1; done")
    with subprocess.Popen(
        [*place.shell, "-c", place.text(spec)], stdout=subprocess.PIPE, text=True, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.stdout.read().splitlines()[-1] == "term"  # some shells say of its `sleep` that it was ended
    assert place.end.code == 9


def test_a_command_that_is_too_long_is_refused_with_the_remedy() -> None:
    """No shell would take it."""
    with pytest.raises(SessionRejected, match="too long") as refused:
        startup_command(session_spec("a-0-1", "x" * LONGEST), [], MountForm.MAP)
    assert "script" in refused.value.hint


def test_secrets_are_not_in_the_startup_command() -> None:
    """They come by the environment alone."""
    spec = session_spec("a-0-1", "echo $TOKEN", environ={"TOKEN": "hunter2"}, secrets=("hunter2",))
    assert "hunter2" not in startup_command(spec, [], MountForm.V2)
