"""Trouble that nobody foresaw: it is said, and nothing waits for ever because of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from backend_ai.session_house import SPEC, FakeCluster, FakeLooker, House, row

from fasttrack_jupyter.backends.backend_ai import places, sessions, watching
from fasttrack_jupyter.backends.backend_ai.ends import EndRecord, Kill
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import Looker, Row
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.watching import Watcher
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, Forbidden, TooManySessions
from fasttrack_jupyter.model.lifecycle import Result, Status


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "pause", lambda tried, most=0.0: 0.02)
    monkeypatch.setattr(watching, "FASTEST", 0.01)


def test_a_look_that_fails_in_an_unforeseen_way_is_not_the_last() -> None:
    """An answer that makes no sense costs one look; the next one is made, and what is wrong is said."""
    told: list[FastTrackError] = []
    looks = 0

    class Odd(FakeLooker):
        async def look(self, names: list[str]) -> dict[str, list[Row]]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise KeyError("status")
            return {}

    async def idle(budget: object) -> None:
        raise TypeError("an odd answer")

    async def go() -> None:
        watcher = Watcher(cast(Any, FakeCluster()), cast(Any, Odd()), lambda: ["ft-a"], lambda found: True,
                          told.append, idle)  # fmt: skip
        watcher.open()
        async with asyncio.timeout(10):
            while looks < 3:
                await asyncio.sleep(0.01)
        await watcher.aclose()

    asyncio.run(go())
    assert "KeyError" in told[0].message


@pytest.mark.parametrize("error", [KeyError("code"), Forbidden("a link is in its way")])
def test_an_end_that_can_never_be_read_is_an_end(error: Exception, tmp_path: Path) -> None:
    """A job does not wait for ever for a record that a task has spoilt."""

    async def go() -> SessionReport:
        house = House(tmp_path)

        async def finish(session: Session) -> None:
            raise error

        house.sessions.finisher = cast(Any, SimpleNamespace(finish=finish))
        house.looker.rows = [row(Status.TERMINATED, Result.SUCCESS)]
        await house.sessions.begin(SPEC, create=True)
        await house.until(lambda: any(report.result is not Result.UNDEFINED for report in house.reports))
        await house.sessions.aclose()
        return house.reports[-1]

    end = asyncio.run(go())
    assert (end.status, end.result) == (Status.ERROR, Result.FAILURE)
    assert end.reason.startswith("its end cannot be read: ")


@pytest.mark.parametrize("result", list(Result))
def test_a_vfolder_that_is_removed_under_a_session_is_told(result: Result, tmp_path: Path) -> None:
    """Whatever the cluster says of the session: what it left is gone, and nobody is suspected of killing it."""

    async def go() -> SessionReport:
        house = House(tmp_path)
        house.looker.rows = [row(Status.TERMINATED, result)]
        house.vfolders.names = []
        await house.sessions.begin(SPEC, create=True)
        await house.until(lambda: any(report.result is not Result.UNDEFINED for report in house.reports))
        await house.sessions.aclose()
        return house.reports[-1]

    end = asyncio.run(go())
    assert (end.status, end.result) == (Status.ERROR, Result.FAILURE)
    assert end.reason == "the vfolder 'p-1' was removed while it ran, and the record of its end with it"


@pytest.mark.parametrize(
    ("told", "begun", "reason"),
    [
        (("failed-to-start", {"kernel": {"exit_code": -1}}), False,
         ("lost by the cluster: its container was not ready in time (failed-to-start); "
          "its command had not begun: rerun the job from what failed, or give the task `retry`")),
        (("container-not-found", {}), True, "lost by the cluster: its container was gone (container-not-found)"),
        (("", {"error": {"name": "OSError", "repr": "OSError('no space')"}}), True,
         "it could not be started: OSError('no space')"),
    ],
)  # fmt: skip
def test_what_only_the_containers_of_a_lost_session_tell_is_its_reason(
    told: tuple[str, dict[str, Any]], begun: bool, reason: str, tmp_path: Path
) -> None:
    """As 26.4.16 was seen to tell it: nothing at the session, ``failed-to-start`` and an exit code at its kernel."""

    async def go() -> SessionReport:
        house = House(tmp_path)
        house.looker.rows = [row(Status.TERMINATED)]
        house.looker.told_by_containers = [("", {}), told]
        house.vfolders.folders = {f"{places.control(SPEC.attempt_id)}/{'begun' if begun else 'of others'}"}
        await house.sessions.begin(SPEC, create=True)
        await house.until(lambda: any(report.result is not Result.UNDEFINED for report in house.reports))
        await house.sessions.aclose()
        return house.reports[-1]

    end = asyncio.run(go())
    assert (end.status, end.result, end.reason, end.is_final) == (Status.ERROR, Result.FAILURE, reason, False)


def test_a_session_that_is_cancelled_while_its_request_has_no_answer_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was perhaps heard is looked for and ended; nothing new is begun."""
    monkeypatch.setattr(sessions, "_APPEARS", 0.2)

    async def go() -> tuple[int, SessionReport]:
        house = House(tmp_path)
        house.sessions.open()
        house.starter.answers = [BackendUnreachable("no answer")]
        await house.sessions.begin(SPEC, create=True)
        session = cast(Session, house.sessions.get(SPEC.attempt_id))
        await house.until(lambda: house.starter.created == 1 and session.reason == "no answer")
        house.sessions.end(session, Kill("cancel", "cancelled"))
        await house.until(lambda: session.is_over)
        await house.sessions.aclose()
        return house.starter.created, house.reports[-1]

    created, end = asyncio.run(go())
    assert created == 1
    assert (end.status, end.reason) == (Status.CANCELLED, "cancelled")


def test_a_request_without_an_answer_is_not_forgotten_when_the_next_one_is_turned_away(tmp_path: Path) -> None:
    """A cancel then still looks for what the first request may have made, and ends it."""

    async def go() -> list[tuple[str, str]]:
        house = House(tmp_path)
        house.starter.answers = [BackendUnreachable("no answer"), *(TooManySessions("full") for _ in range(500))]
        await house.sessions.begin(SPEC, create=True)
        session = cast(Session, house.sessions.get(SPEC.attempt_id))
        await house.until(lambda: session.reason == "full")
        house.looker.rows = [row()]
        house.sessions.end(session, Kill("cancel", "cancelled"))
        await house.until(lambda: bool(house.cluster.calls))
        await house.sessions.aclose()
        return house.cluster.calls

    assert asyncio.run(go()) == [("DELETE", "/session/id")]


@pytest.mark.parametrize("text", ["fasttrack-end 1\nwhole\n", "fasttrack-end 1\nvalue -20 x\ncode 0\nwhole\n"])
def test_a_record_without_its_parts_is_none(text: str) -> None:
    """Whatever a task wrote there."""
    with pytest.raises(ValueError, match=r".+"):
        EndRecord.parse(text.encode())


def test_who_looks_for_a_session_while_the_backend_closes_is_answered() -> None:
    """Nobody waits for ever, and nobody is cancelled who is not."""

    class Slow:
        async def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
            assert json.loads(variables["filter"].removeprefix("name in "))
            await asyncio.Event().wait()
            return {}

    async def go() -> list[Any]:
        looker = Looker(cast(Cluster, Slow()))
        first = asyncio.ensure_future(looker.find("ft-a"))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(looker.find("ft-b"))
        await asyncio.sleep(0.01)
        await looker.aclose()
        async with asyncio.timeout(5):
            return list(await asyncio.gather(first, second, return_exceptions=True))

    assert [type(each) for each in asyncio.run(go())] == [BackendUnreachable] * 2
