"""The places below ``$FASTTRACK_HOME``, where one engine keeps everything it knows.

::

    <home>/                 0700, and so is every folder in it
        fasttrack.db        the store
        secrets.json        secrets, where there is no keyring
        engine.lock         held (flock) by the one engine that serves this home
        engine.json         who that is: {pid, socket, version, started_at}
        engine.sock         its HTTP API; elsewhere when the path is too long for a socket
        logs/engine.log     what it printed
        .gitignore          all of it: state and secrets are nobody's source
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.errors import EngineUnavailable, Forbidden

MAX_SOCKET_PATH = 103
"""Bytes of a unix socket's path that every platform takes (macOS: 104 with the final NUL; Linux: 108)."""


class Home:
    """One engine's home; nothing is made on disk until :meth:`make`."""

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path).resolve() if path is not None else default_path()

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    @property
    def database(self) -> Path:
        return self.path / "fasttrack.db"

    @property
    def lock(self) -> Path:
        return self.path / "engine.lock"

    @property
    def record(self) -> Path:
        """The file that says which engine serves this home."""
        return self.path / "engine.json"

    @property
    def log(self) -> Path:
        return self.path / "logs" / "engine.log"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.json"

    @property
    def socket(self) -> Path:
        """Where an engine that starts now would listen; a running one says so in :attr:`record`."""
        inside = self.path / "engine.sock"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
            return inside
        return _runtime_folder() / f"{_digest(self.path)}.sock"

    def make(self) -> None:
        """Make the home, its log folder and the socket's folder, private to this user.

        Raises:
            Forbidden: one of them belongs to somebody else, or others may write to the socket's folder.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in dict.fromkeys((self.path, self.log.parent, self.socket.parent)):
            _make_private(folder)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")  # a home inside a project is neither committed nor part of a pipeline's code

    def engine(self) -> dict[str, Any]:
        """What the last engine wrote about itself (it may be dead); empty when there was none.

        Raises:
            Forbidden: the home belongs to somebody else.
        """
        try:
            found = json.loads(self.record.read_bytes())
        except PermissionError as error:
            raise Forbidden(
                f"the home {self.path} belongs to somebody else", hint="Choose one of your own with FASTTRACK_HOME."
            ) from error
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def sockets(self) -> list[Path]:
        """Where an engine may be listening now, the likeliest first."""
        recorded = self.engine().get("socket")
        return list(dict.fromkeys([*([Path(recorded)] if isinstance(recorded, str) else []), self.socket]))


def short_socket(path: Path) -> Path:
    """``path`` if a socket can have it, else one that stands for it in a private folder with a short path.

    Raises:
        Forbidden: that folder belongs to somebody else.
    """
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    folder = _runtime_folder()
    _make_private(folder)
    return folder / f"{_digest(path)}.sock"


def check_platform() -> None:
    """Refuse where no engine can run: it needs flocks, unix sockets and POSIX processes.

    Raises:
        EngineUnavailable: this is Windows.
    """
    if sys.platform == "win32":
        raise EngineUnavailable(
            "FastTrack's engine, and so its local sessions, do not run on Windows itself",
            hint="Use it inside WSL (in PowerShell: wsl --install), where it is Linux to FastTrack, "
            "or a JupyterLab on a Linux machine.",
        )


def default_path() -> Path:
    """``$FASTTRACK_HOME``, else ``fasttrack`` in this platform's place for a user's data."""
    if named := os.environ.get("FASTTRACK_HOME"):
        return Path(named).expanduser().resolve()
    from platformdirs import user_data_path  # only where it is needed: the command line starts in milliseconds

    return user_data_path("fasttrack", appauthor=False)


def _runtime_folder() -> Path:
    """A folder with a short path for sockets; the user's own where the platform gives one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(os.fsencode(runtime)) < 60 and os.access(runtime, os.W_OK):
        return Path(runtime) / "fasttrack"
    return Path("/tmp") / f"fasttrack-{os.getuid()}"


def _digest(path: Path) -> str:
    from hashlib import blake2s  # rarely needed

    return blake2s(os.fsencode(path), digest_size=8).hexdigest()


def _make_private(folder: Path) -> None:
    folder.mkdir(exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Forbidden(
            f"{folder} is not a folder of this user's own",
            hint="Remove it, or choose another place with FASTTRACK_HOME.",
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
