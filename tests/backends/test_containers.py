"""Sessions in containers. Half of these talk to a real podman, with a storage of its own below a temporary folder.

Its image is made from a static busybox: no registry is asked. Where there is no podman, busybox or root, they are
skipped and say why; ``tests/run.sh`` installs what is missing where it can.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local.containers import ContainerEngine, container_command, find_engines
from fasttrack_jupyter.errors import BackendError, SessionRejected

IMAGE = "localhost/fasttrack-tiny:1"
PODMAN = Path("/usr/bin/podman")
DOCKER = ContainerEngine("docker", Path("/usr/bin/docker"), rootless=False, version="27", environ={"PATH": "/usr/bin"})


def script(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


# ---------------------------------------------------------------- finding an engine


def test_client_without_daemon_is_no_engine(tmp_path: Path) -> None:
    """Docker's client prints its own half of the answer when no daemon is there: that does not count."""
    script(tmp_path / "docker", """#!/bin/sh\necho '{"ServerVersion": "", "ServerErrors": ["no daemon"]}'\n""")
    assert find_engines({"PATH": str(tmp_path)}) == ()


def test_docker_that_answers_is_an_engine(tmp_path: Path) -> None:
    """Version, rootless mode and whether it can limit memory are read from its answer."""
    answer = '{"ServerVersion": "27.1", "SecurityOptions": ["name=seccomp", "name=rootless"], "MemoryLimit": false}'
    script(tmp_path / "docker", f"#!/bin/sh\necho '{answer}'\n")
    (engine,) = find_engines({"PATH": str(tmp_path)})
    assert (engine.name, engine.version, engine.rootless, engine.has_limits) == ("docker", "27.1", True, False)


def test_user_may_forbid_engines(tmp_path: Path) -> None:
    """FASTTRACK_CONTAINER_ENGINE=none finds none."""
    script(tmp_path / "docker", """#!/bin/sh\necho '{"ServerVersion": "27"}'\n""")
    assert find_engines({"PATH": str(tmp_path), "FASTTRACK_CONTAINER_ENGINE": "none"}) == ()


def test_engine_that_fails_to_answer_is_said(tmp_path: Path) -> None:
    """Nothing is known about a container whose engine does not answer, and that is no 'not running'."""
    broken = ContainerEngine("docker", tmp_path / "docker", rootless=False, version="27")
    with pytest.raises(BackendError, match="does not answer"):
        broken.is_running("ft-x")
    script(tmp_path / "docker", "#!/bin/sh\necho 'Cannot connect to the daemon' >&2; exit 1\n")
    with pytest.raises(BackendError, match="Cannot connect"):
        broken.is_running("ft-x")


# ---------------------------------------------------------------- the command line


def test_values_are_not_on_the_command_line() -> None:
    """A variable is named in the arguments; its value is in the client's environment."""
    argv, environ = command_of(DOCKER, environ={"TOKEN": "s3cret"})
    assert "s3cret" not in " ".join(argv)
    assert argv[argv.index("TOKEN") - 1] == "--env"
    assert environ["TOKEN"] == "s3cret"


def test_clients_own_variables_stay_its_own() -> None:
    """The session's HOME is not the client's, which finds its images by it; the session's PATH is the image's."""
    argv, environ = command_of(DOCKER, environ={"HOME": "/home/work", "PATH": "/venv/bin"})
    assert "HOME=/home/work" in argv
    assert "PATH" not in argv
    assert environ == {"PATH": "/usr/bin"}


@pytest.mark.parametrize(
    ("name", "rootless", "words"),
    [
        ("docker", False, ["--user", f"{os.getuid()}:{os.getgid()}"]),
        ("docker", True, ["--user", "0:0"]),
        ("podman", True, ["--userns=keep-id"]),
    ],
)
def test_outputs_will_be_this_users(name: str, rootless: bool, words: list[str]) -> None:
    """However an engine maps users, what the session writes belongs to who runs the engine."""
    argv, _ = command_of(ContainerEngine(name, Path("/x"), rootless, "1"))
    assert " ".join(words) in " ".join(argv)


