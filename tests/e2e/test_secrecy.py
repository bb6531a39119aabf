"""Secrets, permissions and paths, on real engines: who can see what, and where a path may lead."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from fasttrack_jupyter.errors import BadRequest, FastTrackError, Forbidden, InvalidPipeline, NotFound, Refused

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

SECRET = "hunter2-아주-비밀-" + "x" * 20
NOBODY = 65534
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
    found = {path.relative_to(place.home).as_posix() for path in files_below(place.home) if seen_in(path.read_bytes())}
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
    assert not any(seen_in(path.read_bytes()) for path in place.home.glob("fasttrack.db*"))


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


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize("mode", ["folders", "namespaces"])
def test_everything_below_the_home_is_the_owners_alone(
    new_place: Callable[..., Place], mode: str, tmp_path: Path
) -> None:
    """Whatever the umask: what FastTrack makes is closed to others; what tasks make lies in folders that are."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "script.sh").write_text(
        "cd $PIPELINE_OUTPUTS; echo hi > f; echo out > g; echo '{\"v\": 1}' > outputs.json\n"
    )
    (tmp_path / "code" / "p.yaml").write_text(
        "name: private\ntasks:\n"
        "- {name: a, command: sh script.sh, mounts: [shared], outputs: {g: {type: Text}, v: {type: int}}}\n"
        "- {name: b, command: 'cat ${{ inputs.g }}; test ${{ inputs.v }} = 1', inputs: {g: a.g, v: a.v}}\n"
    )
    old = os.umask(0)
    try:
        place = new_place(mode, SECRETS="file")
        place.client.set_secret("TOKEN", SECRET)
        place.client.make_folder("shared", "data")
        job = place.client.run({"source": str(tmp_path / "code" / "p.yaml")})["id"]
        assert place.ended(job)["result"] == "SUCCESS"
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    files = {path.relative_to(place.home): stat.S_IMODE(path.stat().st_mode) for path in files_below(place.home)}
    assert {
        path.name: oct(path.stat().st_mode & 0o077) for path in place.home.iterdir() if path.is_dir()
    } == dict.fromkeys(("attempts", "code", "folders", "logs"), "0o0")
    of_tasks = ("folders", "code")
    wrong = {str(path): oct(mode) for path, mode in files.items() if path.parts[0] not in of_tasks and mode & 0o077}
    of_sessions = ("/work/", "/.probe/outputs/", ".gitignore")
    wrong = {path: mode for path, mode in wrong.items() if not any(part in f"/{path}" for part in of_sessions)}
    assert wrong == {}


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv")
def test_another_user_can_neither_read_the_home_nor_use_the_socket(new_place: Callable[..., Place]) -> None:
    """Permissions keep them out; and where those were opened by hand, the engine asks the kernel who calls."""
    place = new_place("folders")
    place.client.set_secret("TOKEN", SECRET)
    other = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    assert subprocess.run([*other, "ls", place.home], capture_output=True, check=False).returncode != 0
    assert (
        subprocess.run([*other, "cat", place.home / "secrets.json"], capture_output=True, check=False).returncode != 0
    )
    for path in (place.home, *place.home.parents):
        if path.stat().st_uid == 0 and not path.stat().st_mode & 0o001 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o001)
    (place.home / "engine.sock").chmod(0o666)
    answer = _ask_as(NOBODY, place.home / "engine.sock", "GET /v1/secrets HTTP/1.1")
    assert answer.startswith("HTTP/1.1 403"), answer


def _ask_as(uid: int, path: Path, request: str) -> str:
    """What another user's process hears on the socket; asked by a child that changes its user."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as plug:
                plug.connect(str(path))
                plug.sendall(f"{request}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                os.write(writing, plug.recv(4096))
        except OSError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as heard:
        text = heard.read()
    os.waitpid(child, 0)
    return text


def test_a_home_of_somebody_else_is_refused(tmp_path: Path, new_place: Callable[..., Place]) -> None:
    """Nobody's engine is started on a folder that another user could change."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder away")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(FastTrackError, match="own"):
        new_place("folders", theirs).client.info()


# ---------------------------------------------------------------- paths


ESCAPES = [
    "../../../../secrets.json",
    "/etc/passwd",
    "a/../../x",
    "..",
    ".",
    "",
    "a\0b",
    "link",
    "link/passwd",
    "out/x",
]


def test_outputs_cannot_be_read_from_elsewhere(place: Place) -> None:
    """``..``, absolute paths, symlinks to files and folders elsewhere: none is followed."""
    command = (
        'cd "$PIPELINE_OUTPUTS"; ln -s /etc/passwd link; ln -s /etc etc; ln -s ../../.. out; echo ok > good; '
        "ln -s good alias; mkdir d; ln -s /etc/hostname d/h; mkfifo pipe"
    )
    job = place.run({"name": "t", "command": command})["id"]
    listed = {entry["path"] for entry in place.client.outputs(job, "t")}
    assert "good" in listed
    assert not any("passwd" in path or "secrets" in path for path in listed)
    for path in [*ESCAPES, "etc/passwd", "d/h", "pipe", "out/secrets.json", "./../t/../../x"]:
        with pytest.raises(FastTrackError) as caught:
            assert b"root:" not in b"".join(place.client.read_output(job, "t", path))
        assert isinstance(caught.value, Forbidden | NotFound | BadRequest), (path, caught.value)
    assert b"".join(place.client.read_output(job, "t", "good")) == b"ok\n"


