"""Answers that go on: logs, events, files."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import pytest

from fasttrack_jupyter.api import streams
from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.api.requests import StreamQuery
from fasttrack_jupyter.api.wire import Connection
from fasttrack_jupyter.engine.masking import Masker
from fasttrack_jupyter.engine.reads import whole_characters
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.services import ServiceDesk
from fasttrack_jupyter.engine.views import EventsPage, EventView, FileView, LogView
from fasttrack_jupyter.errors import BackendUnreachable, EngineUnavailable, NotFound
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


def test_a_log_is_followed_over_an_outage_of_its_backend(
    client: Client, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written meanwhile comes afterwards, once; who begins to follow during one is told."""
    monkeypatch.setattr(streams, "_AWAY", 0.02)
    whole = growing_log("one\n", "two\n")

    def read(*args: Any, **named: Any) -> LogView:
        if 5 < len(engine.calls) < 12:
            raise BackendUnreachable("no storage")
        return whole(*args, **named)

    engine.answers["logs"] = read
    assert "".join(page["data"] for page in client.follow_logs("last", "a")) == "one\ntwo\n"
    engine.answers["logs"] = BackendUnreachable("no storage")
    with pytest.raises(BackendUnreachable, match="no storage"):
        list(client.follow_logs("last", "a"))


class RealLog:
    """A log's bytes, read as the engine does: masked page by page."""

    def __init__(self, data: bytes, secret: str) -> None:
        self.data, self.masker = data, Masker([secret])

    def __call__(self, job: str, path: str, *, attempt: int | None, after: int, limit: int) -> LogView:
        part = self.masker.mask_range(lambda start, length: self.data[start : start + length], after, limit)
        part = part if after + len(part) == len(self.data) else whole_characters(part)
        end = after + len(part)
        return LogView(
            attempt=f"0123456789abcdef-0-{attempt or 2}", data=part.decode("utf-8", "replace"), start=after, next=end,
            size=len(self.data), ended=True,
        )  # fmt: skip


def downloaded(home: Home, path: str, query: str = "") -> tuple[int, dict[str, str], bytes]:
    connection = Connection(str(home.socket), 10)
    answer = connection.ask("GET", f"/v1/jobs/last/tasks/{path}/logs/text{query}", {}, None, 10)
    body = answer.body()
    connection.close()
    return answer.status, answer.headers, body


@pytest.mark.parametrize("part", [1, 7, 64, 1 << 18])
def test_a_downloaded_log_is_whole_and_masked_whatever_the_parts(
    served: Home, engine: Any, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """A secret or a character that a part's end would cut in two is neither told nor broken."""
    monkeypatch.setattr(streams, "_PART", max(part, 4))
    text = "훈련 hunter2-hunter2 끝\r\n" * 40
    engine.answers["logs"] = RealLog(text.encode(), "hunter2")
    status, headers, body = downloaded(served, "a")
    assert (status, body.decode()) == (200, text.replace("hunter2", "*" * 7))
    assert headers["content-type"] == "text/plain; charset=utf-8"


def test_a_downloaded_log_is_a_file_named_after_task_and_attempt(served: Home, engine: Any) -> None:
    """Whatever the task is called; and only one attempt's lines are in it, should another begin meanwhile."""
    engine.answers["logs"] = RealLog(b"x" * 10, "hunter2")
    _, headers, _ = downloaded(served, "%ED%9B%88%EB%A0%A8%2Fa%22%0D%0Ab")
    expected = "attachment; filename*=UTF-8''" + quote("훈련-a---b.2.log")
    assert headers["content-disposition"] == expected
    downloaded(served, "a", "?attempt=1")
    assert [call[2]["attempt"] for call in engine.calls] == [None, 1]


def test_a_downloaded_log_that_grows_ends_where_it_was(served: Home, engine: Any) -> None:
    """A task that writes faster than somebody downloads would never let him end."""
    page = LogView(attempt="0123456789abcdef-0-1", data="ab", start=0, next=2, size=4, ended=False)
    engine.answers["logs"] = lambda job, path, *, attempt, after, limit: page.model_copy(
        update={"start": after, "next": after + 2, "size": 4 + after * 10}
    )
    assert downloaded(served, "a")[2] == b"abab"


def test_the_log_of_no_task_is_an_error_and_no_file(served: Home, engine: Any) -> None:
    """With the status that belongs to it."""
    engine.answers["logs"] = NotFound("no such task")
    assert downloaded(served, "a")[0] == 404


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


def test_who_wants_to_know_hears_at_once_that_services_changed(engine: Any) -> None:
    """Between the events, with the seq before it; who does not ask for that hears events alone."""
    engine.services = ServiceDesk(Roster({}), None)  # type: ignore[arg-type]  # no log is read

    async def events(after: int, limit: int, *, job: str | None, wait: float) -> EventsPage:
        if after == 5 and not wait:
            return EventsPage(events=(event(6),), next=6)
        await asyncio.sleep(wait and 0.2)
        return EventsPage(events=(event(7),) if wait else (), next=7 if wait else after)

    engine.events = events

    async def heard(query: StreamQuery) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        async with aclosing(streams.follow_events(engine, query)) as stream:
            async for each in stream:
                if each is not None:
                    found.append((each.seq, each.type))
                    engine.services.changed()
                if len(found) > 2:
                    break
        return found

    async def story() -> None:
        told = await asyncio.wait_for(heard(StreamQuery(after=5, services=True)), 10)
        assert told == [(6, "JobStarted"), (6, "ServiceChanged"), (6, "ServiceChanged")]
        told = await asyncio.wait_for(heard(StreamQuery(after=5)), 10)
        assert {kind for _, kind in told} == {"JobStarted"}

    asyncio.run(story())


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
