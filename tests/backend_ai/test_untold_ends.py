"""Ends that a cluster does not tell are found by the wrapper's record, in time and no sooner."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.untold import GRACE, PAUSE, UntoldEnds
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.watching import Budget
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.testing.conformance import session_spec


class Folder:
    """Stands for the vfolder: ``records`` are the attempts whose end is written down."""

    def __init__(self) -> None:
        self.records: set[str] = set()
        self.asked: list[str] = []

    @property
    def lister(self) -> Folder:
        """Lists itself."""
        return self

    async def entry(self, folder: str, path: str) -> object | None:
        """Whether the record is there."""
        self.asked.append(path)
        return next((path for attempt in self.records if f"/{attempt}/" in f"/{path}"), None)


class Plenty:
    """A budget that has always something left."""

    def take(self, wanted: float = 1.0, *, keep: float = 0.0) -> bool:
        """Yes."""
        return True


def running(attempt_id: str) -> Session:
    """A session that the cluster says to run."""
    session = Session(session_spec(attempt_id, "exit 0"))
    session.is_asked, session.status = True, Status.RUNNING
    return session


def play(sessions: list[Session], folder: Folder, seconds: int, budget: Any = None) -> list[tuple[int, str]]:
    """Look every second: when whose end was found."""
    found: list[tuple[int, str]] = []
    now = 0

    async def go() -> None:
        nonlocal now
        ends = UntoldEnds(
            cast(Vfolders, folder), lambda session: found.append((now, session.spec.attempt_id)), lambda: float(now)
        )
        for now in range(seconds):  # noqa: B007
            await ends.look(sessions, cast(Budget, budget or Plenty()))

    asyncio.run(go())
    return found


def test_a_record_that_stays_is_the_end() -> None:
    """After the cluster had time to notice by itself; a session without a record goes on."""
    folder = Folder()
    folder.records = {"a-0-1"}
    found = play([running("a-0-1"), running("b-0-1")], folder, 200)
    assert {attempt for _, attempt in found} == {"a-0-1"}
    assert found[0][0] >= PAUSE + GRACE


def test_records_that_cannot_be_looked_at_are_said_to_be_so() -> None:
    """A cluster may take its time to end a session whose storage is away; once it is back that is said no more."""
    session, folder = running("a-0-1"), Folder()

    class Away(Folder):
        async def entry(self, folder: str, path: str) -> object | None:
            raise BackendUnreachable("no storage")

    with pytest.raises(BackendUnreachable):
        play([session], Away(), int(PAUSE) + 2)
    assert session.trouble == "its end cannot be read yet: no storage"
    play([session], folder, int(PAUSE) + 2)
    assert session.trouble == ""


def test_few_questions_are_asked() -> None:
    """One session at a time, each seldom; none where nothing is left of the budget."""
    folder = Folder()
    play([running(f"a-{number}-1") for number in range(10)], folder, 120)
    assert len(folder.asked) <= 10 * 120 / PAUSE

    class Nothing(Plenty):
        def take(self, wanted: float = 1.0, *, keep: float = 0.0) -> bool:
            return False

    empty = Folder()
    play([running("a-0-1")], empty, 120, Nothing())
    assert empty.asked == []


def test_what_was_ended_on_purpose_is_left_to_whoever_ended_it() -> None:
    """And what waits has not ended."""
    session = running("a-0-1")
    assert session.may_have_ended
    session.status = Status.PENDING
    assert not session.may_have_ended
