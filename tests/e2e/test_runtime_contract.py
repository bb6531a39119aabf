"""FastTrack's contract, as a task of a real job sees it: folders, variables, shell, members, limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Place


def lines_of(log: str) -> list[str]:
    """The lines of a log, sorted."""
    return sorted(log.splitlines())


def test_inputs_are_in_the_order_of_dependencies(place: Place) -> None:
    """Explicit ones first, in their order; then what ``inputs`` adds; the order of ``tasks`` means nothing."""
    job = place.run(
        {
            "name": "end", "dependencies": ["c", "a"], "inputs": {"late": "b.f", "early": "a.f"},
            "command": "cat /pipeline/input1/f /pipeline/input2/f /pipeline/input3/f; ls -d /pipeline/input* | wc -l",
        },
        *({"name": n, "command": f"echo {n} > /pipeline/outputs/f", "outputs": {"f": {"type": "Text"}}} for n in "abc"),
    )  # fmt: skip
    log = place.log(job["id"], "end").split()
    assert log[:3] == ["c", "a", "b"]
    if place.mode == "namespaces":
        assert log[3] == "4", "input1, input2, input3 and inputs"


def test_inputs_are_read_only(place: Place) -> None:
    """Where there are private mounts, no task can change what another one left, by any of its names."""
    command = (
        "for p in /pipeline/input1 /pipeline/inputs/f; do echo x >> $p/f; rm -f $p/f; touch $p/new; chmod 777 $p; done "
        "2>/dev/null; echo x > /pipeline/inputs/f; mv /pipeline/input1 /pipeline/other; true"
    )
    job = place.run(
        {"name": "a", "command": "echo kept > /pipeline/outputs/f", "outputs": {"f": {"type": "Text"}}},
        {"name": "b", "command": command, "inputs": {"f": "a.f"}},
    )
    if place.mode == "folders":
        pytest.skip("without private mounts a task can write where its user can: the README says so")
    kept = Path(job["tasks"][0]["outputs_dir"])
    assert [path.name for path in kept.iterdir()] == ["f"]
    assert (kept / "f").read_text() == "kept\n"


def test_named_inputs_are_artifacts_and_values(place: Place) -> None:
    """Files, folders and values of each type, at ``/pipeline/inputs/<name>`` and as ``${{ inputs.x }}``."""
    written = {"i": "7", "f": "0.5", "s": "두 단어 'x'", "b": "true", "l": "[1, 2]", "d": '{"k": [1]}'}
    types = dict(zip("ifsbld", ("int", "float", "str", "bool", "list", "struct"), strict=True))
    one = {"outputs": {**{name: {"type": kind} for name, kind in types.items()}, "folder": {"type": "Dataset"}}}
    values = {f"V_{name}": text for name, text in written.items()}
    command = (
        "mkdir -p /pipeline/outputs/.values /pipeline/outputs/folder; echo deep > /pipeline/outputs/folder/x; "
        + "; ".join(f'printf %s "$V_{name}" > /pipeline/outputs/.values/{name}' for name in written)
    )
    two = {
        "inputs": {name: f"one.{name}" for name in (*written, "folder")},
        "command": "cat ${{ inputs.folder }}/x /pipeline/inputs/folder/x; "
        "for x in i f s b l d; do cat /pipeline/inputs/$x; echo; done; "
        "echo ${{ inputs.i }} ${{ inputs.f }} ${{ inputs.s }} ${{ inputs.b }} ${{ inputs.l }} ${{ inputs.d }}",
    }
    job = place.run({"name": "one", "command": command, "environment": {"envs": values}, **one}, {"name": "two", **two})
    assert job["result"] == "SUCCESS", job["tasks"]
    values_seen = {name: value for name, value in job["outputs"]["one"].items() if name != "folder"}
    assert values_seen == {"i": 7, "f": 0.5, "s": "두 단어 'x'", "b": True, "l": [1, 2], "d": {"k": [1]}}
    deep, deep2, *files, inserted = place.log(job["id"], "two").splitlines()
    assert (deep, deep2) == ("deep", "deep")
    assert [files[0], files[1], files[2], files[3]] == ["7", "0.5", "두 단어 'x'", "true"]
    assert [json.loads(text) for text in files[4:]] == [[1, 2], {"k": [1]}]
    assert inserted.startswith("7 0.5 두 단어 'x' true [1")


def test_values_may_come_in_one_json_file(place: Place) -> None:
    """``outputs.json`` instead of a file each; a wrong type is a failure that says which."""
    good = {"name": "good", "command": 'echo \'{"n": 3, "w": "한글"}\' > /pipeline/outputs/outputs.json'}
    bad = {
        "name": "bad",
        "command": 'echo \'{"n": "three"}\' > /pipeline/outputs/outputs.json',
        "continue_on_failure": True,
    }
    job = place.run(
        {**good, "outputs": {"n": {"type": "int"}, "w": {"type": "str"}}}, {**bad, "outputs": {"n": {"type": "int"}}}
    )
    assert job["outputs"]["good"] == {"n": 3, "w": "한글"}
    failed = job["tasks"][1]
    assert (failed["result"], failed["exit_code"]) == ("FAILURE", 0)
    assert "n" in failed["reason"]
    assert "int" in failed["reason"]


def test_output_and_outputs_are_one_folder(place: Place) -> None:
    """Under both names, fresh for each attempt."""
    command = (
        "ls -A /pipeline/output; echo x > /pipeline/output/f; cat /pipeline/outputs/f; "
        "mkdir /pipeline/vfroot/once-$BACKENDAI_PIPELINE_JOB_ID 2>/dev/null && exit 1; exit 0"
    )
    job = place.run({"name": "t", "command": command, "retry": {"max_attempts": 2}})
    assert (job["tasks"][0]["attempts"], place.log(job["id"])) == (2, "x\n")
    assert [path.name for path in Path(job["tasks"][0]["outputs_dir"]).iterdir()] == ["f"]


def test_vfroot_is_shared_by_all_jobs_of_a_pipeline_and_by_no_other(place: Place) -> None:
    """What one task leaves, later tasks and later jobs find; another pipeline has its own."""
    tell = {"name": "t", "command": "cat /pipeline/vfroot/f 2>/dev/null; echo x >> /pipeline/vfroot/f"}
    again = {**tell, "name": "u", "dependencies": ["t"]}
    first = place.run(tell, again, name=f"sharing-{place.mode}")
    second = place.run(tell, again, name=f"sharing-{place.mode}")
    other = place.run(tell, name=f"lonely-{place.mode}")
    assert [place.log(first["id"], p) for p in "tu"] == ["", "x\n"]
    assert [place.log(second["id"], p) for p in "tu"] == ["x\nx\n", "x\nx\nx\n"]
    assert place.log(other["id"]) == ""
    assert (second["index"], other["index"]) == (2, 1)


def test_code_is_read_only_and_linked_into_the_working_directory(place: Place, tmp_path: Path) -> None:
    """A snapshot: later edits of the files do not reach a job, nor do a task's edits reach the snapshot."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.txt").write_text("then\n")
    (tmp_path / "main.sh").write_text("cat lib/part.txt; pwd -P\n")
    command = (
        "sh main.sh; cat /pipeline/code/lib/part.txt; echo now > scratch; "
        "(echo changed > lib/part.txt; echo changed > /pipeline/code/main.sh; rm -rf /pipeline/code/lib) 2>/dev/null; "
        "cat lib/part.txt"
    )
    job = place.start(
        {"name": "wait", "command": "sleep 0.3"},
        {"name": "t", "command": command, "dependencies": ["wait"]},
        request={"source": str(tmp_path / "x.yaml")},
    )
    (tmp_path / "lib" / "part.txt").write_text("now\n")
    place.ended(job)
    first, where, *rest = place.log(job).splitlines()
    assert (first, rest[0]) == ("then", "then")
    if place.mode == "namespaces":
        assert where == "/home/work"
        assert rest[1] == "then"
    assert (tmp_path / "lib" / "part.txt").read_text() == "now\n"


