"""The parts of the engine process: seat, settings, log, places."""

from __future__ import annotations

import logging
import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from fasttrack_jupyter.errors import BadRequest, Forbidden, HomeInUse
from fasttrack_jupyter.home import MAX_SOCKET_PATH, Home, default_path
from fasttrack_jupyter.host.seat import take_seat
from fasttrack_jupyter.host.settings import HostSettings


def test_a_seat_is_taken_once(home: Home) -> None:
    """Whoever comes second finds that somebody listens, and has nothing to do."""
    seat = take_seat(home)
    assert seat is not None
    assert take_seat(home) is None
    seat.leave()


def test_a_seat_that_was_left_can_be_taken(home: Home) -> None:
    """Nothing of the old one is in the way."""
    for _ in range(2):
        seat = take_seat(home)
        assert seat is not None
        seat.sign(os.getpid())
        assert home.engine()["pid"] == os.getpid()
        seat.leave()
        assert home.engine() == {}


def test_a_home_that_is_held_by_somebody_who_does_not_listen_is_an_error(home: Home) -> None:
    """After some patience: it may just be ending."""
    seat = take_seat(home)
    assert seat is not None
    seat.close_door()
    seat.listener.close()
    with pytest.raises(HomeInUse, match="no engine answers"):
        take_seat(home, patience=0.1)
    seat.leave()


def test_the_socket_is_private_from_its_first_moment(home: Home) -> None:
    """Whatever the umask."""
    old = os.umask(0)
    try:
        seat = take_seat(home)
    finally:
        os.umask(old)
    assert seat is not None
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    seat.leave()


def test_settings_come_from_the_environment() -> None:
    """An empty variable is as good as none."""
    environ = {"FASTTRACK_IDLE": "1.5", "FASTTRACK_MAX_JOBS": "3", "FASTTRACK_SECRETS": ""}
    assert HostSettings.from_environ(environ) == HostSettings(idle=1.5, max_jobs=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [("FASTTRACK_IDLE", "soon"), ("FASTTRACK_IDLE", "-1"), ("FASTTRACK_IDLE", "nan"), ("FASTTRACK_SECRETS", "vault")],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    """With its name."""
    with pytest.raises(BadRequest, match=name):
        HostSettings.from_environ({name: value})


def test_the_log_begins_again_at_its_size(tmp_path: Path) -> None:
    """The one before is kept; both are private."""
    program = f"""
import logging, os
from pathlib import Path
from fasttrack_jupyter.host.log import EngineLog
file = Path({str(tmp_path / "engine.log")!r})
fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.dup2(fd, 2)
logging.basicConfig(level=logging.INFO, handlers=[EngineLog(file, turn_over=1000)])
for number in range(60):
    logging.info("line %d %s", number, "x" * 20)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    old, new = (tmp_path / name for name in ("engine.log.1", "engine.log"))
    assert "line 59" in new.read_text() or "line 59" in old.read_text()
    assert old.stat().st_size < 1200
    assert new.stat().st_size < 1200
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_the_home_is_the_users_data_folder_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``~`` and relative names are read as a shell's user means them."""
    monkeypatch.setenv("FASTTRACK_HOME", "~/somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / "somewhere"
    monkeypatch.delenv("FASTTRACK_HOME")
    assert default_path().name == "fasttrack"
    assert default_path().is_absolute()


def test_a_short_home_has_its_socket_inside(tmp_path: Path) -> None:
    """A long one elsewhere, and each its own."""
    assert Home("/srv/ft").socket == Path("/srv/ft/engine.sock")
    long = [Home(tmp_path / ("가" * 40) / name).socket for name in "ab"]
    assert long[0] != long[1]
    assert all(len(os.fsencode(path)) <= MAX_SOCKET_PATH for path in long)


def test_a_folder_that_somebody_else_put_there_is_refused(home: Home) -> None:
    """A link, say, in the place of ours."""
    home.path.mkdir()
    (home.path / "logs").symlink_to("/tmp")
    with pytest.raises(Forbidden, match="logs"):
        home.make()


def test_a_damaged_record_is_as_good_as_none(home: Home) -> None:
    """It is only a hint."""
    home.make()
    home.record.write_text("{")
    assert home.engine() == {}
    assert home.sockets() == [home.socket]


def test_importing_the_client_is_quick() -> None:
    """It brings nothing heavy into a command line that should be there at once."""
    heavy = ["pydantic", "yaml", "aiohttp", "asyncio", "ssl", "email", "http", "sqlite3", "subprocess", "logging"]
    program = f"import sys, fasttrack_jupyter.api.client; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_log_line_is_one_line_with_its_moment_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    """As in the API."""
    from fasttrack_jupyter.host.log import start_logging

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        start_logging(None)
        logging.getLogger("fasttrack").info("hello")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert said.endswith("INFO fasttrack: hello\n")
    assert said.startswith(time.strftime("%Y-%m-%dT", time.gmtime()))


def test_a_queue_that_is_full_is_waited_for(home: Home) -> None:
    """Many may call at once."""
    from fasttrack_jupyter.api.starter import listening

    home.make()
    with socket.socket(socket.AF_UNIX) as narrow:
        narrow.bind(str(home.socket))
        narrow.listen(0)
        first = listening(home, 1.0)
        assert first is not None
        with pytest.raises(BlockingIOError):
            listening(home, 0.05)
        first.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else for a moment")
def test_a_home_of_somebody_else_is_said_to_be_theirs() -> None:
    """Not a traceback of a file that cannot be opened."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.make()
        home.record.write_text("{}")
        home.record.chmod(0o600)
        home.path.chmod(0o711)
        os.seteuid(65534)
        try:
            with pytest.raises(Forbidden, match="belongs to somebody else"):
                home.engine()
        finally:
            os.seteuid(0)
