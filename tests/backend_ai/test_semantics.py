"""What a pipeline means, on a real cluster: one job in which every task shows something, and a rerun of what failed.

The job is made as a user makes it: a file with code beside it, a profile, ``backend.ai``. Each test reads what became
of one of its tasks; a session takes seconds, and all of them together need few.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

pytestmark = pytest.mark.every_release

Json = dict[str, Any]
SECRET = "hunter2-아주-비밀-" + "x" * 20
FIRST = """\
echo "pwd=$(pwd) part=$(cat lib/part.txt) code=$(cat /pipeline/code/lib/part.txt)"
echo "only=$ONLY both=$BOTH word=$1 job=$BACKENDAI_PIPELINE_JOB_ID"
echo "token=$TOKEN sum=$(printf %s "$TOKEN" | sha256sum | cut -c1-64)"
echo "plain=$(cat "/home/work/$PLAIN/a.txt") alias=$(cat /home/work/data/a.txt) absolute=$(cat /mnt/data/a.txt)"
echo put > /home/work/data/b.txt
echo changed 2>/dev/null > /pipeline/code/lib/part.txt && echo "the code could be written to"
mkdir -p /pipeline/outputs/table/sub
echo 1,2 > /pipeline/outputs/table/sub/data.csv
echo '{"score": 0.5, "word": "한글 둘"}' > /pipeline/outputs/outputs.json
echo begun >> /pipeline/vfroot/first
echo to-stderr >&2
"""
SECOND = """\
echo "inputs=$(ls -d /pipeline/input[0-9]* | tr '\\n' ' ')"
echo "one=$(ls -A /pipeline/input1) two=$(ls -A /pipeline/input2) three=$(cat /pipeline/input3/sub/data.csv)" 2>&1
echo "named=$(cat /pipeline/inputs/table/sub/data.csv) score=$(cat /pipeline/inputs/score)"
echo "vfroot=$(cat /pipeline/vfroot/first)"
echo x 2>/dev/null > /pipeline/input2/new && echo "the input could be written to"
rm -f /pipeline/input2/new
true
"""


def tasks_of(plain: str, alias: str, absolute: str) -> list[Json]:
    """The job's tasks; the words are its vfolders."""
    outputs = {"table": {"type": "Dataset", "path": "table"}, "score": {"type": "float"}, "word": {"type": "str"}}
    failing = {"continue_on_failure": True}
    return [
        {"name": "first", "command": "sh first.sh ${{ params.word }}", "outputs": outputs,
         "environment": {"envs": {"BOTH": "task", "PLAIN": plain, "TOKEN": "${{ secrets.TOKEN }}"}},
         "mounts": [plain, f"{alias}:data", f"{absolute}:/mnt/data"]},
        {"name": "second", "dependencies": ["left out", "first"], "command": "sh second.sh",
         "inputs": {"table": "first.table", "score": "first.score"}},
        {"name": "left out", "skip": True, "command": "exit 1"},
        {"name": "retried", "retry": {"max_attempts": 3}, "command":
         "echo attempt; echo half > /pipeline/outputs/$BACKENDAI_CLUSTER_HOST; mkdir /pipeline/vfroot/once || exit 0; "
         "echo left > /pipeline/outputs/left; exit 5"},
        {"name": "failed", "command": "echo why >&2; exit 3", **failing},
        {"name": "untrue", "outputs": {"model": {"type": "Model", "path": "model.bin"}}, "command": "true", **failing},
        {"name": "slow", "timeout": 3, "command": "echo begun; sleep 600", **failing},
        {"name": "pair", "cluster_size": 2, "command":
         "echo $BACKENDAI_CLUSTER_SIZE $BACKENDAI_CLUSTER_HOSTS; getent hosts sub1 > /dev/null && echo they meet"},
        {"name": "fragile", "inputs": {"table": "first.table"}, "command":
         "mkdir /pipeline/vfroot/fragile 2>/dev/null && exit 4; "
         "cat /pipeline/input1/table/sub/data.csv ${{ inputs.table }}/sub/data.csv"},
        {"name": "behind", "dependencies": ["fragile"], "command": "echo at last"},
    ]  # fmt: skip


