"""Functions that wait for the writer together share a transaction, and nobody pays for another one's mistake."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.store.sqlite import SqliteStore
from fasttrack_jupyter.store.writer import Session


def _insert(place: str, *, fails: type[Exception] | None = None) -> Any:
    def insert(session: Session) -> str:
        session.con.execute("INSERT INTO contents VALUES (?, '', '', 0, '')", (place,))
        if fails is not None:
            raise fails(place)
        return place

    return insert


async def _together(store: SqliteStore, *functions: Any) -> list[Any]:
    return await asyncio.gather(*(store._writer.call(each) for each in functions), return_exceptions=True)


async def _places(store: SqliteStore) -> set[str]:
    return set(await store.contents([f"{number}" for number in range(100)]))


def test_what_one_raises_undoes_what_it_wrote_alone(tmp_path: Path) -> None:
    """Its neighbours have what they asked for, durably."""

    async def story() -> None:
        store = await SqliteStore.open(tmp_path / "db")
        told = await _together(store, _insert("1"), _insert("2", fails=KeyError), _insert("3"), _insert("1"))
        assert [told[0], told[2]] == ["1", "3"]
        assert isinstance(told[1], KeyError)
        assert isinstance(told[3], FastTrackError)  # there is a 1 already
        assert await _places(store) == {"1", "3"}
        await store.aclose()
        again = await SqliteStore.open(tmp_path / "db")
        assert await _places(again) == {"1", "3"}
        await again.aclose()

    asyncio.run(story())


@pytest.mark.parametrize("count", [1, 99])
def test_they_keep_their_order(tmp_path: Path, count: int) -> None:
    """Each sees what those before it wrote; the version grows with what was written."""

    async def story() -> None:
        store = await SqliteStore.open(tmp_path / "db")
        before = store.version()

        def counted(session: Session) -> int:
            return int(session.con.execute("SELECT count(*) FROM contents").fetchone()[0])

        functions = [each for number in range(count) for each in (_insert(str(number)), counted)]
        told = await _together(store, *functions)
        assert told[1::2] == list(range(1, count + 1))
        assert store.version() > before
        await store.aclose()

    asyncio.run(story())