def test_outputs_copied_out_stay_below_their_folder(place: Place, tmp_path: Path) -> None:
    """``outputs -o`` follows no symlink of a task's making, and writes through none."""
    command = 'cd "$PIPELINE_OUTPUTS"; ln -s /etc/passwd p; ln -s /etc etc; echo ok > good; mkdir sub; echo in > sub/f'
    job = place.run({"name": "t", "command": command})["id"]
    done = subprocess.run(
        [sys.executable, "-m", "fasttrack_jupyter.cli", "outputs", job, "t", "-o", str(tmp_path / "out")],
        env={**os.environ, **place.environ}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"2 files copied to {tmp_path}/out\n"), done.stderr
    assert done.stderr.count("left out: t: ") == 2
    copied = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert copied == {"good", "f"}
    assert all(b"root:" not in path.read_bytes() for path in files_below(tmp_path / "out"))


def test_declared_outputs_that_lead_elsewhere_are_not_there(place: Place) -> None:
    """A promised artifact or value that is a symlink out of the folder counts as missing, and is never read."""
    command = (
        'cd "$PIPELINE_OUTPUTS"; mkdir .values; ln -s /etc/passwd .values/v; ln -s /etc/passwd m; '
        "ln -s /etc/passwd outputs.json; true"
    )
    task, _ = place.sh(command, outputs={"v": {"type": "str"}, "m": {"type": "Model"}}, continue_on_failure=True)
    assert task["result"] == "FAILURE"
    assert "root:" not in json.dumps(task)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a/./../..", "", "x\0y"])
def test_output_paths_that_leave_are_refused_beforehand(any_place: Place, path: str) -> None:
    """When the pipeline is read: with the place in the file."""
    with pytest.raises(InvalidPipeline):
        any_place.start({"name": "t", "command": "true", "outputs": {"m": {"type": "Model", "path": path}}})


@pytest.mark.parametrize(
    "mount",
    [
        "../x",
        "data:../../etc",
        "/etc",
        "data/../..:x",
        "data:a/../../b",
        "..:/x",
        "data:/pipeline/outputs",
        "data:/",
        "data:/home/work",
        "data:/proc",
        "data:/../etc",
        ".meta",
        ".meta:x",
    ],
)
def test_mounts_cannot_leave_or_cover(place: Place, mount: str) -> None:
    """Neither out of the folders, nor over what belongs to the session or the system."""
    with contextlib.suppress(FastTrackError):
        place.client.make_folder("data", "data")
    try:
        job = place.run({"name": "t", "command": "ls /etc/passwd; echo x > /pipeline/outputs/f", "mounts": [mount]})
    except (Refused, InvalidPipeline):
        return
    else:
        assert job["result"] != "SUCCESS", f"{mount} was mounted: {place.log(job['id'])}"


def test_a_symlink_in_a_vfolder_is_no_way_out_through_a_mount(place: Place, tmp_path: Path) -> None:
    """A mount of ``data/link`` where ``link`` leads elsewhere is refused."""
    with contextlib.suppress(FastTrackError):
        place.client.make_folder("linked", "data")
    folder = place.home / "folders" / "linked"
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to(tmp_path)
    (tmp_path / "f").write_text("outside\n")
    with pytest.raises(FastTrackError):
        place.start({"name": "t", "command": "cat x/f", "mounts": ["linked/link:x"]})


def test_code_that_is_a_symlink_to_elsewhere_is_refused(any_place: Place, tmp_path: Path) -> None:
    """A pipeline's folder does not take other people's files along."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.txt").write_text("theirs")
    (project / "link.txt").symlink_to(tmp_path / "outside.txt")
    (project / "p.yaml").write_text("name: linked code\ntasks:\n- {name: t, command: cat link.txt}\n")
    with pytest.raises(FastTrackError, match="link"):
        any_place.client.run({"source": str(project / "p.yaml")})


@pytest.mark.parametrize("job", ["../x", "%2e%2e", "a/b", "last'; --", "", "ft-\0", "*", "%", "_", "1 OR 1=1"])
def test_odd_job_names_in_the_api_are_not_found(any_place: Place, job: str) -> None:
    """Whatever is asked for as a job, a task, a folder: a clear no, never a 500."""
    client = any_place.client
    for ask in (
        lambda: client.job(job),
        lambda: client.logs(job, "t"),
        lambda: client.cancel(job),
        lambda: client.outputs(job, job),
        lambda: client.attempts(job, job),
        lambda: list(client.read_output("last", job, "f")),
        lambda: client.remove_folder(f"{job}x/../y"),
    ):
        with pytest.raises(FastTrackError) as caught:
            ask()
        assert caught.value.status_hint < 500, caught.value


def test_folders_cannot_be_made_or_removed_elsewhere(any_place: Place) -> None:
    """``..`` and absolute names are names or refused, never paths."""
    for name in ("..", "../x", "/tmp/x", ".meta", ".", "a/../../b", "\0"):
        with contextlib.suppress(FastTrackError):
            made = any_place.client.make_folder(name, "general")
            assert Path(made["host_path"]).parent == any_place.home / "folders", name
        with contextlib.suppress(FastTrackError):
            any_place.client.remove_folder(name)
    assert (any_place.home / "folders" / ".meta").is_dir()
    assert any_place.client.folders() is not None


def test_a_symlinked_folder_is_not_emptied_through(any_place: Place, tmp_path: Path) -> None:
    """Deleting what a job left removes links, never what they lead to."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    job = any_place.run({"name": "t", "command": f'ln -s {victim} "$PIPELINE_OUTPUTS/l"; ln -s {victim} "$PWD/w"'})[
        "id"
    ]
    assert any_place.client.delete([job]) == 1
    assert (victim / "kept").read_text() == "kept"
