"""Sessions on this machine: FastTrack's contract, as a task sees it, with private mounts and without."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.resources import Mount, ResourceSlots
from fasttrack_jupyter.testing.conformance import FOLDER, opened, session_spec

MODES = ("namespaces", "folders")


class Bench:
    """Runs sessions below a home in one mode, and reads what they left."""

    def __init__(self, home: Path, mode: str) -> None:
        self.home, self.mode = home, mode

    def backend(self, **more: Any) -> LocalBackend:
        """A backend object over this home."""
        return LocalBackend(LocalSettings(self.home, **{"mode": self.mode, "grace": 1.0, **more}))

    def run(self, *specs: SessionSpec, before: Callable[[LocalBackend], Any] | None = None) -> list[SessionReport]:
        """Run ``specs`` one after the other; the reports of their ends."""

        async def go() -> list[SessionReport]:
            backend = self.backend()
            async with opened(backend) as reports:
                if before is not None:
                    await before(backend)
                ends = []
                for spec in specs:
                    await backend.submit(spec)
                    ends.append(await reports.ended(spec.attempt_id))
                return ends

        return asyncio.run(go())

    def sh(self, command: str, **more: Any) -> tuple[SessionReport, str]:
        """Run one command: how it ended, and its log."""
        [end] = self.run(session_spec("j-0-1", command, **more))
        return end, self.log("j-0-1")

    def log(self, attempt_id: str) -> str:
        """The log of an attempt."""
        return (self.home / "attempts" / attempt_id / "log").read_text()

    def folder(self) -> Path:
        """The pipeline folder."""
        return self.home / "folders" / FOLDER


@pytest.fixture(params=MODES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A fresh home in each mode; skipped where private mounts do not work."""
    bench = Bench(tmp_path / "ft", request.param)
    if request.param == "namespaces":
        assert_mounts_work(bench)
    return bench


def assert_mounts_work(bench: Bench) -> None:
    """Skip the test on a machine without private mounts."""

    async def mode() -> Any:
        async with opened(backend := bench.backend()):
            return (await backend.slots())["mode"]

    if asyncio.run(mode()) != "namespaces":
        pytest.skip("private mounts do not work on this machine")


def test_outputs_are_fresh_and_have_two_names(bench: Bench) -> None:
    """``/pipeline/outputs`` is empty, and ``/pipeline/output`` is the same folder."""
    end, log = bench.sh("ls -A /pipeline/outputs; echo hi > /pipeline/output/x; cat /pipeline/outputs/x")
    assert (end.result, log) == (Result.SUCCESS, "hi\n")
    assert (bench.folder() / "jobs/1/j-0-1/x").read_text() == "hi\n"


def test_inputs_come_in_the_order_of_dependencies(bench: Bench) -> None:
    """``/pipeline/input1`` is the first dependency's output, and one without output is an empty folder."""
    [_, end] = bench.run(
        session_spec("j-0-1", "echo one > /pipeline/outputs/f"),
        session_spec("j-1-1", "cat /pipeline/input2/f; ls -A /pipeline/input1", inputs=(None, "jobs/1/j-0-1")),
    )
    assert (end.exit_code, bench.log("j-1-1")) == (0, "one\n")


def test_vfroot_stays_between_tasks(bench: Bench) -> None:
    """What one task leaves in ``/pipeline/vfroot`` the next one finds; it is ``.pipeline`` in the folder."""
    bench.run(session_spec("j-0-1", "echo kept > /pipeline/vfroot/f"), session_spec("j-1-1", "cat /pipeline/vfroot/f"))
    assert bench.log("j-1-1") == "kept\n"
    assert (bench.folder() / ".pipeline/f").exists()


def test_named_inputs_are_artifacts_or_files_with_values(bench: Bench) -> None:
    """``/pipeline/inputs/<name>`` is the artifact, or a file with the value as text."""
    [_, end] = bench.run(
        session_spec("j-0-1", "cd /pipeline/outputs; mkdir d; echo a > d/f; echo b > g"),
        session_spec(
            "j-1-1", "cat /pipeline/inputs/d/f /pipeline/inputs/g /pipeline/inputs/v",
            named_inputs={"d": "jobs/1/j-0-1/d", "g": "jobs/1/j-0-1/g"}, input_values={"v": "한 글\n'\"$x"},
        ),
    )  # fmt: skip
    assert (end.exit_code, bench.log("j-1-1")) == (0, "a\nb\n한 글\n'\"$x")


