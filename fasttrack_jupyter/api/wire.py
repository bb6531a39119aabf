"""HTTP/1.1 over a unix socket, the caller's side: just what the engine speaks.

``http.client`` would do, but importing it takes 35 ms (it brings ``ssl`` and ``email``), which is
more than all the rest of a ``fasttrack jobs``. Both ends of this wire are ours, so this reads what
aiohttp writes: a status line, headers, and a body with a length or in chunks (RFC 9112).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import IO

_LINE = 65_536


class Closed(ConnectionError):
    """The other end went away before the answer was whole."""


class Answer:
    """One response whose body has not been read yet."""

    def __init__(self, reader: IO[bytes]) -> None:
        self._reader = reader
        version, status, *_ = (*_line(reader).split(b" ", 2), b"", b"")
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise Closed("the engine's answer is not HTTP")
        self.status = int(status)
        self.headers: dict[str, str] = {}
        while line := _line(reader):
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        self.is_last = self.headers.get("connection", "").lower() == "close"

    def parts(self) -> Iterator[bytes]:
        """The body as it arrives.

        Raises:
            Closed: it ended early.
        """
        if self.status in (204, 304):
            return
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._chunks()
        else:
            yield from self._exactly(int(self.headers.get("content-length", "0")))

    def body(self) -> bytes:
        return b"".join(self.parts())

    def _chunks(self) -> Iterator[bytes]:
        while size := _hexadecimal(_line(self._reader).split(b";")[0]):
            yield from self._exactly(size)
            _line(self._reader)
        while _line(self._reader):  # trailers
            continue

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            data = self._reader.read(min(size, 1 << 20))
            if not data:
                raise Closed("the engine went away in the middle of an answer")
            size -= len(data)
            yield data


class Connection:
    """One connection to an engine; not for two threads at a time."""

    def __init__(self, path: str, timeout: float) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise
        self._reader = self._socket.makefile("rb")

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Answer:
        """Send one request and read the head of its answer; ``target`` is quoted already.

        Raises:
            ConnectionError: the engine is gone, or went away before it answered.
            TimeoutError: no answer for ``timeout`` seconds.
        """
        self._socket.settimeout(timeout)
        lines = [f"{method} {target} HTTP/1.1", "Host: fasttrack", *(f"{k}: {v}" for k, v in headers.items())]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + (body or b""))
        return Answer(self._reader)

    def has_ended(self) -> bool:
        """Whether the engine closed this idle connection (anything to read now can only be its end)."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


def _line(reader: IO[bytes]) -> bytes:
    line = reader.readline(_LINE)
    if not line.endswith(b"\n"):
        raise Closed("the engine went away before its answer was whole")
    return line.rstrip(b"\r\n")


def _hexadecimal(digits: bytes) -> int:
    try:
        return int(digits, 16)
    except ValueError as error:
        raise Closed("the engine's answer is not in chunks, as it said") from error
