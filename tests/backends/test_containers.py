"""Sessions in containers. Half of these talk to real engines, with a storage of their own below a temporary folder.

Its image is made from a static busybox: no registry is asked. Where there is no podman, no dockerd, no busybox or
no root, they are skipped and say why; ``tests/run.sh`` installs podman and busybox where it can.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from fasttrack_jupyter.backends.local.containers import ContainerEngine, container_command, find_engines
from fasttrack_jupyter.errors import BackendError, SessionRejected

pytestmark = pytest.mark.xdist_group("containers")  # one engine of each kind, not one a worker
IMAGE = "localhost/fasttrack-tiny:1"
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


@pytest.fixture(scope="module", params=["podman", "docker"])
def engine(request: pytest.FixtureRequest) -> Iterator[ContainerEngine]:
    """A real engine with a storage of its own, and the image in it; skips with the reason where that cannot be."""
    busybox = shutil.which("busybox")
    if busybox is None or os.geteuid() != 0:
        pytest.skip("an engine with its own storage needs root, and an image needs busybox-static")
    # not below pytest's own folder: paths of unix sockets may have 107 characters
    with tempfile.TemporaryDirectory(prefix="ft-") as root, ExitStack() as cleanup:
        start = _private_podman if request.param == "podman" else _private_docker
        (found,) = find_engines(start(Path(root), cleanup))
        assert found.name == request.param
        _import_image(found, Path(root), Path(busybox))
        tried = run(found, "true")
        if tried.returncode:
            pytest.skip(f"{found.name} cannot run a container here: {tried.stderr.strip()[-200:]}")
        yield found


def _private_podman(root: Path, cleanup: ExitStack) -> dict[str, str]:
    """A podman that touches nothing outside ``root``, and needs no network and no more rights than root has here."""
    podman = shutil.which("podman")
    if podman is None:
        pytest.skip("podman is not installed")
    runtime = "runc" if shutil.which("runc") else "crun"
    (root / "containers.conf").write_text(
        f'[containers]\nnetns = "none"\ndefault_ulimits = []\n[engine]\nruntime = "{runtime}"\n'
        f'cgroup_manager = "cgroupfs"\nevents_logger = "file"\ntmp_dir = "{root}/tmp"\n'
    )
    where = f"--root {root}/storage --runroot {root}/run --tmpdir {root}/tmp --storage-driver vfs"
    exports = f"export CONTAINERS_CONF={root}/containers.conf"
    client = script(root / "bin" / "podman", f'#!/bin/sh\n{exports}\nexec {podman} {where} "$@"\n')
    cleanup.callback(subprocess.run, [client, "rm", "--all", "--force"], capture_output=True, check=False)
    return {"PATH": os.environ["PATH"], "HOME": str(root), "FASTTRACK_CONTAINER_ENGINE": str(client)}


def _private_docker(root: Path, cleanup: ExitStack) -> dict[str, str]:
    """A dockerd that listens on a socket below ``root``, keeps everything there, and changes no network."""
    if shutil.which("dockerd") is None:
        pytest.skip("docker's daemon is not installed")
    host = f"unix://{root}/docker.sock"
    where = [f"--data-root={root}/data", f"--exec-root={root}/exec", f"--pidfile={root}/pid", "--storage-driver=vfs"]
    network = ["--bridge=none", "--iptables=false", "--ip6tables=false"]
    with (root / "dockerd.log").open("w") as log:
        daemon = subprocess.Popen(["dockerd", "-H", host, *where, *network], stdout=log, stderr=log)
    cleanup.callback(daemon.wait, 30)
    cleanup.callback(daemon.terminate)
    environ = {"PATH": os.environ["PATH"], "HOME": str(root), "DOCKER_HOST": host}
    environ["FASTTRACK_CONTAINER_ENGINE"] = "docker"
    if not wait_for(lambda: find_engines(environ) or daemon.poll() is not None) or daemon.poll() is not None:
        pytest.skip(f"dockerd does not start here: {(root / 'dockerd.log').read_text()[-200:]}")
    return environ


def _import_image(engine: ContainerEngine, root: Path, busybox: Path) -> None:
    tree = root / "rootfs"
    (tree / "bin").mkdir(parents=True)
    (tree / "tmp").mkdir()
    shutil.copy(busybox, tree / "bin" / "busybox")
    for name in ("sh", "cat", "id", "env", "sleep", "touch", "df", "true", "ls", "ps"):
        (tree / "bin" / name).symlink_to("busybox")
    with tarfile.open(root / "rootfs.tar", "w") as archive:
        archive.add(tree, arcname=".")
    argv = [engine.path, "import", str(root / "rootfs.tar"), IMAGE]
    subprocess.run(argv, check=True, capture_output=True, env=dict(engine.environ))


def run(engine: ContainerEngine, command: str, **others: object) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a container of the image."""
    usual: dict[str, object] = {"network": "none", "workdir": "/", "command": ["/bin/sh", "-c", command]}
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
    listed = subprocess.run(
        [engine.path, "ps", "-a"], env=dict(engine.environ), capture_output=True, text=True, check=True
    )
    assert "ft-gone" not in listed.stdout


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


def start(engine: ContainerEngine, name: str, command: str) -> subprocess.Popen[str]:
    """A container's client, in a process group of its own; returns when the command has said that it is ready."""
    words = ["/bin/sh", "-c", command]
    argv, environ = command_of(engine, name=name, workdir="/", command=words, network="none")
    client = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    return client


def test_container_outlives_its_client_and_is_ended_by_name(engine: ContainerEngine) -> None:
    """After a crash that took the client, the container is found by its name and killed with all that is in it."""
    with start(engine, "ft-adopt", "trap '' TERM; echo ready; sleep 1000 & sleep 1000") as client:
        os.killpg(client.pid, signal.SIGKILL)
    assert engine.is_running("ft-adopt")
    assert engine.exit_code("ft-adopt") is None
    engine.kill("ft-adopt")
    assert wait_for(lambda: not engine.is_running("ft-adopt"))
    engine.remove("ft-adopt")
    engine.kill("ft-adopt")
    engine.remove("ft-adopt")


def test_exit_code_is_known_although_the_client_is_gone(engine: ContainerEngine, tmp_path: Path) -> None:
    """The engine keeps it until the container is removed."""
    with start(engine, "ft-code", "echo ready; sleep 0.5; exit 5") as client:
        os.killpg(client.pid, signal.SIGKILL)
    assert wait_for(lambda: engine.exit_code("ft-code") == 5)
    engine.remove("ft-code")
    assert engine.exit_code("ft-code") is None


def test_asking_to_end_reaches_the_command_and_its_exit_code_comes_back(engine: ContainerEngine) -> None:
    """Always the command's own: podman's client may say 0 when it is told to end."""
    for number in range(3):
        with start(engine, f"ft-term{number}", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done") as client:
            os.killpg(client.pid, signal.SIGTERM)
            assert client.wait(30) == 7


def test_client_that_is_told_to_end_is_not_believed(engine: ContainerEngine) -> None:
    """TERM to the client alone, and a command that does not care: what counts is how the command ends."""
    with start(engine, "ft-deaf", "trap '' TERM; echo ready; sleep 1; exit 9") as client:
        for child in psutil.Process(client.pid).children():
            child.terminate()
        assert client.wait(30) == 9