def test_code_is_linked_into_the_working_directory(bench: Bench) -> None:
    """Each top-level entry of the snapshot is in ``/home/work``, which is writable; ``/pipeline/code`` shows it too."""
    source = bench.home.parent / "src"
    (source / "lib").mkdir(parents=True)
    (source / "run me.sh").write_text("echo it runs; cat lib/data")
    (source / "lib/data").write_text("data\n")
    digests: list[str] = []

    async def put(backend: LocalBackend) -> None:
        files = {str(path.relative_to(source)): str(path) for path in source.rglob("*") if path.is_file()}
        digests.append(await backend.put_code(files))

    bench.run(before=put)
    end, log = bench.sh("sh 'run me.sh'; cat /pipeline/code/lib/data; echo x > here; cat here", code=digests[0])
    assert (end.exit_code, log) == (0, "it runs\ndata\ndata\nx\n")


def test_mounts_appear_in_the_working_directory_and_are_writable(bench: Bench) -> None:
    """A vfolder ``data`` is at ``/home/work/data``, or under its alias."""

    async def make(backend: LocalBackend) -> None:
        await backend.make_folder("my data", "data")

    bench.run(before=make)
    mounts = (Mount.parse("my data"), Mount.parse("my data:deep/alias"))
    end, log = bench.sh("echo x > 'my data/f'; cat deep/alias/f /home/work/deep/alias/f", mounts=mounts)
    assert (end.exit_code, log) == (0, "x\nx\n")
    assert (bench.home / "folders/my data/f").exists()


def test_the_session_knows_who_it_is(bench: Bench) -> None:
    """``BACKENDAI_*`` variables of the session and of its cluster of one."""
    _, log = bench.sh("env | grep ^BACKENDAI_ | sort", image="current")
    assert log.splitlines() == [
        "BACKENDAI_CLUSTER_HOST=main1", "BACKENDAI_CLUSTER_HOSTS=main1", "BACKENDAI_CLUSTER_IDX=1",
        "BACKENDAI_CLUSTER_LOCAL_RANK=0", "BACKENDAI_CLUSTER_REPLICAS=main:1", "BACKENDAI_CLUSTER_ROLE=main",
        "BACKENDAI_CLUSTER_SIZE=1", "BACKENDAI_KERNEL_ID=ft-j-0-1-main1", "BACKENDAI_KERNEL_IMAGE=current",
        "BACKENDAI_SESSION_ID=ft-j-0-1", "BACKENDAI_SESSION_NAME=ft-j-0-1",
    ]  # fmt: skip


def test_the_engines_own_environment_stays_with_the_engine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session sees PATH, language and user, and its own variables; not what the engine was started with."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    end, log = bench.sh("env", environ={"MINE": "a b\nc", "한글": "ignored by sh"})
    assert "hunter2" not in log
    assert "PATH=" in log
    assert "MINE=a b\nc\n" in log
    assert end.exit_code == 0


def test_stdin_is_empty_and_both_outputs_go_to_one_log(bench: Bench) -> None:
    """The command reads the end of file at once; stdout and stderr keep their order."""
    end, log = bench.sh("cat; echo a; echo b >&2; echo c")
    assert (end.exit_code, log) == (0, "a\nb\nc\n")


def test_the_shell_is_sh(bench: Bench) -> None:
    """``/bin/sh -c``, with ``$$`` its own process and a syntax error its own failure."""
    end, log = bench.sh('[ "$$" = "$(sh -c \'echo $PPID\')" ] && echo own; case $0 in */sh) echo sh;; esac; kill -9 $$')
    assert (end.exit_code, log.splitlines()[:2]) == (137, ["own", "sh"])


def test_any_bytes_may_stand_in_a_command_or_a_log(bench: Bench) -> None:
    """Quotes, newlines, Korean, and binary output."""
    bench.run(session_spec("j-0-1", "printf '%s' \"it's\n한 글 \\$x\"; printf '\\000\\377\\n'"))
    assert (bench.home / "attempts/j-0-1/log").read_bytes() == "it's\n한 글 $x".encode() + b"\x00\xff\n"


def test_descriptors_of_the_launcher_do_not_leak(bench: Bench) -> None:
    """A command sees stdin, stdout, stderr and its session's lock, nothing else."""
    _, log = bench.sh("for fd in /proc/self/fd/*; do echo ${fd##*/}; done")
    assert sorted(map(int, log.split()))[:3] == [0, 1, 2]
    assert set(map(int, log.split())) - {0, 1, 2, 100} <= {3}


def test_signals_are_as_a_shell_expects_them(bench: Bench) -> None:
    """SIGPIPE ends a writer whose reader left, as anywhere."""
    end, log = bench.sh("yes | head -n 1; grep -E '^SigIgn' /proc/self/status")
    assert end.exit_code == 0
    assert "Broken pipe" not in log
    ignored = int(log.split("SigIgn:")[1].split()[0], 16)
    assert ignored & 0x7FFFFFFF == 0, "of the signals that programs may use, none is ignored"