def test_the_working_directory_is_fresh_for_each_task(place: Place) -> None:
    """What one leaves in ``/home/work`` no other finds; ``HOME`` is there as well."""
    job = place.run(
        {"name": "a", "command": "touch left; ls -A"},
        {"name": "b", "command": "ls -A; cd; pwd -P; cd /home/work && pwd -P", "dependencies": ["a"]},
    )
    assert place.log(job["id"], "a") == "left\n"
    home, work = place.log(job["id"], "b").split()
    assert home == work
    if place.mode == "namespaces":
        assert work == "/home/work"


def test_mounts_have_aliases_and_absolute_targets(place: Place) -> None:
    """``name`` at /home/work/name, ``name:alias`` beside it, ``name:/place`` anywhere; all of them writable."""
    for name in ("plain-data", "models-1"):
        if name not in {folder["name"] for folder in place.client.folders()}:
            place.client.make_folder(name, "data")
    mounts = ["plain-data", "models-1:nick/name", "models-1:/models", "plain-data:/srv/of ours/data"]
    command = (
        "echo 1 > plain-data/f; echo 2 > /home/work/nick/name/g; cat /home/work/plain-data/f /models/g; "
        'cat "/srv/of ours/data/f"; ls /srv | head -n 1 > /dev/null'
    )
    _, log = place.sh(command, mounts=mounts)
    assert log == "1\n2\n1\n"
    assert (place.home / "folders/models-1/g").read_text() == "2\n"
    assert not Path("/srv/of ours").exists()


