"""Sessions that were made with another access key of the same user: seen through by their records, never lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from backend_ai.session_house import SPEC, House, row

from fasttrack_jupyter.backends.backend_ai import places, sessions, unseen, watching
from fasttrack_jupyter.backends.backend_ai.ends import Kill
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.errors import BackendUnreachable, SessionRejected
from fasttrack_jupyter.model.lifecycle import Result, Status

CONTROL = places.control(SPEC.attempt_id)
END = b"fasttrack-end 1\ncode 0\nbegan 2.0\nended 3.0\nwhole\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "pause", lambda tried, most=0.0: 0.02)
    monkeypatch.setattr(sessions, "_APPEARS", 0.2)
    monkeypatch.setattr(watching, "FASTEST", 0.01)
    monkeypatch.setattr(unseen, "EACH", 0.01)
    monkeypatch.setattr(unseen, "ROUND", 0.02)


async def rotated(home: Path, *, has_begun: bool = True) -> House:
    """An attempt was asked for with one key; then another one was stored, to which nothing is shown."""
    house = House(home)
    await house.sessions.begin(SPEC, create=True)
    await house.until(lambda: house.starter.created == 1)
    await house.sessions.aclose()
    again = House(home)
    again.cluster.key = "AKIATWO"
    if has_begun:
        again.vfolders.folders.add(f"{CONTROL}/begun")
    return again


async def told(house: House, words: str) -> Session:
    """What looks after it has said so much."""
    session = cast(Session, house.sessions.get(SPEC.attempt_id))
    await house.until(lambda: words in session.reason)
    return session


@pytest.mark.parametrize("create", [True, False])
def test_a_session_that_was_made_with_another_key_is_seen_through(tmp_path: Path, create: bool) -> None:
    """It is said whose it is; its record is its end. Nothing is made a second time."""

    async def go() -> tuple[int, list[SessionReport]]:
        house = await rotated(tmp_path)
        assert await house.sessions.unseen.has_begun(SPEC.attempt_id)
        await house.sessions.begin(SPEC, create=create)
        session = await told(house, "made with the access key …AONE")
        assert session.status is Status.RUNNING
        house.vfolders.written[f"{CONTROL}/end"] = END
        await house.until(lambda: session.is_over)
        await house.sessions.aclose()
        return house.starter.created, house.reports

    created, reports = asyncio.run(go())
    assert created == 0
    assert (reports[-1].status, reports[-1].result, reports[-1].exit_code) == (Status.TERMINATED, Result.SUCCESS, 0)


def test_what_has_not_begun_is_made_again_and_gives_way_if_it_was_too_late(tmp_path: Path) -> None:
    """The wrapper lets only one begin: where that is the other key's session, its records tell the rest."""

    async def go() -> SessionReport:
        house = await rotated(tmp_path, has_begun=False)
        house.sessions.open()
        await house.sessions.begin(SPEC, create=True)
        await house.until(lambda: house.starter.created == 1)
        house.cluster.log = "fasttrack: refused: this attempt has begun once already\r\n"
        house.vfolders.folders.add(f"{CONTROL}/begun")
        house.looker.rows = [row(Status.TERMINATED, Result.FAILURE)]
        session = await told(house, "made with the access key …AONE")
        house.vfolders.written[f"{CONTROL}/end"] = END
        await house.until(lambda: session.is_over)
        await house.sessions.aclose()
        return house.reports[-1]

    end = asyncio.run(go())
    assert (end.result, end.exit_code) == (Result.SUCCESS, 0), end


def test_one_that_is_cancelled_is_told_so_by_its_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends when it has obeyed; of one that does not, it is said that it may still run."""

    async def go(obeys: bool) -> SessionReport:
        house = await rotated(tmp_path / str(obeys))
        await house.sessions.begin(SPEC, create=False)
        session = await told(house, "made with the access key")
        house.sessions.end(session, Kill("cancel", "cancelled"))
        await house.until(lambda: f"{CONTROL}/killed" in house.vfolders.written)
        if obeys:
            house.vfolders.written[f"{CONTROL}/end"] = END.replace(b"code 0", b"code 143")
        await house.until(lambda: session.is_over)
        await house.sessions.aclose()
        assert house.cluster.calls == []
        return house.reports[-1]

    end = asyncio.run(go(True))
    assert (end.status, end.reason) == (Status.CANCELLED, "cancelled")
    monkeypatch.setattr(unseen, "OBEYS", 0.05)
    end = asyncio.run(go(False))
    assert end.status is Status.CANCELLED
    assert end.reason.startswith("cancelled; its session, made with the access key …AONE, may still run")


def test_a_record_of_its_end_stands_above_what_the_cluster_does_not_show(tmp_path: Path) -> None:
    """Also of an attempt of which nobody noted the key; without one, what our own key does not show is lost."""

    async def go(has_ended: bool) -> SessionReport:
        house = House(tmp_path / str(has_ended))
        if has_ended:
            house.vfolders.written[f"{CONTROL}/end"] = END
        await house.sessions.begin(SPEC, create=False)
        await house.until(lambda: bool(house.reports) and house.reports[-1].result is not Result.UNDEFINED)
        await house.sessions.aclose()
        return house.reports[-1]

    assert asyncio.run(go(True)).result is Result.SUCCESS
    assert asyncio.run(go(False)).reason == "lost"


def test_a_session_that_appears_after_a_lost_answer_is_taken_over_though_the_next_try_is_refused(
    tmp_path: Path,
) -> None:
    """What was perhaps heard is waited for before the attempt is said to be impossible."""

    async def go() -> tuple[House, Session]:
        house = House(tmp_path)
        house.sessions.open()
        house.starter.answers = [BackendUnreachable("no answer"), SessionRejected("its vfolder is gone")]
        await house.sessions.begin(SPEC, create=True)
        session = cast(Session, house.sessions.get(SPEC.attempt_id))
        await house.until(lambda: house.starter.created == 2)
        house.looker.rows = [row()]
        await house.until(lambda: session.status is Status.RUNNING or session.is_over)
        await house.sessions.aclose()
        return house, session

    _, session = asyncio.run(go())
    assert session.status is Status.RUNNING
    assert not session.is_over


def test_a_refusal_without_anything_that_could_have_been_heard_is_one_at_once(tmp_path: Path) -> None:
    """Nobody waits for a session that was never made."""

    async def go() -> SessionReport:
        house = House(tmp_path)
        house.starter.answers = [SessionRejected("no such image")]
        await house.sessions.begin(SPEC, create=True)
        session = cast(Session, house.sessions.get(SPEC.attempt_id))
        async with asyncio.timeout(0.15):
            while not session.is_over:
                await asyncio.sleep(0.01)
        await house.sessions.aclose()
        return house.reports[-1]

    assert asyncio.run(go()).reason == "no such image"
