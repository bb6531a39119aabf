"""How a face comes to a connection: the engine that listens, or a fresh one.

``python -m fasttrack_jupyter.host`` goes into the background by itself and its first process ends as soon
as the socket listens, so there is nothing to poll: one ``waitpid``, then connect. The first
request waits in the socket's queue while the engine imports the rest.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.wire import Connection
from fasttrack_jupyter.errors import EngineUnavailable, OtherVersion
from fasttrack_jupyter.home import Home, check_platform

START_SECONDS = 30.0
_TICK = 0.002
_MAKE_WAY_SECONDS = 10.0


def connection_to(home: Home, *, start: bool, timeout: float, begun: int | None = None) -> Connection:
    """A fresh connection to the engine of ``home``; with ``start``, one is started when none listens.

    ``begun`` is what :func:`begin` said: that one is waited for before another is started.

    Raises:
        EngineUnavailable: none listens, and none could be started; or this is Windows.
    """
    check_platform()
    if connection := listening(home, timeout):
        return connection
    if not start:
        raise EngineUnavailable(
            f"no engine serves {home.path}",
            hint="Any fasttrack command that needs one starts it; or check FASTTRACK_HOME.",
        )
    if begun is not None and (connection := _awaited(home, begun, timeout)):
        return connection
    if connection := _awaited(home, begin(home), timeout):
        return connection
    raise no_answer(home, "it ended while it started")


def listening(home: Home, timeout: float) -> Connection | None:
    """A connection to the engine that serves ``home`` now, if there is one."""
    for path in home.sockets():
        try:
            return _patiently(str(path), timeout)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            continue
        except PermissionError as error:
            raise EngineUnavailable(
                f"the engine at {path} belongs to another user", hint="Set FASTTRACK_HOME to a folder of your own."
            ) from error
    return None


def no_answer(home: Home, why: object) -> EngineUnavailable:
    """The error to raise when the engine went away or says nothing, with what it last wrote to its log."""
    log = _log_tail(home)
    last = f"; its last words: {' '.join(log[-2:])}" if log else ""
    return EngineUnavailable(
        f"the engine of {home.path} does not answer: {why}{last}",
        hint=f"Its log is {home.log}.",
        details={"log": log, "log_file": str(home.log)},
    )


def make_way(home: Home, error: OtherVersion, timeout: float = _MAKE_WAY_SECONDS) -> bool:
    """Whether an idle engine of an older version could be asked to end, and has stopped listening."""
    if not error.details.get("idle") or _number(__version__) <= _number(str(error.details.get("engine_version"))):
        return False
    deadline = time.monotonic() + _MAKE_WAY_SECONDS
    connection = listening(home, timeout)
    if connection is not None:
        connection.ask("POST", "/v1/shutdown", {"Content-Type": "application/json"}, b'{"when_idle": true}', timeout)
        connection.close()
    while time.monotonic() < deadline:
        connection = listening(home, timeout)
        if connection is None:
            return True
        connection.close()
        time.sleep(_TICK)
    return False


def _patiently(path: str, timeout: float) -> Connection:
    """Connect; where the queue of the socket is full, try again until ``timeout``."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return Connection(path, timeout)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_TICK)


def begin(home: Home) -> int:
    """Start an engine; the process whose end says that it, or another one that was quicker, listens.

    Raises:
        EngineUnavailable: it cannot be started.
    """
    check_platform()
    try:
        home.make()
        log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EngineUnavailable(
            f"the home {home.path} cannot be made: {error.strerror}", hint="Set FASTTRACK_HOME to a folder of your own."
        ) from error
    command = [sys.executable, "-P", "-m", "fasttrack_jupyter.host", "--home", str(home.path)]
    try:
        return os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
        )
    except OSError as error:
        raise EngineUnavailable(f"the engine cannot be started: {sys.executable}: {error.strerror}") from error
    finally:
        os.close(log)


def _awaited(home: Home, begun: int, timeout: float) -> Connection | None:
    if status := _wait(begun):
        raise no_answer(home, f"it ended with status {status} while it started")
    return listening(home, timeout)


def _wait(pid: int) -> int:
    """The exit status of a child that ends soon; 0 as well where somebody else's ``wait`` took it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_TICK)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise EngineUnavailable(f"the engine did not start within {START_SECONDS:.0f} seconds")


def _log_tail(home: Home, lines: int = 10) -> list[str]:
    try:
        with home.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-lines:]


def _number(version: str) -> tuple[int, ...]:
    """What orders versions: the leading numbers (``0.2.0.dev1`` → 0, 2, 0)."""
    parts = []
    for part in version.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