def test_gpus_are_named_as_each_engine_wants() -> None:
    """Docker takes a list in one word, podman a CDI name each."""
    podman = ContainerEngine("podman", Path("/x"), rootless=True, version="4")
    assert '"device=GPU-a,GPU-b"' in command_of(DOCKER, gpus=("GPU-a", "GPU-b"))[0]
    assert "nvidia.com/gpu=GPU-b" in command_of(podman, gpus=("GPU-a", "GPU-b"))[0]


def test_mount_that_no_engine_can_write_is_refused() -> None:
    """A colon needs one spelling, a comma the other: a path with both is refused with the remedy."""
    assert "type=bind,source=/a:b,target=/x" in " ".join(command_of(DOCKER, mounts=[(Path("/a:b"), "/x", False)])[0])
    with pytest.raises(SessionRejected, match="cannot be mounted"):
        command_of(DOCKER, mounts=[(Path("/a:b,c"), "/x", True)])


def command_of(engine: ContainerEngine, **others: object) -> tuple[list[str], dict[str, str]]:
    """The command of a session that says true."""
    usual = {
        "image": IMAGE, "name": "ft-1", "mounts": [], "environ": {}, "workdir": "/home/work", "command": ["/bin/true"],
    }  # fmt: skip
    return container_command(engine, **{**usual, **others})  # type: ignore[arg-type]