def test_a_mount_that_is_not_there_is_refused_before_the_job(place: Place) -> None:
    """With its name; no job is made."""
    before = len(place.client.jobs(limit=200))
    with pytest.raises(Exception, match="no-such-folder") as caught:
        place.start({"name": "t", "command": "true", "mounts": ["no-such-folder"]})
    assert caught.value.code in ("refused", "invalid_pipeline")  # type: ignore[attr-defined]
    assert len(place.client.jobs(limit=200)) == before


def test_the_variables_of_the_contract(place: Place) -> None:
    """Job, session, kernel, cluster; pipeline variables overlaid by the task's own; nothing of the engine's."""
    job = place.run(
        {
            "name": "t", "environment": {"envs": {"SAME": "task", "JOB": "${{ job.id }}"}},
            "command": "env | grep -E '^(BACKENDAI_|SAME|ONLY|JOB)' | sort; env | grep -c ^FASTTRACK_LOCAL",
        },
        environment={"envs": {"SAME": "pipeline", "ONLY": "${{ params.p }}"}},
        params=[{"name": "p", "type": "int", "default": 3}],
    )  # fmt: skip
    *lines, leaked = place.log(job["id"]).splitlines()
    found = dict(line.split("=", 1) for line in lines)
    session = f"ft-{place.client.attempts(job['id'])[0]['id']}"
    assert leaked == "0"
    assert {key: value for key, value in found.items() if not key.startswith("BACKENDAI")} == {
        "SAME": "task", "ONLY": "3", "JOB": job["id"],
    }  # fmt: skip
    expected = {
        "PIPELINE_JOB_ID": job["id"], "PIPELINE_JOB_INDEX": "1", "SESSION_ID": session, "SESSION_NAME": session,
        "CLUSTER_SIZE": "1", "CLUSTER_HOSTS": "main1", "CLUSTER_REPLICAS": "main:1", "CLUSTER_HOST": "main1",
        "CLUSTER_IDX": "1", "CLUSTER_ROLE": "main", "CLUSTER_LOCAL_RANK": "0",
    }  # fmt: skip
    assert {key: found.get(f"BACKENDAI_{key}") for key in expected} == expected
    assert {"BACKENDAI_KERNEL_ID", "BACKENDAI_KERNEL_IMAGE"} <= found.keys()


def test_the_shell_is_bin_sh(place: Place) -> None:
    """What dash does not know is an error, as on a cluster; stdin is empty; both outputs go to one log in order."""
    _, log = place.sh("cat; echo a; echo b >&2; echo c; echo $0")
    assert log.splitlines()[:3] == ["a", "b", "c"]
    shell = Path("/bin/sh").resolve().name
    task, log = place.sh("set -o pipefail; echo not reached")
    assert (task["exit_code"] != 0) == (shell == "dash")


def test_members_of_a_cluster_have_roles(place: Place) -> None:
    """``cluster_size: 3``, the command on each: main1, sub1, sub2 with index, rank and hosts."""
    words = ("HOST", "ROLE", "IDX", "LOCAL_RANK", "SIZE", "HOSTS")
    command = f"echo {' '.join(f'$BACKENDAI_CLUSTER_{word}' for word in words)}"
    _, log = place.sh(command, cluster_size=3, cluster_mode="multi-node", run_on="all", resources={"cpu": 1})
    assert lines_of(log) == [
        "[main1] main1 main 1 0 3 main1,sub1,sub2",
        "[sub1] sub1 sub 1 1 3 main1,sub1,sub2",
        "[sub2] sub2 sub 2 2 3 main1,sub1,sub2",
    ]