@dataclass
class Whole:
    """The job, ended, and the home that it ran in."""

    home: ClusterHome
    file: Path
    job: Json

    @property
    def id(self) -> str:
        return str(self.job["id"])

    def task(self, path: str) -> Json:
        return next(task for task in self.job["tasks"] if task["path"] == path)

    def end(self, path: str) -> tuple[str, str, str, int | None]:
        """Status, result, reason and exit code of a task."""
        task = self.task(path)
        return task["status"], task["result"], task["reason"], task["exit_code"]

    def log(self, path: str, attempt: int | None = None) -> str:
        return self.home.log(self.id, path, attempt)

    @cached_property
    def on_disk(self) -> Path:
        """The pipeline's vfolder as the cluster keeps it."""
        return self.home.folder_on_disk(self.id)


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine for all tests here."""
    with cluster_home(cluster) as home:
        yield home


@pytest.fixture(scope="module")
def whole(home: ClusterHome, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The job."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "lib").mkdir()
    for name, text in {"lib/part.txt": "part", "first.sh": FIRST, "second.sh": SECOND}.items():
        (folder / name).write_text(text)
    mounted = [home.make_folder(name, {"a.txt": f"of {name}"}) for name in ("plain", "alias", "absolute")]
    file = folder / "whole.fasttrack.yaml"
    pipeline = {
        "name": home.unique("whole"), "resources": {"cpu": 1, "mem": "256m"},
        "environment": {"image": home.cluster.image, "envs": {"ONLY": "pipeline", "BOTH": "pipeline"}},
        "params": [{"name": "word", "type": "str", "default": "it's"}], "tasks": tasks_of(*mounted),
    }  # fmt: skip
    file.write_text(json.dumps(pipeline, ensure_ascii=False))
    home.client.set_secret("TOKEN", SECRET)
    job = home.client.run({"source": str(file), "backend": BACKEND})["id"]
    return Whole(home, file, home.ended(job, 480))


def test_every_task_ended_as_it_should(whole: Whole) -> None:
    """With status, result, reason and exit code as on this machine."""
    good, failed = ("TERMINATED", "SUCCESS", "", 0), ("TERMINATED", "FAILURE")
    assert {task["path"]: whole.end(task["path"]) for task in whole.job["tasks"]} == {
        "first": good, "second": good, "retried": good, "pair": good,
        "left out": ("SKIPPED", "SUCCESS", whole.task("left out")["reason"], None),
        "failed": (*failed, "exit 3", 3),
        "untrue": (*failed, whole.task("untrue")["reason"], 0),
        "slow": (*failed, "timeout 3s", whole.task("slow")["exit_code"]),
        "fragile": (*failed, "exit 4", 4),
        "behind": ("CANCELLED", "UNDEFINED", "dependency fragile failed", None),
    }  # fmt: skip
    assert "model" in whole.task("untrue")["reason"]
    assert whole.job["result"] == "FAILURE"


def test_times_are_those_of_the_command(whole: Whole) -> None:
    """It began before it ended; three seconds are three seconds."""
    times = [(task["started_at"], task["ended_at"]) for task in whole.job["tasks"] if task["started_at"]]
    assert len(times) == 8
    assert all(started <= ended for started, ended in times)


def test_code_is_in_the_working_directory(whole: Whole) -> None:
    """… and at ``/pipeline/code``, which cannot be written to where the release can do that."""
    log = whole.log("first")
    assert "pwd=/home/work part=part code=part\n" in log
    if whole.home.cluster.year >= 24:
        assert "could be written to" not in log + whole.log("second")


def test_variables_are_merged(whole: Whole) -> None:
    """A task's own over the pipeline's; parameters are quoted; the cluster says whose job it is."""
    assert f"only=pipeline both=task word=it's job={whole.id}\n" in whole.log("first")


def test_vfolders_are_mounted(whole: Whole) -> None:
    """By name and by alias in ``/home/work``, and at an absolute path; what is written there stays."""
    assert "plain=of plain alias=of alias absolute=of absolute\n" in whole.log("first")
    alias = whole.home.unique("alias")
    assert b"".join(whole.home.client.download_cluster_file(BACKEND, alias, "b.txt")) == b"put\n"


def test_declared_outputs_are_told(whole: Whole) -> None:
    """Values with their types; an artifact, its files listed and read."""
    outputs = whole.job["outputs"]["first"]
    assert (outputs["score"], outputs["word"], outputs["table"]["type"]) == (0.5, "한글 둘", "Dataset")
    listed = [file["path"] for file in whole.home.client.outputs(whole.id, "first")]
    assert "table/sub/data.csv" in listed
    assert whole.home.output(whole.id, "first", "table/sub/data.csv") == b"1,2\n"


def test_inputs_are_in_order(whole: Whole) -> None:
    """First the dependencies in their order, a skipped one empty; named ones by their names, values as files."""
    log = whole.log("second")
    assert "inputs=/pipeline/input1 /pipeline/input2 \n" in log
    assert "one= two=outputs.json\ntable" in log
    assert "named=1,2 score=0.5\nvfroot=begun\n" in log


def test_both_streams_are_in_the_log(whole: Whole) -> None:
    """In full, and nothing of ours."""
    log = whole.log("first")
    assert log.startswith("pwd=")
    assert log.endswith("\nto-stderr\n")
    assert whole.log("failed") == "why\n"


def test_a_retry_begins_afresh(whole: Whole) -> None:
    """The second attempt is the last, with empty outputs; each has its log."""
    attempts = whole.home.client.attempts(whole.id, "retried")
    assert [(each["result"], each["reason"]) for each in attempts] == [("FAILURE", "exit 5"), ("SUCCESS", "")]
    assert [file["path"] for file in whole.home.client.outputs(whole.id, "retried")] == ["main1"]
    assert [whole.log("retried", number).count("attempt") for number in (1, 2)] == [1, 1]


def test_two_containers_see_each_other(whole: Whole) -> None:
    """The command runs on main1."""
    size, hosts, *rest = whole.log("pair").split()
    assert (size, sorted(hosts.split(",")), rest) == ("2", ["main1", "sub1"], ["they", "meet"])


def test_a_secret_is_where_it_must_be_and_nowhere_else(whole: Whole) -> None:
    """The command has it. No log, event, plan or file has it, here or in the vfolder, nor the session's command."""
    client = whole.home.client
    log = whole.log("first")
    assert f"sum={hashlib.sha256(SECRET.encode()).hexdigest()}\n" in log
    answers = [
        log, client.job(whole.id), client.attempts(whole.id), client.events(0, limit=10_000), client.job_text(whole.id),
        client.session(whole.id, "first"), client.plan({"source": str(whole.file), "backend": BACKEND}),
        client.cluster_sessions(BACKEND, live=False),
    ]  # fmt: skip
    assert not any(_has_it(json.dumps(answer, ensure_ascii=False)) for answer in answers)
    printed = {"log"}  # the raw log, which the command wrote it to
    assert {path.name for path in _files(whole.on_disk) if _has_it(path.read_bytes())} == printed
    assert {path.name for path in _files(whole.home.home) if _has_it(path.read_bytes())} == {"secrets.json"}
    attempt = client.attempts(whole.id, "first")[-1]["id"]
    command = whole.home.cluster.sql(f"SELECT startup_command FROM kernels WHERE session_name = 'ft-{attempt}'")
    assert "first.sh" in command
    assert not _has_it(command)


