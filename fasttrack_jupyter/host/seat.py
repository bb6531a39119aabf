"""The one place at a home from which an engine may serve it: the lock, and the socket that listens."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.starter import listening
from fasttrack_jupyter.errors import HomeInUse
from fasttrack_jupyter.home import Home

_PATIENCE = 10.0
"""Seconds to wait for an engine that is just ending to let go of the home."""
_BACKLOG = 1024


class Seat:
    """A home's lock, held, and its socket, listening. Survives a fork; goes with the last process that has it."""

    def __init__(self, home: Home, lock: int, listener: socket.socket) -> None:
        self.home, self.listener = home, listener
        self._lock = lock

    def sign(self, pid: int) -> None:
        """Write ``engine.json``: the process ``pid`` serves. On a full disk there is none; the socket can be found."""
        home = self.home
        started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        told = {"pid": pid, "socket": str(home.socket), "version": __version__, "started_at": started_at}
        fresh = home.record.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(told, file)
            fresh.replace(home.record)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            for path in (fresh, home.record):  # the old one tells of an engine that is gone
                path.unlink(missing_ok=True)

    def is_at_home(self) -> bool:
        """Whether the lock that this seat holds is still the one at the home's path.

        It is not once the home was removed or moved, even if there is another at the path by now.
        """
        try:
            found = self.home.lock.stat()
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(self._lock))

    def close_door(self) -> None:
        """Be found no more: who comes now starts the next engine, which waits for the lock.

        Where this is not the home any more, the door is somebody else's and stays as it is.
        """
        if self.is_at_home():
            self.home.socket.unlink(missing_ok=True)
            self.home.record.unlink(missing_ok=True)

    def leave(self) -> None:
        """Give the home up."""
        self.close_door()
        self.listener.close()
        os.close(self._lock)


def take_seat(home: Home, patience: float = _PATIENCE) -> Seat | None:
    """The right to serve ``home``, with its socket listening already; None where another engine answers.

    Raises:
        HomeInUse: another process holds the home, but answers nowhere.
    """
    home.make()
    lock = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while not _locked(lock):
        if other := listening(home, timeout=1.0):
            other.close()
            os.close(lock)
            return None
        if time.monotonic() > deadline:
            os.close(lock)
            raise HomeInUse(
                f"another process holds {home.path}, but no engine answers there",
                hint=f"It said of itself: {home.engine() or 'nothing'}. End it, or wait for its end.",
            )
        time.sleep(0.01)
    return Seat(home, lock, _listen(home.socket))


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listen(path: Path) -> socket.socket:
    """A listening unix socket at ``path``, 0600 from its first moment; an old one there is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    umask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(umask)
    listener.listen(_BACKLOG)
    return listener
