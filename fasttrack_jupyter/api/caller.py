"""How a face calls the engine: connections that are kept, engines that come and go, answers and errors.

What can be asked is in :mod:`fasttrack_jupyter.api.client`, and in the groups of calls that it is made of.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api import starter
from fasttrack_jupyter.api.failures import error_from, error_of
from fasttrack_jupyter.api.wire import Answer, Connection
from fasttrack_jupyter.errors import OtherVersion
from fasttrack_jupyter.home import Home

Json = dict[str, Any]

_TRIES = 3
"""An engine may die under a call, and the fresh one too; a third one that does has a reason to tell."""
_STREAM_SILENCE = 45.0
"""Streams carry an empty line at least every 15 seconds; this long without one, the engine is stuck."""
_WORK_SILENCE = 120.0
"""The same, where a cluster is asked before the first line."""


class Caller:
    """Calls one home's engine. Threads may share it."""

    def __init__(self, home: Home, *, start: bool = True, timeout: float = 60.0, begun: int | None = None) -> None:
        self.home = home
        self._start, self._begun = start, begun
        self._timeout = timeout
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Make sure that an engine listens (it may still be on its way up: the first answer waits for it)."""
        self._keep(self._take())

    def close(self) -> None:
        """Let go of every connection; the engine goes on."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, method: str, path: str, body: Any = None, **how: Any) -> Json:
        found = json.loads(self._read(method, path, body, **how))
        assert isinstance(found, dict)
        return found

    def _list(self, method: str, path: str, **how: Any) -> list[Any]:
        found = json.loads(self._read(method, path, **how))
        assert isinstance(found, list)
        return found

    def _read(self, method: str, path: str, body: Any = None, **how: Any) -> bytes:
        connection, _, data = self._exchange(method, path, body, **how)
        self._keep(connection)
        return data

    def _lines(self, path: str, query: Json) -> Iterator[Json]:
        """The JSON lines of one stream, until it ends in order or its engine goes away."""
        connection, answer, _ = self._exchange("GET", path, query=query, timeout=_STREAM_SILENCE, stream=True)
        rest = b""
        try:
            for part in answer.parts():
                *lines, rest = (rest + part).split(b"\n")
                yield from (parsed_line(line) for line in lines if line)
        except (ConnectionError, TimeoutError):
            return  # the caller asks on from where it is
        finally:
            connection.close()

    def _posted_lines(self, path: str, body: Mapping[str, Any]) -> Iterator[Json]:
        """The same of a call that does something and tells how far it is; one that breaks off just ends."""
        connection, answer, _ = self._exchange("POST", path, body, timeout=_WORK_SILENCE, stream=True)
        rest = b""
        try:
            for part in answer.parts():
                *lines, rest = (rest + part).split(b"\n")
                yield from (parsed_line(line) for line in lines if line)
        except (ConnectionError, TimeoutError):
            return  # the caller tells
        finally:
            connection.close()

    def _exchange(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        tries: int = _TRIES,
        stream: bool = False,
    ) -> tuple[Connection, Answer, bytes]:
        """One call, asked again when its engine goes away; the body comes along unless it is a ``stream``."""
        target = f"/v1{path}{_query(query or {})}"
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for left in reversed(range(tries)):
            connection = self._take()
            try:
                answer = connection.ask(method, target, _HEADERS, sent, timeout or self._timeout)
                data = b"" if stream and answer.status < 400 else answer.body()
            except (ConnectionError, TimeoutError) as error:
                connection.close()
                self.close()  # the other idle connections led to the same engine
                if isinstance(error, TimeoutError) or not left:
                    raise starter.no_answer(self.home, error) from error
                continue
            except BaseException:  # Ctrl-C while waiting: the answer would come to the next question
                connection.close()
                raise
            if answer.status < 400:
                return connection, answer, data
            self._keep(connection)
            told = error_from(answer.status, data)
            if not (isinstance(told, OtherVersion) and left and self._start and starter.make_way(self.home, told)):
                raise told
            self.close()
        raise AssertionError("the last try returns or raises")

    def _take(self) -> Connection:
        """An idle connection, or a fresh one (to a fresh engine, where none listens)."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return starter.connection_to(self.home, start=self._start, timeout=self._timeout, begun=self._begun)
            if not connection.has_ended():
                return connection
            connection.close()

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            self._idle.append(connection)


_HEADERS = {"FastTrack-Version": __version__, "Content-Type": "application/json"}


def parsed_line(text: bytes) -> Json:
    """One line of a stream; what failed after the stream began comes as a line of its own."""
    found: Json = json.loads(text)
    if found.keys() == {"error"}:
        raise error_of(found["error"])
    return found


def quoted(word: str) -> str:
    return quote(word, safe="")


def _query(query: Mapping[str, Any]) -> str:
    words = urlencode({key: value for key, value in query.items() if value is not None}, doseq=True)
    return f"?{words}" if words else ""
