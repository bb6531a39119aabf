"""Answers that go on: logs, events, files."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest

from fasttrack_jupyter.api import streams
from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.api.wire import Connection
from fasttrack_jupyter.engine.views import EventsPage, EventView, FileView, LogView
from fasttrack_jupyter.errors import EngineUnavailable, NotFound
from fasttrack_jupyter.home import Home

NOW = "2026-11-22T06:00:00Z"


def event(seq: int) -> EventView:
    return EventView.model_validate(
        {"seq": seq, "at": NOW, "job_id": "j", "path": None, "type": "JobStarted", "attempt": 0, "status": "RUNNING",
         "result": None, "reason": None, "data": {}}
    )  # fmt: skip


def growing_log(*parts: str, attempt: str = "a-1") -> Any:
    """A log that has one part more at every second look; it ends after the last one."""
    looks = itertools.count()

    def read(job: str, path: str, *, attempt: int | None, after: int, limit: int, name: str = attempt) -> LogView:
        written = "".join(parts[: next(looks) // 2])
        data = written[after:][:limit]
        ended = written == "".join(parts) and after + len(data) == len(written)
        return LogView(attempt=name, data=data, start=after, next=after + len(data), size=len(written), ended=ended)

    return read


def test_a_log_is_followed_to_its_end(client: Client, engine: Any) -> None:
    """Each part once, in order, and no empty pages between."""
    engine.answers["logs"] = growing_log("one\n", "two\n", "three\n")
    pages = list(client.follow_logs("last", "a"))
    assert "".join(page["data"] for page in pages) == "one\ntwo\nthree\n"
    assert [page["ended"] for page in pages][-1]
    assert all(page["data"] for page in pages[:-1])


def test_the_log_of_a_new_attempt_begins_at_its_start(client: Client, engine: Any) -> None:
    """Its offsets are its own."""
    first = LogView(attempt="a-1", data="failing\n", start=0, next=8, size=8, ended=False)

    def read(job: str, path: str, *, attempt: int | None, after: int, limit: int) -> LogView:
        if len(engine.calls) == 1:
            return first
        return LogView(attempt="a-2", data="again\n"[after:], start=after, next=6, size=6, ended=True)

    engine.answers["logs"] = read
    assert [page["data"] for page in client.follow_logs("last", "a")] == ["failing\n", "again\n"]


def test_events_come_one_by_one_as_they_are_stored(client: Client, engine: Any) -> None:
    """The stream asks on from where it is."""

    def pages(after: int, limit: int, *, job: str | None, wait: float) -> EventsPage:
        return EventsPage(events=(event(after + 1), event(after + 2)), next=after + 2)

    engine.answers["events"] = pages
    found = list(itertools.islice(client.follow_events(5), 5))
    assert [each["seq"] for each in found] == [6, 7, 8, 9, 10]


def test_a_silent_stream_says_that_it_is_alive(served: Home, engine: Any) -> None:
    """With an empty line, so that either end notices when the other is gone."""
    engine.answers["events"] = EventsPage(events=(), next=0)
    connection = Connection(str(served.socket), 10)
    parts = connection.ask("GET", "/v1/events/stream", {}, None, 10).parts()
    assert next(parts) == b"\n"
    connection.close()


def test_an_error_before_the_first_line_is_an_error_like_any_other(client: Client, engine: Any) -> None:
    """It has a status."""
    engine.answers["logs"] = NotFound("no such task")
    with pytest.raises(NotFound, match="no such task"):
        list(client.follow_logs("last", "a"))


def test_an_error_in_the_middle_of_a_stream_arrives_too(client: Client, engine: Any) -> None:
    """As what it was, after the lines before it."""
    answers = iter([EventsPage(events=(event(1),), next=1), NotFound("the job was deleted")])
    engine.answers["events"] = lambda *args, **kwargs: next(answers)
    found = client.follow_events()
    assert next(found)["seq"] == 1
    with pytest.raises(NotFound, match="deleted"):
        next(found)


CONTENT = bytes(range(256)) * 3000


@pytest.fixture
def file(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One output file of 768,000 bytes, read in parts of 100,000."""
    monkeypatch.setattr(streams, "_PART", 100_000)
    entry = {"path": "sub/model.bin", "is_dir": False, "size": len(CONTENT), "modified_at": NOW}
    engine.answers["outputs"] = [FileView.model_validate(entry)]
    engine.answers["read_output"] = lambda job, path, name, start, limit: CONTENT[start : start + limit]


def ranged(home: Home, written: str) -> tuple[int, dict[str, str], bytes]:
    connection = Connection(str(home.socket), 10)
    target = "/v1/jobs/last/tasks/a/outputs/sub%2Fmodel.bin"
    answer = connection.ask("GET", target, {"Range": written}, None, 10)
    body = answer.body()
    connection.close()
    return answer.status, answer.headers, body


@pytest.mark.usefixtures("file")
def test_a_file_comes_whole_and_part_by_part(client: Client, engine: Any) -> None:
    """Never all of it in memory."""
    assert b"".join(client.read_output("last", "a", "sub/model.bin")) == CONTENT
    assert {call[1][4] for call in engine.calls} == {100_000}


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("written", "start", "until"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, 768_000), ("bytes=-5", 767_995, 768_000), ("bytes=5-9999999", 5, 768_000)],
)
def test_a_range_of_a_file_can_be_had(served: Home, written: str, start: int, until: int) -> None:
    """As RFC 9110 has it."""
    status, headers, body = ranged(served, written)
    assert (status, body) == (206, CONTENT[start:until])
    assert headers["content-range"] == f"bytes {start}-{until - 1}/768000"


@pytest.mark.usefixtures("file")
def test_a_range_behind_the_end_is_not_there_yet(served: Home) -> None:
    """Whoever follows a file that grows is told how long it is now (RFC 9110: 416), and asks again."""
    status, _, body = ranged(served, "bytes=768000-")
    assert (status, json.loads(body)["code"], json.loads(body)["details"]) == (416, "empty_range", {"size": 768_000})


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("written", ["bytes=9-3", "pages=1-2"])
def test_a_range_that_makes_no_sense_is_refused(served: Home, written: str) -> None:
    """In the shape of every error."""
    status, _, body = ranged(served, written)
    assert status == 400
    assert b"bad_request" in body


def test_a_file_that_is_not_there_is_an_error(client: Client, engine: Any) -> None:
    """Before any byte of it."""
    engine.answers["read_output"] = NotFound("no file")
    with pytest.raises(NotFound):
        next(client.read_output("last", "a", "x"))


def test_a_file_that_breaks_off_is_not_taken_for_whole(client: Client, engine: Any) -> None:
    """What the engine cannot read to its end raises at the reader."""

    def read(job: str, path: str, name: str, start: int, limit: int) -> bytes | Exception:
        return OSError("the disk is gone") if start else b"x" * limit

    engine.answers["read_output"] = read
    with pytest.raises(EngineUnavailable, match="broke off"):
        list(client.read_output("last", "a", "x"))


def test_a_caller_who_leaves_a_stream_is_no_error(served: Home, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every Ctrl-C out of a followed log would be a traceback in the engine's log."""
    engine.answers["events"] = lambda after, *args, **kwargs: EventsPage(events=(event(after + 1),), next=after + 1)
    connection = Connection(str(served.socket), 10)
    next(connection.ask("GET", "/v1/events/stream", {}, None, 10).parts())
    connection.close()
    deadline, calls = time.monotonic() + 10, -1
    while calls != len(engine.calls) and time.monotonic() < deadline:  # until the stream has noticed
        calls = len(engine.calls)
        time.sleep(0.05)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