def test_a_command_runs_on_main_only_unless_asked(place: Place) -> None:
    """Its exit code is the session's; the others end with it."""
    task, log = place.sh("echo $BACKENDAI_CLUSTER_HOST; exit 3", cluster_size=3)
    assert (task["exit_code"], log) == (3, "main1\n")


def test_one_member_that_fails_ends_them_all(place: Place) -> None:
    """And it is named; nothing of the others is left."""
    command = "[ $BACKENDAI_CLUSTER_HOST = sub2 ] && exit 4; sleep 600"
    task, log = place.sh(command, cluster_size=3, run_on="all")
    assert (task["result"], task["exit_code"], task["reason"]) == ("FAILURE", 4, "exit 4 (sub2)")
    assert "[fasttrack] sub2 ended with 4: the others are ended" in log


def test_a_cluster_takes_the_slots_of_all_its_members(any_place: Place) -> None:
    """Nine cpus on eight are refused before the job starts, with the numbers and the remedy."""
    with pytest.raises(Exception, match=r"9.*8|8.*9") as caught:
        any_place.start({"name": "t", "command": "true", "cluster_size": 3, "resources": {"cpu": 3}})
    assert caught.value.code == "refused"  # type: ignore[attr-defined]
    assert caught.value.details["tasks"]["t"].count("asks for") == 1  # type: ignore[attr-defined]
    job = any_place.run(
        {"name": "t", "command": "echo $BACKENDAI_CLUSTER_SIZE", "cluster_size": 3, "resources": {"cpu": 3}},
        request={"shrink": True},
    )
    assert job["result"] == "SUCCESS"
    assert job["tasks"][0]["notes"][0] == "shrunk: cpu 3 → 2.66"


def test_one_task_that_does_not_fit_says_nothing_about_the_others(any_place: Place) -> None:
    """The plan names who is refused, and only that one; shrunk, all of them run."""
    tasks = [{"name": "small", "command": "true"}, {"name": "big", "command": "true", "resources": {"mem": "999g"}}]
    text = json.dumps({"name": "two sizes", "tasks": tasks})
    plan = any_place.client.plan({"text": text})
    assert [task["decision"] for task in plan["tasks"]] == ["will run", "refused"]
    assert any_place.run(*tasks, request={"shrink": True})["result"] == "SUCCESS"


def test_shared_memory_has_the_size_that_was_asked_for(place: Place) -> None:
    """A private /dev/shm: what one task leaves there no other sees, and it ends at its size."""
    if place.mode == "folders":
        pytest.skip("/dev/shm is the machine's own without private mounts")
    name = f"/dev/shm/ft-test-{os.getpid()}"
    command = f"df -k --output=size /dev/shm | tail -n 1; head -c 20000000 /dev/zero > {name}; ls {name}"
    _, log = place.sh(command, resource_opts={"shmem": "16m"})
    assert log.split()[0] == str(16 << 10)
    assert "No space left" in log
    assert not Path(name).exists()


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two processors"
)
def test_a_task_is_kept_on_as_many_processors_as_it_asked_for(any_place: Place) -> None:
    """And libraries are told; one that asks for more than there are is not kept back."""
    program = f"{sys.executable} -c 'import os; print(len(os.sched_getaffinity(0)), os.environ[\"OMP_NUM_THREADS\"])'"
    _, log = any_place.sh(program, resources={"cpu": 1})
    assert log == "1 1\n"


def test_a_shell_opens_inside_a_running_task(place: Place) -> None:
    """The task's own view and variables."""
    job = place.start(
        {
            "name": "t",
            "command": "echo mine > /pipeline/outputs/f; echo up; sleep 600",
            "environment": {"envs": {"OWN": "안녕"}},
        }
    )
    place.running(job, "up")
    argv = place.client.shell(job, "t")
    done = subprocess.run(
        argv, input='cat "$PIPELINE_OUTPUTS/f"; echo $OWN', capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "mine\n안녕\n", done.stderr
    place.client.cancel(job)
    place.ended(job)
