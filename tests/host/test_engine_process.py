"""The engine process from outside: who starts it, who may call it, and what its death costs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.errors import EngineUnavailable, OtherVersion
from fasttrack_jupyter.home import Home

if TYPE_CHECKING:
    from tests.host.conftest import Engines

pytestmark = pytest.mark.usefixtures("engines")


def test_the_first_call_starts_an_engine(home: Home, engines: Engines) -> None:
    """In the background, in a session of its own, and it is no child of whoever called."""
    with connect(home.path) as client:
        info = client.info()
    assert (info["home"], info["version"], info["pid"]) == (str(home.path), __version__, engines.pid())
    assert os.getsid(info["pid"]) != os.getsid(0)
    with pytest.raises(ChildProcessError):
        os.waitpid(info["pid"], os.WNOHANG)


def test_the_second_call_finds_it(home: Home) -> None:
    """One engine per home."""
    with connect(home.path) as one, connect(home.path) as two:
        assert one.info()["pid"] == two.info()["pid"]


def test_of_many_started_at_once_one_serves(home: Home, engines: Engines) -> None:
    """The others end quietly, and whoever started them is served all the same."""
    started = [engines.start() for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in started] == [(b"", 0)] * 4
    with connect(home.path, start=False) as client:
        assert client.info()["pid"] == engines.pid()


def test_of_many_callers_at_once_all_are_served_by_one(home: Home) -> None:
    """Each finds no engine and starts one."""

    def ask(_: int) -> int:
        with connect(home.path) as client:
            return int(client.info()["pid"])

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1


def test_a_killed_engine_is_replaced_by_the_next_call(home: Home, engines: Engines) -> None:
    """The same client goes on; so does a second one, whose connections led to the dead one."""
    with connect(home.path) as client, connect(home.path) as other:
        dead = client.info()["pid"]
        other.info()
        engines.end(signal.SIGKILL)
        fresh = client.info()["pid"]
        assert fresh != dead
        assert other.info()["pid"] == fresh


def test_an_engine_killed_while_it_answers_is_asked_again(home: Home, engines: Engines) -> None:
    """The caller sees one answer, late."""
    with connect(home.path) as client:
        dead = client.info()["pid"]
        threading.Timer(0.3, engines.end).start()
        page = client.events(0, wait=2.0)
        assert page == {"events": [], "next": 0}
        assert client.info()["pid"] != dead


def test_a_stopped_engine_leaves_nothing_in_the_way(home: Home, engines: Engines) -> None:
    """SIGTERM: the socket and the record are gone, and the home is free."""
    with connect(home.path) as client:
        client.info()
        engines.end(signal.SIGTERM)
    assert not home.socket.exists()
    assert not home.record.exists()
    with pytest.raises(EngineUnavailable, match="no engine serves"):
        connect(home.path, start=False)


def test_a_stale_socket_is_replaced(home: Home) -> None:
    """What a killed engine left does not keep the next one from listening."""
    home.make()
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(home.socket))
    with connect(home.path) as client:
        assert client.info()["home"] == str(home.path)


def test_an_idle_engine_ends_when_nobody_is_connected(
    home: Home, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connected client keeps it; the last one to leave lets it end."""
    monkeypatch.setenv("FASTTRACK_IDLE", "0.4")
    client = connect(home.path)
    pid = client.info()["pid"]
    with pytest.raises(AssertionError, match="did not come true"):
        engines.wait_until(lambda: not engines.is_alive(pid), seconds=1.2)
    client.close()
    engines.wait_until(lambda: not engines.is_alive(pid))
    assert not home.socket.exists()


def test_an_engine_can_be_asked_to_stop(home: Home, engines: Engines) -> None:
    """Calls that come while it ends are answered by it, or by a fresh one that waits for it to let go."""
    with connect(home.path) as client:
        pid = client.info()["pid"]
        assert client.shutdown()
        engines.wait_until(lambda: client.info()["pid"] != pid)
    assert not engines.is_alive(pid)


def test_state_is_private(home: Home) -> None:
    """Folders 0700, files 0600, the socket as well, whatever the umask."""
    old = os.umask(0)
    try:
        with connect(home.path) as client:
            client.set_secret("TOKEN", "hunter2")
    finally:
        os.umask(old)
    ours = [home.path, home.log.parent, home.socket, home.log, home.record, home.lock, home.database, home.secrets]
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode) & 0o077) for path in ours} == {p.name: "0o0" for p in ours}


def test_a_secret_is_in_no_file_but_its_own(home: Home, engines: Engines) -> None:
    """Not in the store, not in the log."""
    with connect(home.path) as client:
        client.set_secret("TOKEN", "hunter2-hunter2")
        assert client.secrets() == [{"name": "TOKEN", "pipeline": None}]
    engines.end(signal.SIGTERM)
    files = [path for path in home.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"hunter2" in path.read_bytes()] == ["secrets.json"]


def test_a_home_inside_a_project_is_no_part_of_its_code(home: Home) -> None:
    """Neither the store nor the secrets get into the snapshot of a pipeline's files."""
    project = home.path.parent
    (project / "x.fasttrack.yaml").write_text("name: x\ntasks:\n- {name: a, command: 'true'}\n")
    (project / "train.py").write_text("")
    with connect(home.path) as client:
        client.set_secret("TOKEN", "hunter2-hunter2")
        job = client.run({"source": str(project / "x.fasttrack.yaml")})["id"]
        assert "train.py" in {path.name for path in home.path.rglob("code/**/*")}
        assert [path for path in home.path.rglob("secrets.json") if path != home.secrets] == []
        assert client.job(job)["source"] == str(project / "x.fasttrack.yaml")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv")
