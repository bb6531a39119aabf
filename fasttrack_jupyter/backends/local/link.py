"""The engine's end of the launcher: start it, send it requests, hear what it says, start another when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local.runner.launcher import frames
from fasttrack_jupyter.errors import BackendError

_MAIN = "import sys; sys.path.insert(0, sys.argv[1]); import launcher; launcher.main()"
_RUNNER = str(Path(__file__).parent / "runner")
_READ = 1 << 18
_TRIES = 5


class LauncherLink:
    """One launcher at a time. ``heard`` gets each message, ``lost`` is called when the launcher died by itself."""

    def __init__(
        self, setup: Mapping[str, Any], heard: Callable[[tuple[Any, ...]], None], lost: Callable[[], None]
    ) -> None:
        self._setup, self._heard, self._lost = dict(setup), heard, lost
        self._ready: asyncio.Future[tuple[str, str]] | None = None
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._input = bytearray()
        self._unsent = bytearray()
        self.warm: list[tuple[int, str, str]] = []
        """The launcher's warm interpreters: pid, Python, what it has imported."""

    @property
    def pid(self) -> int | None:
        """The launcher's pid while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start a launcher.

        Raises:
            OSError: no process can be started.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _MAIN, _RUNNER, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, start_new_session=True, env={}, cwd="/",
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        self._socket = ours
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, self._readable)
        self._ready = loop.create_future()
        self.send(("setup", self._setup))

    async def started(self) -> tuple[str, str]:
        """Start a launcher; the mode that it found to work, and why it is not ``namespaces``.

        Raises:
            BackendError: one launcher after the other ended before it could say.
        """
        for _ in range(_TRIES):
            self.start()
            assert self._ready is not None
            with contextlib.suppress(BackendError):
                return await self._ready
        raise BackendError("the launcher of local sessions ends at once", hint="`fasttrack doctor` tells more")

    def send(self, request: tuple[str, dict[str, Any]]) -> None:
        """Send one request, starting a launcher if there is none. What a dying launcher did not read is lost unsaid."""
        if self._socket is None:
            self.start()
        data = marshal.dumps([request])
        self._write(len(data).to_bytes(4, "little") + data)

    def _write(self, data: bytes) -> None:
        assert self._socket is not None
        if not self._unsent:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                pass  # it is busy: the rest goes when it reads again
            except OSError:
                return  # it died: _readable sees the end and says so
        if data:
            self._unsent += data
            asyncio.get_running_loop().add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        assert self._socket is not None
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._lost()
            return
        self._input += data
        for message in frames(self._input):
            for item in message:
                self._hear(item)

    def _hear(self, message: tuple[Any, ...]) -> None:
        if message[0] == "warm":
            self.warm[:] = message[2]
        elif message[0] != "ready":
            self._heard(message)
        elif self._ready is not None and not self._ready.done():
            self._ready.set_result((message[2], message[3]))

    def close(self) -> None:
        """Let go of the launcher, which ends by itself; its sessions go on."""
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()
        if self._process is not None:
            self._process.wait()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(BackendError("the launcher of local sessions ended at once"))
            self._ready.exception()  # nobody may be waiting: it is not a surprise then
        self._socket = self._process = None
        self.warm.clear()
        self._input.clear()
        self._unsent.clear()