def test_declared_outputs_are_read_and_missing_ones_named(bench: Bench) -> None:
    """Value files as they were written, ``outputs.json`` as text, and which are not there."""
    command = (
        "mkdir /pipeline/outputs/.values; echo 0.9 > /pipeline/outputs/.values/acc; touch /pipeline/outputs/model.pkl;"
        "echo '{\"n\": 3}' > /pipeline/outputs/outputs.json; ln -s /etc/passwd /pipeline/outputs/.values/evil"
    )
    wanted = (("acc", ".values/acc"), ("model", "model.pkl"), ("gone", "gone.txt"), ("evil", ".values/evil"))
    end, _ = bench.sh(command, wanted_outputs=wanted)
    assert end.data["values"] == {"acc": "0.9\n"}
    assert end.data["outputs_json"] == '{"n": 3}\n'
    assert end.data["missing"] == ["gone", "evil"]


def test_the_report_tells_mode_times_and_usage(bench: Bench) -> None:
    """``mode``, ``session``, ``started_at``, and seconds of cpu from the kernel's own account."""
    end, _ = bench.sh("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done")
    assert end.data["mode"] == bench.mode
    assert end.data["session"] == "ft-j-0-1"
    assert end.data["started_at"] <= end.at
    assert end.data["usage"]["cpu_seconds"] > 0


def test_files_and_folders_are_private(bench: Bench) -> None:
    """0700 and 0600 on everything that belongs to a session."""
    bench.sh("true")
    control = bench.home / "attempts/j-0-1"
    assert oct(control.stat().st_mode & 0o777) == "0o700"
    assert {
        path.name: oct(path.stat().st_mode & 0o777) for path in control.iterdir() if path.is_file()
    } == dict.fromkeys(("lock", "pid", "status", "log"), "0o600")


def test_a_missing_vfolder_is_refused_before_the_job(bench: Bench) -> None:
    """The preflight names the folder and how to make it."""

    async def go() -> list[str]:
        async with opened(backend := bench.backend()):
            spec = session_spec("", "true", mounts=(Mount.parse("nowhere"),))
            return [f"{problem.code} {problem.hint}" for _, problem in await backend.check([spec])]

    [words] = asyncio.run(go())
    assert words.startswith("no_folder")
    assert "fasttrack folders make nowhere" in words


def test_slots_that_can_never_fit_are_refused_with_the_numbers(bench: Bench) -> None:
    """What was asked, what is here, and the remedy."""

    async def go() -> str:
        async with opened(backend := bench.backend(slots={"cpu": "2", "mem": "4g"})):
            spec = session_spec("", "true", slots=ResourceSlots.parse({"cpu": 3, "mem": "1g"}), cluster_size=2)
            [(_, problem)] = await backend.check([spec])
            return str(problem)

    assert asyncio.run(go()).startswith("asks for cpu 6 for its 2 members; here are 2")


def test_a_task_that_asks_for_cpu_stays_on_its_processors(bench: Bench) -> None:
    """Affinity and the thread variables follow ``cpu``."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor only")
    _, log = bench.sh("nproc; echo $OMP_NUM_THREADS $PYTHON_CPU_COUNT", slots=ResourceSlots.parse({"cpu": 0.5}))
    assert log == "1\n1 1\n"


def test_the_out_of_memory_killer_takes_a_task_first(bench: Bench) -> None:
    """``oom_score_adj`` is 500 for every process of a session."""
    assert bench.sh("cat /proc/self/oom_score_adj")[1] == "500\n"


@pytest.mark.parametrize("more", [{}, {"cluster_size": 2, "run_on_all": True}])
def test_a_command_may_be_longer_than_a_word_of_a_process(bench: Bench, more: dict[str, Any]) -> None:
    """A generated script, say; its exit code and what it sees are as ever."""
    filler = "# " + "x" * 98 + "\n"
    end, log = bench.sh(filler * 2000 + 'echo "it\'s $(pwd) 한"; ls; exit 7', **more)
    assert end.exit_code == 7
    assert "it's " in log
    assert log.strip().endswith("한") or "ended with 7" in log


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HUGE": "x" * 131_072}, "its variable HUGE takes 131078 bytes"),
        ({f"V{number}": "x" * 100_000 for number in range(20)}, "its variables take 200"),
    ],
)
def test_variables_that_no_process_can_be_given_are_refused_in_words(
    bench: Bench, environ: dict[str, str], words: str
) -> None:
    """Before the job, and should that not have been asked, at the start."""
    spec = session_spec("j-0-1", "true", environ=environ)

    async def problems() -> list[str]:
        async with opened(backend := bench.backend()):
            return [problem.message for _, problem in await backend.check([spec])]

    [end] = bench.run(spec)
    assert (end.status, end.is_final) == (Status.ERROR, True)
    assert words in end.reason
    assert [message for message in asyncio.run(problems()) if words in message]