def test_another_user_is_refused(home: Home) -> None:
    """Even where somebody opened every permission: the kernel says who calls."""
    with connect(home.path) as client:
        client.info()
        for path in (home.path.parent, home.path, home.socket):
            path.chmod(0o777)
        call = (
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
            "s.sendall(b'GET /v1/secrets HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');"
            "print(s.makefile().read())"
        )
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c", call]
        heard = subprocess.run([*nobody, str(home.socket)], capture_output=True, text=True, check=False)
    if "python3" in heard.stderr:
        pytest.skip("no Python that another user may run")
    assert heard.stdout.startswith("HTTP/1.1 403"), heard.stderr
    assert "belongs to another user" in heard.stdout


def test_a_home_with_a_long_path_is_served_from_a_short_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unix socket's path may have about a hundred bytes; the folder is private too."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home.path.parent))
    deep = Home(home.path.joinpath(*["아주 긴 이름"] * 8))
    with connect(deep.path) as client:
        assert client.info()["home"] == str(deep.path)
        assert deep.socket.parent == home.path.parent / "fasttrack"
        assert stat.S_IMODE(deep.socket.parent.stat().st_mode) == 0o700
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        with connect(deep.path, start=False) as elsewhere:
            assert elsewhere.info()["pid"] == client.info()["pid"]
        client.shutdown()


def test_an_engine_that_cannot_start_says_why(home: Home) -> None:
    """The caller reads the last words of its log."""
    home.make()
    home.database.write_bytes(b"this is no database " * 500)
    with connect(home.path) as client, pytest.raises(EngineUnavailable) as caught:
        client.info()
    assert "fasttrack.db" in caught.value.message
    assert str(home.log) in caught.value.hint
    assert caught.value.details["log"]


def test_a_setting_that_makes_no_sense_is_said_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name."""
    monkeypatch.setenv("FASTTRACK_IDLE", "soon")
    with pytest.raises(EngineUnavailable, match="FASTTRACK_IDLE"):
        connect(home.path)


def test_a_home_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineUnavailable) as caught:
        connect(tmp_path / "file" / "home")
    assert "FASTTRACK_HOME" in caught.value.hint


def test_without_leave_to_start_one_a_missing_engine_is_an_error(home: Home) -> None:
    """And no home is made."""
    with pytest.raises(EngineUnavailable, match="no engine serves"):
        connect(home.path, start=False)
    assert not home.path.exists()


def test_an_idle_engine_of_an_older_version_makes_way(home: Home, engines: Engines) -> None:
    """An upgrade needs no thought."""
    engines.start(version="0.0.1").communicate()
    old = engines.pid()
    with connect(home.path) as client:
        assert client.jobs() == []
        assert client.info()["version"] == __version__
        assert client.info()["pid"] != old


def test_an_engine_of_a_newer_version_is_left_alone(home: Home, engines: Engines) -> None:
    """The caller is told which version there is."""
    engines.start(version="99.0").communicate()
    with connect(home.path) as client, pytest.raises(OtherVersion, match=r"99\.0"):
        client.jobs()
    assert engines.is_alive(engines.pid())


def test_nothing_that_the_caller_had_open_stays_open(home: Home) -> None:
    """A pipe that the caller's own caller waits for ends with the caller."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    client = connect(home.path)
    client.info()
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""
    os.close(reader)
    client.close()


def test_many_threads_share_a_client(home: Home) -> None:
    """As the kernel's do."""
    with connect(home.path) as client, ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: client.info()["pid"], range(64)))) == 1


def test_a_follower_survives_the_engine(home: Home, engines: Engines) -> None:
    """Events go on where they were, the job too; nobody notices."""
    text = (
        "name: slow\ntasks:\n- {name: one, command: sleep 0.5}\n- {name: two, command: 'true', dependencies: [one]}\n"
    )
    with connect(home.path) as client:
        job = client.run({"text": text})["id"]
        seen = []
        for event in client.follow_events(job=job):
            seen.append(event)
            if event["status"] == "RUNNING" and event["path"] == "one":
                engines.end(signal.SIGKILL)
            if event["type"] == "JobEnded":
                break
        assert client.job(job)["result"] == "SUCCESS"
        assert seen == client.events(0, job=job)["events"]


def test_a_log_is_followed_across_the_engines_death(home: Home, engines: Engines) -> None:
    """No byte twice, none lost."""
    text = "name: slow\ntasks:\n- {name: one, command: echo before; sleep 1; echo after}\n"
    with connect(home.path) as client:
        job = client.run({"text": text})["id"]
        heard = ""
        for page in client.follow_logs(job, "one"):
            heard += page["data"]
            if heard == "before\n":
                engines.end(signal.SIGKILL)
        assert heard == "before\nafter\n"


def test_the_foreground_is_for_supervisors(home: Home, engines: Engines) -> None:
    """It logs to stderr and ends in order with SIGTERM, status 0."""
    process = engines.start("--foreground")
    with Client(home, start=False) as client:
        engines.wait_until(lambda: home.record.exists())
        assert client.info()["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"serves" in log