# ---------------------------------------------------------------- a real engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    """A real podman with a storage of its own, and the image in it; skips with the reason where that cannot be."""
    busybox = shutil.which("busybox")
    if not PODMAN.exists() or busybox is None:
        pytest.skip("podman and busybox-static are not installed")
    if os.geteuid() != 0:
        pytest.skip("a podman with its own storage needs root")
    root = tmp_path_factory.mktemp("podman")
    client = _private_podman(root)
    found = find_engines({"PATH": os.environ["PATH"], "HOME": str(root), "FASTTRACK_CONTAINER_ENGINE": str(client)})
    assert len(found) == 1, "podman is installed and does not answer"
    _import_image(client, root, Path(busybox))
    tried = subprocess.run([client, "run", "--rm", IMAGE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"podman cannot run a container here: {tried.stderr.strip()[-200:]}")
    yield found[0]
    subprocess.run([client, "rm", "--all", "--force"], capture_output=True, check=False)


def _private_podman(root: Path) -> Path:
    """A podman that touches nothing outside ``root``, and needs no network and no more rights than root has here."""
    runtime = "runc" if shutil.which("runc") else "crun"
    (root / "containers.conf").write_text(
        f'[containers]\nnetns = "none"\ndefault_ulimits = []\n[engine]\nruntime = "{runtime}"\n'
        f'cgroup_manager = "cgroupfs"\nevents_logger = "file"\ntmp_dir = "{root}/tmp"\n'
    )
    where = f"--root {root}/storage --runroot {root}/run --tmpdir {root}/tmp --storage-driver vfs"
    exports = f"export CONTAINERS_CONF={root}/containers.conf"
    return script(root / "bin" / "podman", f'#!/bin/sh\n{exports}\nexec {PODMAN} {where} "$@"\n')


def _import_image(client: Path, root: Path, busybox: Path) -> None:
    tree = root / "rootfs"
    (tree / "bin").mkdir(parents=True)
    (tree / "tmp").mkdir()
    shutil.copy(busybox, tree / "bin" / "busybox")
    for name in ("sh", "cat", "id", "env", "sleep", "touch", "df", "true", "ls", "ps"):
        (tree / "bin" / name).symlink_to("busybox")
    with tarfile.open(root / "rootfs.tar", "w") as archive:
        archive.add(tree, arcname=".")
    subprocess.run([client, "import", str(root / "rootfs.tar"), IMAGE], check=True, capture_output=True)


def run(engine: ContainerEngine, command: str, **others: object) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a container of the image."""
    usual: dict[str, object] = {"workdir": "/", "command": ["/bin/sh", "-c", command]}
    argv, environ = command_of(engine, **{**usual, **others})
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_real_engine_has_the_image_and_no_other(engine: ContainerEngine) -> None:
    """Its images are listed and found by name."""
    assert engine.has_image(IMAGE)
    assert not engine.has_image("localhost/fasttrack-none:1")
    assert engine.images() == [IMAGE]


def test_command_runs_with_its_exit_code_and_output(engine: ContainerEngine) -> None:
    """The client ends as the command did, stdout and stderr come through."""
    done = run(engine, "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_variables_reach_the_command(engine: ContainerEngine) -> None:
    """Any value does, with newlines and quotes; HOME is the session's; nothing of the engine's comes along."""
    value = "two\nlines 'and' \"quotes\" 한"
    environ = {"VALUE": value, "HOME": "/home/work"}
    done = run(engine, 'printf "%s|%s|%s" "$VALUE" "$HOME" "$FASTTRACK_CONTAINER_ENGINE"', environ=environ)
    assert done.stdout == f"{value}|/home/work|"


def test_mounts_are_where_local_sessions_see_them(engine: ContainerEngine, tmp_path: Path) -> None:
    """Outputs can be written and belong to this user; inputs are read-only; names may hold spaces, colons, Korean."""
    inputs, outputs = tmp_path / "in put:1", tmp_path / "결과"
    inputs.mkdir()
    outputs.mkdir()
    (inputs / "x").write_text("41")
    mounts = [(inputs, "/pipeline/input1", True), (outputs, "/pipeline/outputs", False)]
    command = "cat /pipeline/input1/x > /pipeline/outputs/y; touch /pipeline/input1/z"
    done = run(engine, command, mounts=mounts, workdir="/pipeline/outputs")
    assert "Read-only" in done.stderr
    assert (outputs / "y").read_text() == "41"
    assert (outputs / "y").stat().st_uid == os.getuid()


def test_shared_memory_has_the_size_asked_for(engine: ContainerEngine) -> None:
    """``/dev/shm`` of 8 MiB is 8192 blocks of 1 KiB."""
    done = run(engine, "df -k /dev/shm", shmem=8 << 20)
    assert done.stdout.splitlines()[-1].split()[1] == "8192"


def test_container_is_gone_when_its_command_has_ended(engine: ContainerEngine) -> None:
    """Nothing is left to clean up."""
    run(engine, "true", name="ft-gone")
    assert not engine.is_running("ft-gone")
    assert "ft-gone" not in subprocess.run([engine.path, "ps", "-a"], capture_output=True, text=True, check=True).stdout


def test_image_that_is_not_there_is_not_pulled(engine: ContainerEngine) -> None:
    """The engine is told not to ask a registry: that is the user's to do."""
    done = run(engine, "true", image="localhost/fasttrack-none:1")
    assert done.returncode == 125
    assert "fasttrack-none" in done.stderr


def wait_for(condition: object, seconds: float = 20) -> bool:
    """Whether ``condition()`` became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_container_outlives_its_client_and_is_ended_by_name(engine: ContainerEngine) -> None:
    """After a crash that took the client, the container is found by its name and killed with all that is in it."""
    command = ["/bin/sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000"]
    argv, environ = command_of(engine, name="ft-adopt", workdir="/", command=command)
    client = subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert wait_for(lambda: engine.is_running("ft-adopt"))
    client.kill()
    client.wait()
    assert engine.is_running("ft-adopt")
    engine.kill("ft-adopt")
    assert wait_for(lambda: not engine.is_running("ft-adopt"))
    engine.remove("ft-adopt")
    engine.kill("ft-adopt")
    engine.remove("ft-adopt")


def test_ordinary_end_of_the_client_is_passed_on(engine: ContainerEngine) -> None:
    """TERM to the client reaches the command, which may end as it likes."""
    command = ["/bin/sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done"]
    argv, environ = command_of(engine, name="ft-term", workdir="/", command=command)
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        client.terminate()
        assert client.wait(30) == 7
