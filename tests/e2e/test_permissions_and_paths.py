"""Permissions and paths, on real engines: who can reach what, and where a path may lead."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fasttrack_jupyter.errors import BadRequest, FastTrackError, Forbidden, InvalidPipeline, NotFound, Refused

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

SECRET = "hunter2-of-permissions"
NOBODY = 65534


def files_below(root: Path) -> Iterator[Path]:
    """Every plain file."""
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


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