def _has_it(content: str | bytes) -> bool:
    raw = content.encode() if isinstance(content, str) else content
    return SECRET.encode() in raw or json.dumps(SECRET)[1:-1].encode() in raw


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def test_nothing_of_it_runs_on(whole: Whole) -> None:
    """Each attempt was one session, all are over, and no container is left of them."""
    sessions = whole.home.sessions(whole.id, live=False)
    wanted = sorted(f"ft-{each['id']}" for each in whole.home.client.attempts(whole.id) if each["data"].get("session"))
    assert sorted(session["name"] for session in sessions) == wanted
    assert len(wanted) == 9
    assert whole.home.sessions(whole.id, live=True) == []


def test_a_rerun_does_only_what_failed(whole: Whole) -> None:
    """What succeeded is not run again: its outputs are mounted, and the tasks behind what failed run at last."""
    home = whole.home
    request = {"from_failed": True, "selection": {"only": ["first", "fragile", "behind"]}}
    job = home.client.rerun(whole.id, request)["id"]
    again = {task["path"]: task for task in home.ended(job)["tasks"]}
    assert again["first"]["reason"].startswith("reused from job #1")
    assert (again["fragile"]["result"], again["behind"]["result"]) == ("SUCCESS", "SUCCESS")
    assert home.log(job, "fragile") == "1,2\n1,2\n"
    assert (whole.on_disk / ".pipeline" / "first").read_text() == "begun\n"
    assert len(home.sessions(job, live=False)) == 2


SDK = """
import sys
from ai.backend.client.session import Session
from ai.backend.client.output.fields import session_fields
name, folder = sys.argv[1:]
with Session() as session:
    found = session.ComputeSession.paginated_list("TERMINATED", fields=[session_fields["name"]], page_size=100).items
    print(sum(one["name"] == name for one in found))
    print(*(file.get("name") or file["filename"] for file in session.VFolder(folder).list_files("jobs/1")["items"]))
"""


def test_the_official_sdk_sees_the_same(whole: Whole) -> None:
    """The session by its name, and the files of the job in the pipeline's vfolder."""
    attempt = whole.home.client.attempts(whole.id, "second")[-1]["id"]
    found, listed = whole.home.cluster.sdk(SDK, f"ft-{attempt}", whole.job["folder"]).splitlines()
    assert found == "1"
    assert {"first", "second", "retried", "pair"} <= set(listed.split())
