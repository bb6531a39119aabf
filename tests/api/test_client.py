"""The client against an engine that dies, stalls or talks nonsense."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.errors import EngineUnavailable, FastTrackError
from fasttrack_jupyter.home import Home

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Script = Callable[[list[bytes]], list[bytes]]


class ScriptedEngine:
    """Answers each connection with the next of ``answers``, then closes it; ``asked`` is what it was asked."""

    def __init__(self, home: Home) -> None:
        self.answers: list[bytes] = []
        self.asked: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home.socket))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536)
                if request:
                    self.asked.append(request)
                    connection.sendall(self.answers.pop(0) if self.answers else b"")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def scripted(home: Home) -> Iterator[ScriptedEngine]:
    found = ScriptedEngine(home)
    yield found
    found.close()


@pytest.fixture
def caller(home: Home, scripted: ScriptedEngine) -> Iterator[Client]:
    with Client(home, start=False, timeout=5) as found:
        yield found


@pytest.mark.parametrize(
    "broken",
    [b"", b"HTTP/1.1 200 OK\r\nCont", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)  # fmt: skip
def test_a_broken_answer_is_asked_for_again(caller: Client, scripted: ScriptedEngine, broken: bytes) -> None:
    """Wherever it broke."""
    scripted.answers = [broken, broken, OK]
    assert caller.info() == {}
    assert len(scripted.asked) == 3


def test_a_job_is_asked_for_again_with_the_same_key(caller: Client, scripted: ScriptedEngine) -> None:
    """So that the first try, if it was heard, is found."""
    scripted.answers = [b"", OK]
    caller.run({"text": "x"})
    bodies = {request.partition(b"\r\n\r\n")[2] for request in scripted.asked}
    assert len(scripted.asked) == 2
    assert len(bodies) == 1


def test_an_engine_that_breaks_every_answer_is_an_error(caller: Client, scripted: ScriptedEngine) -> None:
    """After three tries."""
    with pytest.raises(EngineUnavailable, match="does not answer"):
        caller.info()
    assert len(scripted.asked) == 3


def test_an_engine_that_is_stuck_is_an_error(home: Home) -> None:
    """After the timeout; it is not asked again, for that would only take longer."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(home.socket))
        mute.listen()
        with Client(home, start=False, timeout=0.1) as caller, pytest.raises(EngineUnavailable, match="timed out"):
            caller.info()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code": "bad_request"}', b'"no"'])
def test_an_error_of_another_shape_is_told_as_it_is(caller: Client, scripted: ScriptedEngine, body: bytes) -> None:
    """It does not become an error of the client."""
    scripted.answers = [b"HTTP/1.1 502 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)]
    with pytest.raises(FastTrackError, match="502"):
        caller.info()


def test_what_is_no_http_is_an_error(caller: Client, scripted: ScriptedEngine) -> None:
    """Somebody else's socket, say."""
    scripted.answers = [b"220 mail.example ESMTP\r\n"] * 3
    with pytest.raises(EngineUnavailable, match="not HTTP"):
        caller.info()


def test_connections_that_the_engine_closed_are_not_used_again(caller: Client, scripted: ScriptedEngine) -> None:
    """Every call gets its answer at the first try."""
    scripted.answers = [OK] * 3
    for _ in range(3):
        caller.info()
    assert len(scripted.asked) == 3


def test_asking_no_engine_to_stop_starts_none(home: Home) -> None:
    """It is as good as stopped."""
    with Client(home, start=True) as caller:
        assert caller.shutdown()
    assert home.engine() == {}
