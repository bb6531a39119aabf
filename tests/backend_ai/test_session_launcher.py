"""The ranks of a launcher in the containers of one session: each a process here, in real shells; and on a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from backend_ai.cluster_home import ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai import launching
from fasttrack_jupyter.backends.backend_ai.asking import Image, request_for
from fasttrack_jupyter.backends.backend_ai.ends import EndRecord, Seen, outcome_of
from fasttrack_jupyter.backends.backend_ai.mounts import MountForm
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.wrapping import bootstrap_script, startup_command
from fasttrack_jupyter.backends.launched import Launched
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.launchers import Launch
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import session_spec

SHELLS = [words for words in (["dash"], ["bash"], ["busybox", "sh"], ["sh"]) if shutil.which(words[0])]
on_linux = pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="sessions run on Linux")


class Containers:
    """main1 and sub1 of a session: ``/pipeline`` is common to both, ``/home/work`` is each one's own."""

    def __init__(self, root: Path, shell: Sequence[str]) -> None:
        self.root, self.shell = root, shell
        self.control = root / "pipeline/.session"
        for folder in ("pipeline/outputs", "pipeline/.session", "pipeline/inputs", "pipeline/code", "main1", "sub1"):
            (root / folder).mkdir(parents=True)
        (self.control / launching.SCRIPT).write_bytes(launching.script())

    def start(self, spec: SessionSpec, host: str) -> subprocess.Popen[str]:
        """A container comes up: the script that each runs; on main1, once it has ended, the command."""
        work = self.root / host
        bootstrap = bootstrap_script(spec)
        assert bootstrap is not None
        (work / "bootstrap.sh").write_text(self._here(bootstrap, host))
        environ = {
            "PATH": os.environ["PATH"], "BACKENDAI_CLUSTER_HOST": host, "BACKENDAI_CLUSTER_ROLE": host.rstrip("1"),
        }  # fmt: skip
        subprocess.run([*self.shell, f"{work}/bootstrap.sh"], env=environ, check=True, timeout=20)
        command = startup_command(spec, [], MountForm.V2) if host == "main1" else "true"
        return subprocess.Popen(
            [*self.shell, "-c", self._here(command, host)], env=environ, text=True,
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def play(self, spec: SessionSpec, *hosts: str) -> tuple[EndRecord, str]:
        """How it ended, and the session's log."""
        started = [self.start(spec, host) for host in hosts]
        log, _ = started[0].communicate(timeout=60)
        for other in started[1:]:
            other.communicate(timeout=60)
        return EndRecord.parse((self.control / "end").read_bytes()), log

    def _here(self, text: str, host: str) -> str:
        return text.replace("/pipeline", f"{self.root}/pipeline").replace("/home/work", f"{self.root}/{host}")


def spec_of(command: str, **more: Any) -> SessionSpec:
    """A task of two containers with two ranks each."""
    return session_spec("a-0-1", command, **{"cluster_size": 2, "launch": Launch(2, 20.0), **more})


@pytest.fixture(params=SHELLS, ids=" ".join)
def containers(tmp_path: Path, request: pytest.FixtureRequest) -> Containers:
    """With each shell that there is here."""
    return Containers(tmp_path, request.param)


@on_linux
def test_the_ranks_of_all_containers_run_the_command(containers: Containers) -> None:
    """In a working directory with the code; all lines are in the session's log, and in the one that is kept."""
    (containers.root / "pipeline/code/part.txt").write_text("code")
    end, log = containers.play(spec_of("echo $RANK/$WORLD_SIZE $NODE_RANK $(cat part.txt)"), "main1", "sub1")
    assert (end.code, end.ranks) == (0, Launched("", (0, 0, 0, 0)))
    assert sorted(log.splitlines()) == [f"[rank {rank}] {rank}/4 {rank // 2} code" for rank in range(4)]
    assert (containers.control / "log").read_text() == log


@on_linux
def test_the_record_names_the_first_rank_that_fails(containers: Containers) -> None:
    """It is the reason of the attempt."""
    end, _ = containers.play(spec_of("[ $RANK = 3 ] && exit 7; sleep 60"), "main1", "sub1")
    seen = Seen(Status.TERMINATED, Result.FAILURE, "", {})
    outcome = outcome_of(end, seen, None, None)
    assert (outcome.exit_code, outcome.reason) == (7, "rank 3 (sub1): exit 7")


@on_linux
def test_a_container_that_does_not_come_is_named(containers: Containers) -> None:
    """No rank begins without it."""
    end, log = containers.play(spec_of("echo ran", launch=Launch(1, 1.0)), "main1")
    assert end.ranks.reason == "no rank began: within 1 s, of its 2 containers sub1 was not there"
    assert "ran" not in log.split()


@on_linux
def test_a_timeout_ends_the_ranks_of_all_containers(containers: Containers) -> None:
    """The reason is the timeout."""
    command = f"echo $$ >{containers.root}/pid.$RANK; sleep 60"
    end, _ = containers.play(spec_of(command, timeout=2.0), "main1", "sub1")
    assert end.timed_out
    pids = [int(file.read_text()) for file in containers.root.glob("pid.*")]
    assert len(pids) == 4
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(("release", "form"), [(Release(23, 9), MountForm.MAP), (Release(26, 9), MountForm.V2)])
def test_every_container_is_given_the_script(release: Release, form: MountForm) -> None:
    """Each release takes it under this key; a task without a launcher has none."""
    spec = spec_of("train")
    about: dict[str, Any] = {
        "profile": Profile("default", "http://localhost"), "release": release, "form": form, "mounts": {},
        "image": Image("python"), "project_id": "p", "command": "wrapper",
    }  # fmt: skip
    body = request_for(spec, bootstrap=bootstrap_script(spec), **about).body
    assert "subs" not in body
    assert "ft_executables" in body["bootstrap_script"]
    plain = session_spec("a-0-1", "train", cluster_size=2)
    assert bootstrap_script(plain) is None
    assert "bootstrap_script" not in request_for(plain, **about).body


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


def test_ranks_train_together_on_a_cluster(home: ClusterHome) -> None:
    """Two containers with two ranks each, which meet over main1; then one whose third rank fails."""
    meet = "getent hosts $MASTER_ADDR >/dev/null && echo $RANK of $WORLD_SIZE meets"
    tasks = [
        {"name": "train", "cluster_size": 2, "launcher": {"processes_per_node": 2}, "command": meet},
        {"name": "fails", "cluster_size": 2, "launcher": {"processes_per_node": 2},
         "command": "[ $RANK = 3 ] && exit 3; sleep 300", "continue_on_failure": True},
    ]  # fmt: skip
    job = home.start("ranks", tasks)
    train, fails = home.ended(job)["tasks"]
    assert train["result"] == "SUCCESS", home.log(job, "train")
    assert sorted(home.log(job, "train").split("\n")[:4]) == [f"[rank {rank}] {rank} of 4 meets" for rank in range(4)]
    assert fails["reason"] == "rank 3 (sub1): exit 3"
